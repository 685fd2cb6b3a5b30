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
 * One function with all its state in locals, since it takes half the time of decoding RemoteFX. Bits are looked at four
 * bytes at a time, of which 25 bits are good wherever in a byte they begin; past the stream's end come zeros.
 *
 * @param output all of it is written
 * @throws DecodeError where a code runs past what 16 bits can hold
 */
export function decodeRlgr(mode: RlgrMode, source: Uint8Array, output: Int16Array): void {
  const count = output.length;
  const bitCount = source.length * 8;
  const bits = padded(source);
  const rlgr1 = mode === RlgrMode.rlgr1;
  // Most coefficients are zero: those are passed over.
  output.fill(0);
  let bitAt = 0;
  let at = 0;
  let kp = 1 << Rlgr.scaleBits;
  let krp = 1 << Rlgr.scaleBits;
  while (at < count && bitAt < bitCount) {
    let k = kp >> Rlgr.scaleBits;
    const inRun = k > 0;
    let sign = 0;
    if (inRun) {
      // Zero bits are whole runs of zeros, and a one bit ends them.
      let wholeRuns = Math.clz32(bits.getUint32(bitAt >>> 3) << (bitAt & 7));
      while (wholeRuns >= GOOD_BITS && at < count) {
        for (let i = 0; i < GOOD_BITS; i++) {
          at += 1 << k;
          kp = kp + Rlgr.runUp < Rlgr.maximum ? kp + Rlgr.runUp : Rlgr.maximum;
          k = kp >> Rlgr.scaleBits;
        }
        bitAt += GOOD_BITS;
        if (bitAt >= bitCount) return;
        wholeRuns = Math.clz32(bits.getUint32(bitAt >>> 3) << (bitAt & 7));
      }
      for (let i = 0; i < wholeRuns; i++) {
        at += 1 << k;
        kp = kp + Rlgr.runUp < Rlgr.maximum ? kp + Rlgr.runUp : Rlgr.maximum;
        k = kp >> Rlgr.scaleBits;
      }
      bitAt += wholeRuns + 1;
      if (at >= count || bitAt >= bitCount) return;
      // At most ten bits of zeros that are left, then the sign.
      const zerosAndSign = (bits.getUint32(bitAt >>> 3) << (bitAt & 7)) >>> (31 - k);
      bitAt += k + 1;
      at += zerosAndSign >>> 1;
      sign = zerosAndSign & 1;
      if (at >= count || bitAt > bitCount) return;
    }

    const kr = krp >> Rlgr.scaleBits;
    let window = bits.getUint32(bitAt >>> 3) << (bitAt & 7);
    let unary = Math.clz32(~window);
    if (unary < SHORT_UNARY) {
      window <<= unary + 1;
      bitAt += unary + 1 + kr;
    } else {
      unary = 0;
      let ones = GOOD_BITS;
      while (ones === GOOD_BITS) {
        ones = Math.min(Math.clz32(~(bits.getUint32(bitAt >>> 3) << (bitAt & 7))), GOOD_BITS);
        unary += ones;
        bitAt += ones;
        if (unary > LONGEST_UNARY) throw rlgrError(bitAt, 'unary prefix', 'does not end');
      }
      bitAt++;
      window = bits.getUint32(bitAt >>> 3) << (bitAt & 7);
      bitAt += kr;
    }
    // Two shifts, since one of 32 would be none.
    const code = unary * (1 << kr) + ((window >>> 1) >>> (31 - kr));
    if (code > 0xffff) throw rlgrError(bitAt, 'code', `${code} is more than 16 bits`);
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
      const sumBits = 32 - Math.clz32(code);
      const first = (bits.getUint32(bitAt >>> 3) << (bitAt & 7)) >>> (32 - sumBits);
      bitAt += sumBits;
      const second = code - first;
      if (second < 0) throw rlgrError(bitAt, 'first coefficient', 'is larger than the sum it is part of');
      if (first !== 0 && second !== 0) kp = kp > 2 * Rlgr.nonzeroDown ? kp - 2 * Rlgr.nonzeroDown : 0;
      output[at++] = first & 1 ? -((first + 1) >> 1) : first >> 1;
      if (at < count) output[at++] = second & 1 ? -((second + 1) >> 1) : second >> 1;
    }
  }
}

/** Bits of four bytes that are good wherever in the first one they begin. */
const GOOD_BITS = 25;
/** A unary prefix and the bit that ends it leave ten good bits: as many as `kr` has at most. */
const SHORT_UNARY = 15;
/** Zeros behind a stream: one code may run past the end before anybody asks whether it has come. */
const PADDING = 16;

/** A copy of the stream to read from, kept between calls: decoding is synchronous. Streams are 64 KB at most on the wire. */
let copy = new Uint8Array(8192);
let copyView = new DataView(copy.buffer);

function padded(source: Uint8Array): DataView {
  if (source.length + PADDING > copy.length) {
    copy = new Uint8Array(2 * (source.length + PADDING));
    copyView = new DataView(copy.buffer);
  }
  copy.set(source);
  copy.fill(0, source.length, source.length + PADDING);
  return copyView;
}

function rlgrError(bitAt: number, field: string, detail: string): DecodeError {
  return new DecodeError('invalid_value', 'RLGR', field, bitAt >>> 3, detail);
}
