import { Rlgr, RlgrMode } from './rlgr.ts';

/**
 * Encodes one component of a tile, [MS-RDPRFX] 3.1.8.1.7.3, for the server side and the round-trip tests.
 * Trailing zeros are told as a run, so the result always decodes to exactly `input.length` coefficients.
 */
export function encodeRlgr(mode: RlgrMode, input: Int16Array): Uint8Array {
  const bits = new RlgrBitWriter();
  let kp = 1 << Rlgr.scaleBits;
  let k = 1;
  let at = 0;
  while (at < input.length) {
    if (k > 0) {
      let zeros = 0;
      while (at < input.length && input[at] === 0) {
        zeros++;
        at++;
      }
      while (zeros >= 1 << k) {
        bits.write(0, 1);
        zeros -= 1 << k;
        kp = Math.min(kp + Rlgr.runUp, Rlgr.maximum);
        k = kp >> Rlgr.scaleBits;
      }
      bits.write(1, 1);
      bits.write(zeros, k);
      // A run that reaches the end is closed with a coefficient that nobody reads.
      const value = input[at++] ?? 1;
      bits.write(value < 0 ? 1 : 0, 1);
      bits.golombRice(Math.abs(value) - 1);
      kp = Math.max(0, kp - Rlgr.runDown);
    } else if (mode === RlgrMode.rlgr1) {
      const code = toMagnitudeAndSign(input[at++] ?? 0);
      bits.golombRice(code);
      kp = code === 0 ? Math.min(kp + Rlgr.zeroUp, Rlgr.maximum) : Math.max(0, kp - Rlgr.nonzeroDown);
    } else {
      const first = toMagnitudeAndSign(input[at++] ?? 0);
      const second = toMagnitudeAndSign(input[at++] ?? 0);
      const sum = first + second;
      bits.golombRice(sum);
      bits.write(first, 32 - Math.clz32(sum));
      if (first !== 0 && second !== 0) kp = Math.max(0, kp - 2 * Rlgr.nonzeroDown);
      else if (sum === 0) kp = Math.min(kp + 2 * Rlgr.zeroUp, Rlgr.maximum);
    }
    k = kp >> Rlgr.scaleBits;
  }
  return bits.finish();
}

function toMagnitudeAndSign(value: number): number {
  return value < 0 ? -value * 2 - 1 : value * 2;
}

class RlgrBitWriter {
  readonly #bytes: number[] = [];
  #pending = 0;
  #pendingBits = 0;
  #krp = 1 << Rlgr.scaleBits;

  write(value: number, count: number): void {
    for (let bit = count - 1; bit >= 0; bit--) {
      this.#pending = (this.#pending << 1) | ((value >>> bit) & 1);
      if (++this.#pendingBits === 8) {
        this.#bytes.push(this.#pending);
        this.#pending = 0;
        this.#pendingBits = 0;
      }
    }
  }

  golombRice(code: number): void {
    const kr = this.#krp >> Rlgr.scaleBits;
    const unary = code >>> kr;
    for (let i = 0; i < unary; i++) this.write(1, 1);
    this.write(0, 1);
    this.write(code & ((1 << kr) - 1), kr);
    if (unary === 0) this.#krp = Math.max(0, this.#krp - 2);
    else if (unary > 1) this.#krp = Math.min(this.#krp + unary, Rlgr.maximum);
  }

  finish(): Uint8Array {
    while (this.#pendingBits > 0) this.write(0, 1);
    return Uint8Array.from(this.#bytes);
  }
}
