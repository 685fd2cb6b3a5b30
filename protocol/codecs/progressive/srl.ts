import { DecodeError } from '../../core/errors.ts';

/** The adaptive parameter's bounds and steps, as in RLGR. [MS-RDPEGFX] 3.2.8.1.3.2. */
const KP_START = 8;
const KP_MAXIMUM = 80;
const KP_SCALE_BITS = 3;
const KP_UP = 4;
const KP_DOWN = 6;

/** Bits from the most significant end; zeros past the end, which is where servers cut a stream of zeros. */
export class UpgradeBits {
  readonly #bytes: Uint8Array;
  #bitAt = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  bit(): number {
    const value = ((this.#bytes[this.#bitAt >>> 3] ?? 0) >>> (7 - (this.#bitAt & 7))) & 1;
    this.#bitAt++;
    return value;
  }

  /** `count` bits, at most 15. */
  read(count: number): number {
    const at = this.#bitAt >>> 3;
    const bytes = this.#bytes;
    const word = ((bytes[at] ?? 0) << 16) | ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0);
    const value = (word >>> (24 - (this.#bitAt & 7) - count)) & ((1 << count) - 1);
    this.#bitAt += count;
    return value;
  }

  get exhausted(): boolean {
    return this.#bitAt > this.#bytes.length * 8;
  }
}

/**
 * Simplified run length: the coefficients of an upgrade pass that were zero so far. Runs of zeros with an adaptive
 * length, then a sign and the magnitude in unary. One instance a component and pass.
 */
export class SrlReader {
  readonly #bits: UpgradeBits;
  #kp = KP_START;
  #zeros = 0;
  #valueIsNext = false;

  constructor(bytes: Uint8Array) {
    this.#bits = new UpgradeBits(bytes);
  }

  /** The next coefficient, which has at most `bitCount` bits of magnitude. */
  read(bitCount: number): number {
    if (this.#zeros > 0) {
      this.#zeros--;
      return 0;
    }
    if (!this.#valueIsNext) {
      const k = this.#kp >> KP_SCALE_BITS;
      if (this.#bits.bit() === 0) {
        this.#zeros = (1 << k) - 1;
        this.#kp = Math.min(this.#kp + KP_UP, KP_MAXIMUM);
        return 0;
      }
      this.#valueIsNext = true;
      const zeros = this.#bits.read(k);
      if (zeros > 0) {
        this.#zeros = zeros - 1;
        return 0;
      }
    }
    this.#valueIsNext = false;
    const negative = this.#bits.bit() === 1;
    this.#kp = Math.max(0, this.#kp - KP_DOWN);
    const largest = (1 << bitCount) - 1;
    let magnitude = 1;
    while (magnitude < largest && this.#bits.bit() === 0) {
      magnitude++;
      if (this.#bits.exhausted) throw new DecodeError('truncated', 'SRL', 'magnitude', 0);
    }
    return negative ? -magnitude : magnitude;
  }
}

/** The server's side of a raw or SRL stream. */
export class SrlWriter {
  readonly #bits: number[] = [];
  #kp = KP_START;
  #zeros = 0;

  coefficient(value: number, bitCount: number): void {
    if (value === 0) {
      this.#zeros++;
      return;
    }
    this.#wholeRuns();
    this.raw(1, 1);
    this.raw(this.#zeros, this.#kp >> KP_SCALE_BITS);
    this.#zeros = 0;
    this.raw(value < 0 ? 1 : 0, 1);
    this.#kp = Math.max(0, this.#kp - KP_DOWN);
    const magnitude = Math.abs(value);
    for (let i = 1; i < magnitude; i++) this.raw(0, 1);
    if (magnitude < (1 << bitCount) - 1) this.raw(1, 1);
  }

  raw(value: number, count: number): void {
    for (let bit = count - 1; bit >= 0; bit--) this.#bits.push((value >> bit) & 1);
  }

  finish(): Uint8Array {
    this.#wholeRuns();
    if (this.#zeros > 0) this.raw(0, 1);
    const bytes = new Uint8Array((this.#bits.length + 7) >> 3);
    this.#bits.forEach((bit, i) => {
      bytes[i >> 3] = (bytes[i >> 3] ?? 0) | (bit << (7 - (i & 7)));
    });
    return bytes;
  }

  #wholeRuns(): void {
    for (let run = 1 << (this.#kp >> KP_SCALE_BITS); this.#zeros >= run; run = 1 << (this.#kp >> KP_SCALE_BITS)) {
      this.raw(0, 1);
      this.#zeros -= run;
      this.#kp = Math.min(this.#kp + KP_UP, KP_MAXIMUM);
    }
  }
}
