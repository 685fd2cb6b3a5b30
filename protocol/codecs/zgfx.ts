import { ReadCursor } from '../core/cursor.ts';
import { DecodeError } from '../core/errors.ts';
import type { MessageMemory } from '../core/message-memory.ts';
import { ZGFX_HISTORY_SIZE, ZGFX_LONGEST_PREFIX, ZGFX_SEGMENT_LIMIT, ZGFX_TOKENS } from './zgfx-tokens.ts';

/** [MS-RDPEGFX] 2.2.5.1 RDP_SEGMENTED_DATA, `descriptor`. */
export const ZgfxDescriptor = { single: 0xe0, multipart: 0xe1 } as const;

/** [MS-RDPEGFX] 2.2.5.3 RDP8_BULK_ENCODED_DATA, `header`: the type nibble and the flag. */
export const ZgfxHeader = { typeRdp8: 0x04, typeRdp8Lite: 0x06, compressed: 0x20 } as const;

/** The two packages that there are of this compression: how far back a match reaches, how long a segment gets. */
export const ZgfxVariant = {
  /** The graphics channel's, [MS-RDPEGFX] 3.1.9.1.2. */
  rdp8: { type: ZgfxHeader.typeRdp8, historySize: ZGFX_HISTORY_SIZE, segmentLimit: ZGFX_SEGMENT_LIMIT },
  /** That of dynamic virtual channels' own data, [MS-RDPEDYC] 2.2.3.3. */
  rdp8Lite: { type: ZgfxHeader.typeRdp8Lite, historySize: 8_192, segmentLimit: 8_192 },
} as const;
export type ZgfxVariant = (typeof ZgfxVariant)[keyof typeof ZgfxVariant];

/** Most bytes one graphics message may expand to: an uncompressed 4096×4096 desktop, and what a viewer's tunnel carries. */
export const ZGFX_MESSAGE_LIMIT = 64 * 1024 * 1024;

const CONTEXT = 'RDP_SEGMENTED_DATA';
const NO_TOKEN = -1;
const LITERAL = 1 << 9;
const PREFIX_TABLE = buildPrefixTable();
const TOKEN_BASES = Int32Array.from(ZGFX_TOKENS, ({ base }) => base);
/** Shorter matches are copied faster by a loop. */
const BLOCK_COPY = 32;
const SHORTEST_MATCH = 3;

/**
 * RDP 8.0 bulk decompression ([MS-RDPEGFX] 3.1.9.1): LZ77 with a history of 2.5 MB and a static prefix code.
 * One instance a channel and direction, because the history lives as long as the channel does.
 */
export class ZgfxDecompressor {
  readonly #variant: ZgfxVariant;
  readonly #history: Uint8Array;
  #historyAt = 0;
  /** What the last compressed segment expanded to. */
  #segmentOutput: Uint8Array | undefined;

  constructor(variant: ZgfxVariant = ZgfxVariant.rdp8) {
    this.#variant = variant;
    this.#history = new Uint8Array(variant.historySize);
  }

  /**
   * One RDP_SEGMENTED_DATA as a virtual channel delivers it.
   *
   * @param memory where the message goes, handed over; memory of its own unless given
   * @returns the message inside; a view into `segmented` where one uncompressed segment holds it all
   * @throws DecodeError after which the history is no longer in step: the channel has to be closed
   */
  decompress(segmented: Uint8Array, memory?: MessageMemory): Uint8Array {
    const cursor = new ReadCursor(segmented, CONTEXT);
    const descriptor = cursor.u8('descriptor');
    if (descriptor === ZgfxDescriptor.single) {
      const segment = this.#segment(segmented, cursor.position, segmented.length);
      if (segment.buffer === segmented.buffer) return segment;
      const message = newMessage(segment.length, memory);
      message.set(segment);
      return message;
    }
    if (descriptor !== ZgfxDescriptor.multipart) {
      throw new DecodeError('invalid_value', CONTEXT, 'descriptor', 0, `0x${descriptor.toString(16)} is not known`);
    }
    const segmentCount = cursor.u16('segmentCount');
    const uncompressedSize = cursor.u32('uncompressedSize');
    if (uncompressedSize > ZGFX_MESSAGE_LIMIT || uncompressedSize > segmentCount * ZGFX_SEGMENT_LIMIT) {
      throw new DecodeError('limit_exceeded', CONTEXT, 'uncompressedSize', 3, `${uncompressedSize} bytes`);
    }
    const message = newMessage(uncompressedSize, memory);
    let filled = 0;
    for (let i = 0; i < segmentCount; i++) {
      const size = cursor.u32('segmentArray.size');
      const start = cursor.position;
      cursor.skip(size, 'segmentArray.bulkData');
      const part = this.#segment(segmented, start, start + size);
      if (part.length > uncompressedSize - filled) {
        throw new DecodeError('invalid_value', CONTEXT, 'uncompressedSize', 3, 'segments hold more than declared');
      }
      message.set(part, filled);
      filled += part.length;
    }
    cursor.expectEnd();
    if (filled !== uncompressedSize) {
      throw new DecodeError('invalid_value', CONTEXT, 'uncompressedSize', 3, 'segments hold less than declared');
    }
    return message;
  }

  /** [MS-RDPEGFX] 2.2.5.3 RDP8_BULK_ENCODED_DATA at `bytes[start..end)`. Good until the next one. */
  #segment(bytes: Uint8Array, start: number, end: number): Uint8Array {
    if (start >= end) throw new DecodeError('truncated', CONTEXT, 'header', start);
    const header = bytes[start] ?? 0;
    const type = header & 0x0f;
    if (type !== this.#variant.type) {
      throw new DecodeError('invalid_value', CONTEXT, 'header', start, `compression type ${type}`);
    }
    if ((header & ZgfxHeader.compressed) === 0) {
      const raw = bytes.subarray(start + 1, end);
      if (raw.length > ZGFX_SEGMENT_LIMIT) {
        throw new DecodeError('limit_exceeded', CONTEXT, 'data', start + 1, `${raw.length} bytes in one segment`);
      }
      this.#remember(raw);
      return raw;
    }
    return this.#inflate(bytes, start + 1, end);
  }

  #inflate(bytes: Uint8Array, start: number, end: number): Uint8Array {
    // The last byte tells how many bits of the one before it are padding.
    const padding = end > start ? (bytes[end - 1] ?? 0) : 0;
    const bitCount = (end - 1 - start) * 8 - padding;
    if (padding > 7 || bitCount < 0) {
      throw new DecodeError('invalid_value', CONTEXT, 'padding', Math.max(start, end - 1), `${padding} unused bits`);
    }
    const bits = new BitReader(bytes, start, bitCount);
    this.#segmentOutput ??= new Uint8Array(ZGFX_SEGMENT_LIMIT);
    const output = this.#segmentOutput;
    let at = 0;
    while (bits.left > 0) {
      const token = PREFIX_TABLE[bits.peek(ZGFX_LONGEST_PREFIX)]!;
      if (token === NO_TOKEN) throw bits.error('invalid_value', 'token', 'no such prefix');
      bits.skip(token & 0xf);
      const value = TOKEN_BASES[token >>> 10]! + bits.read((token >>> 4) & 0x1f);
      if (token & LITERAL) {
        if (at >= ZGFX_SEGMENT_LIMIT) throw bits.error('limit_exceeded', 'literal', 'segment expands too far');
        output[at++] = value;
      } else if (value === 0) {
        // An unencoded run: its length, then whole bytes from the next byte boundary on.
        const length = bits.read(15);
        const run = bits.alignedBytes(length);
        if (at + length > ZGFX_SEGMENT_LIMIT) {
          throw bits.error('limit_exceeded', 'unencoded', 'segment expands too far');
        }
        output.set(run, at);
        at += length;
      } else {
        if (value > this.#history.length) throw bits.error('invalid_value', 'distance', `${value} is past the history`);
        const length = readMatchLength(bits);
        if (at + length > ZGFX_SEGMENT_LIMIT) throw bits.error('limit_exceeded', 'match', 'segment expands too far');
        this.#copyMatch(output, at, value, length);
        at += length;
      }
    }
    const segment = output.subarray(0, at);
    this.#remember(segment);
    return segment;
  }

  /** What a match refers to lies in the history, in what this segment has brought so far, or begins in the one and ends in the other. */
  #copyMatch(output: Uint8Array, at: number, distance: number, length: number): void {
    let to = at;
    let left = length;
    if (distance > at) {
      const history = this.#history;
      let from = this.#historyAt - (distance - at);
      if (from < 0) from += history.length;
      for (let older = Math.min(distance - at, left); older > 0; older--, left--) {
        output[to++] = history[from]!;
        if (++from === history.length) from = 0;
      }
    }
    if (left <= distance && left >= BLOCK_COPY) {
      output.copyWithin(to, to - distance, to - distance + left);
      return;
    }
    // Byte by byte on purpose: a match may overlap what it is writing.
    for (; left > 0; left--, to++) output[to] = output[to - distance]!;
  }

  #remember(bytes: Uint8Array): void {
    const history = this.#history;
    // Only what still fits can be reached again.
    const kept = bytes.length > history.length ? bytes.subarray(bytes.length - history.length) : bytes;
    const room = history.length - this.#historyAt;
    if (kept.length < room) {
      history.set(kept, this.#historyAt);
      this.#historyAt += kept.length;
    } else {
      history.set(kept.subarray(0, room), this.#historyAt);
      history.set(kept.subarray(room), 0);
      this.#historyAt = kept.length - room;
    }
  }
}

function newMessage(size: number, memory: MessageMemory | undefined): Uint8Array {
  if (memory === undefined) return new Uint8Array(size);
  const message = memory.take(size);
  memory.handOver(message);
  return message;
}

/** Length of a match: 3, or a power of two told in unary and as many bits below it. */
function readMatchLength(bits: BitReader): number {
  if (bits.read(1) === 0) return SHORTEST_MATCH;
  let length = 4;
  let extraBits = 2;
  while (bits.read(1) === 1) {
    length *= 2;
    extraBits++;
    if (length > ZGFX_SEGMENT_LIMIT) throw bits.error('limit_exceeded', 'match', 'longer than any segment');
  }
  return length + bits.read(extraBits);
}

/** Reads bits from the most significant end of each byte. */
class BitReader {
  readonly #bytes: Uint8Array;
  readonly #start: number;
  readonly #bitEnd: number;
  #bitAt = 0;

  constructor(bytes: Uint8Array, start: number, bitCount: number) {
    this.#bytes = bytes;
    this.#start = start;
    this.#bitEnd = bitCount;
  }

  get left(): number {
    return this.#bitEnd - this.#bitAt;
  }

  /** The next `count` (at most 24) bits, zeros past the end; does not move on. */
  peek(count: number): number {
    const at = this.#start + (this.#bitAt >>> 3);
    const bytes = this.#bytes;
    const word =
      (((bytes[at] ?? 0) << 24) | ((bytes[at + 1] ?? 0) << 16) | ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0)) <<
      (this.#bitAt & 7);
    return count === 0 ? 0 : word >>> (32 - count);
  }

  skip(count: number): void {
    if (count > this.left) throw this.error('truncated', 'bits', `needs ${count} bits, ${this.left} are left`);
    this.#bitAt += count;
  }

  read(count: number): number {
    const value = this.peek(count);
    this.skip(count);
    return value;
  }

  /** `length` whole bytes from the next byte boundary on; a view. */
  alignedBytes(length: number): Uint8Array {
    this.#bitAt = (this.#bitAt + 7) & ~7;
    if (length * 8 > this.left) throw this.error('truncated', 'unencoded', `needs ${length} bytes`);
    const at = this.#start + (this.#bitAt >>> 3);
    this.#bitAt += length * 8;
    return this.#bytes.subarray(at, at + length);
  }

  error(code: DecodeError['code'], field: string, detail: string): DecodeError {
    return new DecodeError(code, CONTEXT, field, this.#start + (this.#bitAt >>> 3), detail);
  }
}

/**
 * Every 9-bit look-ahead to the token it begins with: bits of the prefix (4), bits of the value (5), whether it is a
 * literal (1), and the token's index. Two prefixes belong to no token.
 */
function buildPrefixTable(): Int32Array {
  const table = new Int32Array(1 << ZGFX_LONGEST_PREFIX).fill(NO_TOKEN);
  for (const [index, { prefix, valueBits, kind }] of ZGFX_TOKENS.entries()) {
    const spare = ZGFX_LONGEST_PREFIX - prefix.length;
    const first = Number.parseInt(prefix, 2) << spare;
    const token = prefix.length | (valueBits << 4) | (kind === 'literal' ? LITERAL : 0) | (index << 10);
    table.fill(token, first, first + (1 << spare));
  }
  return table;
}
