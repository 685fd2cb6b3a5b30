import { writeSync } from 'node:fs';
import { SessionRecorder } from '../session-recorder.ts';
import { CanvasDesktop } from './canvas-desktop.ts';

/**
 * A process that records a moving desktop in real time until it is killed: `node recorder-process.ts DIRECTORY`.
 * Prints the encoder's process id whenever there is a new one, and a line for each second.
 */
const directory = process.argv[2] ?? '';
const desktop = new CanvasDesktop(640, 480);
const recorder = await SessionRecorder.open({ directory, sessionId: 'killed', segmentMs: 2500 }, desktop);
let step = 0;
let encoder: number | undefined;
setInterval(() => {
  step += 1;
  const area = { x: (step * 7) % 600, y: (step * 5) % 440, width: 40, height: 40 };
  const rects = desktop.draw(area, (context) => {
    context.fillStyle = step % 2 ? '#204080' : '#802040';
    context.fillRect(area.x, area.y, area.width, area.height);
  });
  recorder.damaged(rects, performance.timeOrigin + performance.now());
  if (recorder.encoderPid !== encoder && recorder.encoderPid !== undefined) {
    encoder = recorder.encoderPid;
    say(`encoder ${encoder}`);
  }
  if (step % 10 === 0) say(`second ${step / 10}`);
}, 100);

/** At once: this process will not have the time to flush anything. */
function say(line: string): void {
  writeSync(1, `${line}\n`);
}
