import { renameSync, writeFileSync } from 'node:fs';
import { Session } from 'node:inspector';
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
    session.post('Profiler.stop', (_error, { profile }) => {
      const unfinished = join(folder, `${process.pid}.unfinished`);
      writeFileSync(unfinished, JSON.stringify({ program: process.argv[1], profile }));
      renameSync(unfinished, join(folder, `${process.pid}.json`));
    });
  });
  writeFileSync(join(folder, `${process.pid}.pid`), '');
}

/** Work of a session that rests comes in bursts of a millisecond. */
const SAMPLE_MICROSECONDS = 250;
