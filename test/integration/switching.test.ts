import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'node:test';
import { createLogger } from '../../gateway/log.ts';
import { HostSession } from '../../gateway/pixels/host-session.ts';
import { decodeFromHost, encodeFromHost, type ToHost } from '../../gateway/pixels/ipc.ts';
import { PixelSink } from '../../gateway/pixels/pixel-sink.ts';
import type { PixelOwner } from '../../gateway/sessions/ports.ts';
import type { TunnelConnection } from '../../gateway/tunnel/connection.ts';
import { OwnerConnection } from '../../gateway/tunnel/owner-connection.ts';
import { Compositor } from '../../protocol/graphics/compositor.ts';
import { createSurfaceCodecs } from '../../protocol/graphics/surface-codecs.ts';
import { RandomServer, type RandomServerKind } from '../../protocol/graphics/testing/random-server.ts';
import type { GraphicsUpdate } from '../../protocol/graphics/update.ts';
import { decodeBrowserMessage, encodeGatewayMessage, type GatewayMessage } from '../../protocol/tunnel/messages.ts';
import { DesktopLink } from '../../web-client/viewer/desktop-link.ts';
import type { WorkerEvent } from '../../web-client/viewer/worker-messages.ts';
import { decodeRegion, MemorySurface } from './memory-surface.ts';

/** One owner from the server's updates to what a browser shows: gateway, pixel host and viewer as they are, without sockets. */
class Course {
  readonly reference = new Compositor(createSurfaceCodecs());
  readonly surface = new MemorySurface();
  readonly events: WorkerEvent[] = [];
  readonly held: boolean[] = [];
  /** The highest number of updates that the session was told are drawn. */
  drawn = 0;
  updates = 0;
  readonly #owner: OwnerConnection;
  readonly #link: DesktopLink;
  readonly #host: HostSession;
  readonly #sink: PixelSink;
  #viewer = 0;
  #settling = false;
  #toHost: PixelOwner | undefined;

  constructor() {
    this.#host = new HostSession(
      1,
      (message) => {
        const received = decodeFromHost(encodeFromHost(message));
        if (!('viewer' in received) || received.viewer !== this.#viewer) return;
        if (received.kind === 'viewer-message') this.#toHost?.send(received.message, received.updates);
        else if (received.kind === 'viewer-shows') this.#toHost?.shows(received.updates);
        else this.#toHost?.state(received.state);
      },
      createLogger('silent'),
    );
    const events = {
      send: (message: ToHost) => {
        if (message.kind !== 'update') return;
        const { code, data } = message.update;
        this.#host.update({ code, data: data.slice() }, 0);
      },
      overflowed: () => assert.fail('overflowed'),
      broken: (error: unknown) => assert.fail(String(error)),
      ended: () => {},
    };
    this.#sink = new PixelSink(1, events, { recorded: false });
    this.#link = new DesktopLink({
      ticket: 't',
      pictures: 'stream',
      surface: this.surface,
      socket: { send: (bytes) => this.#fromBrowser(bytes), close: () => {} },
      decodeRegion,
      now: () => performance.now(),
      nextFrame: (run) => void setImmediate(run),
      soon: (run) => void setImmediate(run),
      emit: (event) => this.events.push(event),
    });
    const connection = {
      bufferedBytes: 0,
      sendBytes: (bytes: Uint8Array) => this.#link.received(Uint8Array.from(bytes)),
      sendInPlace: (bytes: Uint8Array, sent: () => void) => {
        // A copy, which Buffer's own `slice` is not: the memory is used again once it counts as sent.
        this.#link.received(Uint8Array.from(bytes));
        sent();
      },
      send: (message: GatewayMessage) => this.#link.received(encodeGatewayMessage(message)),
      endWith: (code: string) => assert.fail(code),
    };
    this.#owner = new OwnerConnection(connection as unknown as TunnelConnection, {
      drawn: (updates) => {
        this.drawn = Math.max(this.drawn, updates);
      },
      holdBack: (hold) => this.held.push(hold),
      watch: (viewer) => {
        this.#toHost = viewer;
        const id = ++this.#viewer;
        this.#sink.need();
        this.#host.attachViewer(id, true, this.#sink.updates);
        return {
          acknowledge: (seq) => this.#host.acknowledge(id, seq),
          takeState: (limit) => this.#host.takeState(id, limit),
          close: () => {
            this.#host.detachViewer(id);
            this.#sink.rest();
          },
        };
      },
    });
    this.#link.opened();
    this.#link.received(encodeGatewayMessage({ type: 'hello', version: 1, role: 'owner', mode: 'stream' }));
  }

  /** As the session hands it over: to the owner first. */
  apply(update: GraphicsUpdate): void {
    this.updates++;
    this.reference.apply(update);
    this.#owner.graphics(update);
    this.#sink.graphics(update, 0);
    if (this.#settling) return;
    this.#settling = true;
    // As the driver does when it has read what came together.
    setImmediate(() => {
      this.#settling = false;
      this.#owner.settled();
    });
  }

  choose(choice: 'stream' | 'regions'): void {
    this.#link.pictures(choice);
  }

  get mode(): string | undefined {
    return this.events.findLast((event) => event.type === 'mode')?.mode;
  }

  /** The browser has drawn all that the server has. */
  async settled(): Promise<void> {
    await until(
      'everything is drawn',
      // The owner is not asked about each message.
      () => this.drawn === this.updates || this.isExact,
      () => `${this.drawn} of ${this.updates}`,
    );
    const end = this.events.find((event) => event.type === 'ended');
    assert.equal(end, undefined);
  }

  get isExact(): boolean {
    return Buffer.from(this.surface.pixels.buffer).equals(Buffer.from(this.reference.pixels.buffer));
  }

  close(): Promise<void> {
    return this.#host.finish(0);
  }

  #fromBrowser(bytes: Uint8Array): void {
    const message = decodeBrowserMessage(bytes);
    // As it would come: never within the call that it answers.
    setImmediate(() => {
      if (message.type === 'ack') this.#owner.acknowledge(message.seq);
      else if (message.type === 'pictures') this.#owner.choose(message.choice);
    });
  }
}

async function until(what: string, condition: () => boolean, detail: () => string = () => ''): Promise<void> {
  const deadline = performance.now() + 20_000;
  while (!condition()) {
    if (performance.now() > deadline) assert.fail(`${what}: not so (${detail()})`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

describe('an owner whose mode changes in mid-session', () => {
  const courses: Course[] = [];
  afterEach(() => Promise.all(courses.splice(0).map((course) => course.close())));
  function opened(server: RandomServer): Course {
    const course = new Course();
    courses.push(course);
    for (const update of server.open()) course.apply(update);
    return course;
  }

  for (const kind of ['classic', 'remotefx', 'gfx'] as const satisfies RandomServerKind[]) {
    it(`sees what the server shows, however often and wherever it changes: ${kind}`, async () => {
      for (const seed of [7, 1234]) {
        const server = new RandomServer(kind, seed);
        const course = opened(server);
        for (let step = 0; step < 24; step++) {
          // Switches come between updates, in the middle of frames, and before the last switch is over.
          if (step % 3 === seed % 3) course.choose((step + seed) % 2 === 0 ? 'regions' : 'stream');
          for (let i = (step * seed) % 7; i >= 0; i--) course.apply(server.next());
          if (step % 4 === 0) await course.settled();
          else await new Promise((resolve) => setTimeout(resolve, (step * 13) % 40));
        }
        for (const update of server.close()) course.apply(update);
        course.choose('regions');
        await until('regions', () => course.mode === 'regions');
        await course.settled();
        await until('what was inexact is made good', () => course.isExact);
        course.choose('stream');
        await until('stream', () => course.mode === 'stream');
        for (let i = 0; i < 20; i++) course.apply(server.next());
        for (const update of server.close()) course.apply(update);
        await course.settled();
        assert.ok(course.isExact, `seed ${seed}`);
        assert.equal(course.surface.resizes, 1, 'a canvas that is given a size is blank for a moment');
        assert.equal(course.reference.skipped, 0);
      }
    });
  }

  it('is sent nothing but the change of mode where nothing changes', async () => {
    const server = new RandomServer('gfx', 3);
    const course = opened(server);
    for (let i = 0; i < 20; i++) course.apply(server.next());
    for (const update of server.close()) course.apply(update);
    await course.settled();
    const before = course.surface.pixels;
    course.choose('regions');
    await until('regions', () => course.mode === 'regions');
    await new Promise((resolve) => setTimeout(resolve, 100));
    assert.ok(course.isExact);
    assert.equal(course.surface.pixels, before);
    assert.ok(!course.events.some(({ type }) => type === 'ended'));
  });
});
