import { ReadCursor, WriteCursor } from '../core/cursor.ts';
import { DecodeError, UsageError } from '../core/errors.ts';

/**
 * The fast-path header, shared by both directions, and the server's fast-path updates. The client's fast-path input is
 * in fast-path-input.ts, finding a frame's size in tpkt.ts.
 */

/** Longest fast-path PDU: `length1` and `length2` hold 15 bits. */
export const MAX_FAST_PATH_SIZE = 0x7fff;

/** [MS-RDPBCGR] 2.2.9.1.2.1 TS_FP_UPDATE, `fragmentation`. */
export const Fragmentation = { single: 0, last: 1, first: 2, next: 3 } as const;
export type Fragmentation = (typeof Fragmentation)[keyof typeof Fragmentation];

/**
 * One update or one fragment of one.
 * @pdu [MS-RDPBCGR] 2.2.9.1.2.1 TS_FP_UPDATE
 */
export interface FastPathUpdate {
  /** One of `UpdateCode`; unknown codes survive as numbers. */
  readonly code: number;
  readonly fragmentation: Fragmentation;
  /** Not compressed. A view. */
  readonly data: Uint8Array;
}

/**
 * Decodes a whole fast-path update PDU. Throws `DecodeError` on encrypted PDUs (`SecuredFrames` has opened them before) and
 * on compressed updates (we never offer bulk compression).
 */
export function decodeFastPathUpdates(frame: Uint8Array): FastPathUpdate[] {
  const cursor = new ReadCursor(frame, 'TS_FP_UPDATE_PDU');
  readHeader(cursor);
  const updates: FastPathUpdate[] = [];
  while (cursor.remaining > 0) updates.push(decodeUpdate(cursor));
  return updates;
}

export function sizeOfFastPathUpdate(update: FastPathUpdate): number {
  return UPDATE_HEADER_SIZE + update.data.length;
}

/** A PDU with one update, or one fragment, in it. Throws `UsageError` if it does not fit: see `fragmentUpdate`. */
export function encodeFastPathUpdate(update: FastPathUpdate): Uint8Array<ArrayBuffer> {
  const bodySize = sizeOfFastPathUpdate(update);
  const cursor = new WriteCursor(sizeOfFastPathPdu(bodySize));
  writeHeader(cursor, 0, bodySize);
  cursor.u8(update.code | (update.fragmentation << 4));
  cursor.u16(update.data.length);
  cursor.bytes(update.data);
  return cursor.finish();
}

/**
 * The fast-path PDUs for one update of any size, cut into fragments where one PDU cannot hold it.
 *
 * @param maxPduSize what to cut at; Windows cuts at 16 KiB
 */
export function encodeFragmentedUpdate(
  code: number,
  data: Uint8Array,
  maxPduSize = DEFAULT_FRAGMENT_SIZE,
): Uint8Array<ArrayBuffer>[] {
  const room = maxPduSize - UPDATE_HEADER_SIZE - LONG_HEADER_SIZE;
  if (data.length <= room) return [encodeFastPathUpdate({ code, fragmentation: Fragmentation.single, data })];
  const pdus: Uint8Array<ArrayBuffer>[] = [];
  for (let at = 0; at < data.length; at += room) {
    const end = at + room;
    const fragmentation = at === 0 ? Fragmentation.first : end >= data.length ? Fragmentation.last : Fragmentation.next;
    pdus.push(encodeFastPathUpdate({ code, fragmentation, data: data.subarray(at, end) }));
  }
  return pdus;
}

/** Puts fragments together again, up to the size that we advertised in the Multifragment Update capability set. */
export class FragmentAssembler {
  #maxSize: number;
  #code: number | undefined;
  #buffer: Uint8Array = new Uint8Array(0);
  #size = 0;
  /** The buffer of the last update that was handed over, until somebody says that it is not needed any more. */
  #handedOver: Uint8Array | undefined;

  constructor(maxSize: number) {
    this.#maxSize = maxSize;
  }

  /**
   * @returns the whole update, or `undefined` until its last fragment has come. A view if it came in one piece; else good
   * until `reclaim`.
   * @throws DecodeError when fragments come out of order or grow past the limit
   */
  push(update: FastPathUpdate): { code: number; data: Uint8Array } | undefined {
    const { code, fragmentation, data } = update;
    if (fragmentation === Fragmentation.single) {
      this.reset(); // a server that gives up on a fragmented update does the rest of the stream no harm
      return { code, data };
    }
    if (fragmentation === Fragmentation.first) {
      this.reset();
      this.#code = code;
    } else if (this.#code === undefined) {
      throw fragmentError('unexpected_message', 'fragment without a first one');
    } else if (this.#code !== code) {
      throw fragmentError('invalid_value', 'fragments of different updates are mixed');
    }
    if (this.#size + data.length > this.#maxSize) {
      throw fragmentError('limit_exceeded', `update is longer than ${this.#maxSize} bytes`);
    }
    this.#append(data);
    if (fragmentation !== Fragmentation.last) return undefined;
    const whole = this.#buffer.subarray(0, this.#size);
    this.#handedOver = this.#buffer;
    this.#buffer = EMPTY;
    this.reset();
    return { code, data: whole };
  }

  /** @param maxSize of the updates to come, where it changes */
  reset(maxSize = this.#maxSize): void {
    this.#code = undefined;
    this.#size = 0;
    this.#maxSize = maxSize;
  }

  /** Nobody needs what was handed over any more: its memory is used again. */
  reclaim(): void {
    const free = this.#handedOver;
    this.#handedOver = undefined;
    if (free !== undefined && this.#size === 0 && free.length <= MAX_KEPT) this.#buffer = free;
  }

  /** Grows to twice the size, so that what is copied for it stays in proportion; past the limit nobody comes here. */
  #append(data: Uint8Array): void {
    const end = this.#size + data.length;
    if (end > this.#buffer.length) {
      const larger = new Uint8Array(Math.min(this.#maxSize, Math.max(end, this.#buffer.length * 2)));
      larger.set(this.#buffer.subarray(0, this.#size));
      this.#buffer = larger;
    }
    this.#buffer.set(data, this.#size);
    this.#size = end;
  }
}

/** A larger buffer is left to the garbage collector: sessions that rest should not hold on to their first picture. */
const MAX_KEPT = 512 * 1024;
const EMPTY = new Uint8Array(0);

/** The header's four spare bits: reserved in updates, `numEvents` in input. */
export function readHeader(cursor: ReadCursor): { spare: number } {
  const header = cursor.u8('fpHeader');
  if ((header & ACTION_MASK) !== 0) throw cursor.error('invalid_value', 'action', `${header & ACTION_MASK}`);
  if (header & SECURITY_FLAGS) throw cursor.error('invalid_value', 'flags', 'encrypted fast-path PDU over TLS');
  const length1 = cursor.u8('length1');
  if (length1 & LONG_LENGTH) cursor.skip(1, 'length2');
  return { spare: (header >>> 2) & 0xf };
}

export function sizeOfFastPathPdu(bodySize: number): number {
  const size = SHORT_HEADER_SIZE + bodySize;
  return size < LONG_LENGTH ? size : size + 1;
}

export function writeHeader(cursor: WriteCursor, spare: number, bodySize: number): void {
  const size = sizeOfFastPathPdu(bodySize);
  if (size > MAX_FAST_PATH_SIZE) throw new UsageError(`fast-path PDU of ${size} bytes is too long`);
  cursor.u8(spare << 2);
  if (size < LONG_LENGTH) cursor.u8(size);
  else cursor.u16Be(size | (LONG_LENGTH << 8));
}

const ACTION_MASK = 0x03;
const SECURITY_FLAGS = 0xc0;
const LONG_LENGTH = 0x80;
const SHORT_HEADER_SIZE = 2;
const LONG_HEADER_SIZE = 3;
const UPDATE_HEADER_SIZE = 1 /* updateHeader */ + 2; /* size */
const DEFAULT_FRAGMENT_SIZE = 0x3fff;
const COMPRESSION_USED = 0x2;
const PACKET_COMPRESSED = 0x20;

function decodeUpdate(cursor: ReadCursor): FastPathUpdate {
  const header = cursor.u8('updateHeader');
  // Windows sends the flags with nothing compressed as well: only the flag that says so counts.
  if ((header >>> 6) & COMPRESSION_USED && cursor.u8('compressionFlags') & PACKET_COMPRESSED) {
    throw cursor.error('invalid_value', 'compressionFlags', 'compressed, though compression was not offered');
  }
  const size = cursor.u16('size');
  const fragmentation = ((header >>> 4) & 0x3) as Fragmentation;
  return { code: header & 0xf, fragmentation, data: cursor.bytes(size, 'updateData') };
}

function fragmentError(code: DecodeError['code'], detail: string): DecodeError {
  return new DecodeError(code, 'TS_FP_UPDATE', 'fragmentation', 0, detail);
}
