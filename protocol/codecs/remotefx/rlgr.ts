import { DecodeError } from '../../core/errors.ts';

/** Which of the two Golomb-Rice modes a stream uses. [MS-RDPRFX] 2.2.2.2.4 TS_RFX_CONTEXT, `et`. */
export const RlgrMode = { rlgr1: 0x1, rlgr3: 0x4 } as const;
export type RlgrMode = (typeof RlgrMode)[keyof typeof RlgrMode];

/** The parameters' bounds and steps, [MS-RDPRFX] 3.1.8.1.7.3. */
export const Rlgr = {
  /** Largest value of the scaled parameters. */
  maximum: 80,
  /** The parameters are kept scaled by two to the power of this. */
  scaleBits: 3,
  /** Added to `kp` after each whole run of zeros. */
  runUp: 4,
  /** Taken from `kp` after the coefficient that ends a run. */
  runDown: 6,
  /** Added to `kp` after a zero in Golomb-Rice mode. */
  zeroUp: 3,
  /** Taken from `kp` after a nonzero in Golomb-Rice mode. */
  nonzeroDown: 3,
} as const;

/** A unary prefix longer than this cannot come from 16-bit coefficients. */
const LONGEST_UNARY = 32_768;

/**
 * Decodes one component of a tile: [MS-RDPRFX] 3.1.8.1.7.3. Adaptive run lengths of zeros and Golomb-Rice codes.
 * A stream that ends early leaves the rest of the coefficients zero, which is how encoders drop trailing zeros.
 *
 * @param output all of it is written
 * @throws DecodeError where a code runs past what 16 bits can hold
 */
export function decodeRlgr(mode: RlgrMode, source: Uint8Array, output: Int16Array): void {
  const bits = new RlgrBits(source);
  const count = output.length;
  let at = 0;
  let kp = 1 << Rlgr.scaleBits;
  let k = 1;
  while (at < count && bits.left > 0) {
    if (k > 0) {
      let zeros = 0;
      while (bits.left > 0 && bits.bit() === 0) {
        zeros += 1 << k;
        if (zeros > count) zeros = count;
        kp = Math.min(kp + Rlgr.runUp, Rlgr.maximum);
        k = kp >> Rlgr.scaleBits;
      }
      zeros += bits.read(k);
      const end = Math.min(at + zeros, count);
      output.fill(0, at, end);
      at = end;
      if (at >= count || bits.left <= 0) break;
      const negative = bits.bit() === 1;
      const magnitude = bits.golombRice() + 1;
      output[at++] = negative ? -magnitude : magnitude;
      kp = Math.max(0, kp - Rlgr.runDown);
    } else {
      const code = bits.golombRice();
      if (mode === RlgrMode.rlgr1) {
        output[at++] = fromMagnitudeAndSign(code);
        kp = code === 0 ? Math.min(kp + Rlgr.zeroUp, Rlgr.maximum) : Math.max(0, kp - Rlgr.nonzeroDown);
      } else {
        // The code is the sum of two coefficients; the first follows in as many bits as the sum has.
        const first = bits.read(32 - Math.clz32(code));
        const second = code - first;
        if (second < 0) throw bits.error('first coefficient', 'is larger than the sum it is part of');
        if (first !== 0 && second !== 0) kp = Math.max(0, kp - 2 * Rlgr.nonzeroDown);
        else if (code === 0) kp = Math.min(kp + 2 * Rlgr.zeroUp, Rlgr.maximum);
        output[at++] = fromMagnitudeAndSign(first);
        if (at < count) output[at++] = fromMagnitudeAndSign(second);
      }
    }
    k = kp >> Rlgr.scaleBits;
  }
  output.fill(0, at);
}

/** Even codes are positive, odd ones negative. */
function fromMagnitudeAndSign(code: number): number {
  return code & 1 ? -((code + 1) >> 1) : code >> 1;
}

/** Bits from the most significant end, and the adaptive Golomb-Rice parameter `kr` that goes with them. */
class RlgrBits {
  readonly #bytes: Uint8Array;
  readonly #bitEnd: number;
  #bitAt = 0;
  #krp = 1 << Rlgr.scaleBits;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#bitEnd = bytes.length * 8;
  }

  get left(): number {
    return this.#bitEnd - this.#bitAt;
  }

  bit(): number {
    const value = ((this.#bytes[this.#bitAt >>> 3] ?? 0) >>> (7 - (this.#bitAt & 7))) & 1;
    this.#bitAt++;
    return value;
  }

  /** `count` bits, at most 24; zeros past the end of the stream. */
  read(count: number): number {
    if (count === 0) return 0;
    if (count > 24) throw this.error('code', `${count} bits wide`);
    const value = this.#peek32() >>> (32 - count);
    this.#bitAt += count;
    return value;
  }

  golombRice(): number {
    const kr = this.#krp >> Rlgr.scaleBits;
    let unary = 0;
    for (;;) {
      // 25 bits of the look-ahead are always real; count the ones at their front in one go.
      const ones = Math.min(Math.clz32(~this.#peek32()), 24);
      unary += ones;
      this.#bitAt += ones;
      if (ones < 24) break;
      if (unary > LONGEST_UNARY || this.left <= 0) throw this.error('unary prefix', 'does not end');
    }
    this.#bitAt++;
    const code = unary * (1 << kr) + this.read(kr);
    if (code > 0xffff) throw this.error('code', `${code} is more than 16 bits`);
    if (unary === 0) this.#krp = Math.max(0, this.#krp - 2);
    else if (unary > 1) this.#krp = Math.min(this.#krp + unary, Rlgr.maximum);
    return code;
  }

  error(field: string, detail: string): DecodeError {
    return new DecodeError('invalid_value', 'RLGR', field, this.#bitAt >>> 3, detail);
  }

  /** The next 32 bits, of which at least 25 are true to the stream. */
  #peek32(): number {
    const at = this.#bitAt >>> 3;
    const bytes = this.#bytes;
    const word =
      ((bytes[at] ?? 0) << 24) | ((bytes[at + 1] ?? 0) << 16) | ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0);
    return word << (this.#bitAt & 7);
  }
}
