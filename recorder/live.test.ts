import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { readLiveSegment, readLiveVideo, wholeFragments } from './live.ts';
import type { RecordingFolder } from './storage/recording-folder.ts';
import { decodeAll, probeVideo, requireTools } from './testing/media-tools.ts';
import { folderAt } from './testing/open-files.ts';
import { RecordingSession } from './testing/recording-session.ts';

/** What a player has fetched of a segment: pieces one behind the other. */
async function fetchOn(folder: RecordingFolder, segment: number, known: Uint8Array): Promise<Uint8Array> {
  const pieces = [known];
  for (let from = known.length; ; ) {
    const piece = await readLiveSegment(folder, segment, from);
    if (piece === undefined || piece.length === 0) return Buffer.concat(pieces);
    pieces.push(piece);
    from += piece.length;
  }
}

for (const key of [undefined, randomBytes(32)]) {
  test(`a recording that goes on plays piece by piece as far as it is, ${key ? 'encrypted' : 'as it is'}`, async (context) => {
    if (!requireTools(context, 'ffmpeg', 'ffprobe')) return;
    const session = await RecordingSession.open(context, 640, 400, { segmentMs: 20_000, key });
    // A test that fails must not leave an encoder behind.
    context.after(() => session.finish().catch(() => undefined));
    const folder = folderAt(session.directory, key);
    assert.equal(await readLiveVideo(folder), undefined, 'before the first picture');
    let first: Uint8Array = new Uint8Array();
    for (let i = 0; i < 10; i++) {
      session.fill({ x: i * 30, y: 20, width: 60, height: 60 }, i % 2 ? '#2060c0' : '#c06020');
      await session.advance(3000);
      if (i === 3) {
        first = await fetchOn(folder, 0, first);
        const file = join(session.root, 'live.mp4');
        await writeFile(file, first);
        assert.ok(decodeAll(file) >= 4);
        assert.ok((probeVideo(file).timestamps.at(-1) ?? 0) >= session.elapsed - 5000, 'a few seconds ago');
      }
    }
    const live = await readLiveVideo(folder);
    assert.equal(live?.startedAt, session.startedAt);
    assert.deepEqual(
      live?.segments.map(({ width, height, ended }) => [width, height, ended]),
      [
        [640, 400, true],
        [640, 400, false],
      ],
    );
    assert.equal(live?.segments[0]?.startMs, 0);
    assert.ok((live?.segments[1]?.startMs ?? 0) >= 20_000);
    const whole = await fetchOn(folder, 0, first);
    assert.ok(whole.length > first.length, 'the rest of the first segment');
    assert.equal(await readLiveSegment(folder, 2, 0), undefined);
    assert.equal((await readLiveSegment(folder, 1, 1e9))?.length, 0);
    await session.finish();
    assert.equal(await readLiveVideo(folder), undefined);
    assert.equal(await readLiveSegment(folder, 0, 0), undefined);
  });
}

test('pieces end between fragments, whatever follows', () => {
  const box = (type: string, size: number) => {
    const bytes = Buffer.alloc(size);
    bytes.writeUInt32BE(size);
    bytes.write(type, 4, 'latin1');
    return bytes;
  };
  const header = Buffer.concat([box('ftyp', 24), box('moov', 100)]);
  const fragment = Buffer.concat([box('moof', 60), box('mdat', 500)]);
  const all = Buffer.concat([header, fragment, fragment]);
  for (let length = 0; length <= all.length; length++) {
    const expected = length < 124 ? 0 : length < 684 ? 124 : length < 1244 ? 684 : 1244;
    assert.equal(wholeFragments(all.subarray(0, length)), expected, `${length} bytes`);
  }
  assert.equal(wholeFragments(Buffer.concat([box('mdat', 20), Buffer.from([0, 0, 0, 3, 1, 2, 3, 4])])), 20);
});
