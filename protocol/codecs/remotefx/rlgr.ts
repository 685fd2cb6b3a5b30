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
 * next `have` bits at its upper end and zeros below them; `from` is the byte that comes into it next. Past the stream's
 * end come zeros. Wherever bits are taken there are 16 at least, or the loop that counts them fills up again.
 *
 * @param output all of it is written
 * @throws DecodeError where a code runs past what 16 bits can hold
 */
export function decodeRlgr(mode: RlgrMode, source: Uint8Array, output: Int16Array): void {
  const count = output.length;
  const length = source.length;
  const bitCount = length * 8;
  const rlgr1 = mode === RlgrMode.rlgr1;
  // Most coefficients are zero: those are passed over.
  output.fill(0);
  let window = 0;
  let have = 0;
  let from = 0;
  let at = 0;
  let kp = 1 << Rlgr.scaleBits;
  let krp = 1 << Rlgr.scaleBits;
  while (at < count && from * 8 - have < bitCount) {
    let sign = 0;
    let k = kp >> Rlgr.scaleBits;
    const inRun = k > 0;
    if (inRun) {
      // Whole runs are zero bits, which the remainder's one bit ends.
      let zeros = 0;
      for (;;) {
        if (have < 17) {
          if (from + 1 < length) window |= ((source[from]! << 8) | source[from + 1]!) << (16 - have);
          else if (from < length) window |= source[from]! << (24 - have);
          from += 2;
          have += 16;
        }
        const leading = Math.clz32(window);
        const wholeRuns = leading < have ? leading : have;
        for (let i = 0; i < wholeRuns; i++) {
          zeros += 1 << k;
          kp += Rlgr.runUp;
          if (kp > Rlgr.maximum) kp = Rlgr.maximum;
          k = kp >> Rlgr.scaleBits;
        }
        if (leading < have) {
          window = (window << leading) << 1;
          have -= leading + 1;
          break;
        }
        window = 0;
        have = 0;
        if (zeros >= count || from >= length) break;
      }
      if (have < 17) {
        if (from + 1 < length) window |= ((source[from]! << 8) | source[from + 1]!) << (16 - have);
        else if (from < length) window |= source[from]! << (24 - have);
        from += 2;
        have += 16;
      }
      // At most ten bits of remainder, then the sign.
      const remainderAndSign = window >>> (31 - k);
      window <<= k + 1;
      have -= k + 1;
      zeros += remainderAndSign >>> 1;
      sign = remainderAndSign & 1;
      at += zeros;
      if (at >= count || from * 8 - have > bitCount) break;
    }

    if (have < 17) {
      if (from + 1 < length) window |= ((source[from]! << 8) | source[from + 1]!) << (16 - have);
      else if (from < length) window |= source[from]! << (24 - have);
      from += 2;
      have += 16;
    }
    let unary = Math.clz32(~window);
    if (unary < have) {
      window = (window << unary) << 1;
      have -= unary + 1;
    } else {
      // Longer than the window: take it as it is, and go on.
      unary = have;
      for (;;) {
        if (unary > LONGEST_UNARY) throw rlgrError(from, 'unary prefix', 'does not end');
        window = from < length ? source[from]! << 24 : 0;
        from++;
        const ones = Math.clz32(~window);
        if (ones < 8) {
          unary += ones;
          window <<= ones + 1;
          have = 7 - ones;
          break;
        }
        unary += 8;
      }
    }
    const kr = krp >> Rlgr.scaleBits;
    let code = unary;
    if (kr > 0) {
      if (have < 17) {
        if (from + 1 < length) window |= ((source[from]! << 8) | source[from + 1]!) << (16 - have);
        else if (from < length) window |= source[from]! << (24 - have);
        from += 2;
        have += 16;
      }
      code = unary * (1 << kr) + (window >>> (32 - kr));
      window <<= kr;
      have -= kr;
    }
    if (code > 0xffff) throw rlgrError(from, 'code', `${code} is more than 16 bits`);
    if (unary === 0) krp = krp > 2 ? krp - 2 : 0;
    else if (unary > 1) krp = krp + unary < Rlgr.maximum ? krp + unary : Rlgr.maximum;

    if (inRun) {
      output[at++] = sign === 1 ? -(code + 1) : code + 1;
      kp = kp > Rlgr.runDown ? kp - Rlgr.runDown : 0;
    } else if (rlgr1) {
      if (code !== 0) {
        output[at] = code & 1 ? -((code + 1) >> 1) : code >> 1;
        kp = kp > Rlgr.nonzeroDown ? kp - Rlgr.nonzeroDown : 0;
      } else kp = kp + Rlgr.zeroUp < Rlgr.maximum ? kp + Rlgr.zeroUp : Rlgr.maximum;
      at++;
    } else if (code === 0) {
      kp = kp + 2 * Rlgr.zeroUp < Rlgr.maximum ? kp + 2 * Rlgr.zeroUp : Rlgr.maximum;
      at += 2;
    } else {
      // The code is the sum of two coefficients; the first follows in as many bits as the sum has, 16 at most.
      const bits = 32 - Math.clz32(code);
      if (have < 17) {
        if (from + 1 < length) window |= ((source[from]! << 8) | source[from + 1]!) << (16 - have);
        else if (from < length) window |= source[from]! << (24 - have);
        from += 2;
        have += 16;
      }
      const first = window >>> (32 - bits);
      window <<= bits;
      have -= bits;
      const second = code - first;
      if (second < 0) throw rlgrError(from, 'first coefficient', 'is larger than the sum it is part of');
      if (first !== 0 && second !== 0) kp = kp > 2 * Rlgr.nonzeroDown ? kp - 2 * Rlgr.nonzeroDown : 0;
      output[at++] = first & 1 ? -((first + 1) >> 1) : first >> 1;
      if (at < count) output[at++] = second & 1 ? -((second + 1) >> 1) : second >> 1;
    }
  }
}

function rlgrError(offset: number, field: string, detail: string): DecodeError {
  return new DecodeError('invalid_value', 'RLGR', field, offset, detail);
}
