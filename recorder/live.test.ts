import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { readLiveSegment, readLiveVideo } from './live.ts';
import { readManifest, writeManifest } from './manifest.ts';
import { scanFragments } from './mp4/fragmented-mp4.ts';
import { bytesSource } from './storage/byte-source.ts';
import type { RecordingFolder } from './storage/recording-folder.ts';
import { copyAsLeft } from './testing/copy-as-left.ts';
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
        const seen = async () => (await scanFragments(bytesSource(first)))?.lastFrameMs ?? 0;
        // Nobody knows yet how long the last one is shown; then it is repeated, by an encoder that works in a time of its own.
        session.recorder.watched();
        await session.recorder.drained();
        while ((await seen()) < session.elapsed - 3000) {
          first = await fetchOn(folder, 0, first);
        }
        const file = join(session.root, 'live.mp4');
        await writeFile(file, first);
        assert.ok(decodeAll(file) >= 4);
        assert.ok((probeVideo(file).timestamps.at(-1) ?? 0) >= session.elapsed - 3000, 'a moment ago');
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

test('what a dead encoder left, and is encoded later, changes the number of no segment that a player knows', async (context) => {
  if (!requireTools(context, 'ffmpeg', 'ffprobe')) return;
  const session = await RecordingSession.open(context, 640, 400, { segmentMs: 3000 });
  for (let i = 0; i < 4; i++) {
    session.fill({ x: i * 30, y: 20, width: 60, height: 60 }, i % 2 ? '#2060c0' : '#c06020');
    await session.advance(2000);
  }
  const left = join(session.root, 'left', 'session-1');
  await copyAsLeft(session.directory, left);
  await session.finish();
  const folder = folderAt(left);
  const seen = async () => [await readLiveVideo(folder), await readLiveSegment(folder, 1, 0)];
  const before = await seen();
  const manifest = (await readManifest(folder)) ?? assert.fail();
  const [first] = manifest.segments;
  assert.ok(first !== undefined && manifest.segments.length > 1);
  manifest.segments.splice(1, 0, { ...first, file: '0000-rest.mp4', startedAt: first.startedAt + 1000 });
  await writeManifest(folder, manifest);
  assert.deepEqual(await seen(), before);
});
