import { writeFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { GRAPHICS_KINDS, offerGraphics } from '../protocol/connector/graphics-offer.ts';
import type { GraphicsUpdate } from '../protocol/graphics/update.ts';
import { connectTo } from '../test/lab/client.ts';
import type { Desktop } from '../test/lab/desktop.ts';
import type { LabServer } from '../test/lab/server.ts';
import { type BenchCommand, BenchError, type BenchOptions, Progress } from './cli.ts';
import { claim } from './files.ts';
import { parseSize, REAL_SERVERS, type RealServer } from './live/matrix.ts';
import { DESKTOP_WORKS, workOn } from './live/sources/desktop-work.ts';
import { startRealServer } from './live/sources/real.ts';
import { encodeStream, type StreamFrame } from './live/streams/stream.ts';

const WORKS = ['none', ...DESKTOP_WORKS] as const;

export const command: BenchCommand = {
  usage: 'capture FILE [options]',
  about: `Records what a real server sends in one session, for \`live --stream FILE\` to play again. Either starts a server that is
installed here and works on its desktop, or takes one that runs, where somebody else works meanwhile.`,
  words: { FILE: 'where the stream goes' },
  options: {
    start: { type: 'string', value: 'SERVER', meaning: `${REAL_SERVERS.join(' or ')}, as root` },
    work: {
      type: 'string',
      value: 'WORK',
      meaning: `on the desktop that was started: ${WORKS.join(', ')}`,
      fallback: 'scroll',
    },
    host: { type: 'string', value: 'HOST:PORT', meaning: 'a server that runs' },
    user: { type: 'string', value: 'NAME', meaning: 'its account; the password is read from ORIEL_BENCH_PASSWORD' },
    size: { type: 'string', value: 'SIZE', meaning: 'of the desktop', fallback: '1280x800' },
    graphics: {
      type: 'string',
      value: 'LIST',
      meaning: `offered besides bitmaps: ${GRAPHICS_KINDS.join(', ')}`,
      fallback: '',
    },
    seconds: { type: 'string', value: 'N', meaning: 'of work', fallback: '10' },
  },
  examples: ['npm run bench -- capture scroll.stream --start xrdp', 'npm run bench -- live --stream scroll.stream'],
  run,
};

type Target = Pick<LabServer, 'host' | 'port' | 'username' | 'password' | 'width' | 'height'>;

/** What comes within so many milliseconds was drawn together. */
const FRAME_GAP_MS = 5;
/** The first picture is whole when nothing has come for so long. */
const QUIET_MS = 2000;
const FIRST_PICTURE_WITHIN_MS = 60_000;

async function run(options: BenchOptions, [file, ...rest]: readonly string[]): Promise<undefined> {
  if (file === undefined || rest.length > 0) throw new BenchError('bad_value', 'one FILE is asked for');
  const size = parseSize(options.text('size') ?? '');
  if (size === undefined) throw new BenchError('bad_value', `--size: "${options.text('size')}" is no size`);
  const seconds = options.number('seconds', 1, 600);
  const graphics = options.choices('graphics', GRAPHICS_KINDS);
  const [work = 'none'] = options.choices('work', WORKS);
  const [start] = options.choices('start', REAL_SERVERS);
  await claim(file);
  const progress = new Progress(3);
  progress.step(start === undefined ? 'connecting' : `starting ${start}`);
  const server = start === undefined ? undefined : await startServer(start, size);
  try {
    const target = server === undefined ? runningServer(options, size) : { ...server, ...size };
    const updates: { readonly at: number; readonly update: GraphicsUpdate }[] = [];
    const client = connectTo(target, { ...offerGraphics(graphics) }, (update) => {
      updates.push({ at: performance.now(), update });
    });
    const desktop = await server?.desktop();
    await desktop?.ready();
    await quiet(updates, () => client.end()?.code);
    progress.step(`recording ${seconds} s`);
    const startedAt = performance.now();
    const working = desktop === undefined || work === 'none' ? undefined : await workOn(desktop, work);
    const typing = desktop !== undefined && work === 'type' ? typeFor(desktop, seconds) : undefined;
    await sleep(seconds * 1000);
    await typing;
    await working?.stop('SIGKILL');
    const { width, height } = client.compositor;
    client.connection.close();
    progress.step(`writing ${file}`);
    const frames = framesOf(updates, startedAt);
    const name = basename(file).replace(/\.[^.]*$/, '');
    await writeFile(file, encodeStream({ name, width, height, loopMs: seconds * 1000, onKeys: false, frames }));
    const bytes = updates.reduce((sum, { update }) => sum + update.data.length, 0);
    process.stdout.write(`${file}: ${frames.length} frames, ${bytes} bytes, ${width}x${height}\n`);
  } finally {
    await server?.stop();
  }
  return undefined;
}

async function startServer(name: RealServer, size: { width: number; height: number }): Promise<LabServer> {
  try {
    return await startRealServer(name, size);
  } catch (error) {
    throw new BenchError('server_missing', (error as Error).message, { cause: error });
  }
}

function runningServer(options: BenchOptions, size: { width: number; height: number }): Target {
  const [, host, port] = /^(.+):(\d+)$/.exec(options.text('host') ?? '') ?? [];
  const username = options.text('user');
  if (host === undefined || username === undefined) {
    throw new BenchError('bad_value', '--start SERVER, or --host HOST:PORT and --user NAME');
  }
  return { host, port: Number(port), username, password: process.env.ORIEL_BENCH_PASSWORD ?? '', ...size };
}

/** Waits for a first picture and for the server to come to rest. */
async function quiet(updates: readonly { readonly at: number }[], ended: () => string | undefined): Promise<void> {
  const deadline = performance.now() + FIRST_PICTURE_WITHIN_MS;
  for (;;) {
    const end = ended();
    if (end !== undefined) throw new BenchError('server_missing', `the connection has ended: ${end}`);
    const last = updates.at(-1)?.at;
    const now = performance.now();
    if (last !== undefined && now - last > QUIET_MS) return;
    // A desktop with a clock or a film never rests.
    if (now > deadline) {
      if (last === undefined) throw new BenchError('server_missing', 'the server draws nothing');
      return;
    }
    await sleep(100);
  }
}

async function typeFor(desktop: Desktop, seconds: number): Promise<void> {
  const until = performance.now() + (seconds - 1) * 1000;
  while (performance.now() < until) {
    await desktop.type('a');
    await sleep(200);
  }
}

/** All until the work began is the first frame. */
function framesOf(
  updates: readonly { readonly at: number; readonly update: GraphicsUpdate }[],
  startedAt: number,
): StreamFrame[] {
  const frames: { at: number; updates: GraphicsUpdate[] }[] = [{ at: 0, updates: [] }];
  let last = Number.NEGATIVE_INFINITY;
  for (const { at, update } of updates) {
    const isFirst = at < startedAt;
    if (!isFirst && at - last > FRAME_GAP_MS) frames.push({ at: Math.round(at - startedAt), updates: [] });
    else if (!isFirst && frames.length === 1) frames.push({ at: Math.round(at - startedAt), updates: [] });
    if (!isFirst) last = at;
    frames.at(-1)?.updates.push(update);
  }
  return frames;
}
