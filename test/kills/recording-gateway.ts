import { readdirSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { WriteCursor } from '#protocol/core/cursor.ts';
import { UpdateCode } from '#protocol/graphics/update.ts';
import { sessionClock } from '../../gateway/clock.ts';
import { encodeDamage } from '../../gateway/demo/encode-damage.ts';
import { createLogger } from '../../gateway/log.ts';
import { PixelHostProcess } from '../../gateway/pixels/pixel-host-process.ts';
import type { PixelSession } from '../../gateway/sessions/ports.ts';
import { EventJournal } from '../../recorder/evidence/event-journal.ts';
import { RecordingFolder } from '../../recorder/storage/recording-folder.ts';

/**
 * A gateway as far as recordings go: `node recording-gateway.ts RECORDINGS SIGNING-KEY KEY ENCODERS SESSION…`. Records desktops
 * on which something always moves, sends an event every 20 ms amid bursts of pictures, and says
 * what it did, each line at once: it will not have the time to flush anything.
 */
const [recordingsDirectory = '', signingKeyFile = '', key = '', encoders = '', ...ids] = process.argv.slice(2);
const WIDTH = 320;
const HEIGHT = 200;
const BLOCK = 48;

const host = new PixelHostProcess({
  recordingsDirectory,
  ffmpegPath: 'ffmpeg',
  encoders: Number(encoders),
  signingKeyFile,
  openJournal: (directory, sessionId, sealedWith) =>
    new EventJournal(new RecordingFolder(directory, sessionId, sealedWith), sessionClock),
  log: createLogger('silent'),
});

const say = (line: string): void => void writeSync(1, `${line}\n`);

async function open(sessionId: string): Promise<PixelSession> {
  const session = await host.open({
    sessionId,
    width: WIDTH,
    height: HEIGHT,
    record: true,
    recordingKey: Buffer.from(key, 'base64'),
    failed: (detail) => say(`failed ${sessionId} ${detail}`),
  });
  session.finished.then(() => say(`finished ${sessionId}`));
  return session;
}

const sessions = await Promise.all(ids.map(open));
const size = new WriteCursor(4);
size.u16(WIDTH);
size.u16(HEIGHT);
const desktopReset = { code: UpdateCode.desktopReset, data: size.finish() };
for (const session of sessions)
  session.sink.graphics({ ...desktopReset, data: desktopReset.data.slice() }, sessionClock());

let step = 0;
setInterval(() => {
  step++;
  sessions.forEach((session, i) => {
    const rect = {
      x: (step * 13 + i * 40) % (WIDTH - BLOCK),
      y: (step * 7) % (HEIGHT - BLOCK),
      width: BLOCK,
      height: BLOCK,
    };
    const colour = [(step * 40) % 256, (i * 90) % 256, (step * 11) % 256, 255];
    const read = ({ width, height }: { width: number; height: number }) =>
      Uint8Array.from({ length: width * height * 4 }, (_, at) => colour[at % 4] as number);
    for (const data of encodeDamage([rect], 16, read)) {
      session.sink.graphics({ code: UpdateCode.bitmap, data }, sessionClock());
    }
  });
  say(`drawn ${performance.timeOrigin + performance.now()}`);
}, 200);

const noise = ({ width, height }: { width: number; height: number }) =>
  Uint8Array.from({ length: width * height * 4 }, (_, i) => (Math.imul(i, 0x9e3779b1) >>> 13) & 0xff);
const burden = [...encodeDamage([{ x: 0, y: 0, width: WIDTH, height: HEIGHT - 2 * BLOCK }], 16, noise)];

let event = 0;
setInterval(() => {
  // In bursts: what counts is that much is on its way, not that the machine has no time for anything else.
  for (const session of event % 10 === 0 ? sessions : []) {
    for (const data of burden) session.sink.graphics({ code: UpdateCode.bitmap, data: data.slice() }, sessionClock());
  }
  for (const session of sessions) session.event('input', { keys: event }, sessionClock());
  say(`event ${event++} ${performance.timeOrigin + performance.now()}`);
}, 20);

// Encoders come and go; whoever kills them wants to know which there are.
setInterval(() => say(`processes ${host.pid ?? 0} ${childrenOf(host.pid ?? 0).join(' ')}`), 100);

function childrenOf(parent: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        // The fourth field, behind the name in brackets, is the parent.
        const stat = readFileSync(join('/proc', String(pid), 'stat'), 'latin1');
        return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]) === parent;
      } catch {
        return false;
      }
    });
}
