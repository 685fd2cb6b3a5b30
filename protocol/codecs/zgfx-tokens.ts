/**
 * The static prefix code of RDP 8.0 bulk compression ([MS-RDPEGFX] 3.1.9.1.2.2): each token is a prefix of 1 to 9
 * bits, then for matches and the general literal a value of a fixed number of bits.
 *
 * Kept apart from the decompressor because the compressor of our own server side reads the same table.
 */
export interface ZgfxToken {
  readonly prefix: string;
  readonly kind: 'literal' | 'match';
  /** Bits that follow the prefix. */
  readonly valueBits: number;
  /** A literal's byte (plus the value read), or the smallest distance of a match. */
  readonly base: number;
}

/** The longest prefix in the table, bits. */
export const ZGFX_LONGEST_PREFIX = 9;

/** [MS-RDPEGFX] 3.1.9.1.2: bytes of output that a match may reach back into. */
export const ZGFX_HISTORY_SIZE = 2_500_000;

/** Most bytes that one segment may expand to. */
export const ZGFX_SEGMENT_LIMIT = 65_535;

export const ZGFX_TOKENS: readonly ZgfxToken[] = [
  { prefix: '0', kind: 'literal', valueBits: 8, base: 0 },
  ...matches(['10001', 5], ['10010', 7], ['10011', 9], ['10100', 10], ['10101', 12]),
  ...literals(5, 0b11000, [0x00, 0x01]),
  ...literals(6, 0b110100, [0x02, 0x03, 0xff]),
  ...literals(7, 0b1101110, [0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0a, 0x0b]),
  ...literals(7, 0b1110110, [0x3a, 0x3b, 0x3c, 0x3d, 0x3e, 0x3f, 0x40, 0x80]),
  ...literals(8, 0b11111100, [0x0c, 0x38, 0x39, 0x66]),
];

/** Distances continue from one match token to the next: each begins where the one before it ends. */
function matches(...shorter: readonly (readonly [prefix: string, valueBits: number])[]): ZgfxToken[] {
  const longer: readonly (readonly [string, number])[] = [
    ['101100', 14],
    ['101101', 15],
    ['1011100', 18],
    ['1011101', 20],
    ['10111100', 20],
    ['10111101', 21],
    ['101111100', 22],
    ['101111101', 23],
    ['101111110', 24],
  ];
  let base = 0;
  return [...shorter, ...longer].map(([prefix, valueBits]) => {
    const token: ZgfxToken = { prefix, kind: 'match', valueBits, base };
    base += 2 ** valueBits;
    return token;
  });
}

/** Consecutive prefixes for the bytes that desktop graphics hold most. */
function literals(prefixBits: number, first: number, bytes: readonly number[]): ZgfxToken[] {
  return bytes.map((byte, index) => ({
    prefix: (first + index).toString(2).padStart(prefixBits, '0'),
    kind: 'literal',
    valueBits: 0,
    base: byte,
  }));
}
