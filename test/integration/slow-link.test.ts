import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { WebSocket } from 'ws';
import { createLogger } from '../../gateway/log.ts';
import { PixelHostProcess } from '../../gateway/pixels/pixel-host-process.ts';
import { rdpConnector } from '../../gateway/rdp/connect.ts';
import { ADMIN_PASSWORD, type Harness, startHarness, until } from '../../gateway/testing/harness.ts';
import { WriteCursor } from '../../protocol/core/cursor.ts';
import { UpdateCode } from '../../protocol/graphics/update.ts';
import type { InputEvent } from '../../protocol/pdu/input.ts';
import { encodeSurfaceCommand, type SurfaceCommand, sizeOfSurfaceCommand } from '../../protocol/pdu/surface-command.ts';
import { DesktopLink } from '../../web-client/viewer/desktop-link.ts';
import type { WorkerEvent } from '../../web-client/viewer/worker-messages.ts';
import { type Farm, farm, OPEN, type Visit } from '../rdp/farm.ts';
import { decodeRegion, MemorySurface } from './memory-surface.ts';
import { SlowLink } from './slow-link.ts';

/**
 * A gateway with its own driver and pixel host between a server whose desktop moves and a viewer at the end of a slow link. What the gateway
 * learns of the link goes by a clock that can be put forward.
 */
let putForwardMs = 0;
const SIZE = { width: 320, height: 240 };
const FRAME_MS = 40;
/** As real servers: so many frames may wait to be acknowledged. */
const WINDOW = 8;

let servers: Farm;
let link: SlowLink;
let harness: Harness;
let pixels: PixelHostProcess;
let desktop: MovingDesktop;
let browser: Browser;

/** Draws noise that is never the same, and the number of the frame in the upper left corner, in squares of eight pixels. */
class MovingDesktop {
  /** When each frame was drawn. */
  readonly drawnAt: number[] = [];
  readonly typed: InputEvent[] = [];
  readonly #visit: Visit;
  readonly #timer: NodeJS.Timeout;
  isStill = false;
  #seed = 1;

  constructor(visit: Visit) {
    this.#visit = visit;
    this.#timer = setInterval(() => this.#draw(), FRAME_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #draw(): void {
    if (this.isStill) return;
    const { heard, server, socket } = this.#visit;
    const acknowledged = heard.filter(({ kind }) => kind === 'surface-frame-acknowledged').length;
    if (this.drawnAt.length - acknowledged >= WINDOW || socket.writableNeedDrain) return;
    const number = this.drawnAt.push(performance.now());
    const commands = [frameMarker(0, number), this.#bits(number), frameMarker(1, number)] as const;
    const cursor = new WriteCursor(commands.reduce((sum, command) => sum + sizeOfSurfaceCommand(command), 0));
    for (const command of commands) encodeSurfaceCommand(command, cursor);
    this.#visit.do(server.update(UpdateCode.surfaceCommands, cursor.finish()));
  }

  #bits(number: number): SurfaceCommand {
    const [width, height] = [160, 96];
    const words = new Uint32Array(width * height);
    for (let i = 0; i < words.length; i++) {
      // A linear congruential generator, of which the upper bits are good.
      this.#seed = (Math.imul(this.#seed, 1664525) + 1013904223) >>> 0;
      words[i] = 0x406080 + (this.#seed >>> 29) * 0x010101 + ((i % width) >> 1) * 0x000100;
    }
    for (let bit = 0; bit < NUMBER_BITS; bit++) {
      const colour = (number >> bit) & 1 ? 0xffffff : 0;
      // Uncompressed pictures are drawn from the bottom up.
      for (let y = height - 8; y < height; y++) words.fill(colour, y * width + bit * 8, y * width + bit * 8 + 8);
    }
    const place = { destLeft: 0, destTop: 0, width, height, bitsPerPixel: 32, codecId: 0 };
    return { kind: 'bits', type: 1, ...place, data: new Uint8Array(words.buffer) };
  }
}

const NUMBER_BITS = 16;
const frameMarker = (action: number, frameId: number): SurfaceCommand => ({ kind: 'frame', action, frameId });

/** The viewer as the browser's worker runs it, at the end of the link. */
class Browser {
  readonly surface = new MemorySurface();
  readonly events: WorkerEvent[] = [];
  readonly link: DesktopLink;
  readonly #socket: WebSocket;
  readonly #timer: NodeJS.Timeout;

  constructor(port: number, ticket: string) {
    this.#socket = new WebSocket(`wss://127.0.0.1:${port}/tunnel`, ['oriel.v1'], { rejectUnauthorized: false });
    this.link = new DesktopLink({
      ...{ ticket, pictures: 'automatic', surface: this.surface, decodeRegion, now: () => performance.now() },
      socket: { send: (bytes) => this.#socket.send(bytes), close: () => this.#socket.close() },
      nextFrame: (run) => void setTimeout(run, 16),
      soon: (run) => void setImmediate(run),
      emit: (event) => this.events.push(event),
    });
    this.#socket.on('open', () => this.link.opened());
    this.#socket.on('message', (data: Buffer) => this.link.received(new Uint8Array(data)));
    this.#socket.on('close', () => this.link.closed());
    this.#timer = setInterval(() => this.link.tick(), 1000);
  }

  get mode(): string {
    return this.events.findLast((event) => event.type === 'mode')?.mode ?? 'stream';
  }

  /** The number of the frame that is shown. */
  get shown(): number {
    const { width, pixels } = this.surface;
    let number = 0;
    for (let bit = 0; bit < NUMBER_BITS; bit++) {
      if ((pixels[(4 * width + bit * 8 + 4) * 4] ?? 0) > 127) number |= 1 << bit;
    }
    return number;
  }

  close(): void {
    clearInterval(this.#timer);
    this.#socket.close();
  }
}

const isServed = (mode: string): boolean => browser.mode === mode;

/** How old the picture is that is shown: milliseconds since the next one was drawn. */
function age(): number {
  return performance.now() - (desktop.drawnAt[browser.shown] ?? performance.now());
}

before(async () => {
  servers = await farm(
    (visit) => {
      desktop = new MovingDesktop(visit);
    },
    {
      config: OPEN,
      react: (_, output) => {
        if (output.kind === 'input') desktop.typed.push(...output.events);
      },
    },
  );
  const log = createLogger('silent');
  pixels = new PixelHostProcess({
    recordingsDirectory: '/nonexistent',
    ffmpegPath: 'ffmpeg',
    encoders: 1,
    threads: 1,
    signingKeyFile: '',
    log,
    openJournal: () => assert.fail('nothing is recorded'),
  });
  pixels.start();
  harness = await startHarness({ ORIEL_RECORDING: 'off' }, 5000, {
    linkClock: () => performance.now() + putForwardMs,
    parts: { pixels, connect: rdpConnector(['surface']) },
  });
  link = await SlowLink.to(harness.gateway.port);
  const { targets } = harness.gateway.services;
  const target = await targets.create({
    name: 'far',
    host: '127.0.0.1',
    port: servers.port,
    legacySecurity: 'accepted',
    nla: 'never',
  } as never);
  const account = await targets.addAccount(target.id, { username: 'jane', password: 'x' });
  const token = await harness.signIn('admin', ADMIN_PASSWORD);
  const body = { targetId: target.id, accountId: account.id, ...SIZE };
  const { json } = await harness.call('POST', '/api/sessions', { token, body });
  browser = new Browser(link.port, json.ticket);
  await until(() => browser.shown > 0);
});

after(async () => {
  desktop?.stop();
  browser?.close();
  await link?.[Symbol.asyncDispose]();
  await harness?.stop();
  await pixels?.close();
  await servers?.[Symbol.asyncDispose]();
});

test('a link that becomes slow, quick and long again', async () => {
  await until(() => browser.shown > 10);
  assert.ok(isServed('stream'));

  link.bytesPerSecond = 250_000;
  await until(() => age() > 1500);
  putForwardMs += 3000;
  await until(() => isServed('regions'));
  // All that was on its way is through, and what is shown is as good as new.
  await until(() => age() < 1000);
  // And stays so, on a link that takes four frames a second: twenty in a row, if not at once, where this machine has much else to do.
  for (let from = desktop.drawnAt.length; desktop.drawnAt.length < from + 20; await turn()) {
    if (age() > 3000) from = desktop.drawnAt.length;
  }

  link.bytesPerSecond = Number.POSITIVE_INFINITY;
  // While nothing is on its way, time goes by: it stays as it is for a while, and has to be good for a while.
  for (;;) {
    desktop.isStill = true;
    await until(() => browser.shown === desktop.drawnAt.length);
    await new Promise((resolve) => setTimeout(resolve, 150));
    desktop.isStill = false;
    if (isServed('stream')) break;
    putForwardMs += 20_000;
    const { length } = desktop.drawnAt;
    await until(() => browser.shown > length + 3);
  }
  await until(() => age() < 500);

  link.latencyMs = 100;
  const typed = Array.from({ length: 40 }, (_, i): InputEvent[] =>
    [true, false].map((down) => ({ kind: 'scancode', code: 2 + (i % 40), extended: false, down })),
  );
  const before = browser.shown;
  for (const events of typed) {
    browser.link.input(events);
    if (events[0]?.kind === 'scancode' && events[0].code % 8 === 0) await turn();
  }
  await until(() => desktop.typed.length >= typed.length * 2);
  assert.deepEqual(desktop.typed, typed.flat());
  await until(() => browser.shown > before + 10);
  assert.equal(
    browser.events.find(({ type }) => type === 'ended'),
    undefined,
  );
});

const turn = () => new Promise((resolve) => setTimeout(resolve, 20));
