/** The messages of the clipboard channel, [MS-RDPECLIP] 2.2. What they carry is decoded elsewhere: see `file-list.ts`, `text.ts`. */
import { ReadCursor, WriteCursor } from '../../core/cursor.ts';
import { DecodeError } from '../../core/errors.ts';
import { readFixedUtf16, writeFixedUtf16 } from '../../pdu/fixed-text.ts';
import {
  type ClipboardFormat,
  decodeFormatList,
  encodeFormatList,
  type FormatNames,
  sizeOfFormatList,
} from './format-list.ts';

/** Name of the static virtual channel. */
export const CLIPBOARD_CHANNEL = 'cliprdr';

/**
 * Most bytes of one message that are kept. What is larger is no break of the protocol, since a desktop may copy what it
 * likes: its data counts as refused (`tooLarge`).
 */
export const MAX_CLIPBOARD_MESSAGE = 8 * 1024 * 1024;

/** [MS-RDPECLIP] 2.2.2.1.1.1 CLIPRDR_GENERAL_CAPABILITY, `generalFlags`. */
export const ClipboardFlags = {
  useLongFormatNames: 0x02,
  streamFileClipEnabled: 0x04,
  fileClipNoFilePaths: 0x08,
  canLockClipData: 0x10,
  hugeFileSupportEnabled: 0x20,
} as const;

/** @pdu [MS-RDPECLIP] 2.2.2.1 CLIPRDR_CAPS */
export interface ClipboardCapabilities {
  /** 1 or 2, and of no consequence. */
  readonly version: number;
  /** Of `ClipboardFlags`; none where the message has no general capability set. */
  readonly generalFlags: number;
}

/** @pdu [MS-RDPECLIP] 2.2.5.3 CLIPRDR_FILECONTENTS_REQUEST */
export interface FileContentsRequest {
  /** The response has the same. */
  readonly streamId: number;
  /** Position in the file list, from 0. Programs ask for what is not there, also for -1: that is refused, and no break of the protocol. */
  readonly index: number;
  /** How large the file is, or a part of what it holds. */
  readonly operation: 'size' | 'range';
  /** Offset into the file. */
  readonly position: bigint;
  /** Most bytes that the response may have. */
  readonly length: number;
  /** A file list that was locked before. */
  readonly clipDataId?: number;
}

export type ClipboardPdu =
  | { readonly kind: 'capabilities'; readonly capabilities: ClipboardCapabilities }
  /** @pdu [MS-RDPECLIP] 2.2.2.2 CLIPRDR_MONITOR_READY */
  | { readonly kind: 'monitor-ready' }
  /** @pdu [MS-RDPECLIP] 2.2.2.3 CLIPRDR_TEMP_DIRECTORY */
  | { readonly kind: 'temp-directory'; readonly path: string }
  /** @pdu [MS-RDPECLIP] 2.2.3.1 CLIPRDR_FORMAT_LIST */
  | { readonly kind: 'format-list'; readonly formats: readonly ClipboardFormat[] }
  /** @pdu [MS-RDPECLIP] 2.2.3.2 FORMAT_LIST_RESPONSE */
  | { readonly kind: 'format-list-response'; readonly ok: boolean }
  /** @pdu [MS-RDPECLIP] 2.2.4.1 CLIPRDR_LOCK_CLIPDATA */
  | { readonly kind: 'lock'; readonly clipDataId: number }
  /** @pdu [MS-RDPECLIP] 2.2.4.2 CLIPRDR_UNLOCK_CLIPDATA */
  | { readonly kind: 'unlock'; readonly clipDataId: number }
  /** @pdu [MS-RDPECLIP] 2.2.5.1 CLIPRDR_FORMAT_DATA_REQUEST */
  | { readonly kind: 'format-data-request'; readonly formatId: number }
  /** @pdu [MS-RDPECLIP] 2.2.5.2 CLIPRDR_FORMAT_DATA_RESPONSE; no data: the request failed. */
  | { readonly kind: 'format-data-response'; readonly data: Uint8Array | undefined; readonly tooLarge?: boolean }
  | { readonly kind: 'file-contents-request'; readonly request: FileContentsRequest }
  /** @pdu [MS-RDPECLIP] 2.2.5.4 CLIPRDR_FILECONTENTS_RESPONSE; no data: the request failed. */
  | { readonly kind: 'file-contents-response'; readonly streamId: number; readonly data: Uint8Array | undefined }
  | { readonly kind: 'unknown'; readonly type: number };

export type SentClipboardPdu = Exclude<ClipboardPdu, { kind: 'unknown' }>;

/**
 * Decodes one message of the channel. Byte arrays in it are views. What follows the length that the header tells is
 * left alone: Windows up to Server 2012 R2 adds four bytes ([MS-RDPECLIP] 2.2.1, note 1).
 *
 * @param message whole, or the first `MAX_CLIPBOARD_MESSAGE` bytes of it
 * @param names how a format list names its formats: agreed on with the capabilities
 * @throws DecodeError
 */
export function decodeClipboardPdu(message: Uint8Array, names: FormatNames): ClipboardPdu {
  const cursor = new ReadCursor(message, 'CLIPRDR_HEADER');
  const type = cursor.u16('msgType');
  const flags = cursor.u16('msgFlags');
  const length = cursor.u32('dataLen');
  if (length > cursor.remaining && message.length >= MAX_CLIPBOARD_MESSAGE && type === MessageType.formatDataResponse) {
    return { kind: 'format-data-response', data: undefined, tooLarge: true };
  }
  const body = cursor.sub(length, 'dataLen', CONTEXTS.get(type) ?? 'CLIPRDR_HEADER');
  switch (type) {
    case MessageType.monitorReady:
      return { kind: 'monitor-ready' };
    case MessageType.formatList: {
      const ascii = (flags & MessageFlags.asciiNames) !== 0;
      return { kind: 'format-list', formats: decodeFormatList(body, names === 'short' && ascii ? 'ascii' : names) };
    }
    case MessageType.formatListResponse:
      return { kind: 'format-list-response', ok: succeeded(flags) };
    case MessageType.formatDataRequest:
      return { kind: 'format-data-request', formatId: body.u32('requestedFormatId') };
    case MessageType.formatDataResponse:
      return { kind: 'format-data-response', data: succeeded(flags) ? body.rest() : undefined };
    case MessageType.tempDirectory:
      return { kind: 'temp-directory', path: readFixedUtf16(body, TEMP_DIRECTORY_SIZE, 'wszTempDir') };
    case MessageType.capabilities:
      return { kind: 'capabilities', capabilities: decodeCapabilities(body) };
    case MessageType.fileContentsRequest:
      return { kind: 'file-contents-request', request: decodeFileContentsRequest(body) };
    case MessageType.fileContentsResponse: {
      const streamId = body.u32('streamId');
      return { kind: 'file-contents-response', streamId, data: succeeded(flags) ? body.rest() : undefined };
    }
    case MessageType.lock:
      return { kind: 'lock', clipDataId: body.u32('clipDataId') };
    case MessageType.unlock:
      return { kind: 'unlock', clipDataId: body.u32('clipDataId') };
    default:
      return { kind: 'unknown', type };
  }
}

/** Bytes of a message, with its header. */
export function sizeOfClipboardPdu(pdu: SentClipboardPdu, names: FormatNames): number {
  return HEADER_SIZE + sizeOfBody(pdu, names);
}

export function encodeClipboardPdu(pdu: SentClipboardPdu, names: FormatNames): Uint8Array<ArrayBuffer> {
  const size = sizeOfBody(pdu, names);
  const cursor = new WriteCursor(HEADER_SIZE + size);
  cursor.u16(MESSAGE_TYPES[pdu.kind]);
  cursor.u16(flagsOf(pdu, names));
  cursor.u32(size);
  encodeBody(pdu, names, cursor);
  return cursor.finish();
}

/** [MS-RDPECLIP] 2.2.1 CLIPRDR_HEADER, `msgType`. */
const MessageType = {
  monitorReady: 1,
  formatList: 2,
  formatListResponse: 3,
  formatDataRequest: 4,
  formatDataResponse: 5,
  tempDirectory: 6,
  capabilities: 7,
  fileContentsRequest: 8,
  fileContentsResponse: 9,
  lock: 10,
  unlock: 11,
} as const;

const MESSAGE_TYPES: Readonly<Record<SentClipboardPdu['kind'], number>> = {
  'monitor-ready': MessageType.monitorReady,
  'format-list': MessageType.formatList,
  'format-list-response': MessageType.formatListResponse,
  'format-data-request': MessageType.formatDataRequest,
  'format-data-response': MessageType.formatDataResponse,
  'temp-directory': MessageType.tempDirectory,
  capabilities: MessageType.capabilities,
  'file-contents-request': MessageType.fileContentsRequest,
  'file-contents-response': MessageType.fileContentsResponse,
  lock: MessageType.lock,
  unlock: MessageType.unlock,
};

/** [MS-RDPECLIP] 2.2.1 CLIPRDR_HEADER, `msgFlags`. */
const MessageFlags = { responseOk: 1, responseFail: 2, asciiNames: 4 } as const;

const CONTEXTS = new Map<number, string>([
  [MessageType.monitorReady, 'CLIPRDR_MONITOR_READY'],
  [MessageType.formatList, 'CLIPRDR_FORMAT_LIST'],
  [MessageType.formatListResponse, 'FORMAT_LIST_RESPONSE'],
  [MessageType.formatDataRequest, 'CLIPRDR_FORMAT_DATA_REQUEST'],
  [MessageType.formatDataResponse, 'CLIPRDR_FORMAT_DATA_RESPONSE'],
  [MessageType.tempDirectory, 'CLIPRDR_TEMP_DIRECTORY'],
  [MessageType.capabilities, 'CLIPRDR_CAPS'],
  [MessageType.fileContentsRequest, 'CLIPRDR_FILECONTENTS_REQUEST'],
  [MessageType.fileContentsResponse, 'CLIPRDR_FILECONTENTS_RESPONSE'],
  [MessageType.lock, 'CLIPRDR_LOCK_CLIPDATA'],
  [MessageType.unlock, 'CLIPRDR_UNLOCK_CLIPDATA'],
]);

/** msgType, msgFlags, dataLen. */
const HEADER_SIZE = 2 + 2 + 4;
/** 260 UTF-16 units. */
const TEMP_DIRECTORY_SIZE = 520;
/** capabilitySetType, lengthCapability. */
const CAPABILITY_HEADER_SIZE = 2 + 2;
const CAPABILITY_GENERAL = 1;
/** [MS-RDPECLIP] 2.2.5.3, `dwFlags`. */
const FileOperation = { size: 1, range: 2 } as const;
/** A size is a number of so many bytes. */
const FILE_SIZE_LENGTH = 8;

function succeeded(flags: number): boolean {
  return (flags & MessageFlags.responseOk) !== 0 && (flags & MessageFlags.responseFail) === 0;
}

function flagsOf(pdu: SentClipboardPdu, names: FormatNames): number {
  switch (pdu.kind) {
    case 'format-list':
      return names === 'ascii' ? MessageFlags.asciiNames : 0;
    case 'format-list-response':
      return pdu.ok ? MessageFlags.responseOk : MessageFlags.responseFail;
    case 'format-data-response':
    case 'file-contents-response':
      return pdu.data === undefined ? MessageFlags.responseFail : MessageFlags.responseOk;
    default:
      return 0;
  }
}

function sizeOfBody(pdu: SentClipboardPdu, names: FormatNames): number {
  switch (pdu.kind) {
    case 'monitor-ready':
    case 'format-list-response':
      return 0;
    case 'format-list':
      return sizeOfFormatList(pdu.formats, names);
    case 'format-data-request':
    case 'lock':
    case 'unlock':
      return 4; // requestedFormatId, clipDataId
    case 'format-data-response':
      return pdu.data?.length ?? 0;
    case 'temp-directory':
      return TEMP_DIRECTORY_SIZE;
    case 'capabilities':
      return 2 + 2 + CAPABILITY_HEADER_SIZE + 4 + 4; // cCapabilitiesSets, pad1, one set: version, generalFlags
    case 'file-contents-request':
      return 6 * 4 + (pdu.request.clipDataId === undefined ? 0 : 4); // six numbers, clipDataId
    case 'file-contents-response':
      return 4 + (pdu.data?.length ?? 0); // streamId, requestedFileContentsData
  }
}

function encodeBody(pdu: SentClipboardPdu, names: FormatNames, cursor: WriteCursor): void {
  switch (pdu.kind) {
    case 'monitor-ready':
    case 'format-list-response':
      return;
    case 'format-list':
      encodeFormatList(pdu.formats, names, cursor);
      return;
    case 'format-data-request':
      cursor.u32(pdu.formatId);
      return;
    case 'lock':
    case 'unlock':
      cursor.u32(pdu.clipDataId);
      return;
    case 'format-data-response':
      if (pdu.data !== undefined) cursor.bytes(pdu.data);
      return;
    case 'temp-directory':
      writeFixedUtf16(pdu.path, TEMP_DIRECTORY_SIZE, cursor);
      return;
    case 'capabilities':
      cursor.u16(1); // cCapabilitiesSets
      cursor.zeros(2); // pad1
      cursor.u16(CAPABILITY_GENERAL);
      cursor.u16(CAPABILITY_HEADER_SIZE + 4 + 4); // version, generalFlags
      cursor.u32(pdu.capabilities.version);
      cursor.u32(pdu.capabilities.generalFlags);
      return;
    case 'file-contents-request':
      encodeFileContentsRequest(pdu.request, cursor);
      return;
    case 'file-contents-response':
      cursor.u32(pdu.streamId);
      if (pdu.data !== undefined) cursor.bytes(pdu.data);
  }
}

/** Where a set is given twice, the last one counts; sets of other types are passed over. */
function decodeCapabilities(cursor: ReadCursor): ClipboardCapabilities {
  const count = cursor.u16('cCapabilitiesSets');
  cursor.skip(2, 'pad1');
  let general: ClipboardCapabilities = { version: 1, generalFlags: 0 };
  for (let i = 0; i < count; i++) {
    const type = cursor.u16('capabilitySetType');
    const length = cursor.u16('lengthCapability');
    if (length < CAPABILITY_HEADER_SIZE) throw cursor.error('invalid_value', 'lengthCapability', `${length}`);
    const set = cursor.sub(length - CAPABILITY_HEADER_SIZE, 'lengthCapability', 'CLIPRDR_GENERAL_CAPABILITY');
    if (type !== CAPABILITY_GENERAL) continue;
    general = { version: set.u32('version'), generalFlags: set.u32('generalFlags') };
  }
  return general;
}

function decodeFileContentsRequest(cursor: ReadCursor): FileContentsRequest {
  const streamId = cursor.u32('streamId');
  const index = cursor.i32('lindex');
  const flags = cursor.u32('dwFlags');
  const low = cursor.u32('nPositionLow');
  const high = cursor.u32('nPositionHigh');
  const length = cursor.u32('cbRequested');
  const clipDataId = cursor.remaining >= 4 ? { clipDataId: cursor.u32('clipDataId') } : {};
  const both = FileOperation.size | FileOperation.range;
  if ((flags & both) === 0 || (flags & both) === both) {
    throw cursor.error('invalid_value', 'dwFlags', `0x${flags.toString(16)}`);
  }
  const operation = flags & FileOperation.size ? 'size' : 'range';
  return { streamId, index, operation, position: (BigInt(high) << 32n) | BigInt(low), length, ...clipDataId };
}

function encodeFileContentsRequest(request: FileContentsRequest, cursor: WriteCursor): void {
  const { streamId, index, operation, position, length, clipDataId } = request;
  cursor.u32(streamId);
  cursor.i32(index);
  cursor.u32(FileOperation[operation]);
  cursor.u32(Number(position & 0xffff_ffffn)); // nPositionLow
  cursor.u32(Number(position >> 32n)); // nPositionHigh
  cursor.u32(length);
  if (clipDataId !== undefined) cursor.u32(clipDataId);
}

/** Asks how large a file is. */
export function fileSizeRequest(streamId: number, index: number, clipDataId?: number): FileContentsRequest {
  const of = clipDataId === undefined ? {} : { clipDataId };
  return { streamId, index, operation: 'size', position: 0n, length: FILE_SIZE_LENGTH, ...of };
}

/** What the answer to `fileSizeRequest` says. Throws `DecodeError`. */
export function decodeFileSize(data: Uint8Array): bigint {
  const cursor = new ReadCursor(data, 'CLIPRDR_FILECONTENTS_RESPONSE');
  if (data.length !== FILE_SIZE_LENGTH) {
    throw new DecodeError('invalid_value', cursor.context, 'requestedFileContentsData', 0, `${data.length} bytes`);
  }
  return cursor.u64('requestedFileContentsData');
}

export function encodeFileSize(size: bigint): Uint8Array<ArrayBuffer> {
  const cursor = new WriteCursor(FILE_SIZE_LENGTH);
  cursor.u64(size);
  return cursor.finish();
}
