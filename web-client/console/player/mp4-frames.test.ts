import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fetchFrames, findTopLevelBox, readFrames } from './mp4-frames.ts';

test('times and sizes of frames come from the sample table', () => {
  const moov = box('moov', box('mvhd', new Array(100).fill(0)), trak([2, 500, 1, 2000], [900, 30, 40])).slice(8);
  assert.deepEqual(readFrames(view(moov)), [
    { at: 0, bytes: 900 },
    { at: 500, bytes: 30 },
    { at: 1000, bytes: 40 },
  ]);
});

test('frames that are all of one size have no table of sizes', () => {
  const stsz = box('stsz', u32(0), u32(7), u32(2));
  const frames = readFrames(view(trak([2, 1000], [], stsz)));
  assert.deepEqual(frames, [
    { at: 0, bytes: 7 },
    { at: 1000, bytes: 7 },
  ]);
});

test('what is missing, cut off or absurd gives nothing, and ends', () => {
  assert.equal(readFrames(view([])), undefined);
  assert.equal(readFrames(view(box('trak', u32(1)))), undefined);
  const whole = trak([3, 500], [900, 30, 40]);
  for (let length = 0; length < whole.length; length++) {
    const frames = readFrames(view(whole.slice(0, length)));
    assert.ok(frames === undefined || frames.length <= 3, `${length} bytes`);
  }
  assert.equal(readFrames(view(box('free', u32(0), new Array(8).fill(255)))), undefined);
  const endless = readFrames(view(trak([0xffff_ffff, 1], [], box('stsz', u32(0), u32(1), u32(0xffff_ffff)))));
  assert.equal(endless?.length, 250_000);
});

test('boxes on the top level, one with a 64-bit size too', () => {
  const large = [...u32(1), ...text('mdat'), ...u32(0), ...u32(20), ...u32(0)];
  const file = [...box('ftyp', u32(0)), ...large, ...box('moov', u32(1))];
  assert.deepEqual(findTopLevelBox(view(file), 'moov'), { start: 40, end: 44 });
  assert.equal(findTopLevelBox(view(file), 'uuid'), undefined);
});

test('only the head of a file is fetched, never its first byte', async (t) => {
  const file = Uint8Array.from([...box('ftyp', u32(0)), ...box('moov', trak([1, 1], [5])), ...box('mdat', u32(1))]);
  const asked: string[] = [];
  t.mock.method(globalThis, 'fetch', async (_url: string, { headers }: { headers: { Range: string } }) => {
    asked.push(headers.Range);
    const [first = 0, last = 0] = (/bytes=(\d+)-(\d+)/.exec(headers.Range) ?? []).slice(1).map(Number);
    return new Response(file.slice(first, last + 1), { status: 206 });
  });
  assert.deepEqual(await fetchFrames('video.mp4', new AbortController().signal), [{ at: 0, bytes: 5 }]);
  assert.deepEqual(asked, ['bytes=1-65535']);
});

test('a server that answers with the whole file is not listened to', async (t) => {
  t.mock.method(globalThis, 'fetch', async () => new Response(new Uint8Array(100), { status: 200 }));
  assert.equal(await fetchFrames('video.mp4', new AbortController().signal), undefined);
});

/** @param runs count and delta, count and delta… in milliseconds */
function trak(runs: number[], sizes: number[], stsz?: number[]): number[] {
  const sizeBox = stsz ?? box('stsz', u32(0), u32(0), u32(sizes.length), ...sizes.map(u32));
  const stts = box('stts', u32(0), u32(runs.length / 2), ...runs.map(u32));
  const mdhd = box('mdhd', u32(0), u32(0), u32(0), u32(1000), u32(0));
  return box('trak', box('mdia', mdhd, box('minf', box('stbl', stts, sizeBox))));
}

function box(type: string, ...contents: number[][]): number[] {
  const body = contents.flat();
  return [...u32(body.length + 8), ...text(type), ...body];
}

function u32(value: number): number[] {
  return [24, 16, 8, 0].map((shift) => (value >>> shift) & 255);
}

function text(value: string): number[] {
  return Array.from(value, (letter) => letter.charCodeAt(0));
}

function view(bytes: number[]): DataView {
  return new DataView(Uint8Array.from(bytes).buffer);
}
