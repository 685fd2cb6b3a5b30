import type { ClipboardAction, ClipboardOutput } from '#protocol/channels/cliprdr/clipboard-channel.ts';
import { decodeFileList, encodeFileList, type FileDescriptor } from '#protocol/channels/cliprdr/file-list.ts';
import {
  type ClipboardFormat,
  FIRST_REGISTERED_FORMAT,
  FormatName,
  formatNamed,
  StandardFormat,
  textFormatOf,
} from '#protocol/channels/cliprdr/format-list.ts';
import { encodeFileSize, type FileContentsRequest } from '#protocol/channels/cliprdr/pdu.ts';
import { decodeClipboardText, encodeClipboardText } from '#protocol/channels/cliprdr/text.ts';
import { encodeUtf8 } from '#protocol/core/text.ts';

/** What was copied in the desktop: text, or a file that holds it. */
interface Copied {
  readonly text: string;
  readonly file: boolean;
}

/** Files that are pasted, one after the other. */
interface Pasting {
  readonly files: readonly FileDescriptor[];
  index: number;
  position: number;
  shown: string;
}

const FILES_FORMAT = FIRST_REGISTERED_FORMAT;
const FILE_NAME = 'notes.txt';
const PART_BYTES = 64 * 1024;
/** What the notes take of a file; the rest is read all the same. */
const SHOWN_BYTES = 200;

/**
 * The clipboard of one demo desktop: what was copied in it, or what the client offers. Files are pasted as text. What is being pasted
 * is pasted to its end, whatever is copied meanwhile.
 */
export class DemoClipboard {
  readonly #act: (action: ClipboardAction) => void;
  readonly #insert: (text: string) => void;
  /** Nothing once the client has offered something. */
  #copied: Copied | undefined;
  #offered: readonly ClipboardFormat[] = [];
  /** What files were asked for in: what is offered by the time they come need not be them. */
  #filesFormat: number | undefined;
  #pasting: Pasting | undefined;
  /** Whether the client keeps files for who pastes them, and the list that it keeps: copying does not take that away. */
  #canLock = false;
  #locked: number | undefined;
  #locks = 0;
  #streamId = 0;

  /**
   * @param act says something to the client
   * @param insert types what is pasted
   */
  constructor(act: (action: ClipboardAction) => void, insert: (text: string) => void) {
    this.#act = act;
    this.#insert = insert;
  }

  copy(text: string, file = false): void {
    this.#copied = { text, file };
    this.#offered = [];
    this.#act({
      kind: 'offer',
      formats: file ? [{ id: FILES_FORMAT, name: FormatName.files }] : [{ id: StandardFormat.unicodeText, name: '' }],
    });
  }

  paste(): void {
    if (this.#copied !== undefined) {
      this.#insert(this.#copied.text);
      return;
    }
    const files = formatNamed(this.#offered, FormatName.files);
    const formatId = files ?? textFormatOf(this.#offered);
    if (formatId === undefined) return;
    this.#filesFormat = files;
    if (files !== undefined) this.#lock();
    this.#act({ kind: 'request', formatId });
  }

  heard(output: ClipboardOutput): void {
    switch (output.kind) {
      case 'clipboard-ready':
        this.#canLock = output.locks;
        return;
      case 'clipboard-offered':
        if (output.formats.length === 0) return;
        this.#copied = undefined;
        this.#offered = output.formats;
        return;
      case 'clipboard-wanted':
        this.#act({ kind: 'respond', data: this.#data(output.formatId) });
        return;
      case 'clipboard-data':
        if (output.data === undefined) return;
        if (output.formatId === this.#filesFormat) this.#begin(decodeFileList(output.data));
        else this.#insert(decodeClipboardText(output.formatId, output.data));
        return;
      case 'clipboard-file-wanted':
        this.#act({ kind: 'respond-file', streamId: output.request.streamId, data: this.#part(output.request) });
        return;
      case 'clipboard-file-data':
        if (output.streamId === this.#streamId) this.#received(output.data);
    }
  }

  #data(formatId: number): Uint8Array | undefined {
    if (this.#copied === undefined) return undefined;
    const { text, file } = this.#copied;
    if (!file) return formatId === StandardFormat.unicodeText ? encodeClipboardText(text) : undefined;
    return encodeFileList([{ name: FILE_NAME, size: BigInt(encodeUtf8(text).length), showProgress: false }]);
  }

  #part({ index, operation, position, length }: FileContentsRequest): Uint8Array | undefined {
    if (index !== 0 || this.#copied?.file !== true) return undefined;
    const bytes = encodeUtf8(this.#copied.text);
    const from = Number(position);
    return operation === 'size' ? encodeFileSize(BigInt(bytes.length)) : bytes.subarray(from, from + length);
  }

  #lock(): void {
    this.#unlock();
    if (!this.#canLock) return;
    this.#locked = ++this.#locks;
    this.#act({ kind: 'lock', clipDataId: this.#locked });
  }

  #unlock(): void {
    const clipDataId = this.#locked;
    this.#locked = undefined;
    if (clipDataId !== undefined) this.#act({ kind: 'unlock', clipDataId });
  }

  #begin(files: readonly FileDescriptor[]): void {
    this.#pasting = { files, index: 0, position: 0, shown: '' };
    this.#askForMore();
  }

  #askForMore(): void {
    const pasting = this.#pasting;
    const file = pasting?.files[pasting.index];
    if (pasting === undefined || file === undefined) {
      this.#pasting = undefined;
      this.#unlock();
      return;
    }
    if (BigInt(pasting.position) >= (file.size ?? 0n)) {
      this.#insert(`${file.name} (${pasting.position} bytes): ${pasting.shown}\n`);
      this.#pasting = { files: pasting.files, index: pasting.index + 1, position: 0, shown: '' };
      this.#askForMore();
      return;
    }
    const request: FileContentsRequest = {
      ...{ streamId: ++this.#streamId, index: pasting.index, operation: 'range' },
      ...{ position: BigInt(pasting.position), length: PART_BYTES },
      ...(this.#locked !== undefined && { clipDataId: this.#locked }),
    };
    this.#act({ kind: 'request-file', request });
  }

  #received(data: Uint8Array | undefined): void {
    const pasting = this.#pasting;
    if (pasting === undefined) return;
    if (data === undefined || data.length === 0) {
      this.#pasting = undefined;
      this.#unlock();
      this.#insert('The file was cut short.\n');
      return;
    }
    if (pasting.position === 0) pasting.shown = new TextDecoder().decode(data.subarray(0, SHOWN_BYTES));
    pasting.position += data.length;
    this.#askForMore();
  }
}
