import type { ClipboardFormat, FormatNames } from './format-list.ts';
import {
  type ClipboardCapabilities,
  ClipboardFlags,
  type ClipboardPdu,
  decodeClipboardPdu,
  encodeClipboardPdu,
  type FileContentsRequest,
  type SentClipboardPdu,
} from './pdu.ts';

/** What the peer says and does. Byte arrays are only good until the next call of any method. */
export type ClipboardOutput =
  /** The peer takes part now, or anew: from here on, what we offer reaches it. */
  | { readonly kind: 'clipboard-ready'; readonly files: boolean; readonly locks: boolean; readonly hugeFiles: boolean }
  /** The peer's clipboard holds something new, in these formats; nothing where there is none. */
  | { readonly kind: 'clipboard-offered'; readonly formats: readonly ClipboardFormat[] }
  /** Our offer was taken, or refused. */
  | { readonly kind: 'clipboard-taken'; readonly ok: boolean }
  /** The peer wants what we offered; answer with `respond`. */
  | { readonly kind: 'clipboard-wanted'; readonly formatId: number }
  /** The answer to `request`; no data where the peer cannot give it, or where it is more than we take. */
  | {
      readonly kind: 'clipboard-data';
      readonly formatId: number;
      readonly data: Uint8Array | undefined;
      readonly tooLarge: boolean;
    }
  /** The peer wants a size or a part of a file that we offered; answer with `respond-file`. */
  | { readonly kind: 'clipboard-file-wanted'; readonly request: FileContentsRequest }
  /** The answer to `request-file`; no data where the peer cannot give it. */
  | { readonly kind: 'clipboard-file-data'; readonly streamId: number; readonly data: Uint8Array | undefined }
  /** The peer wants the files of our offer kept for it, or no longer. */
  | { readonly kind: 'clipboard-locked' | 'clipboard-unlocked'; readonly clipDataId: number };

/** What is to be said to the peer. */
export type ClipboardAction =
  /** Our clipboard holds something new, in these formats; nothing where there is none. Kept until the peer is ready. */
  | { readonly kind: 'offer'; readonly formats: readonly ClipboardFormat[] }
  /** Asks for what the peer offered. One at a time: a second request takes the place of one that waits. */
  | { readonly kind: 'request'; readonly formatId: number }
  /** An answer is not coming: the next request is not to wait for it. */
  | { readonly kind: 'give-up' }
  | { readonly kind: 'respond'; readonly data: Uint8Array | undefined }
  | { readonly kind: 'request-file'; readonly request: FileContentsRequest }
  | { readonly kind: 'respond-file'; readonly streamId: number; readonly data: Uint8Array | undefined }
  | { readonly kind: 'lock' | 'unlock'; readonly clipDataId: number };

/** Where outputs go: a list of these, or of more kinds than these. */
export interface ClipboardSink {
  push(...outputs: ClipboardOutput[]): unknown;
}

/** All that we can do. */
const OUR_FLAGS =
  ClipboardFlags.useLongFormatNames |
  ClipboardFlags.streamFileClipEnabled |
  ClipboardFlags.fileClipNoFilePaths |
  ClipboardFlags.canLockClipData |
  ClipboardFlags.hugeFileSupportEnabled;
/** CB_CAPS_VERSION_2. */
const VERSION = 2;

/**
 * One end of the clipboard channel, [MS-RDPECLIP] 3: begins, keeps both ends' messages in the order that they want, and
 * passes offers, requests and data on. What is offered and who may have it, others decide.
 */
export class ClipboardChannel {
  readonly #role: 'client' | 'server';
  /** What the peer can do, and we too; once it has said so. */
  #agreed: ClipboardCapabilities = { version: 1, generalFlags: 0 };
  #peerSpoke = false;
  #ready = false;
  #offer: readonly ClipboardFormat[] = [];
  /** Whether the peer has refused the offer: then it gets nothing of it, 3.1.5.2.4. */
  #refused = false;
  /** Whether the peer has answered a list of ours at all; whether it has yet to answer the last, and what it offered meanwhile. */
  #answers = false;
  #unanswered = false;
  #crossed: readonly ClipboardFormat[] | undefined;
  /** The request that is under way, `stale` where its offer is gone; and the one that waits for its answer. */
  #requested: { readonly formatId: number; stale: boolean } | undefined;
  #waiting: number | undefined;

  constructor(role: 'client' | 'server') {
    this.#role = role;
  }

  /** The server's first messages, [MS-RDPECLIP] 3.3.5.1; the client waits for them. */
  start(): Uint8Array[] {
    if (this.#role === 'client') return [];
    this.#reset();
    return this.#encode({ kind: 'capabilities', capabilities: ours(OUR_FLAGS) }, { kind: 'monitor-ready' });
  }

  /**
   * Takes one message of the peer.
   *
   * @returns messages to answer with
   * @throws DecodeError
   */
  process(message: Uint8Array, out: ClipboardSink): Uint8Array[] {
    const pdu = decodeClipboardPdu(message, this.#names);
    switch (pdu.kind) {
      case 'capabilities':
        this.#peerSpoke = true;
        this.#agreed = ours(pdu.capabilities.generalFlags & OUR_FLAGS);
        return [];
      case 'monitor-ready':
        return this.#role === 'client' ? this.#begin(out) : [];
      case 'format-list':
        return this.#offered(pdu.formats, out);
      case 'format-list-response':
        this.#listAnswered(pdu.ok, out);
        return [];
      case 'format-data-request':
        return this.#wanted(pdu.formatId, out);
      case 'format-data-response':
        return this.#answered(pdu, out);
      case 'file-contents-request':
        if (this.#refused) {
          return this.#encode({ kind: 'file-contents-response', streamId: pdu.request.streamId, data: undefined });
        }
        out.push({ kind: 'clipboard-file-wanted', request: pdu.request });
        return [];
      case 'file-contents-response':
        out.push({ kind: 'clipboard-file-data', streamId: pdu.streamId, data: pdu.data });
        return [];
      case 'lock':
        out.push({ kind: 'clipboard-locked', clipDataId: pdu.clipDataId });
        return [];
      case 'unlock':
        out.push({ kind: 'clipboard-unlocked', clipDataId: pdu.clipDataId });
        return [];
      case 'temp-directory':
      case 'unknown':
        return []; // files are streamed; what is not expected is ignored, 3.1.5.1
    }
  }

  /** @returns messages for the peer; none where it cannot take them, or not yet */
  act(action: ClipboardAction): Uint8Array[] {
    switch (action.kind) {
      case 'offer':
        this.#offer = action.formats;
        // What waits would be asked of a clipboard that holds our offer by then.
        this.#waiting = undefined;
        return this.#ready ? this.#sendOffer() : [];
      case 'request':
        if (!this.#ready) return [];
        if (this.#requested === undefined) return this.#request(action.formatId);
        this.#waiting = action.formatId;
        return [];
      case 'give-up':
        return this.#nextRequest();
      case 'respond':
        return this.#encode({ kind: 'format-data-response', data: action.data });
      case 'request-file':
        return this.#encode({ kind: 'file-contents-request', request: action.request });
      case 'respond-file':
        return this.#encode({ kind: 'file-contents-response', streamId: action.streamId, data: action.data });
      case 'lock':
      case 'unlock':
        return this.#can(ClipboardFlags.canLockClipData) ? this.#encode(action) : [];
    }
  }

  get #names(): FormatNames {
    return this.#can(ClipboardFlags.useLongFormatNames) ? 'long' : 'short';
  }

  #can(flag: number): boolean {
    return (this.#agreed.generalFlags & flag) !== 0;
  }

  #reset(): void {
    this.#ready = false;
    this.#refused = false;
    this.#answers = false;
    this.#unanswered = false;
    this.#crossed = undefined;
    this.#requested = undefined;
    this.#waiting = undefined;
  }

  /** [MS-RDPECLIP] 3.2.5.1.2: our capabilities to a server that has told its own, and what our clipboard holds. */
  #begin(out: ClipboardSink): Uint8Array[] {
    this.#reset();
    const told = this.#peerSpoke ? [{ kind: 'capabilities', capabilities: this.#agreed } as const] : [];
    const messages = [...this.#encode(...told), ...this.#sendOffer()];
    this.#setReady(out);
    return messages;
  }

  #sendOffer(): Uint8Array[] {
    this.#refused = false;
    this.#crossed = undefined;
    this.#unanswered = this.#offer.length > 0;
    return this.#encode({ kind: 'format-list', formats: this.#offer });
  }

  #listAnswered(ok: boolean, out: ClipboardSink): void {
    this.#answers = true;
    this.#unanswered = false;
    this.#refused = !ok;
    out.push({ kind: 'clipboard-taken', ok });
    const crossed = this.#crossed;
    this.#crossed = undefined;
    if (crossed !== undefined && !ok) this.#peerHas(crossed, out);
  }

  #setReady(out: ClipboardSink): void {
    this.#ready = true;
    out.push({
      kind: 'clipboard-ready',
      files: this.#can(ClipboardFlags.streamFileClipEnabled),
      locks: this.#can(ClipboardFlags.canLockClipData),
      hugeFiles: this.#can(ClipboardFlags.hugeFileSupportEnabled),
    });
  }

  #offered(formats: readonly ClipboardFormat[], out: ClipboardSink): Uint8Array[] {
    const messages = this.#encode({ kind: 'format-list-response', ok: true });
    if (!this.#ready && this.#role === 'server') {
      // The client's first list ends the beginning: what was offered meanwhile follows.
      this.#setReady(out);
      if (this.#offer.length > 0) messages.push(...this.#sendOffer());
    }
    // Two lists have crossed. A server takes ours after it has sent its own, and its clipboard holds ours then; if it takes it.
    if (this.#role === 'client' && this.#answers && this.#unanswered) this.#crossed = formats;
    else this.#peerHas(formats, out);
    return messages;
  }

  #peerHas(formats: readonly ClipboardFormat[], out: ClipboardSink): void {
    // What was asked, was asked of what is gone.
    this.#waiting = undefined;
    if (this.#requested !== undefined) this.#requested.stale = true;
    out.push({ kind: 'clipboard-offered', formats });
  }

  #wanted(formatId: number, out: ClipboardSink): Uint8Array[] {
    if (this.#refused || !this.#offer.some(({ id }) => id === formatId)) {
      return this.#encode({ kind: 'format-data-response', data: undefined });
    }
    out.push({ kind: 'clipboard-wanted', formatId });
    return [];
  }

  #answered(pdu: Extract<ClipboardPdu, { kind: 'format-data-response' }>, out: ClipboardSink): Uint8Array[] {
    const requested = this.#requested;
    if (requested === undefined) return [];
    const { formatId, stale } = requested;
    if (!stale) out.push({ kind: 'clipboard-data', formatId, data: pdu.data, tooLarge: pdu.tooLarge === true });
    return this.#nextRequest();
  }

  #nextRequest(): Uint8Array[] {
    const next = this.#waiting;
    this.#requested = undefined;
    this.#waiting = undefined;
    return next === undefined ? [] : this.#request(next);
  }

  #request(formatId: number): Uint8Array[] {
    this.#requested = { formatId, stale: false };
    return this.#encode({ kind: 'format-data-request', formatId });
  }

  #encode(...pdus: SentClipboardPdu[]): Uint8Array[] {
    return pdus.map((pdu) => encodeClipboardPdu(pdu, this.#names));
  }
}

function ours(generalFlags: number): ClipboardCapabilities {
  return { version: VERSION, generalFlags };
}
