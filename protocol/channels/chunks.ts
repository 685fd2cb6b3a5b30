import { u32At } from '../core/bytes.ts';
import { ReadCursor, WriteCursor } from '../core/cursor.ts';

/** [MS-RDPBCGR] 2.2.6.1.1 CHANNEL_PDU_HEADER, `flags`. */
export const ChannelFlags = {
  first: 0x0000_0001,
  last: 0x0000_0002,
  showProtocol: 0x0000_0010,
  suspend: 0x0000_0020,
  resume: 0x0000_0040,
  packetCompressed: 0x0020_0000,
} as const;

/** [MS-RDPBCGR] 2.2.7.1.10: data bytes in one chunk, unless the server's Virtual Channel Capability Set says more. */
export const DEFAULT_CHUNK_SIZE = 1600;

/** Most bytes of one message on a static virtual channel that are kept; clipboard and device data come in larger ones than DRDYNVC. */
export const MAX_CHANNEL_MESSAGE = 64 * 1024 * 1024;

/** [MS-RDPBCGR] 2.2.6.1.1: length, flags. */
export const CHUNK_HEADER_SIZE = 8;

/**
 * Cuts a message into Virtual Channel PDUs ([MS-RDPBCGR] 2.2.6.1), each ready to be sent as MCS user data. Where there
 * is more than one, their headers have to be seen by who puts them together (3.1.5.2.1).
 */
export function encodeChunks(message: Uint8Array, chunkSize = DEFAULT_CHUNK_SIZE, showProtocol = false): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  for (let at = 0; at === 0 || at < message.length; at += chunkSize) {
    const part = message.subarray(at, at + chunkSize);
    let flags: number = showProtocol || message.length > chunkSize ? ChannelFlags.showProtocol : 0;
    if (at === 0) flags |= ChannelFlags.first;
    if (at + chunkSize >= message.length) flags |= ChannelFlags.last;
    const cursor = new WriteCursor(CHUNK_HEADER_SIZE + part.length);
    cursor.u32(message.length);
    cursor.u32(flags);
    cursor.bytes(part);
    chunks.push(cursor.finish());
  }
  return chunks;
}

/**
 * Puts one channel's messages together again. Memory grows with what has come, whatever the first chunk says will come: a few bytes must not
 * have the collector look through all of the heap.
 */
export class ChunkAssembler {
  readonly #keep: number | undefined;
  #isOpen = false;
  /** Begins with what came of the message that is open. Used again for the next one unless it was handed out. */
  #buffer: Uint8Array = NOTHING;
  /** Bytes of the message that came so far, in all, and of these that are kept. */
  #filled = 0;
  #length = 0;
  #kept = 0;

  /** @param keep of a longer message only so many bytes come out, the first ones, however long it is; without, one past the limit is refused */
  constructor(keep?: number) {
    this.#keep = keep;
  }

  /**
   * Whether a Virtual Channel PDU, from `start` on, is a message all alone, as it stands behind the header. Such a one ends the message before it;
   * any other is left to `push`.
   */
  isWhole(bytes: Uint8Array, start: number): boolean {
    const size = bytes.length - start - CHUNK_HEADER_SIZE;
    if (size <= 0 || u32At(bytes, start) !== size) return false;
    if ((u32At(bytes, start + 4) & ~ChannelFlags.showProtocol) !== WHOLE) return false;
    this.#isOpen = false;
    return true;
  }

  /**
   * Takes one Virtual Channel PDU.
   *
   * @returns the message when this was its last chunk: a view into `chunk` where one chunk holds it all
   * @throws DecodeError on chunks that do not fit together
   */
  push(chunk: Uint8Array): Uint8Array | undefined {
    const cursor = new ReadCursor(chunk, 'CHANNEL_PDU_HEADER');
    const length = cursor.u32('length');
    const flags = cursor.u32('flags');
    if (flags & ChannelFlags.packetCompressed) {
      throw cursor.error('invalid_value', 'flags', 'compressed, though compression was not offered');
    }
    const part = cursor.rest();
    // Suspend and resume carry no data; nothing of ours is ever queued.
    if (part.length === 0 && flags & (ChannelFlags.suspend | ChannelFlags.resume)) return undefined;
    const first = (flags & ChannelFlags.first) !== 0;
    const last = (flags & ChannelFlags.last) !== 0;
    if (first && last && part.length >= length) {
      this.#isOpen = false;
      return part.subarray(0, Math.min(length, this.#keep ?? length));
    }
    if (first) {
      const kept = Math.min(length, this.#keep ?? length);
      if (kept > MAX_CHANNEL_MESSAGE) throw cursor.error('limit_exceeded', 'length', `${length} bytes`);
      this.#isOpen = true;
      this.#filled = 0;
      this.#length = length;
      this.#kept = kept;
    }
    // In the middle of nothing: it stands for itself ([MS-RDPBCGR] 3.1.5.2.2).
    if (!this.#isOpen && !last) return part;
    if (!this.#isOpen) throw cursor.error('unexpected_message', 'flags', 'a chunk without its first one');
    if (part.length > this.#length - this.#filled) {
      throw cursor.error('invalid_value', 'length', 'chunks hold more than the message');
    }
    this.#append(part);
    if (!last) return undefined;
    this.#isOpen = false;
    if (this.#filled !== this.#length)
      throw cursor.error('invalid_value', 'length', 'chunks hold less than the message');
    const message = this.#buffer.subarray(0, this.#kept);
    this.#buffer = NOTHING;
    return message;
  }

  #append(part: Uint8Array): void {
    const at = this.#filled;
    this.#filled += part.length;
    const end = Math.min(this.#filled, this.#kept);
    if (end <= at) return;
    if (end > this.#buffer.length) {
      const larger = new Uint8Array(Math.min(this.#kept, Math.max(end, this.#buffer.length * 2, FIRST_BYTES)));
      larger.set(this.#buffer.subarray(0, at));
      this.#buffer = larger;
    }
    this.#buffer.set(part.subarray(0, end - at), at);
  }
}

const NOTHING = new Uint8Array(0);
/** Holds most messages of several chunks. */
const FIRST_BYTES = 16 * 1024;

const WHOLE = ChannelFlags.first | ChannelFlags.last;
