import { ZgfxDescriptor, ZgfxHeader, ZgfxVariant } from './zgfx.ts';
import { ZGFX_TOKENS, type ZgfxToken } from './zgfx-tokens.ts';

const LITERAL_TOKENS = literalTable();
const MATCH_TOKENS = ZGFX_TOKENS.filter((token) => token.kind === 'match');
const HASH_BITS = 15;
const MINIMUM_MATCH = 3;
/** How many earlier places with the same hash are tried for a longer match. */
const CHAIN_LIMIT = 8;

/**
 * RDP 8.0 bulk compression for the server side: the demo desktop, the load generator and the round-trip tests.
 * A greedy LZ77 over the whole history; it makes valid streams, not the smallest ones.
 */
export class ZgfxCompressor {
  readonly #variant: ZgfxVariant;
  /** Everything sent so far, cut to the history's size once it is twice that. */
  #sent: Uint8Array = new Uint8Array(0);
  #length = 0;
  readonly #heads = new Int32Array(1 << HASH_BITS).fill(-1);
  #chain = new Int32Array(0);

  readonly #compresses: boolean;

  /** @param compresses without it, each message is the same whatever was sent before */
  constructor(variant: ZgfxVariant = ZgfxVariant.rdp8, compresses = true) {
    this.#variant = variant;
    this.#compresses = compresses;
  }

  /** One message as RDP_SEGMENTED_DATA ([MS-RDPEGFX] 2.2.5.1). */
  compress(message: Uint8Array): Uint8Array {
    const segments: Uint8Array[] = [];
    const { segmentLimit } = this.#variant;
    for (let at = 0; at === 0 || at < message.length; at += segmentLimit) {
      segments.push(this.#segment(message.subarray(at, at + segmentLimit)));
    }
    const [only] = segments;
    if (segments.length === 1 && only !== undefined) {
      const single = new Uint8Array(1 + only.length);
      single[0] = ZgfxDescriptor.single;
      single.set(only, 1);
      return single;
    }
    const size = segments.reduce((sum, segment) => sum + 4 + segment.length, 7);
    const multipart = new Uint8Array(size);
    const view = new DataView(multipart.buffer);
    view.setUint8(0, ZgfxDescriptor.multipart);
    view.setUint16(1, segments.length, true);
    view.setUint32(3, message.length, true);
    let at = 7;
    for (const segment of segments) {
      view.setUint32(at, segment.length, true);
      multipart.set(segment, at + 4);
      at += 4 + segment.length;
    }
    return multipart;
  }

  #segment(data: Uint8Array): Uint8Array {
    return this.#compresses ? this.#compressed(data) : this.#headed(data, 0);
  }

  #compressed(data: Uint8Array): Uint8Array {
    this.#append(data);
    const bits = new BitWriter(data.length + 16);
    const end = this.#length;
    let at = end - data.length;
    while (at < end) {
      const match = this.#findMatch(at, end);
      const taken = match === undefined ? 1 : match.length;
      if (match === undefined) {
        const byte = this.#sent[at] ?? 0;
        const token = LITERAL_TOKENS[byte];
        if (token !== undefined) bits.token(token, byte - token.base);
      } else {
        const token = MATCH_TOKENS.findLast((candidate) => candidate.base <= match.distance);
        if (token !== undefined) bits.token(token, match.distance - token.base);
        bits.matchLength(match.length);
      }
      for (let i = 0; i < taken; i++) this.#index(at + i, end);
      at += taken;
    }
    const packed = bits.finish();
    return packed.length < data.length ? this.#headed(packed, ZgfxHeader.compressed) : this.#headed(data, 0);
  }

  #headed(body: Uint8Array, flags: number): Uint8Array {
    const segment = new Uint8Array(1 + body.length);
    segment[0] = this.#variant.type | flags;
    segment.set(body, 1);
    return segment;
  }

  #append(data: Uint8Array): void {
    const { historySize } = this.#variant;
    if (this.#length + data.length > 2 * historySize) {
      const kept = this.#sent.slice(Math.max(0, this.#length - historySize), this.#length);
      this.#sent.set(kept, 0);
      this.#length = kept.length;
      this.#heads.fill(-1);
    }
    const needed = this.#length + data.length;
    if (needed > this.#sent.length) {
      const capacity = Math.min(2 * historySize, Math.max(1 << 14, needed * 2));
      const sent = new Uint8Array(capacity);
      sent.set(this.#sent.subarray(0, this.#length));
      this.#sent = sent;
      const chain = new Int32Array(capacity).fill(-1);
      chain.set(this.#chain);
      this.#chain = chain;
    }
    this.#sent.set(data, this.#length);
    this.#length = needed;
  }

  #hash(at: number): number {
    const sent = this.#sent;
    const three = ((sent[at] ?? 0) << 16) | ((sent[at + 1] ?? 0) << 8) | (sent[at + 2] ?? 0);
    return Math.imul(three, 0x9e3779b1) >>> (32 - HASH_BITS);
  }

  #index(at: number, end: number): void {
    if (at + MINIMUM_MATCH > end) return;
    const hash = this.#hash(at);
    this.#chain[at] = this.#heads[hash] ?? -1;
    this.#heads[hash] = at;
  }

  #findMatch(at: number, end: number): { distance: number; length: number } | undefined {
    if (at + MINIMUM_MATCH > end) return undefined;
    const sent = this.#sent;
    let best = MINIMUM_MATCH - 1;
    let bestAt = -1;
    let candidate = this.#heads[this.#hash(at)] ?? -1;
    for (let tries = 0; candidate >= 0 && tries < CHAIN_LIMIT; tries++) {
      if (at - candidate > this.#variant.historySize) break;
      let length = 0;
      while (at + length < end && sent[candidate + length] === sent[at + length]) length++;
      if (length > best) {
        best = length;
        bestAt = candidate;
      }
      candidate = this.#chain[candidate] ?? -1;
    }
    return bestAt < 0 ? undefined : { distance: at - bestAt, length: best };
  }
}

class BitWriter {
  #bytes: Uint8Array;
  #bitAt = 0;

  constructor(capacity: number) {
    this.#bytes = new Uint8Array(capacity);
  }

  token(token: ZgfxToken, value: number): void {
    this.#write(Number.parseInt(token.prefix, 2), token.prefix.length);
    this.#write(value, token.valueBits);
  }

  matchLength(length: number): void {
    if (length === MINIMUM_MATCH) {
      this.#write(0, 1);
      return;
    }
    const extraBits = 31 - Math.clz32(length);
    for (let i = 1; i < extraBits; i++) this.#write(1, 1);
    this.#write(0, 1);
    this.#write(length - (1 << extraBits), extraBits);
  }

  /** The bytes and after them the count of unused bits. */
  finish(): Uint8Array {
    const size = (this.#bitAt + 7) >>> 3;
    const packed = new Uint8Array(size + 1);
    packed.set(this.#bytes.subarray(0, size));
    packed[size] = size * 8 - this.#bitAt;
    return packed;
  }

  #write(value: number, count: number): void {
    if (this.#bitAt + count > this.#bytes.length * 8) {
      const grown = new Uint8Array(this.#bytes.length * 2 + 8);
      grown.set(this.#bytes);
      this.#bytes = grown;
    }
    for (let bit = count - 1; bit >= 0; bit--) {
      if ((value >>> bit) & 1) {
        const at = this.#bitAt >>> 3;
        this.#bytes[at] = (this.#bytes[at] ?? 0) | (0x80 >>> (this.#bitAt & 7));
      }
      this.#bitAt++;
    }
  }
}

/** The shortest code of each byte: its own token, or the general literal. */
function literalTable(): readonly (ZgfxToken | undefined)[] {
  const general = ZGFX_TOKENS.find((token) => token.kind === 'literal' && token.valueBits === 8);
  return Array.from(
    { length: 256 },
    (_, byte) =>
      ZGFX_TOKENS.find((token) => token.kind === 'literal' && token.valueBits === 0 && token.base === byte) ?? general,
  );
}
