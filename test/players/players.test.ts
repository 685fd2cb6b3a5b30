import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { WebSocket } from 'ws';
import { ensureSigningKey } from '../../recorder/evidence/signing-key.ts';
import { probeVideo } from '../../recorder/testing/media-tools.ts';
import { RecordingSession } from '../../recorder/testing/recording-session.ts';
import { closeBrowser, launchBrowser } from '../e2e/browser.ts';

/**
 * A finished recording in players that are not ours: mpv and VLC decode every frame without a word, Firefox and
 * Chromium play it and seek in it. Run by `npm run test:lab`, which installs them; our own player is in `test/e2e`, ffmpeg in the
 * recorder's own tests.
 */
const SECONDS = 100;
/** Debian's user and group for what may do nothing. */
const NOBODY = 65534;
const COLOURS = ['#2060c0', '#c06020', '#20a040', '#a020a0'];

/** Five seconds of each colour, with a pause of 40 seconds, a second size, and all the evidence. */
async function makeRecording(context: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'oriel-players-'));
  context.after(() => rm(folder, { recursive: true, force: true }));
  const signingKeyFile = join(folder, 'evidence.key');
  await ensureSigningKey(signingKeyFile);
  const session = await RecordingSession.open(context, 640, 400, { signingKeyFile, segmentMs: 30_000 });
  session.recorder.event('request', { user: 'jane', target: 'server' });
  for (let i = 0; session.elapsed < SECONDS * 1000; i++) {
    if (i === 9) {
      session.desktop.resize(800, 480);
      session.recorder.resized(session.clock.now());
    }
    session.fill({ x: 0, y: 0, width: 800, height: 480 }, COLOURS[i % 4] as string);
    session.recorder.event('input', { keys: i });
    await session.advance(i === 5 ? 45_000 : 5000);
  }
  return (await session.finish())?.path ?? assert.fail();
}

test('mpv decodes every frame without an error', async (context) => {
  const path = await makeRecording(context);
  const args = ['--no-config', '--vo=null', '--ao=null', '--untimed', '--msg-level=all=warn', path];
  const { status, stdout, stderr, error } = spawnSync('mpv', args, { timeout: 60_000, encoding: 'utf8' });
  assert.equal(error, undefined, error?.message);
  // Root without an audio or a runtime folder is told so; of the video there is nothing to tell.
  const complaints = `${stdout}${stderr}`
    .split('\n')
    .filter((line) => /vd|ffmpeg|demux|lavf|error|corrupt/i.test(line));
  assert.deepEqual([status, complaints], [0, []]);
});

test('VLC decodes every frame and loses none', { timeout: 60_000 }, async (context) => {
  const path = await makeRecording(context);
  const home = dirname(dirname(path));
  for (const folder of [dirname(path), home]) await chmod(folder, 0o755);
  await chmod(path, 0o644);
  const args = ['-I', 'oldrc', '--rc-fake-tty', '--no-audio', '--no-spu', '--vout=vdummy', '--avcodec-hw=none'];
  // Into a pipe it would say nothing until it ends.
  const child = spawn('stdbuf', ['-oL', 'vlc', ...args, '--rate=31', '--play-and-pause', '-v', path], {
    env: { ...process.env, HOME: home },
    // It does not run as root.
    ...(process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {}),
  });
  context.after(() => child.kill('SIGKILL'));
  let complaints = '';
  child.stdin.on('error', () => {});
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaints += text;
  });
  // It says nothing unless it is asked.
  const asking = setInterval(() => child.stdin.write('stats\n'), 500);
  let said = '';
  for await (const text of child.stdout.setEncoding('utf8') as AsyncIterable<string>) {
    // It pauses where the video ends.
    if (said.includes('( pause state')) child.stdin.write('quit\n');
    said += text;
  }
  clearInterval(asking);
  const last = said.slice(said.lastIndexOf('begin of statistical info'));
  const count = (what: string) => Number(new RegExp(`${what} *: *(\\d+)`).exec(last)?.[1]);
  // It counts a picture each time that it shows it.
  assert.ok(count('video decoded') >= probeVideo(path).timestamps.length);
  assert.deepEqual([count('frames lost'), count('demux corrupted')], [0, 0]);
  assert.doesNotMatch(complaints, /(avcodec|h264|mp4|demux|decoder|input)\S* [^\n]*error/);
});

test('Firefox plays it, knows its length, and seeks to the moment, before and after its desktop changed size', async (context) => {
  const url = await servedRecording(context);
  const firefox = await Firefox.start(context);
  assertPlayed((await firefox.run(url, PLAYING)) as string);
});

test('Chromium plays it, knows its length, and seeks to the moment, before and after its desktop changed size', async (context) => {
  const url = await servedRecording(context);
  const browser = await launchBrowser();
  context.after(() => closeBrowser(browser));
  const page = await browser.newPage();
  await page.goto(url);
  assertPlayed(await page.evaluate<string>(PLAYING));
});

/** A page with the recording in a `<video>`. */
async function servedRecording(context: TestContext): Promise<string> {
  const path = await makeRecording(context);
  const server = createServer((request, response) => {
    if (request.url === '/') {
      response.setHeader('Content-Type', 'text/html');
      response.end('<!doctype html><title>player</title><video muted src="/video.mp4"></video>');
      return;
    }
    readFile(path).then((bytes) => {
      const [, from, to] = /bytes=(\d+)-(\d*)/.exec(request.headers.range ?? 'bytes=0-') ?? [];
      const start = Number(from);
      const end = to === '' || to === undefined ? bytes.length - 1 : Number(to);
      response.writeHead(206, {
        'Content-Type': 'video/mp4',
        'Accept-Ranges': 'bytes',
        'Content-Range': `bytes ${start}-${end}/${bytes.length}`,
      });
      response.end(bytes.subarray(start, end + 1));
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  context.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  return `http://127.0.0.1:${port}/`;
}

/** Plays a little, then seeks; the result is JSON. */
const PLAYING = `(async () => {
  const video = document.querySelector('video');
  const event = (name) => new Promise((done, fail) => {
    video.addEventListener(name, done, { once: true });
    video.addEventListener('error', () => fail(new Error(video.error.message)), { once: true });
  });
  if (video.readyState < 2) await event('loadeddata');
  await video.play();
  await event('timeupdate');
  video.pause();
  const canvas = new OffscreenCanvas(1, 1).getContext('2d');
  const seeks = [];
  for (const at of [2, 12, 27, 60, 78, 97]) {
    const seeked = event('seeked');
    video.currentTime = at;
    await seeked;
    await new Promise((done) => setTimeout(done, 100));
    canvas.drawImage(video, video.videoWidth / 2, video.videoHeight / 2, 1, 1, 0, 0, 1, 1);
    seeks.push([at, video.currentTime, ...canvas.getImageData(0, 0, 1, 1).data.slice(0, 3)]);
  }
  return JSON.stringify({ duration: video.duration, width: video.videoWidth, seeks });
})()`;

function assertPlayed(seen: string): void {
  const { duration, width, seeks } = JSON.parse(seen) as { duration: number; width: number; seeks: number[][] };
  assert.ok(Math.abs(duration - SECONDS) < 1, `${duration} s`);
  assert.equal(width, 800);
  for (const [at = 0, landed = 0, ...colour] of seeks) {
    assert.ok(Math.abs(landed - at) <= 1, `${at} landed at ${landed}`);
    // Until 25 s another colour every five seconds, then 45 s of the same, then as before.
    const step = at < 25 ? Math.floor(at / 5) : at < 70 ? 5 : 6 + Math.floor((at - 70) / 5);
    const text = COLOURS[step % 4] as string;
    const want = [1, 3, 5].map((i) => Number.parseInt(text.slice(i, i + 2), 16));
    assert.ok(
      colour.every((value, i) => Math.abs(value - (want[i] as number)) <= 16),
      `at ${at} s it is ${colour}, not ${want}`,
    );
  }
}

/** Debian's Firefox, driven by WebDriver BiDi. */
class Firefox {
  readonly #socket: WebSocket;
  readonly #waiting = new Map<number, (answer: BidiAnswer) => void>();
  #next = 1;

  static async start(context: TestContext): Promise<Firefox> {
    const profile = await mkdtemp(join(tmpdir(), 'oriel-firefox-'));
    const args = ['--headless', '--no-remote', '--remote-debugging-port=0', '--profile', profile];
    const child = spawn('firefox-esr', args, {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...process.env, HOME: profile },
    });
    context.after(async () => {
      const exited = once(child, 'exit');
      child.kill('SIGKILL');
      await exited;
      await rm(profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
    });
    const url = await new Promise<string>((resolve, reject) => {
      let text = '';
      child.on('error', reject);
      child.on('exit', () => reject(new Error(`firefox-esr ended: ${text}`)));
      child.stderr.setEncoding('utf8').on('data', (piece: string) => {
        text += piece;
        const found = /WebDriver BiDi listening on (ws:\S+)/.exec(text)?.[1];
        if (found !== undefined) resolve(found);
      });
    });
    const socket = new WebSocket(`${url}/session`);
    await once(socket, 'open');
    const firefox = new Firefox(socket);
    await firefox.#call('session.new', { capabilities: {} });
    return firefox;
  }

  constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on('message', (data) => {
      const answer = JSON.parse(String(data)) as BidiAnswer;
      this.#waiting.get(answer.id)?.(answer);
    });
  }

  /** Opens a page and runs an expression in it, whose promise is waited for. */
  async run(url: string, expression: string): Promise<unknown> {
    const { contexts } = (await this.#call('browsingContext.getTree', {})) as { contexts: { context: string }[] };
    const context = contexts[0]?.context;
    await this.#call('browsingContext.navigate', { context, url, wait: 'complete' });
    const call = { expression, target: { context }, awaitPromise: true, userActivation: true };
    const answer = (await this.#call('script.evaluate', call)) as { type: string; result?: { value: unknown } };
    if (answer.type !== 'success') throw new Error(JSON.stringify(answer));
    return answer.result?.value;
  }

  async #call(method: string, params: object): Promise<unknown> {
    const id = this.#next++;
    const answer = await new Promise<BidiAnswer>((resolve) => {
      this.#waiting.set(id, resolve);
      this.#socket.send(JSON.stringify({ id, method, params }));
    });
    if (answer.type === 'error') throw new Error(`${method}: ${answer.message}`);
    return answer.result;
  }
}

interface BidiAnswer {
  readonly id: number;
  readonly type: 'success' | 'error' | 'event';
  readonly result?: unknown;
  readonly message?: string;
}
