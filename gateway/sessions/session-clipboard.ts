import type { ClipboardAction, ClipboardOutput } from '#protocol/channels/cliprdr/clipboard-channel.ts';
import { decodeFileList, type FileDescriptor } from '#protocol/channels/cliprdr/file-list.ts';
import {
  type ClipboardFormat,
  FIRST_REGISTERED_FORMAT,
  FormatName,
  formatNamed,
  StandardFormat,
  textFormatOf,
} from '#protocol/channels/cliprdr/format-list.ts';
import { decodeClipboardText, encodeClipboardText } from '#protocol/channels/cliprdr/text.ts';
import { DecodeError } from '#protocol/core/errors.ts';
import type { InputEvent } from '#protocol/pdu/input.ts';
import {
  type ClipboardNews,
  type ClipboardTerms,
  type FileOffer,
  type FilePart,
  type TransferProgress,
  TunnelLimits,
} from '#protocol/tunnel/messages.ts';
import type { TransferDirection } from '../access/policy-rules.ts';
import { GatewayError } from '../errors.ts';
import { type Download, FileDownloads } from './file-downloads.ts';
import type { FileTransferRecord } from './file-transfer.ts';
import { FileUploads } from './file-uploads.ts';
import type { Notice } from './ports.ts';
import type { ClipboardRefusal, ClipboardTransfer } from './session-evidence.ts';

/** What becomes of text that was looked at. */
export interface ClipboardInspection {
  readonly pass: boolean;
  /** What is done once it has passed, or not. */
  readonly act?: (() => void) | undefined;
}

export type ClipboardDirection = ClipboardTransfer['direction'];

export interface ClipboardParts {
  readonly terms: { readonly clipboard: TransferDirection; readonly files: TransferDirection };
  /** Says something to the desktop's clipboard. */
  act(action: ClipboardAction): void;
  /** Tells the owner's browser. */
  tell(news: ClipboardNews): void;
  notice(notice: Notice): void;
  /** Looks at text before it passes. */
  inspect(text: string, direction: ClipboardDirection): ClipboardInspection;
  record(transfer: ClipboardTransfer): void;
  recordFile(transfer: FileTransferRecord): void;
  /** Whether the session is frozen. */
  frozen(): boolean;
  /** Input that was held back goes on its way. */
  release(events: readonly InputEvent[]): void;
}

/** An answer of the desktop that takes longer does not come. */
const ANSWER_WITHIN_MS = 10_000;
/** So long the keys that paste wait for the desktop to take what is to be pasted. */
const HOLD_MS = 500;
/** Events that wait meanwhile: more than anybody makes in that time. */
const MAX_HELD = 2000;

/**
 * The clipboard of one session, between the owner's browser and the desktop.
 *
 * INVARIANT: what the policy does not allow in a direction is neither asked of the desktop nor given to it. What the
 * browser believes about it does not count.
 */
export class SessionClipboard {
  readonly #parts: ClipboardParts;
  readonly #allowed: Omit<ClipboardTerms, 'available'>;
  readonly #uploads: FileUploads;
  readonly #downloads: FileDownloads;
  #transfers = 0;
  /** What the desktop's clipboard can do; nothing while it is not there. */
  #ready: { readonly files: boolean; readonly locks: boolean } | undefined;
  /** The desktop's clipboard is what the browser offered; `passed` once it was looked at and may be had. */
  #offer: Offer | undefined;
  /** What has come of an offer of the browser; nothing while none is on its way. */
  #parcel: { readonly parts: Uint8Array[]; bytes: number } | undefined;
  /** What the desktop has its files in, while it is asked for them. */
  #filesFormat: number | undefined;
  /** Copied in the desktop while the session was frozen. */
  #missed: readonly ClipboardFormat[] | undefined;
  #answerTimer: NodeJS.Timeout | undefined;
  /** Input that waits for the desktop to take an offer. */
  #held: { readonly events: InputEvent[]; readonly timer: NodeJS.Timeout } | undefined;

  constructor(parts: ClipboardParts) {
    this.#parts = parts;
    const { clipboard, files } = parts.terms;
    this.#allowed = {
      textToDesktop: allows(clipboard, 'to-desktop'),
      textFromDesktop: allows(clipboard, 'from-desktop'),
      filesToDesktop: allows(files, 'to-desktop'),
      filesFromDesktop: allows(files, 'from-desktop'),
    };
    const events = {
      progress: (progress: TransferProgress) => parts.tell({ type: 'file-transfer', ...progress }),
      record: (record: FileTransferRecord) => parts.recordFile(record),
    };
    const nextId = () => ++this.#transfers;
    this.#uploads = new FileUploads({
      ...{ events, nextId },
      ask: (wanted) => parts.tell({ type: 'file-wanted', ...wanted }),
      respond: (streamId, data) => parts.act({ kind: 'respond-file', streamId, data }),
    });
    this.#downloads = new FileDownloads({
      ...{ events, nextId },
      ask: (request) => parts.act({ kind: 'request-file', request }),
      lock: (clipDataId) => parts.act({ kind: 'lock', clipDataId }),
      unlock: (clipDataId) => parts.act({ kind: 'unlock', clipDataId }),
    });
  }

  /** Whether anything may pass at all. */
  get wanted(): boolean {
    return Object.values(this.#allowed).includes(true);
  }

  /** The owner's browser is told where it stands. */
  tellTerms(): void {
    this.#parts.tell({ type: 'clipboard-terms', available: this.#ready !== undefined, ...this.#allowed });
  }

  /** A part of a text that the owner's browser has for the desktop. */
  offered({ more, part }: { readonly more: boolean; readonly part: Uint8Array }): void {
    const parcel = this.#parcel ?? { parts: [], bytes: 0 };
    this.#parcel = more ? parcel : undefined;
    parcel.bytes += part.length;
    if (parcel.bytes > TunnelLimits.clipboardTextBytes) parcel.parts.length = 0;
    else parcel.parts.push(part.slice());
    if (!more) this.#offerText(parcel);
  }

  /** Files that the owner's browser has for the desktop; what is in them, it is asked for as the desktop pastes. */
  filesOffered(offer: FileOffer): void {
    const bytes = offer.files.reduce((sum, { size }) => sum + size, 0);
    const transfer = { direction: 'to-desktop', format: 'files', bytes } as const;
    if (!this.#allowed.filesToDesktop) this.#refuse('policy', transfer);
    else if (this.#parts.frozen()) this.#refuse('frozen', transfer);
    else if (this.#ready?.files !== true) this.#parts.notice(NO_FILES);
    else if (offer.files.length > 0) {
      this.#uploads.offered(offer);
      this.#put({ kind: 'files' });
    }
  }

  /** What the browser has read of a file. */
  fileRead(part: FilePart): void {
    this.#uploads.received(part);
  }

  /** The owner does not want a file to pass any more. */
  cancelFile(id: number): void {
    if (!this.#uploads.cancel(id)) this.#downloads.cancel(id);
  }

  /** Begins to take a file over from the desktop. Throws a `GatewayError`. */
  async download(list: number, index: number): Promise<Download> {
    if (!this.#allowed.filesFromDesktop)
      throw new GatewayError('forbidden', 'the policy allows no files from the desktop');
    if (this.#parts.frozen()) throw new GatewayError('conflict', 'the session is frozen');
    return this.#downloads.open(list, index);
  }

  /** What the desktop's clipboard says. */
  heard(output: ClipboardOutput): void {
    switch (output.kind) {
      case 'clipboard-ready':
        this.#ready = output;
        this.tellTerms();
        if (this.#offer !== undefined) this.#parts.act({ kind: 'offer', formats: FORMATS[this.#offer.kind] });
        return;
      case 'clipboard-offered':
        this.#copied(output.formats);
        return;
      case 'clipboard-taken':
        this.#release();
        return;
      case 'clipboard-wanted':
        this.#wanted(output.formatId);
        return;
      case 'clipboard-data':
        this.#received(output);
        return;
      case 'clipboard-file-wanted':
        if (this.#parts.frozen() || !this.#allowed.filesToDesktop) {
          this.#parts.act({ kind: 'respond-file', streamId: output.request.streamId, data: undefined });
        } else this.#uploads.wanted(output.request);
        return;
      case 'clipboard-file-data':
        this.#downloads.answered(output.streamId, output.data);
        return;
      case 'clipboard-locked':
        this.#uploads.lock(output.clipDataId);
        return;
      case 'clipboard-unlocked':
        this.#uploads.unlock(output.clipDataId);
    }
  }

  /** The connection to the desktop is lost; it may come back. */
  lost(): void {
    this.#ready = undefined;
    clearTimeout(this.#answerTimer);
    this.#stopFiles();
    this.#downloads.withdraw();
    this.#release();
    this.tellTerms();
  }

  /** Nothing passes while the session is frozen; what was typed for it is gone, as all input is. */
  froze(): void {
    this.#stopFiles();
    clearTimeout(this.#held?.timer);
    this.#held = undefined;
  }

  /** What was copied in the desktop meanwhile may pass now. */
  thawed(): void {
    const formats = this.#missed;
    this.#missed = undefined;
    if (formats !== undefined) this.#fetch(formats);
  }

  close(): void {
    this.#stopFiles();
    clearTimeout(this.#answerTimer);
    clearTimeout(this.#held?.timer);
    this.#held = undefined;
    this.#offer = undefined;
  }

  /**
   * Holds input back while the desktop has yet to take what the browser offered: the key that pastes must not come first.
   * @returns whether it is held
   */
  holds(events: readonly InputEvent[]): boolean {
    const held = this.#held;
    if (held === undefined) return false;
    held.events.push(...events);
    if (held.events.length > MAX_HELD) this.#release();
    return true;
  }

  #offerText({ parts, bytes }: { readonly parts: readonly Uint8Array[]; readonly bytes: number }): void {
    const direction = 'to-desktop';
    if (!this.#allowed.textToDesktop) {
      this.#refuse('policy', { direction, format: 'text', bytes });
    } else if (bytes > TunnelLimits.clipboardTextBytes) {
      this.#refuse('size', { direction, format: 'text', bytes });
    } else if (this.#parts.frozen()) {
      this.#refuse('frozen', { direction, format: 'text', bytes });
    } else {
      const text = new TextDecoder().decode(Buffer.concat(parts));
      if (text === '') return;
      this.#uploads.withdraw();
      this.#put({ kind: 'text', text, passed: false });
    }
  }

  /** Puts something of the browser's into the desktop's clipboard; what is typed meanwhile waits. */
  #put(offer: Offer): void {
    this.#offer = offer;
    if (this.#ready === undefined) return;
    this.#release();
    this.#held = { events: [], timer: setTimeout(() => this.#release(), HOLD_MS) };
    this.#held.timer.unref();
    this.#parts.act({ kind: 'offer', formats: FORMATS[offer.kind] });
  }

  #stopFiles(): void {
    this.#uploads.stop();
    this.#downloads.stop();
  }

  #release(): void {
    const held = this.#held;
    if (held === undefined) return;
    clearTimeout(held.timer);
    this.#held = undefined;
    if (held.events.length > 0) this.#parts.release(held.events);
  }

  /** The desktop wants to paste what the browser offered: now it passes, and is written down. */
  #wanted(formatId: number): void {
    const offer = this.#parts.frozen() ? undefined : this.#offer;
    if (offer?.kind !== 'text' || formatId !== StandardFormat.unicodeText) {
      const files = offer?.kind === 'files' && formatId === FILES_FORMAT ? this.#uploads.fileList : undefined;
      this.#parts.act({ kind: 'respond', data: files });
      return;
    }
    const { text } = offer;
    const transfer = { direction: 'to-desktop', format: 'text', bytes: Buffer.byteLength(text), text } as const;
    const { pass, act } = offer.passed ? { pass: true } : this.#parts.inspect(text, 'to-desktop');
    if (pass) {
      this.#parts.act({ kind: 'respond', data: encodeClipboardText(text) });
      if (!offer.passed) this.#parts.record(transfer);
      offer.passed = true;
    } else {
      this.#offer = undefined;
      this.#parts.act({ kind: 'respond', data: undefined });
      this.#refuse('rule', transfer);
    }
    act?.();
  }

  #copied(formats: readonly ClipboardFormat[]): void {
    // An empty clipboard: somebody there cleared it, or nobody has copied anything yet.
    if (formats.length === 0) return;
    this.#offer = undefined;
    this.#uploads.withdraw();
    this.#downloads.withdraw();
    const text = textFormatOf(formats) !== undefined;
    const files = formatNamed(formats, FormatName.files) !== undefined;
    this.#parts.tell({ type: 'clipboard-copied', text, files, other: !text && !files });
    if (this.#parts.frozen()) this.#missed = formats;
    else this.#fetch(formats);
  }

  /** Files before text: file managers offer their names as text, too. */
  #fetch(formats: readonly ClipboardFormat[]): void {
    const files = this.#ready?.files === true ? formatNamed(formats, FormatName.files) : undefined;
    this.#filesFormat = this.#allowed.filesFromDesktop ? files : undefined;
    const formatId = this.#filesFormat ?? (this.#allowed.textFromDesktop ? textFormatOf(formats) : undefined);
    if (formatId === undefined) return;
    clearTimeout(this.#answerTimer);
    this.#answerTimer = setTimeout(() => this.#parts.act({ kind: 'give-up' }), ANSWER_WITHIN_MS);
    this.#answerTimer.unref();
    this.#parts.act({ kind: 'request', formatId });
  }

  #received({ formatId, data, tooLarge }: Extract<ClipboardOutput, { kind: 'clipboard-data' }>): void {
    clearTimeout(this.#answerTimer);
    const direction = 'from-desktop';
    if (formatId === this.#filesFormat) {
      this.#filesFormat = undefined;
      if (tooLarge) this.#parts.notice(TOO_MANY_FILES);
      else if (data !== undefined) this.#receivedFiles(formatId, data);
      return;
    }
    if (!this.#allowed.textFromDesktop) return;
    if (tooLarge) this.#refuse('size', { direction, format: 'text', bytes: TunnelLimits.clipboardTextBytes });
    if (data === undefined) return;
    const text = decodeClipboardText(formatId, data);
    const transfer = { direction, format: 'text', bytes: Buffer.byteLength(text), text } as const;
    if (text === '') return;
    if (transfer.bytes > TunnelLimits.clipboardTextBytes) {
      this.#refuse('size', transfer);
    } else if (this.#parts.frozen()) {
      this.#missed = [{ id: formatId, name: '' }];
    } else {
      const { pass, act } = this.#parts.inspect(text, direction);
      if (pass) {
        this.#parts.tell({ type: 'clipboard-text', text });
        this.#parts.record(transfer);
      } else this.#refuse('rule', transfer);
      act?.();
    }
  }

  #receivedFiles(formatId: number, data: Uint8Array): void {
    if (this.#parts.frozen()) {
      this.#missed = [{ id: formatId, name: FormatName.files }];
      return;
    }
    const files = readFiles(data);
    if (files === undefined) {
      this.#parts.notice(UNREADABLE_FILES);
      return;
    }
    const offer = this.#downloads.offered(files, this.#ready?.locks === true);
    this.#parts.tell({ type: 'clipboard-files', ...offer });
  }

  #refuse(refused: ClipboardRefusal, transfer: ClipboardTransfer): void {
    this.#parts.record({ ...transfer, refused });
    this.#parts.notice({ code: 'clipboard_refused', message: refusalWords(refused, transfer) });
  }
}

type Offer = { readonly kind: 'text'; readonly text: string; passed: boolean } | { readonly kind: 'files' };

/** Numbers of our own: see `FIRST_REGISTERED_FORMAT`. */
const FILES_FORMAT = FIRST_REGISTERED_FORMAT;

/** What the desktop is offered. */
const FORMATS: Readonly<Record<'text' | 'files', readonly ClipboardFormat[]>> = {
  text: [{ id: StandardFormat.unicodeText, name: '' }],
  files: [{ id: FILES_FORMAT, name: FormatName.files }],
};

/** Any program of the desktop puts into its clipboard what it likes: that is no reason to end the session. */
function readFiles(data: Uint8Array): FileDescriptor[] | undefined {
  try {
    return decodeFileList(data);
  } catch (error) {
    if (error instanceof DecodeError) return undefined;
    throw error;
  }
}

const TOO_MANY_FILES: Notice = {
  code: 'clipboard_refused',
  message: 'Too many files were copied in the desktop at once: they cannot be taken over from there.',
};
const UNREADABLE_FILES: Notice = {
  code: 'clipboard_refused',
  message: 'What was copied in the desktop is no list of files that can be read.',
};
const NO_FILES: Notice = { code: 'clipboard_refused', message: 'This desktop takes no files through its clipboard.' };

/** The policy's words are the browser's view, the event log's the desktop's. */
export function allows(rule: TransferDirection, direction: ClipboardDirection): boolean {
  return rule === 'both' || rule === (direction === 'to-desktop' ? 'to-remote' : 'from-remote');
}

function refusalWords(refused: ClipboardRefusal, { direction, format }: ClipboardTransfer): string {
  const whither = direction === 'to-desktop' ? 'to the desktop' : 'from the desktop';
  const what = format === 'files' ? 'Files' : 'Text';
  switch (refused) {
    case 'policy':
      return `Copying ${format === 'files' ? 'files ' : ''}${whither} is not allowed here.`;
    case 'size':
      return `The text was not copied ${whither}: it is larger than ${TunnelLimits.clipboardTextBytes / 1024 / 1024} MB.`;
    case 'frozen':
      return `${what} cannot be copied ${whither} while keyboard and mouse are held back.`;
    case 'rule':
      return `The text was not copied ${whither}: a rule of this gateway forbids it.`;
  }
}
