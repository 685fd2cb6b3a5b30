import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readFragments } from './fragments.ts';

function box(type: string, ...parts: readonly (readonly number[])[]): number[] {
  const contents = parts.flat();
  return [...u32(contents.length + 8), ...[...type].map((letter) => letter.charCodeAt(0)), ...contents];
}

function u32(...values: readonly number[]): number[] {
  return values.flatMap((value) => [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255]);
}

const HEADER = [...box('ftyp', u32(0)), ...box('moov', box('avcC', [1, 0x64, 0, 0x33, 255]))];

/** A fragment as the recorder's muxer writes it: duration and size as defaults, or for each frame. */
function fragment(time: number, frames: readonly (readonly [duration: number, size: number])[]): number[] {
  const tfhd = box('tfhd', u32(0x20000 | 0x8 | 0x10, 1, 500, 77));
  const tfdt = box('tfdt', u32(0x01000000, 0, time));
  const own = frames.length > 1;
  const trun = box('trun', u32(own ? 0x301 : 0x1, frames.length, 0), own ? u32(...frames.flat()) : []);
  return [...box('moof', box('mfhd', u32(0, 1)), box('traf', tfhd, tfdt, trun)), ...box('mdat', new Array(9).fill(7))];
}

test('a piece with its header says how it is coded; frames have their times and sizes', () => {
  const piece = Uint8Array.from([
    ...HEADER,
    ...fragment(0, [[0, 0]]),
    ...fragment(1500, [
      [40, 900],
      [60, 30],
    ]),
  ]);
  assert.deepEqual(readFragments(piece), {
    codec: 'avc1.640033',
    headerBytes: HEADER.length,
    frames: [
      { at: 0, bytes: 77 },
      { at: 1500, bytes: 900 },
      { at: 1540, bytes: 30 },
    ],
  });
  // The next piece goes on without a header, and may lie anywhere in its buffer.
  const next = Uint8Array.from([1, 2, 3, ...fragment(2000, [[0, 0]])]).subarray(3);
  assert.deepEqual(readFragments(next), { codec: undefined, headerBytes: 0, frames: [{ at: 2000, bytes: 77 }] });
});

test('what is cut off or absurd has no frames, and ends', () => {
  const whole = Uint8Array.from([
    ...HEADER,
    ...fragment(0, [
      [40, 900],
      [60, 30],
    ]),
  ]);
  for (let length = 0; length < whole.length; length++) {
    assert.ok(readFragments(whole.subarray(0, length)).frames.length <= 2, `${length} bytes`);
  }
  const endless = box(
    'moof',
    box('traf', box('tfhd', u32(0, 1)), box('tfdt', u32(0, 0)), box('trun', u32(0x100, 0xffff_ffff))),
  );
  assert.deepEqual(readFragments(Uint8Array.from(endless)).frames.length <= 1, true);
});
