import { renameSync, writeFileSync } from 'node:fs';
import { type Profiler, Session } from 'node:inspector';
import { join } from 'node:path';
import { PROFILE_SIGNAL, PROFILE_VARIABLE } from './names.ts';

/**
 * Loaded into every Node process of a bench with `--profile`, before its program: takes a CPU profile from one signal to the
 * next. A file named for the process says that it listens; a second one is the profile.
 */
const folder = process.env[PROFILE_VARIABLE];
if (folder !== undefined) listen(folder);

function listen(folder: string): void {
  const session = new Session();
  session.connect();
  let running = false;
  process.on(PROFILE_SIGNAL, () => {
    running = !running;
    if (running) {
      session.post('Profiler.enable');
      session.post('Profiler.setSamplingInterval', { interval: SAMPLE_MICROSECONDS });
      session.post('Profiler.start');
      return;
    }
    session.post('Profiler.stop', (_error, { profile: whole }) => {
      const profile = withoutBeginning(whole);
      const unfinished = join(folder, `${process.pid}.unfinished`);
      writeFileSync(unfinished, JSON.stringify({ program: process.argv[1], profile }));
      renameSync(unfinished, join(folder, `${process.pid}.json`));
    });
  });
  writeFileSync(join(folder, `${process.pid}.pid`), '');
}

/** Beginning itself goes through all of the heap, which would pass for the collector's work. */
function withoutBeginning(profile: Profiler.Profile): Profiler.Profile {
  const { startTime, samples = [], timeDeltas = [] } = profile;
  let first = 0;
  for (let at = 0; first < samples.length && at < BEGINNING_MICROSECONDS; first++) at += timeDeltas[first] ?? 0;
  return {
    ...profile,
    startTime: Math.min(profile.endTime, startTime + BEGINNING_MICROSECONDS),
    samples: samples.slice(first),
    timeDeltas: timeDeltas.slice(first),
  };
}

const BEGINNING_MICROSECONDS = 1_000_000;

/** More often would cost more than what is looked at; a longer run sees as much. */
const SAMPLE_MICROSECONDS = 1000;
