import { writeSync } from 'node:fs';
import { EventLog } from '../evidence/event-log.ts';
import { RecordingFolder } from '../storage/recording-folder.ts';

/**
 * A process that writes an event log until it is killed: `node event-process.ts DIRECTORY`. Prints each event's number
 * once the log has it. With `fill` as a second argument it writes without a pause until the log fails, says so and ends.
 */
const [directory = '', mode] = process.argv.slice(2);
const log = await EventLog.open({
  folder: new RecordingFolder(directory, 'killed'),
  sessionId: 'killed',
  at: Date.now(),
  onFailure: (cause) => {
    writeSync(1, `failed ${(cause as NodeJS.ErrnoException).code}\n`);
    process.exit(0);
  },
});
let n = 0;
const write = (): void => {
  log.append('input', { keys: n }, { at: Date.now(), t: n });
  const written = ++n;
  if (mode === undefined) setTimeout(() => writeSync(1, `${written}\n`), 15);
};
setInterval(write, mode === 'fill' ? 2 : 20);
