import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { getPriority, tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { inflateRawSync } from 'node:zlib';
import { createPixelTarget } from '#protocol/codecs/pixel-target.ts';
import { encodePlanar } from '#protocol/codecs/planar-encoder.ts';
import { WriteCursor } from '#protocol/core/cursor.ts';
import { Compositor } from '#protocol/graphics/compositor.ts';
import { createSurfaceCodecs } from '#protocol/graphics/surface-codecs.ts';
import { type GraphicsUpdate, UpdateCode } from '#protocol/graphics/update.ts';
import { type BitmapRectangle, encodeBitmapUpdate, sizeOfBitmapUpdate } from '#protocol/pdu/bitmap-update.ts';
import { type DeflatedState, decodeGatewayMessage, type GatewayMessage } from '#protocol/tunnel/messages.ts';
import { sessionClock } from '../clock.ts';
import { createLogger } from '../log.ts';
import type { PixelSession, PixelWatch, RecordingResult } from '../sessions/ports.ts';
import { RegionsCanvas } from '../testing/regions-canvas.ts';
import { PixelHostProcess } from './pixel-host-process.ts';

const WIDTH = 320;
const HEIGHT = 200;
const END = { code: 'ended_by_user', message: '' };

const directory = mkdtempSync(join(tmpdir(), 'pixel-host-'));
const hosts: PixelHostProcess[] = [];

after(async () => {
  await Promise.all(hosts.map((host) => host.close()));
  rmSync(directory, { recursive: true, force: true });
});

function startHost(threads = 1): PixelHostProcess {
  const log = createLogger('silent');
  const host = new PixelHostProcess({
    recordingsDirectory: directory,
    ffmpegPath: process.env.ORIEL_FFMPEG ?? 'ffmpeg',
    log,
    threads,
    retryMs: 1000,
  });
  hosts.push(host);
  return host;
}

function openSession(
  host: PixelHostProcess,
  sessionId: string,
  record: boolean,
  failures: string[] = [],
  finishedLater: (recording: RecordingResult | undefined) => void = () => {},
): Promise<PixelSession> {
  const failed = (_detail: string, code: string) => failures.push(code);
  return host.open({ sessionId, width: WIDTH, height: HEIGHT, record, failed, finishedLater });
}

function reset(width = WIDTH, height = HEIGHT): GraphicsUpdate {
  const cursor = new WriteCursor(4);
  cursor.u16(width);
  cursor.u16(height);
  return { code: UpdateCode.desktopReset, data: cursor.finish() };
}

function fill(x: number, y: number, width: number, height: number, word: number): GraphicsUpdate {
  const target = createPixelTarget(new Uint8Array(width * height * 4), width, { x: 0, y: 0, width, height });
  target.words.fill(word);
  const rectangle: BitmapRectangle = {
    destLeft: x,
    destTop: y,
    destRight: x + width - 1,
    destBottom: y + height - 1,
    width,
    height,
    bitsPerPixel: 32,
    compressed: true,
    data: encodePlanar(target),
  };
  const update = { rectangles: [rectangle] };
  const cursor = new WriteCursor(sizeOfBitmapUpdate(update));
  encodeBitmapUpdate(update, cursor);
  return { code: UpdateCode.bitmap, data: cursor.finish() };
}

/** A picture that takes as many bytes as it has, raw. */
function noise(x: number, y: number, width: number, height: number, seed: number): GraphicsUpdate {
  const data = Uint8Array.from({ length: width * height * 4 }, (_, i) => (i * 31 + seed) & 0xff);
  const edges = { destLeft: x, destTop: y, destRight: x + width - 1, destBottom: y + height - 1 };
  const rectangle: BitmapRectangle = { ...edges, width, height, bitsPerPixel: 32, compressed: false, data };
  const update = { rectangles: [rectangle] };
  const cursor = new WriteCursor(sizeOfBitmapUpdate(update));
  encodeBitmapUpdate(update, cursor);
  return { code: UpdateCode.bitmap, data: cursor.finish() };
}

/** A viewer that draws what it gets, and acknowledges when told to. */
class TestViewer {
  readonly messages: GatewayMessage[] = [];
  readonly watch: PixelWatch;
  acknowledges = true;
  hasFailed = false;
  #canvas = new RegionsCanvas(0, 0);
  #drawing = Promise.resolve();
  #waiting: (() => void)[] = [];

  constructor(session: PixelSession) {
    this.watch = session.watch({
      send: (bytes) => {
        const message = decodeGatewayMessage(bytes.slice());
        this.#drawing = this.#drawing.then(() => this.#draw(message));
      },
      failed: () => {
        this.hasFailed = true;
        this.#wake();
      },
    });
  }

  get width(): number {
    return this.#canvas.width;
  }

  colorAt(x: number, y: number): number[] {
    return this.#canvas.colorAt(x, y);
  }

  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  async #draw(message: GatewayMessage): Promise<void> {
    if (message.type === 'desktop-size') {
      this.#canvas = new RegionsCanvas(message.width, message.height);
    } else if (message.type === 'regions') {
      await this.#canvas.draw(message.regions);
      if (this.acknowledges) this.watch.acknowledge(message.seq);
    }
    this.messages.push(message);
    this.#wake();
  }
}

const RED = 0xff0000ff;
const GREEN = 0xff00ff00;

describe('pixel host', () => {
  it('shows a viewer the whole picture first, then what changes', async () => {
    const host = startHost();
    const session = await openSession(host, 'watched', false);
    session.sink.graphics(reset(), sessionClock());
    session.sink.graphics(fill(0, 0, 320, 200, RED), sessionClock());
    const viewer = new TestViewer(session);
    await viewer.until(() => viewer.messages.some((message) => message.type === 'regions'));
    assert.deepEqual(viewer.messages[0], { type: 'desktop-size', width: WIDTH, height: HEIGHT });
    assert.deepEqual(viewer.colorAt(319, 199), [255, 0, 0]);
    assert.ok(viewer.messages.some((message) => message.type === 'pointer-shape' && message.kind === 'default'));

    session.sink.graphics(fill(10, 10, 4, 4, GREEN), sessionClock());
    await viewer.until(() => viewer.colorAt(13, 13)[1] === 255);
    assert.deepEqual(viewer.colorAt(14, 13), [255, 0, 0]);
    const last = viewer.messages.findLast((message) => message.type === 'regions');
    assert.deepEqual(
      last?.regions.map(({ x, y, width, height, encoding }) => ({ x, y, width, height, encoding })),
      [{ x: 10, y: 10, width: 4, height: 4, encoding: 'rgba' }],
    );

    session.sink.pointerMoved(7, 8, sessionClock());
    await viewer.until(() => viewer.messages.some((message) => message.type === 'pointer-position' && message.x === 7));

    session.sink.graphics(reset(64, 32), sessionClock());
    await viewer.until(() => viewer.width === 64 && viewer.messages.at(-1)?.type === 'regions');
    assert.deepEqual(viewer.colorAt(63, 31), [0, 0, 0]);
    session.sink.end(END, sessionClock());
    assert.equal(await session.finished, undefined);
  });

  it('sends an owner what changes from where it is, and what it takes to go on without the host', async () => {
    const host = startHost();
    const session = await openSession(host, 'owned', false);
    for (const update of [reset(), fill(0, 0, 320, 200, RED)]) session.sink.graphics(update, sessionClock());
    const messages: { message: GatewayMessage; updates: number }[] = [];
    const states: (DeflatedState | undefined)[] = [];
    let shown = 0;
    const until = async (condition: () => boolean) => {
      while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
    };
    const watch = session.watchAsOwner({
      send: (bytes, updates) => messages.push({ message: decodeGatewayMessage(bytes.slice()), updates }),
      shows: (updates) => {
        shown = updates;
      },
      state: (state) => states.push(state && { size: state.size, state: state.state.slice() }),
      failed: () => assert.fail('the host has failed'),
    });
    // What it does itself it knows, and a picture that changes nothing is not sent.
    session.sink.pointerMoved(7, 8, sessionClock());
    session.sink.graphics(fill(5, 5, 9, 9, RED), sessionClock());
    await until(() => shown === 3);
    assert.equal(messages.length, 0);
    session.sink.graphics(fill(10, 10, 4, 4, GREEN), sessionClock());
    await until(() => messages.length > 0);
    const [{ message, updates } = assert.fail()] = messages;
    assert.equal(updates, 4);
    assert.deepEqual(
      message.type === 'regions' && message.regions.map(({ x, y, width, height }) => [x, y, width, height]),
      [[10, 10, 4, 4]],
    );
    watch.acknowledge(1);

    watch.takeState(10);
    await until(() => states.length === 1);
    assert.equal(states[0], undefined, 'too large');
    session.sink.graphics(fill(20, 20, 4, 4, GREEN), sessionClock());
    await until(() => messages.length > 1);
    session.sink.graphics(fill(30, 30, 4, 4, GREEN), sessionClock());
    watch.takeState(1e6);
    await until(() => states.length === 2);
    const { size, state } = states[1] ?? assert.fail();
    const inflated = inflateRawSync(state);
    assert.equal(inflated.length, size);
    const compositor = Compositor.fromState(inflated, createSurfaceCodecs());
    const at = (x: number, y: number) => compositor.pixels[(y * WIDTH + x) * 4 + 1];
    assert.deepEqual([at(0, 0), at(13, 13), at(23, 23), at(33, 33)], [0, 255, 255, 255]);
    watch.close();
    session.sink.end(END, sessionClock());
    await session.finished;
  });

  it('shows whoever comes later what was drawn while nobody watched, and how many updates that were', async () => {
    const host = startHost();
    const session = await openSession(host, 'later', false);
    session.sink.graphics(reset(), sessionClock());
    const columns = [RED, GREEN, 0xffff0000];
    let sent = 1;
    for (let visit = 0; visit < 3; visit++) {
      // So much that it is compacted, but for a column of each visit's own.
      for (let i = 0; i < 70; i++) {
        session.sink.graphics(noise(100, 0, 220, 64, i), sessionClock());
        if (i % 10 === 0) await new Promise((resolve) => setImmediate(resolve));
      }
      session.sink.graphics(fill(visit * 20, 0, 20, 200, columns[visit]!), sessionClock());
      sent += 71;
      const viewer = new TestViewer(session);
      const isRight = (word: number, column: number) =>
        [0, 8, 16].every((shift, i) => viewer.colorAt(column * 20 + 5, 100)[i] === ((word >> shift) & 0xff));
      await viewer.until(() => viewer.width === WIDTH && columns.slice(0, visit + 1).every(isRight));
      viewer.watch.close();
      const shown = await new Promise<number>((resolve) => {
        const watch = session.watchAsOwner({
          send: () => {},
          shows: (updates) => {
            watch.close();
            resolve(updates);
          },
          state: () => {},
          failed: () => assert.fail('the host has failed'),
        });
        session.sink.graphics(fill(0, 0, 20, 200, RED), sessionClock());
      });
      sent++;
      assert.equal(shown, sent);
    }
    session.sink.end(END, sessionClock());
    await session.finished;
  });

  it('sends a viewer that does not acknowledge two pictures, then only the latest', async () => {
    const host = startHost();
    const session = await openSession(host, 'slow', false);
    session.sink.graphics(reset(), sessionClock());
    const viewer = new TestViewer(session);
    const other = new TestViewer(session);
    viewer.acknowledges = false;
    const pictures = (of: TestViewer) => of.messages.filter((message) => message.type === 'regions');
    await viewer.until(() => pictures(viewer).length === 1);
    for (let green = 1; green <= 8; green++) {
      session.sink.graphics(fill(0, 0, 64, 64, 0xff000000 | (green << 8)), sessionClock());
      await other.until(() => other.colorAt(0, 0)[1] === green);
    }
    assert.equal(pictures(viewer).length, 2);
    assert.notEqual(viewer.colorAt(0, 0)[1], 8);
    viewer.acknowledges = true;
    viewer.watch.acknowledge(2);
    await viewer.until(() => viewer.colorAt(0, 0)[1] === 8);
    assert.equal(pictures(viewer).length, 3);
    session.sink.end(END, sessionClock());
    await session.finished;
  });

  it('records a session and reports the recording', async () => {
    const host = startHost();
    const session = await openSession(host, 'recorded', true);
    session.sink.graphics(reset(), sessionClock());
    session.sink.graphics(fill(0, 0, 320, 200, RED), sessionClock());
    const viewer = new TestViewer(session);
    await viewer.until(() => viewer.colorAt(0, 0)[0] === 255);
    session.sink.end(END, sessionClock());
    const recording = await session.finished;
    assert.ok(typeof recording === 'object' && recording.bytes > 0);
    assert.ok(existsSync(join(directory, 'recorded', 'video.mp4')));
  });

  it('refuses to open when nothing can be recorded', async () => {
    const blocked = join(directory, 'blocked');
    writeFileSync(blocked, '');
    const host = startHost();
    await assert.rejects(openSession(host, 'blocked', true), { code: 'recorder_unavailable' });
  });

  it('ends the session whose server breaks the protocol, and no other', async () => {
    const host = startHost();
    const failures: string[] = [];
    const bad = await openSession(host, 'bad', false, failures);
    const good = await openSession(host, 'good', false);
    bad.sink.graphics(reset(), sessionClock());
    good.sink.graphics(reset(), sessionClock());
    bad.sink.graphics({ code: UpdateCode.bitmap, data: Uint8Array.of(1, 0, 9, 0) }, sessionClock());
    const watcher = new TestViewer(bad);
    await watcher.until(() => watcher.messages.length > 0);
    good.sink.graphics(fill(0, 0, 320, 200, GREEN), sessionClock());
    const viewer = new TestViewer(good);
    await viewer.until(() => viewer.colorAt(5, 5)[1] === 255);
    assert.deepEqual(failures, ['protocol_error']);
    bad.sink.end(END, sessionClock());
    good.sink.end(END, sessionClock());
    await Promise.all([bad.finished, good.finished]);
  });

  it('stands behind us in our own group, and leaves signals of the group to us', async () => {
    const host = startHost();
    const session = await openSession(host, 'signalled', false);
    const { pid } = host;
    assert.ok(pid !== undefined);
    assert.equal(getPriority(pid), 5);
    // Where the kernel has such groups.
    const groupOf = (of: string) =>
      existsSync(`/proc/${of}/autogroup`) && readFileSync(`/proc/${of}/autogroup`, 'utf8');
    assert.equal(groupOf(`${pid}`), groupOf('self'));
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.kill(pid, signal);
    session.sink.graphics(reset(), sessionClock());
    const viewer = new TestViewer(session);
    await viewer.until(() => viewer.messages.length > 0);
    session.sink.end(END, sessionClock());
    await session.finished;
    assert.equal(host.pid, pid);
  });

  it('tells sessions when the host dies, and starts another for the next', async () => {
    const host = startHost();
    const failures: string[] = [];
    const session = await openSession(host, 'first', false, failures);
    session.sink.graphics(reset(), sessionClock());
    const viewer = new TestViewer(session);
    await viewer.until(() => viewer.messages.length > 0);
    const { pid } = host;
    assert.ok(pid !== undefined);
    process.kill(pid, 'SIGKILL');
    assert.equal(await session.finished, undefined);
    assert.deepEqual(failures, ['recording_failed']);
    assert.ok(viewer.hasFailed);
    const next = await openSession(host, 'second', false);
    assert.notEqual(host.pid, pid);
    next.sink.end(END, sessionClock());
    await next.finished;
  });

  it('saves the recording of a host that died', async () => {
    const host = startHost();
    const failures: string[] = [];
    const session = await openSession(host, 'rescued', true, failures);
    session.sink.graphics(reset(), sessionClock());
    session.sink.graphics(fill(0, 0, 320, 200, RED), sessionClock());
    const folder = join(directory, 'rescued');
    // Something must have reached the disk before there is something to save.
    while (!readdirSync(folder).some((name) => name.endsWith('.mp4') && statSync(join(folder, name)).size > 1000)) {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    assert.ok(host.pid !== undefined);
    process.kill(host.pid, 'SIGKILL');
    const recording = await session.finished;
    assert.deepEqual(failures, ['recording_failed']);
    assert.ok(typeof recording === 'object' && recording.bytes > 0);
    assert.ok(existsSync(join(folder, 'video.mp4')));
  });

  it('saves the recordings of all its threads when one of them fails, and tells their sessions', async () => {
    const [trap, { NODE_OPTIONS = '' }] = [join(directory, 'trap'), process.env];
    const fail = `if(fs.existsSync('${trap}'))throw new Error('a bug')`;
    const bug = `import fs from 'node:fs';import w from 'node:worker_threads';w.isMainThread||setInterval(()=>{${fail}},50)`;
    process.env.NODE_OPTIONS = `${NODE_OPTIONS} --import=data:text/javascript,${encodeURIComponent(bug)}`;
    const failures: string[] = [];
    const host = startHost(2);
    const names = ['whole', 'broken'];
    const later = names.map(() => Promise.withResolvers<RecordingResult | undefined>());
    const opening = Promise.all(
      names.map((name, i) => openSession(host, name, true, failures, (recording) => later[i]?.resolve(recording))),
    );
    process.env.NODE_OPTIONS = NODE_OPTIONS;
    const sessions = await opening;
    for (const session of sessions) {
      session.sink.graphics(reset(), sessionClock());
      const viewer = new TestViewer(session);
      await viewer.until(() => viewer.width === WIDTH);
    }
    writeFileSync(trap, '');
    for (const [i, session] of sessions.entries()) {
      // What a starved encoder does not finish is tried again by the next host.
      const first = await session.finished;
      const recording = first === 'left' ? await later[i]?.promise : first;
      assert.ok(recording !== undefined, `nothing is left of session ${i}`);
      assert.ok(existsSync(join(directory, names[i]!, 'video.mp4')));
    }
    assert.deepEqual(failures, ['recording_failed', 'recording_failed']);
  });

  it('finishes the recordings of all its threads when the gateway is gone', async () => {
    const host = startHost(2);
    const names = ['orphan-1', 'orphan-2'];
    // The second one is heard by another thread, or by nobody.
    const sessions = await Promise.all(names.map((name) => openSession(host, name, true)));
    for (const session of sessions) {
      session.sink.graphics(reset(), sessionClock());
      session.sink.graphics(fill(0, 0, 320, 200, RED), sessionClock());
      const viewer = new TestViewer(session);
      await viewer.until(() => viewer.colorAt(0, 0)[0] === 255);
    }
    // The same end of file that the host sees when the gateway is killed.
    await host.close();
    for (const [i, session] of sessions.entries()) {
      const recording = await session.finished;
      assert.ok(typeof recording === 'object' && recording.bytes > 0);
      assert.ok(existsSync(join(directory, names[i]!, 'video.mp4')));
    }
  });
});
