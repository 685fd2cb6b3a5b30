import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bytesSource } from '../storage/byte-source.ts';
import { FlvReader } from './flv.ts';
import { scanFragments } from './fragmented-mp4.ts';
import { Fragmenter, fitDurations } from './fragments.ts';

const HEADER = Buffer.from('FLV\x01\x01\0\0\0\x09\0\0\0\0', 'latin1');
const CONFIGURATION = Buffer.from([1, 0x64, 0, 0x33, 0xff, 0xe1, 0, 1, 0x67, 1, 0, 1, 0x68]);

function tag(type: number, time: number, body: readonly number[]): Buffer {
  const head = Buffer.alloc(11);
  head.writeUInt8(type);
  head.writeUIntBE(body.length, 1, 3);
  head.writeUIntBE(time & 0xffffff, 4, 3);
  head.writeUInt8(time >>> 24, 7);
  const size = Buffer.alloc(4);
  size.writeUInt32BE(11 + body.length);
  return Buffer.concat([head, Buffer.from(body), size]);
}

const video = (time: number, coding: number, packet: number, bytes: Iterable<number>) =>
  tag(9, time, [coding, packet, 0, 0, 0, ...bytes]);

const LATE = 0x1_234_567;
const STREAM = Buffer.concat([
  HEADER,
  tag(18, 0, [2, 0, 10]),
  video(0, 0x17, 0, CONFIGURATION),
  video(40, 0x17, 1, [0, 0, 0, 2, 0x65, 9]),
  video(LATE, 0x27, 1, [0, 0, 0, 1, 0x41]),
  video(LATE, 0x27, 2, []),
]);

/** Each on its own, so that what is kept must lie in none of them. */
function* pieces(bytes: Buffer, length: number): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += length) yield Buffer.from(bytes.subarray(at, at + length));
}

test('a frame is a fragment as soon as its last byte is there, however the stream is cut', async () => {
  const whole = Buffer.concat(new Fragmenter(640, 400).push(STREAM));
  for (const length of [1, 3, 14, 1000]) {
    const fragmenter = new Fragmenter(640, 400);
    const made = [...pieces(STREAM, length)].flatMap((piece) => fragmenter.push(piece));
    assert.equal(made.length, 3, 'the head and two frames');
    for (const piece of made) assert.equal(fitDurations(Buffer.from(piece), true), piece.length);
    assert.deepEqual(Buffer.concat(made), whole);
  }
  const lastTag = video(LATE, 0x27, 2, []).length;
  const fragmenter = new Fragmenter(640, 400);
  assert.equal(fragmenter.push(STREAM.subarray(0, -lastTag - 1)).length, 2);
  assert.equal(fragmenter.push(STREAM.subarray(-lastTag - 1, -lastTag)).length, 1);

  const scan = (await scanFragments(bytesSource(whole))) ?? assert.fail();
  assert.deepEqual(Buffer.from(scan.configuration), CONFIGURATION);
  assert.equal(scan.playableBytes, whole.length);
  assert.deepEqual(
    scan.frames.map(({ offset, size, timeMs, key }) => [[...whole.subarray(offset, offset + size)], timeMs, key]),
    [
      [[0, 0, 0, 2, 0x65, 9], 40, true],
      [[0, 0, 0, 1, 0x41], LATE, false],
    ],
  );
});

test('what is no such stream is refused, and never read past its end', () => {
  const refused = (bytes: Buffer, how: RegExp) => assert.throws(() => new FlvReader().push(bytes), how);
  refused(Buffer.from('ftypisomxxxxxxxxxxxx'), /does not make an FLV/);
  refused(Buffer.concat([HEADER, video(0, 0x12, 1, [1])]), /not of H.264/);
  const torn = video(0, 0x17, 1, [1, 2, 3]);
  torn.writeUInt32BE(5, torn.length - 4);
  refused(Buffer.concat([HEADER, torn]), /not as long as it says/);
  for (let cut = 0; cut < STREAM.length; cut++) {
    const parts = new FlvReader().push(STREAM.subarray(0, cut));
    assert.ok(parts.length <= 3);
  }
  // Tags without a video's header say nothing.
  assert.deepEqual(new FlvReader().push(Buffer.concat([HEADER, tag(9, 0, []), tag(9, 0, [0x17])])), []);
});

test('for a player each frame is shown until the next one, and the last waits for that unless it is the last of all', () => {
  const times = [0, 40, 3_600_040, 3_600_060];
  const stream = [
    HEADER,
    video(0, 0x17, 0, CONFIGURATION),
    ...times.map((time) => video(time, 0x27, 1, [0, 0, 0, 1, 9])),
  ];
  const made = new Fragmenter(640, 400).push(Buffer.concat(stream));
  const ends = made.map((_, i) => Buffer.concat(made.slice(0, i + 1)).length);
  const all = Buffer.concat(made);
  for (const isEnded of [false, true]) {
    for (let length = 0; length <= all.length; length++) {
      const there = ends.filter((end) => end <= length);
      const expected = isEnded || there.length < 2 ? (there.at(-1) ?? 0) : (there.at(-2) ?? 0);
      assert.equal(fitDurations(Buffer.from(all.subarray(0, length)), isEnded), expected, `${length} bytes`);
    }
  }
  const bytes = Buffer.from(all);
  fitDurations(bytes, true);
  assert.deepEqual(durationsIn(bytes), [40, 3_600_000, 20, 20]);
  // From the middle of a segment on, as it is asked for.
  const rest = Buffer.from(all.subarray(ends[1]));
  fitDurations(rest, false);
  assert.deepEqual(durationsIn(rest).slice(0, 2), [3_600_000, 20]);
  // Another muxer's fragments, and what makes no sense, stay as they are.
  const odd = Buffer.concat([box('moof', 60), box('mdat', 20), box('moof', 60), box('mdat', 20)]);
  const before = Buffer.from(odd);
  assert.equal(fitDurations(odd, false), 80);
  assert.deepEqual(odd, before);
  assert.equal(fitDurations(Buffer.concat([box('mdat', 20), Buffer.from([0, 0, 0, 3, 1, 2, 3, 4])]), true), 0);
});

/** By the fields of `trun`, and its own flags. */
function durationsIn(bytes: Buffer): number[] {
  const durations: number[] = [];
  for (let at = bytes.indexOf('trun'); at >= 0; at = bytes.indexOf('trun', at + 1)) {
    assert.equal(bytes.readUInt32BE(at + 4), 0x701, 'data offset, duration, size, flags');
    durations.push(bytes.readUInt32BE(at + 16));
  }
  return durations;
}

function box(type: string, size: number): Buffer {
  const bytes = Buffer.alloc(size);
  bytes.writeUInt32BE(size);
  bytes.write(type, 4, 'latin1');
  return bytes;
}
