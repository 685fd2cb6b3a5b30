import { mkdtempSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { extname, join, normalize } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';
import { WebSocketServer } from 'ws';
import { UpdateCode } from '#protocol/graphics/update.ts';
import {
  decodeBrowserMessage,
  encodeGatewayMessage,
  TUNNEL_SUBPROTOCOL,
  TUNNEL_VERSION,
} from '#protocol/tunnel/messages.ts';
import { Chromium, type TraceEvent } from './browser/chromium.ts';
import { parseSize, type Scenario, type Sender, streamKey } from './matrix.ts';
import { threadCpuSeconds } from './processes.ts';
import { type BrowserRow, round } from './rows.ts';
import { readStream, streamFile } from './streams/store.ts';
import { nextFrame, type Stream } from './streams/stream.ts';

/** As many as a screen shows, whatever the stream's own pace is. */
const FRAMES_PER_SECOND = 60;
/** Messages that may be on their way or waiting to be drawn, as the gateway's pacer allows. */
const AHEAD = 12;
const WARM_UP_MS = 3000;
const LONG_TASK_MS = 16;
/** What Chromium calls the threads of dedicated workers. */
const WORKER_THREAD = 'DedicatedWorker thread';

/**
 * Plays a stream to our viewer in a real Chromium, sixty frames a second, without a gateway between: what a browser can draw. Then once more
 * from the worker's own memory, which says what of it is decoding and drawing.
 */
export async function measureBrowser(
  scenario: Scenario,
  server: Sender,
  sizeName: string,
  seconds: number,
): Promise<BrowserRow> {
  const size = parseSize(sizeName);
  if (size === undefined) throw new TypeError(`no size: ${sizeName}`);
  const file = streamFile(streamKey(scenario, sizeName, server));
  const stream = await readStream(file);
  const folder = mkdtempSync(join(tmpdir(), 'oriel-bench-browser-'));
  const tunnel = await serve(folder, file, stream);
  let chromium: Chromium | undefined;
  try {
    await buildPage(folder);
    chromium = await Chromium.open(size);
    await chromium.goTo(`http://127.0.0.1:${tunnel.port}/index.html`);
    await chromium.until("document.querySelector('[data-state=active]') !== null");
    await sleep(WARM_UP_MS);
    const page = chromium;
    const frames = () => page.evaluate<number>('benchFrames()');
    const before = { drawn: tunnel.drawn(), frames: await frames(), at: performance.now() };
    await sleep(seconds * 1000);
    const passed = (performance.now() - before.at) / 1000;
    const drawn = tunnel.drawn() - before.drawn;
    const shown = (await frames()) - before.frames;
    const tasks = mainThreadTasks(await chromium.trace(['toplevel', '__metadata'], () => sleep(seconds * 1000)));
    await chromium.goTo(`http://127.0.0.1:${tunnel.port}/memory.html`);
    const fromMemory = await playFromMemory(chromium, seconds);
    return {
      ...{ scenario, server, size: sizeName, ...fromMemory },
      drawnPerSecond: round(drawn / passed, 1),
      pageFramesPerSecond: round(shown / passed, 1),
      longTasks: tasks.filter(({ cpuMs }) => cpuMs > LONG_TASK_MS).length,
      longTasksByClock: tasks.filter(({ ms }) => ms > LONG_TASK_MS).length,
      longestTaskMs: round(Math.max(0, ...tasks.map(({ cpuMs }) => cpuMs)), 1),
    };
  } finally {
    await chromium?.close();
    tunnel.close();
    await rm(folder, { recursive: true, force: true });
  }
}

async function playFromMemory(
  chromium: Chromium,
  seconds: number,
): Promise<Pick<BrowserRow, 'drawnFromMemoryPerSecond' | 'workerMsPerFrame'>> {
  const play = (milliseconds: number) => chromium.evaluate<number>(`benchPlay(${milliseconds})`);
  await chromium.evaluate('benchOpen().then(() => 0)');
  await play(WARM_UP_MS);
  const workerSeconds = () => threadCpuSeconds([process.pid], WORKER_THREAD);
  const before = { cpu: workerSeconds(), at: performance.now() };
  const frames = await play(seconds * 1000);
  const passed = (performance.now() - before.at) / 1000;
  return {
    drawnFromMemoryPerSecond: round(frames / passed, 1),
    workerMsPerFrame: round(((workerSeconds() - before.cpu) * 1000) / frames, 2),
  };
}

async function buildPage(outDir: string): Promise<void> {
  const root = fileURLToPath(new URL('./browser', import.meta.url));
  const protocol = fileURLToPath(new URL('../../protocol', import.meta.url));
  const alias = [{ find: /^#protocol/, replacement: protocol }];
  await build({
    ...{ configFile: false, root, logLevel: 'error', base: './', resolve: { alias } },
    build: {
      ...{ outDir, emptyOutDir: true, target: 'es2022' },
      rolldownOptions: { input: ['index.html', 'memory.html'].map((page) => join(root, page)) },
    },
    worker: { format: 'es' },
  });
}

const TYPES: Readonly<Record<string, string>> = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css' };

/** The pages, the stream's file, and a tunnel that plays to whoever attaches. */
async function serve(
  folder: string,
  streamFile: string,
  stream: Stream,
): Promise<{ port: number; drawn(): number; close(): void }> {
  const http = createServer((request, response) => {
    const path = normalize(new URL(request.url ?? '/', 'http://bench').pathname);
    readFile(path === '/stream' ? streamFile : join(folder, path)).then(
      (file) => response.setHeader('Content-Type', TYPES[extname(path)] ?? 'application/octet-stream').end(file),
      () => response.writeHead(404).end(),
    );
  });
  const sockets = new WebSocketServer({
    server: http,
    handleProtocols: () => TUNNEL_SUBPROTOCOL,
    perMessageDeflate: false,
  });
  let drawn = 0;
  sockets.on('connection', (socket) => {
    let seq = 0;
    let acknowledged = 0;
    let index = 0;
    let timer: NodeJS.Timeout | undefined;
    const send = (updates: Stream['frames'][number]['updates']) => {
      seq++;
      socket.send(encodeGatewayMessage({ type: 'graphics', seq, updates }));
    };
    const begun = performance.now();
    let due = 0;
    /** A timer is late by a little each time: what was missed is made good. */
    const play = () => {
      const now = Math.floor(((performance.now() - begun) * FRAMES_PER_SECOND) / 1000);
      for (; due < now; due++) {
        if (seq - acknowledged > AHEAD) continue;
        index = nextFrame(stream, index);
        send(stream.frames[index]?.updates ?? []);
      }
    };
    socket.on('message', (data: Buffer) => {
      const message = decodeBrowserMessage(data);
      if (message.type === 'attach') {
        socket.send(encodeGatewayMessage({ type: 'hello', version: TUNNEL_VERSION, role: 'owner', mode: 'stream' }));
        const size = new Uint8Array(Uint16Array.of(stream.width, stream.height).buffer);
        send([{ code: UpdateCode.desktopReset, data: size }, ...(stream.frames[0]?.updates ?? [])]);
        timer = setInterval(play, 1000 / FRAMES_PER_SECOND / 4);
      } else if (message.type === 'ack') {
        acknowledged = message.seq;
        drawn++;
      }
    });
    socket.on('close', () => clearInterval(timer));
  });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  const close = () => {
    for (const socket of sockets.clients) socket.terminate();
    http.close();
  };
  return { port: (http.address() as AddressInfo).port, drawn: () => drawn, close };
}

/** Of Chromium's main threads of pages: there is one page besides the empty one that a browser begins with. */
function mainThreadTasks(events: readonly TraceEvent[]): { readonly ms: number; readonly cpuMs: number }[] {
  const main = new Set(
    events
      .filter(({ name, args }) => name === 'thread_name' && args?.name === 'CrRendererMain')
      .map(({ pid, tid }) => `${pid} ${tid}`),
  );
  return events
    .filter(({ name, pid, tid }) => /RunTask$/.test(name) && main.has(`${pid} ${tid}`))
    .map(({ dur = 0, tdur = dur }) => ({ ms: dur / 1000, cpuMs: tdur / 1000 }));
}
