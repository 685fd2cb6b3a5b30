import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { access, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { WriteCursor } from '#protocol/core/cursor.ts';
import { UpdateCode } from '#protocol/graphics/update.ts';
import { sessionClock } from '../../gateway/clock.ts';
import { encodeDamage } from '../../gateway/demo/encode-damage.ts';
import { createLogger } from '../../gateway/log.ts';
import { PixelHostProcess } from '../../gateway/pixels/pixel-host-process.ts';
import type { RecordingResult } from '../../gateway/sessions/ports.ts';
import { EventJournal } from '../../recorder/evidence/event-journal.ts';
import { ensureSigningKey } from '../../recorder/evidence/signing-key.ts';
import { verifySource } from '../../recorder/evidence/verify.ts';
import { VIDEO_FILE } from '../../recorder/finish.ts';
import { RecordingFolder } from '../../recorder/storage/recording-folder.ts';
import { RecordingStore } from '../../recorder/storage/recording-store.ts';
import { requireTools, temporaryDirectory } from '../../recorder/testing/media-tools.ts';
import { smallDisk } from '../../recorder/testing/small-disk.ts';

test('a recording that no disk space is left to finish is finished when there is some, without a restart', async (context) => {
  if (!requireTools(context, 'ffmpeg')) return;
  const disk = await smallDisk(context, 3000);
  if (disk === undefined) return;
  const signingKeyFile = join(await temporaryDirectory(context), 'evidence.key');
  const { publicKey } = await ensureSigningKey(signingKeyFile);
  const recordingKey = Uint8Array.from(randomBytes(32));
  const host = new PixelHostProcess({
    recordingsDirectory: disk,
    ffmpegPath: 'ffmpeg',
    signingKeyFile,
    openJournal: (directory, sessionId, key) =>
      new EventJournal(new RecordingFolder(directory, sessionId, key), sessionClock),
    retryMs: 300,
    log: createLogger('silent'),
  });
  context.after(() => host.close());
  const later = Promise.withResolvers<RecordingResult | undefined>();
  const failures: string[] = [];
  const recorded = Promise.withResolvers<void>();
  const session = await host.open({
    sessionId: 'session-1',
    width: 640,
    height: 400,
    record: true,
    recordingKey,
    failed: (_detail, code) => failures.push(code),
    finishedLater: later.resolve,
    health: ({ bytes, behindMs }) => {
      if (bytes > 0 && behindMs === 0) recorded.resolve();
    },
  });
  const size = new WriteCursor(4);
  size.u16(640);
  size.u16(400);
  session.sink.graphics({ code: UpdateCode.desktopReset, data: size.finish() }, sessionClock());
  const pixels = ({ width, height }: { width: number; height: number }) => randomBytes(width * height * 4);
  for (const data of encodeDamage([{ x: 0, y: 0, width: 640, height: 400 }], 16, pixels)) {
    session.sink.graphics({ code: UpdateCode.bitmap, data }, sessionClock());
  }
  session.event('input', { keys: 1 }, sessionClock());
  await recorded.promise;
  await sleep(1200);
  const ballast = join(disk, 'ballast');
  await writeFile(ballast, Buffer.alloc(4_000_000)).catch(() => {});
  session.event('input', { keys: 2 }, sessionClock());
  session.event('ended', { code: 'ended_by_user' }, sessionClock());
  session.sink.end({ code: 'ended_by_user', message: '' }, sessionClock());
  assert.equal(await session.finished, 'left');
  await sleep(700); // it is tried again in vain
  await rm(ballast);
  const result = await later.promise;
  assert.ok((result?.durationMs ?? 0) > 1000, `${result?.durationMs} ms`);
  const store = new RecordingStore({ directory: disk, keyOf: async () => recordingKey });
  const video = (await store.open('session-1', VIDEO_FILE)) ?? assert.fail();
  const report = await verifySource(video, [publicKey]).finally(() => video.close());
  assert.deepEqual([report.verdict, report.findings], ['whole', []]);
  const events = (await store.events('session-1')) ?? [];
  assert.deepEqual(
    events.flatMap(({ type, keys }) => (type === 'input' ? [keys] : [])),
    [1, 2],
  );
  assert.equal(events.filter(({ type }) => type === 'ended').length, 1);
  await assert.rejects(access(join(disk, 'session-1', 'journal-0.jsonl.sealed')));
});
