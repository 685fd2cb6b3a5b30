/** [MS-RDPEGFX] 4.1.2 Progressive Entropy Encode and Decode: one component of 14 coefficients, in five passes. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Quantization, SubBand } from '../remotefx/quantization.ts';
import { encodeRlgr } from '../remotefx/rlgr-encoder.ts';
import { plainTileKernels } from '../remotefx/tile-kernels.ts';
import { SrlReader, SrlWriter, UpgradeBits } from './srl.ts';
import { ComponentState } from './tile-state.ts';
import type { BandLayout } from './wavelet.ts';

/** The example's tile: bands HL, LH and LL of five, five and four coefficients, and no transform. */
const layout: BandLayout = {
  bands: Array.from({ length: 10 }, (_, band) => {
    const [offset = 10, size = 0] = { 0: [0, 5], 1: [5, 5], 9: [10, 4] }[band] ?? [];
    return { name: 'LL3' as SubBand, offset, size };
  }),
  levels: [],
  forward: () => undefined,
};

/** The progressive quantization of HL, LH and LL. */
function bits(hl: number, lh: number, ll: number): Quantization {
  return Uint8Array.of(hl, lh, 0, 0, 0, 0, 0, 0, 0, ll);
}

const QUANTIZATION = new Uint8Array(10).fill(1);
const AT_25 = bits(4, 3, 2);
const AT_50 = bits(0, 1, 2);

/**
 * The SRL stream of 4.1.2.1.4. The document writes 01 for an empty run and a value of one where the rules, its own
 * table of entries and its decoder need 01 01: two of the 42 bits are missing there, 80 07 00 16 9c.
 */
const FRAME_2_AT_50 = [0x80, 0x07, 0x00, 0x15, 0xa7, 0x00];

function decoder() {
  const component = new ComponentState();
  const kernels = plainTileKernels();
  const samples = kernels.y;
  const shown = () => [...samples.subarray(0, 14)];
  return {
    first(source: readonly number[], difference: boolean): number[] {
      component.first(Uint8Array.from(source), layout, QUANTIZATION, AT_25, difference, samples, kernels);
      return shown();
    },
    upgrade(srl: readonly number[], raw: readonly number[], extra: Quantization | undefined): number[] {
      const streams = { srl: Uint8Array.from(srl), raw: Uint8Array.from(raw) };
      component.upgrade(streams, layout, QUANTIZATION, extra, samples, kernels);
      return shown();
    },
  };
}

describe('[MS-RDPEGFX] 4.1.2.2 Decode', () => {
  const tile = decoder();

  it('4.1.2.2.1: frame #1 at 25 %', () => {
    const decoded = tile.first([0xa8, 0x62, 0x6d, 0xff, 0xf7, 0x00], false);
    assert.deepEqual(decoded, [-32, 0, 0, 0, 0, 0, 0, 0, 0, 8, 12, 16, -12, 12]);
  });

  it('4.1.2.2.2: frame #1 at 50 %', () => {
    const decoded = tile.upgrade([0xa0, 0x01, 0x80, 0x00, 0xc9, 0x49, 0xe0], [0x20], AT_50);
    assert.deepEqual(decoded, [-34, -13, 15, -3, 0, 0, -6, 4, -2, 8, 12, 16, -12, 12]);
  });

  it('4.1.2.2.3: frame #2, a difference, at 25 %', () => {
    const decoded = tile.first([0x88, 0x76, 0xbd, 0xff, 0xfe, 0xf2], true);
    assert.deepEqual(decoded, [-2, -13, 15, -3, 0, 0, -6, 4, -2, 8, 24, 12, 16, 4]);
  });

  it('4.1.2.2.4: frame #2 at 50 %', () => {
    const decoded = tile.upgrade(FRAME_2_AT_50, [0x00], AT_50);
    assert.deepEqual(decoded, [-2, -2, 3, -3, 1, 2, -6, 4, -2, 2, 24, 12, 16, 4]);
  });

  it('4.1.2.2.5: frame #2 at 100 %', () => {
    const decoded = tile.upgrade([0xb0], [0xc6, 0x40], undefined);
    assert.deepEqual(decoded, [-2, -2, 3, -3, 1, 3, -7, 5, -2, 1, 24, 13, 18, 5]);
  });
});

describe('[MS-RDPEGFX] 4.1.2.1 Encode', () => {
  it('4.1.2.1.1 and 4.1.2.1.3: the first passes', () => {
    for (const [entries, expected] of [
      [
        [-2, 0, 0, 0, 0, 0, 0, 0, 0, 1, 3, 1, -7, 6],
        [0xa8, 0x62, 0x6d, 0xff, 0xf7, 0x00],
      ],
      [
        [2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3, -4, 8, -9],
        [0x88, 0x76, 0xbd, 0xff, 0xfe, 0xf2],
      ],
    ] as const) {
      assert.deepEqual([...encodeRlgr(1, Int16Array.from(entries))], expected);
    }
  });

  it('4.1.2.1.2, 4.1.2.1.4 and 4.1.2.1.5: the upgrades', () => {
    const upgrades: readonly [srl: readonly [number, number][], bytes: number[], raw: [number, number][], number[]][] =
      [
        [
          [
            ...[-13, 15, -3, 0].map((v) => [v, 4] as [number, number]),
            ...[0, -3, 2, -1].map((v) => [v, 2] as [number, number]),
          ],
          [0xa0, 0x01, 0x80, 0x00, 0xc9, 0x49, 0xe0],
          [
            [2, 4],
            [0, 2],
          ],
          [0x20],
        ],
        [
          [
            ...[11, -12, 0, 1].map((v) => [v, 4] as [number, number]),
            ...[1, 0, 0, 0, -3].map((v) => [v, 2] as [number, number]),
          ],
          FRAME_2_AT_50,
          [[0, 4]],
          [0x00],
        ],
        [
          [-1, 1, 0].map((v) => [v, 1] as [number, number]),
          [0xb0],
          [
            [1, 1],
            [1, 1],
            [0, 2],
            [1, 2],
            [2, 2],
            [1, 2],
          ],
          [0xc6, 0x40],
        ],
      ];
    for (const [entries, expected, rawEntries, expectedRaw] of upgrades) {
      const srl = new SrlWriter();
      const raw = new SrlWriter();
      for (const [value, bitCount] of entries) srl.coefficient(value, bitCount);
      for (const [value, bitCount] of rawEntries) raw.raw(value, bitCount);
      assert.deepEqual([...srl.finish()], expected);
      assert.deepEqual([...raw.finish()], expectedRaw);
      const reader = new SrlReader(Uint8Array.from(expected));
      assert.deepEqual(
        entries.map(([, bitCount]) => reader.read(bitCount)),
        entries.map(([value]) => value),
      );
    }
  });

  it('3.2.8.1.5.2.1: raw bits, the most significant first', () => {
    const raw = new UpgradeBits(Uint8Array.of(0b101_0110_0, 0b1101_0000));
    assert.deepEqual([raw.read(3), raw.read(4), raw.read(5)], [0b101, 0b0110, 0b01101]);
  });

  it('3.1.8.1.5.2: magnitudes of three bits', () => {
    for (let magnitude = 1; magnitude <= 7; magnitude++) {
      const srl = new SrlWriter();
      srl.coefficient(magnitude, 3);
      // An empty run ("10"), the sign, and the code of the magnitude.
      const code = `100${'0'.repeat(magnitude - 1)}${magnitude < 7 ? '1' : ''}`.padEnd(16, '0');
      const written = [...srl.finish()].map((byte) => byte.toString(2).padStart(8, '0')).join('');
      assert.equal(written.padEnd(16, '0'), code);
    }
  });
});
