import { type ReadCursor, WriteCursor } from '../core/cursor.ts';
import { UsageError } from '../core/errors.ts';
import { decodeUtf8, encodeUtf8 } from '../core/text.ts';
import { TunnelLimits } from './limits.ts';

/** A file that can be had: from the desktop's clipboard, or from the browser. */
export interface OfferedFile {
  /** For people: where it came from a hostile end, whoever keeps the file makes it safe. */
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  /** Position in the list. */
  readonly index: number;
}

/** Files in one end's clipboard. Lists are numbered: a file belongs to one of them. */
export interface FileOffer {
  readonly list: number;
  readonly files: readonly OfferedFile[];
}

/** A part of a file that the browser offered, for the desktop that pastes it. */
export interface FileWanted {
  /** `FilePart` has the same. */
  readonly request: number;
  readonly list: number;
  readonly index: number;
  readonly position: number;
  readonly length: number;
}

/** An answer, or a part of one. */
export interface FilePart {
  readonly request: number;
  /** `more`: further parts follow. `failed`: the browser cannot read the file any more. */
  readonly state: 'more' | 'last' | 'failed';
  readonly part: Uint8Array;
}

const STATES = ['last', 'more', 'failed'] as const;
/** index, size, length of the name. */
const RECORD_SIZE = 4 + 8 + 2;

export function encodeFileOffer(type: number, { list, files }: FileOffer): Uint8Array<ArrayBuffer> {
  const names = files.map(({ name }) => encodeUtf8(name));
  const size = names.reduce((sum, name) => sum + RECORD_SIZE + name.length, 1 + 4); // type, list
  if (files.length > TunnelLimits.files) throw new UsageError(`${files.length} files`);
  const cursor = new WriteCursor(size);
  cursor.u8(type);
  cursor.u32(list);
  for (const [at, file] of files.entries()) {
    const name = names[at] ?? new Uint8Array();
    if (name.length > TunnelLimits.fileNameBytes) throw new UsageError(`a name of ${name.length} bytes`);
    cursor.u32(file.index);
    cursor.u64(BigInt(file.size));
    cursor.u16(name.length);
    cursor.bytes(name);
  }
  return cursor.finish();
}

export function readFileOffer(cursor: ReadCursor): FileOffer {
  const list = cursor.u32('list');
  const files: OfferedFile[] = [];
  while (cursor.remaining > 0) {
    if (files.length === TunnelLimits.files) throw cursor.error('limit_exceeded', 'files');
    const index = cursor.u32('index');
    const size = readNumber(cursor, 'size');
    const length = cursor.u16('length');
    if (length > TunnelLimits.fileNameBytes) throw cursor.error('limit_exceeded', 'name');
    files.push({ index, size, name: decodeUtf8(cursor.bytes(length, 'name')) });
  }
  return { list, files };
}

export function encodeFileWanted(type: number, wanted: FileWanted): Uint8Array<ArrayBuffer> {
  const cursor = new WriteCursor(1 + 4 + 4 + 4 + 8 + 4); // type, request, list, index, position, length
  cursor.u8(type);
  cursor.u32(wanted.request);
  cursor.u32(wanted.list);
  cursor.u32(wanted.index);
  cursor.u64(BigInt(wanted.position));
  cursor.u32(wanted.length);
  return cursor.finish();
}

export function readFileWanted(cursor: ReadCursor): FileWanted {
  const wanted = {
    request: cursor.u32('request'),
    list: cursor.u32('list'),
    index: cursor.u32('index'),
    position: readNumber(cursor, 'position'),
    length: cursor.u32('length'),
  };
  cursor.expectEnd();
  return wanted;
}

export function encodeFilePart(type: number, { request, state, part }: FilePart): Uint8Array<ArrayBuffer> {
  const cursor = new WriteCursor(1 + 4 + 1 + part.length); // type, request, state, part
  cursor.u8(type);
  cursor.u32(request);
  cursor.u8(STATES.indexOf(state));
  cursor.bytes(part);
  return cursor.finish();
}

export function readFilePart(cursor: ReadCursor): FilePart {
  const request = cursor.u32('request');
  const state = STATES[cursor.u8('state')];
  if (state === undefined) throw cursor.error('invalid_value', 'state');
  return { request, state, part: cursor.rest() };
}

/** A whole number that JavaScript can count with. */
function readNumber(cursor: ReadCursor, field: string): number {
  const value = cursor.u64(field);
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw cursor.error('limit_exceeded', field, `${value}`);
  return Number(value);
}
