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
 * One function with all its state in locals, since it takes half the time of decoding RemoteFX: `window` holds the
 * next `have` bits at its upper end, `left` counts the bits of the stream that are not consumed (past its end come
 * zeros).
 *
 * @param output all of it is written
 * @throws DecodeError where a code runs past what 16 bits can hold
 */
export function decodeRlgr(mode: RlgrMode, source: Uint8Array, output: Int16Array): void {
  const count = output.length;
  const length = source.length;
  const rlgr1 = mode === RlgrMode.rlgr1;
  let window = 0;
  let have = 0;
  let from = 0;
  let left = length * 8;
  let at = 0;
  let kp = 1 << Rlgr.scaleBits;
  let krp = 1 << Rlgr.scaleBits;
  while (at < count && left > 0) {
    let sign = 0;
    let k = kp >> Rlgr.scaleBits;
    const inRun = k > 0;
    if (inRun) {
      let zeros = 0;
      for (;;) {
        if (have < 1) {
          window = from < length ? source[from]! << 24 : 0;
          have = 8;
          from++;
        }
        const bit = window < 0;
        window <<= 1;
        have--;
        left--;
        if (bit) break;
        zeros += 1 << k;
        if (zeros > count) zeros = count;
        kp += Rlgr.runUp;
        if (kp > Rlgr.maximum) kp = Rlgr.maximum;
        k = kp >> Rlgr.scaleBits;
        if (left <= 0) break;
      }
      while (have <= 24) {
        if (from < length) window |= source[from]! << (24 - have);
        from++;
        have += 8;
      }
      // At most ten bits of remainder, then the sign.
      zeros += window >>> (32 - k);
      window <<= k;
      have -= k;
      left -= k;
      const end = at + zeros < count ? at + zeros : count;
      while (at < end) output[at++] = 0;
      if (at >= count || left <= 0) break;
      sign = window >>> 31;
      window <<= 1;
      have--;
      left--;
    }

    while (have <= 24) {
      if (from < length) window |= source[from]! << (24 - have);
      from++;
      have += 8;
    }
    let unary = Math.clz32(~window);
    if (unary < SHORT_UNARY) {
      window <<= unary + 1;
      have -= unary + 1;
      left -= unary + 1;
    } else {
      unary = 0;
      for (;;) {
        const ones = Math.min(Math.clz32(~window), 24);
        unary += ones;
        window <<= ones;
        have -= ones;
        left -= ones;
        while (have <= 24) {
          if (from < length) window |= source[from]! << (24 - have);
          from++;
          have += 8;
        }
        if (ones < 24) break;
        if (unary > LONGEST_UNARY || left <= 0) throw rlgrError(from - (have >> 3), 'unary prefix', 'does not end');
      }
      window <<= 1;
      have--;
      left--;
    }
    const kr = krp >> Rlgr.scaleBits;
    let code = unary * (1 << kr);
    if (kr > 0) {
      while (have <= 24) {
        if (from < length) window |= source[from]! << (24 - have);
        from++;
        have += 8;
      }
      code += window >>> (32 - kr);
      window <<= kr;
      have -= kr;
      left -= kr;
    }
    if (code > 0xffff) throw rlgrError(from - (have >> 3), 'code', `${code} is more than 16 bits`);
    if (unary === 0) krp = krp > 2 ? krp - 2 : 0;
    else if (unary > 1) krp = krp + unary < Rlgr.maximum ? krp + unary : Rlgr.maximum;

    if (inRun) {
      output[at++] = sign === 1 ? -(code + 1) : code + 1;
      kp = kp > Rlgr.runDown ? kp - Rlgr.runDown : 0;
    } else if (rlgr1) {
      output[at++] = code & 1 ? -((code + 1) >> 1) : code >> 1;
      if (code !== 0) kp = kp > Rlgr.nonzeroDown ? kp - Rlgr.nonzeroDown : 0;
      else kp = kp + Rlgr.zeroUp < Rlgr.maximum ? kp + Rlgr.zeroUp : Rlgr.maximum;
    } else if (code === 0) {
      kp = kp + 2 * Rlgr.zeroUp < Rlgr.maximum ? kp + 2 * Rlgr.zeroUp : Rlgr.maximum;
      output[at++] = 0;
      if (at < count) output[at++] = 0;
    } else {
      // The code is the sum of two coefficients; the first follows in as many bits as the sum has.
      const bits = 32 - Math.clz32(code);
      while (have <= 24) {
        if (from < length) window |= source[from]! << (24 - have);
        from++;
        have += 8;
      }
      const first = window >>> (32 - bits);
      window <<= bits;
      have -= bits;
      left -= bits;
      const second = code - first;
      if (second < 0) {
        throw rlgrError(from - (have >> 3), 'first coefficient', 'is larger than the sum it is part of');
      }
      if (first !== 0 && second !== 0) kp = kp > 2 * Rlgr.nonzeroDown ? kp - 2 * Rlgr.nonzeroDown : 0;
      output[at++] = first & 1 ? -((first + 1) >> 1) : first >> 1;
      if (at < count) output[at++] = second & 1 ? -((second + 1) >> 1) : second >> 1;
    }
  }
  output.fill(0, at);
}

/** A unary prefix and the bit that ends it, both within what the window holds after it is filled. */
const SHORT_UNARY = 24;

function rlgrError(offset: number, field: string, detail: string): DecodeError {
  return new DecodeError('invalid_value', 'RLGR', field, offset, detail);
}
