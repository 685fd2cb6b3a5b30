/**
 * MD4, [RFC 1320]. Broken as a hash, but the NT password hash ([MS-NLMP] 3.3.1 NTOWFv1) is defined by it, and neither
 * OpenSSL 3 nor Web Crypto offers it any more. Used for nothing else.
 */
export function md4(data: Uint8Array): Uint8Array<ArrayBuffer> {
  const padded = pad(data);
  const view = new DataView(padded.buffer);
  const words = new Uint32Array(16);
  let a = 0x67452301;
  let b = 0xefcdab89;
  let c = 0x98badcfe;
  let d = 0x10325476;
  for (let block = 0; block < padded.length; block += 64) {
    for (let i = 0; i < 16; i++) words[i] = view.getUint32(block + i * 4, true);
    const [a0, b0, c0, d0] = [a, b, c, d];
    for (const round of ROUNDS) {
      for (let i = 0; i < 16; i++) {
        const word = words[round.order[i] ?? 0] ?? 0;
        const mixed = rotate((a + round.mix(b, c, d) + word + round.constant) | 0, round.shifts[i & 3] ?? 0);
        [a, b, c, d] = [d, mixed, b, c];
      }
    }
    a = (a + a0) | 0;
    b = (b + b0) | 0;
    c = (c + c0) | 0;
    d = (d + d0) | 0;
  }
  const digest = new Uint8Array(16);
  const out = new DataView(digest.buffer);
  for (const [i, value] of [a, b, c, d].entries()) out.setUint32(i * 4, value >>> 0, true);
  return digest;
}

interface Round {
  mix(x: number, y: number, z: number): number;
  readonly constant: number;
  /** Which of the block's sixteen words each step takes. */
  readonly order: readonly number[];
  readonly shifts: readonly number[];
}

/** [RFC 1320] 3.4, rounds 1 to 3. */
const ROUNDS: readonly Round[] = [
  {
    mix: (x, y, z) => (x & y) | (~x & z),
    constant: 0,
    order: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
    shifts: [3, 7, 11, 19],
  },
  {
    mix: (x, y, z) => (x & y) | (x & z) | (y & z),
    constant: 0x5a827999,
    order: [0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15],
    shifts: [3, 5, 9, 13],
  },
  {
    mix: (x, y, z) => x ^ y ^ z,
    constant: 0x6ed9eba1,
    order: [0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15],
    shifts: [3, 9, 11, 15],
  },
];

function rotate(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits));
}

/** The message, a one bit, zeros, and its length in bits, to a multiple of 64 bytes ([RFC 1320] 3.1 and 3.2). */
function pad(data: Uint8Array): Uint8Array<ArrayBuffer> {
  const padded = new Uint8Array((((data.length + 8) >>> 6) + 1) * 64);
  padded.set(data);
  padded[data.length] = 0x80;
  new DataView(padded.buffer).setBigUint64(padded.length - 8, BigInt(data.length) * 8n, true);
  return padded;
}
