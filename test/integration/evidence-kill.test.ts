import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { WriteCursor } from '#protocol/core/cursor.ts';
import { UpdateCode } from '#protocol/graphics/update.ts';
import { sessionClock } from '../../gateway/clock.ts';
import { createLogger } from '../../gateway/log.ts';
import { PixelHostProcess } from '../../gateway/pixels/pixel-host-process.ts';
import type { RecordingHealth } from '../../gateway/sessions/ports.ts';
import { EventJournal } from '../../recorder/evidence/event-journal.ts';
import { ensureSigningKey } from '../../recorder/evidence/signing-key.ts';
import { eventsOf, verifyRecording } from '../../recorder/evidence/verify.ts';
import { RecordingFolder } from '../../recorder/storage/recording-folder.ts';
import { evidenceIn } from '../../recorder/testing/open-files.ts';

const SEED = Number(process.env.ORIEL_TEST_SEED ?? 20261121);

test(`a killed pixel host costs no event, and its recordings are sealed (seed ${SEED})`, async (context) => {
  const folder = await mkdtemp(join(tmpdir(), 'oriel-evidence-'));
  const signingKeyFile = join(folder, 'evidence.key');
  const { publicKey } = await ensureSigningKey(signingKeyFile);
  const recordingsDirectory = join(folder, 'recordings');
  const log = createLogger('silent');
  const openJournal = (directory: string, sessionId: string) =>
    new EventJournal(new RecordingFolder(directory, sessionId), sessionClock);
  const host = new PixelHostProcess({ recordingsDirectory, ffmpegPath: 'ffmpeg', signingKeyFile, openJournal, log });
  context.after(async () => {
    await host.close();
    await rm(folder, { recursive: true, force: true });
  });
  let random = SEED;
  for (let round = 0; round < 4; round++) {
    const sessionId = `killed-${round}`;
    let bytes = 0;
    const options = {
      ...{ sessionId, width: 320, height: 200, record: true, failed: () => {} },
      health: (health: RecordingHealth) => {
        bytes = health.bytes;
      },
    };
    const session = await host.open(options);
    let end = false;
    const sent: { n: number; at: number }[] = [];
    const working = (async () => {
      for (let n = 0; !end; n++) {
        // A new size is a new picture, and a segment: the hardest moment to be killed in.
        if (n % 40 === 0) session.sink.graphics(desktopReset(320 + (n % 80), 200), sessionClock());
        session.event('input', { keys: n }, sessionClock());
        sent.push({ n, at: performance.now() });
        await sleep(10);
      }
    })();
    random = (Math.imul(random, 1664525) + 1013904223) >>> 0;
    await sleep(2500 + (random % 1500));
    // However slow this machine is: a recording of which there is nothing yet cannot be recovered.
    while (sent.length <= 60 || bytes === 0) await sleep(10);
    const killedAt = performance.now();
    assert.ok(host.pid !== undefined);
    process.kill(host.pid, 'SIGKILL');
    end = true;
    await working;
    const recording = await session.finished;
    assert.ok(recording !== undefined, `round ${round}: nothing was recovered`);
    const path = join(recordingsDirectory, sessionId, 'video.mp4');
    const report = await verifyRecording(path, [publicKey]);
    assert.deepEqual([report.verdict, report.findings], ['whole', []], `round ${round}`);
    assert.equal(report.recording?.state, 'incomplete');
    const box = await evidenceIn(path);
    assert.ok(box);
    const kept = eventsOf(box).flatMap(({ type, keys }) => (type === 'input' ? [Number(keys)] : []));
    const due = sent.filter(({ at }) => at < killedAt).map(({ n }) => n);
    assert.ok(due.length > 50, `round ${round}: ${due.length} events`);
    assert.deepEqual(kept.slice(0, due.length), due, `round ${round}: ${kept.length} kept, ${due.length} due`);
  }
});

function desktopReset(width: number, height: number) {
  const cursor = new WriteCursor(4);
  cursor.u16(width);
  cursor.u16(height);
  return { code: UpdateCode.desktopReset, data: cursor.finish() };
}
