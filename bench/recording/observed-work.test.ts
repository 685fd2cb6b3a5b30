import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { SessionRecorder } from '../../recorder/session-recorder.ts';
import { FakeClock } from '../../recorder/testing/fake-clock.ts';
import { requireTools } from '../../recorder/testing/media-tools.ts';
import { ObservedWork } from './observed-work.ts';
import type { Scenario } from './scenario.ts';
import { DrawnWork } from './work.ts';

/** A pointer that is told of again and again stays where it is; once it moves, two seconds after that something is drawn. */
const restedPointer: Scenario = {
  name: 'rested-pointer',
  start: (screen) => screen.pointer(40, 40),
  step(screen, ms) {
    if (ms % 500 === 0) screen.pointer(ms < 5000 ? 40 : 60, 40);
    if (ms === 7000)
      screen.draw({ x: 100, y: 100, width: 16, height: 16 }, (context) => context.fillRect(100, 100, 16, 16));
  },
};

test('a pointer that was told of again does not count as late, one that moved does', async (context) => {
  if (!requireTools(context, 'ffmpeg', 'ffprobe')) return;
  const directory = await mkdtemp(join(tmpdir(), 'oriel-observed-'));
  context.after(() => rm(directory, { recursive: true, force: true }));
  const clock = new FakeClock();
  const desktop = new ObservedWork(new DrawnWork(restedPointer), clock);
  const recorder = await SessionRecorder.open({ directory, sessionId: 'observed', clock }, desktop);
  await desktop.run(recorder, 9000);
  await recorder.finish(clock.now());
  // A frame comes when nothing has changed for 0.3 s, a tick of 50 ms later at most.
  assert.ok(desktop.worstStalenessMs >= 300 && desktop.worstStalenessMs <= 350, `${desktop.worstStalenessMs} ms`);
});
