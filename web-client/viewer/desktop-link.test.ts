import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deflateRawSync } from 'node:zlib';
import { Compositor } from '#protocol/graphics/compositor.ts';
import type { Rect } from '#protocol/graphics/geometry.ts';
import { createSurfaceCodecs } from '#protocol/graphics/surface-codecs.ts';
import { UpdateCode } from '#protocol/graphics/update.ts';
import type { BrowserMessage, GatewayMessage, PictureRegion } from '#protocol/tunnel/messages.ts';
import {
  decodeBrowserMessage,
  encodeGatewayMessage,
  NOT_ACKNOWLEDGED,
  TunnelLimits,
} from '#protocol/tunnel/messages.ts';
import { DesktopLink } from './desktop-link.ts';
import type { Surface } from './painter.ts';
import type { WorkerEvent } from './worker-messages.ts';

/** A surface that keeps its pixels, so that tests can say what is displayed. */
class FakeSurface implements Surface {
  width = 0;
  height = 0;
  pixels = new Uint8ClampedArray(0);
  drawn: Rect[] = [];

  resize(size: { width: number; height: number }): void {
    if (size.width === this.width && size.height === this.height) return;
    this.width = size.width;
    this.height = size.height;
    this.pixels = new Uint8ClampedArray(size.width * size.height * 4);
  }

  putPixels(pixels: Uint8ClampedArray<ArrayBuffer>, size: { width: number }, parts: readonly Rect[]): void {
    assert.equal(size.width, this.width);
    this.drawn.push(...parts);
    for (const { x, y, width, height } of parts) {
      for (let row = y; row < y + height; row++) {
        const at = (row * this.width + x) * 4;
        this.pixels.set(pixels.subarray(at, at + width * 4), at);
      }
    }
  }

  drawBitmap(bitmap: ImageBitmap, place: Rect): void {
    this.drawn.push(place);
    const [red, green, blue] = (bitmap as unknown as FakeBitmap).color;
    for (let row = place.y; row < place.y + place.height; row++) {
      for (let column = place.x; column < place.x + place.width; column++) {
        this.pixels.set([red, green, blue, 255], (row * this.width + column) * 4);
      }
    }
  }

  copy(fromX: number, fromY: number, place: Rect): void {
    this.drawn.push(place);
    const before = this.pixels.slice();
    for (let row = 0; row < place.height; row++) {
      const from = ((fromY + row) * this.width + fromX) * 4;
      const to = ((place.y + row) * this.width + place.x) * 4;
      this.pixels.set(before.subarray(from, from + place.width * 4), to);
    }
  }

  at(x: number, y: number): number[] {
    return [...this.pixels.subarray((y * this.width + x) * 4, (y * this.width + x) * 4 + 3)];
  }
}

interface FakeBitmap {
  readonly color: readonly [number, number, number];
  closed: boolean;
  close(): void;
}

function fakeLink() {
  const sent: BrowserMessage[] = [];
  const events: WorkerEvent[] = [];
  const frames: (() => void)[] = [];
  const soon: (() => void)[] = [];
  const decodings: { readonly region: PictureRegion; finish(): void; fail(): void }[] = [];
  const bitmaps: FakeBitmap[] = [];
  const surface = new FakeSurface();
  const state = { now: 1000, closedWith: undefined as number | undefined, closed: false };
  const link = new DesktopLink({
    ticket: 'the-ticket',
    pictures: 'automatic',
    surface,
    socket: {
      send: (bytes) => sent.push(decodeBrowserMessage(bytes)),
      close: (code) => {
        state.closed = true;
        state.closedWith = code;
      },
    },
    decodeRegion: (region) =>
      new Promise((resolve, reject) => {
        const color = [region.bytes[0] ?? 0, region.bytes[1] ?? 0, region.bytes[2] ?? 0] as const;
        const bitmap: FakeBitmap = {
          color,
          closed: false,
          close() {
            this.closed = true;
          },
        };
        bitmaps.push(bitmap);
        decodings.push({
          region,
          finish: () => resolve(bitmap as unknown as ImageBitmap),
          fail: () => reject(new Error('not a picture')),
        });
      }),
    now: () => state.now,
    nextFrame: (run) => frames.push(run),
    soon: (run) => soon.push(run),
    emit: (event) => events.push(event),
  });
  return {
    link,
    surface,
    decodings,
    bitmaps,
    state,
    receive: (...messages: GatewayMessage[]) => {
      for (const message of messages) link.received(encodeGatewayMessage(message));
    },
    /** Runs the frame that was asked for; says whether one was. */
    frame: () => {
      const asked = frames.splice(0);
      for (const run of asked) run();
      return asked.length;
    },
    /** So many seconds pass. */
    tickFor: (seconds: number) => {
      for (let second = 0; second < seconds; second++) {
        state.now += 1000;
        link.tick();
      }
    },
    /** Nothing more has come for now. */
    idle: () => {
      for (const run of soon.splice(0)) run();
    },
    sent: () => sent.splice(0),
    events: () => events.splice(0),
    /** Lets promises settle. */
    settle: () => new Promise((resolve) => setImmediate(resolve)),
  };
}

const streamHello: GatewayMessage = { type: 'hello', version: 1, role: 'owner', mode: 'stream' };
const regionsHello: GatewayMessage = { type: 'hello', version: 1, role: 'shadow', mode: 'regions' };

/** A desktop reset, 2.2.9.1.2.1 code 0x40. */
function reset(width: number, height: number) {
  return { code: UpdateCode.desktopReset, data: Uint8Array.of(width & 255, width >> 8, height & 255, height >> 8) };
}

/** A bitmap update with one uncompressed 2 x 1 rectangle at 32 bits per pixel. */
function bitmap(x: number, y: number, blue: number, green: number, red: number) {
  const pixel = [blue, green, red, 0];
  const fields = [1, 1, x, y, x + 1, y, 2, 1, 32, 0, 8].flatMap((value) => [value & 255, value >> 8]);
  return { code: UpdateCode.bitmap, data: Uint8Array.from([...fields, ...pixel, ...pixel]) };
}

test('attaches with its ticket as soon as the socket is open', () => {
  const { link, sent } = fakeLink();
  assert.deepEqual(sent(), []);
  link.opened();
  assert.deepEqual(sent(), [{ type: 'attach', ticket: 'the-ticket', version: 1 }]);
});

test('stream: shows what the server drew, once a frame, and acknowledges it after', () => {
  const { link, surface, receive, frame, sent, events } = fakeLink();
  link.opened();
  receive(streamHello, { type: 'phase', phase: 'negotiating' });
  sent();
  receive({ type: 'graphics', seq: 1, updates: [reset(8, 4)] });
  receive({ type: 'graphics', seq: 2, updates: [bitmap(2, 1, 10, 20, 30), bitmap(4, 1, 40, 50, 60)] });
  assert.deepEqual(sent(), [], 'nothing is acknowledged before it is drawn');
  assert.equal(frame(), 1, 'one frame for all of it');
  assert.deepEqual([surface.width, surface.height], [8, 4]);
  assert.deepEqual(surface.at(3, 1), [30, 20, 10]);
  assert.deepEqual(surface.at(4, 1), [60, 50, 40]);
  assert.deepEqual(surface.at(0, 0), [0, 0, 0]);
  assert.deepEqual(sent(), [{ type: 'ack', seq: 2 }]);
  assert.deepEqual(events(), [
    { type: 'hello', role: 'owner', mode: 'stream' },
    { type: 'phase', phase: 'negotiating' },
    { type: 'size', size: { width: 8, height: 4 } },
    { type: 'active' },
  ]);
  assert.equal(frame(), 0, 'no frame while nothing comes');
});

test('stream: shows at once what nobody asks about, and acknowledges the last message that somebody does', () => {
  const { link, surface, receive, frame, sent } = fakeLink();
  link.opened();
  receive(streamHello, { type: 'graphics', seq: 1, updates: [reset(8, 4)] });
  frame();
  sent();
  receive({ type: 'graphics', seq: NOT_ACKNOWLEDGED, updates: [bitmap(2, 1, 10, 20, 30)] });
  assert.equal(frame(), 1);
  assert.deepEqual(surface.at(2, 1), [30, 20, 10]);
  assert.deepEqual(sent(), []);
  receive({ type: 'graphics', seq: 2, updates: [bitmap(3, 1, 1, 2, 3)] });
  receive({ type: 'graphics', seq: NOT_ACKNOWLEDGED, updates: [bitmap(4, 1, 40, 50, 60)] });
  assert.equal(frame(), 1);
  assert.deepEqual(surface.at(4, 1), [60, 50, 40]);
  assert.deepEqual(sent(), [{ type: 'ack', seq: 2 }]);
});

test('an owner says how it would like to be served, and again when it changes; who watches does not', () => {
  const { link, receive, sent } = fakeLink();
  link.opened();
  link.pictures('regions');
  receive(streamHello);
  link.pictures('stream');
  assert.deepEqual(sent().slice(1), [
    { type: 'pictures', choice: 'regions' },
    { type: 'pictures', choice: 'stream' },
  ]);
  const watching = fakeLink();
  watching.link.opened();
  watching.receive(regionsHello);
  watching.link.pictures('stream');
  assert.deepEqual(watching.sent().slice(1), []);
});

test('from the stream to regions: what has come is drawn, half a frame too, and regions go on top of it', async () => {
  const { link, surface, decodings, receive, frame, sent, events, settle } = fakeLink();
  link.opened();
  receive(streamHello, { type: 'graphics', seq: 1, updates: [reset(4, 2), bitmap(0, 0, 1, 2, 3)] });
  frame();
  const begin = { code: UpdateCode.surfaceCommands, data: Uint8Array.of(4, 0, 0, 0, 1, 0, 0, 0) };
  receive({ type: 'graphics', seq: 2, updates: [begin] });
  frame();
  sent();
  events();
  receive({ type: 'mode', seq: 3, mode: 'regions' });
  assert.deepEqual(sent(), [{ type: 'ack', seq: 3 }]);
  assert.deepEqual(events(), [{ type: 'mode', mode: 'regions' }]);
  assert.deepEqual(surface.at(1, 0), [3, 2, 1], 'nothing is blank meanwhile');
  const place = { x: 2, y: 0, width: 2, height: 1 };
  receive({ type: 'regions', seq: 4, regions: [{ ...place, encoding: 'png', bytes: Uint8Array.of(9, 8, 7) }] });
  decodings[0]?.finish();
  await settle();
  frame();
  assert.deepEqual(
    [surface.at(0, 0), surface.at(3, 0)],
    [
      [3, 2, 1],
      [9, 8, 7],
    ],
  );
  assert.deepEqual(sent(), [{ type: 'ack', seq: 4 }]);
});

test('from regions to the stream: regions are shown until the decoder is there, and updates go on from its state', async () => {
  const { link, surface, decodings, bitmaps, receive, frame, sent, events } = fakeLink();
  const server = new Compositor(createSurfaceCodecs());
  for (const update of [reset(4, 2), bitmap(0, 0, 1, 2, 3), bitmap(2, 1, 4, 5, 6)]) server.apply(update);
  const whole = server.saveState(1e6) ?? assert.fail();
  link.opened();
  receive(streamHello, { type: 'mode', seq: 1, mode: 'regions' }, { type: 'desktop-size', width: 4, height: 2 });
  const place = { x: 0, y: 0, width: 1, height: 1 };
  receive({ type: 'regions', seq: 2, regions: [{ ...place, encoding: 'png', bytes: Uint8Array.of(9, 8, 7) }] });
  receive(
    { type: 'mode', seq: 3, mode: 'stream', size: whole.length, state: deflateRawSync(whole) },
    { type: 'graphics', seq: 4, updates: [bitmap(0, 1, 7, 7, 7)] },
  );
  sent();
  events();
  let found: WorkerEvent[] = [];
  while (!found.some(({ type }) => type === 'mode')) {
    await new Promise((resolve) => setImmediate(resolve));
    found = [...found, ...events()];
  }
  assert.ok(found.some((event) => event.type === 'mode' && event.mode === 'stream'));
  frame();
  assert.deepEqual(sent(), [{ type: 'ack', seq: 4 }]);
  assert.deepEqual(
    [surface.at(1, 0), surface.at(3, 1), surface.at(0, 1)],
    [
      [3, 2, 1],
      [6, 5, 4],
      [7, 7, 7],
    ],
  );
  // The picture that was still being decoded is not drawn over it.
  decodings[0]?.finish();
  await new Promise((resolve) => setImmediate(resolve));
  frame();
  assert.deepEqual(surface.at(0, 0), [3, 2, 1]);
  assert.equal(bitmaps[0]?.closed, true);
});

test('a state that is not what it says ends the view with a reason', async () => {
  const cases = [
    { size: 9, state: deflateRawSync(new Uint8Array(10)) },
    { size: 11, state: deflateRawSync(new Uint8Array(10)) },
    { size: 10, state: deflateRawSync(new Uint8Array(10).fill(255)) },
    { size: 10, state: Uint8Array.of(1, 2, 3) },
  ];
  for (const wrong of cases) {
    const { link, receive, events } = fakeLink();
    link.opened();
    receive(streamHello, { type: 'mode', seq: 1, mode: 'regions' }, { type: 'mode', seq: 2, mode: 'stream', ...wrong });
    let end: WorkerEvent | undefined;
    while (end === undefined) {
      await new Promise((resolve) => setImmediate(resolve));
      end = events().find(({ type }) => type === 'ended');
    }
    assert.equal(end.type === 'ended' && end.reason.code, 'protocol_error');
  }
});

test('stream: only what changed is copied', () => {
  const { link, surface, receive, frame } = fakeLink();
  link.opened();
  receive(streamHello, { type: 'graphics', seq: 1, updates: [reset(64, 64)] });
  frame();
  surface.drawn = [];
  receive({ type: 'graphics', seq: 2, updates: [bitmap(2, 1, 1, 2, 3)] });
  frame();
  assert.deepEqual(surface.drawn, [{ x: 2, y: 1, width: 2, height: 1 }]);
});

test('stream: a size alone is no picture yet', () => {
  const { link, receive, frame, sent, events } = fakeLink();
  link.opened();
  receive(streamHello, { type: 'graphics', seq: 1, updates: [reset(8, 4)] });
  frame();
  assert.deepEqual(sent().at(-1), { type: 'ack', seq: 1 });
  assert.ok(!events().some((event) => event.type === 'active'));
});

test('stream: pointers are told when they change', () => {
  const { link, receive, events } = fakeLink();
  link.opened();
  receive(streamHello, { type: 'graphics', seq: 1, updates: [reset(8, 4)] });
  events();
  const none = new Uint8Array(0);
  receive({ type: 'graphics', seq: 2, updates: [{ code: UpdateCode.pointerHidden, data: none }] });
  receive({ type: 'graphics', seq: 3, updates: [bitmap(0, 0, 0, 0, 0)] });
  receive({ type: 'graphics', seq: 4, updates: [{ code: UpdateCode.pointerDefault, data: none }] });
  receive({
    type: 'graphics',
    seq: 5,
    updates: [{ code: UpdateCode.pointerPosition, data: Uint8Array.of(5, 0, 3, 0) }],
  });
  assert.deepEqual(events(), [
    { type: 'pointer', look: { kind: 'hidden' } },
    { type: 'pointer', look: { kind: 'default' } },
    { type: 'pointer-position', x: 5, y: 3 },
  ]);
});

test('regions: drawn in the order they came, however long each takes to decode', async () => {
  const { link, surface, receive, frame, sent, decodings, bitmaps, settle, events } = fakeLink();
  link.opened();
  sent();
  const region = (x: number, color: number): PictureRegion => {
    return { x, y: 0, width: 2, height: 2, encoding: 'png', bytes: Uint8Array.of(color, color, color) };
  };
  receive(regionsHello, { type: 'desktop-size', width: 8, height: 2 });
  receive({ type: 'regions', seq: 1, regions: [region(0, 10), region(2, 20)] });
  receive({ type: 'regions', seq: 2, regions: [region(0, 30)] });
  decodings[2]?.finish();
  await settle();
  frame();
  assert.deepEqual(surface.drawn, [], 'the second waits for the first');
  assert.deepEqual(sent(), []);
  decodings[0]?.finish();
  decodings[1]?.finish();
  await settle();
  frame();
  assert.deepEqual(surface.at(0, 0), [30, 30, 30]);
  assert.deepEqual(surface.at(2, 1), [20, 20, 20]);
  assert.deepEqual(sent(), [{ type: 'ack', seq: 2 }]);
  assert.ok(bitmaps.every((bitmap) => bitmap.closed));
  assert.equal(events().filter((event) => event.type === 'active').length, 1);
});

test('regions: what has moved is copied, after what came before it and before what comes after', async () => {
  const { link, surface, receive, frame, decodings, settle } = fakeLink();
  link.opened();
  const region = (x: number, color: number): PictureRegion => {
    return { x, y: 0, width: 2, height: 2, encoding: 'png', bytes: Uint8Array.of(color, color, color) };
  };
  const copy = { x: 1, y: 0, width: 4, height: 2, encoding: 'copy', fromX: 0, fromY: 0 } as const;
  receive(regionsHello, { type: 'desktop-size', width: 8, height: 2 });
  receive({ type: 'regions', seq: 1, regions: [region(0, 10), region(2, 20), copy, region(6, 30)] });
  for (const decoding of decodings) decoding.finish();
  await settle();
  frame();
  assert.deepEqual(
    [0, 1, 2, 3, 4, 5, 6, 7].map((x) => surface.at(x, 1)[0]),
    [10, 10, 10, 20, 20, 0, 30, 30],
  );
});

test('regions: the pointer and its place are told', () => {
  const { link, receive, events } = fakeLink();
  link.opened();
  receive(regionsHello);
  events();
  const rgba = Uint8Array.of(1, 2, 3, 4);
  receive({ type: 'pointer-shape', kind: 'shape', width: 1, height: 1, hotX: 0, hotY: 0, rgba });
  receive({ type: 'pointer-position', x: 7, y: 8 });
  const [look, position] = events();
  assert.deepEqual(look?.type === 'pointer' && look.look.kind === 'shape' && [...look.look.rgba], [1, 2, 3, 4]);
  assert.deepEqual(position, { type: 'pointer-position', x: 7, y: 8 });
});

test('regions: a picture that cannot be decoded ends the view with a reason', async () => {
  const { link, receive, decodings, settle, events, state } = fakeLink();
  link.opened();
  receive(regionsHello, { type: 'desktop-size', width: 8, height: 2 });
  receive({
    type: 'regions',
    seq: 1,
    regions: [{ x: 0, y: 0, width: 1, height: 1, encoding: 'webp', bytes: Uint8Array.of(0) }],
  });
  decodings[0]?.fail();
  await settle();
  const end = events().at(-1);
  assert.equal(end?.type === 'ended' && end.reason.code, 'protocol_error');
  assert.equal(state.closedWith, 4012);
});

test('what the gateway says at the end is the reason, and the socket closing after it changes nothing', () => {
  const { link, receive, events } = fakeLink();
  link.opened();
  receive({ type: 'ended', code: 'logon_failed', message: 'No.', hint: 'Ask.' });
  link.closed();
  assert.deepEqual(events(), [{ type: 'ended', reason: { code: 'logon_failed', message: 'No.', hint: 'Ask.' } }]);
});

test('a socket that closes without a word is a lost gateway; one that never opened, an unreachable one', () => {
  const lost = fakeLink();
  lost.link.opened();
  lost.link.closed();
  const [end] = lost.events();
  assert.equal(end?.type === 'ended' && end.reason.code, 'gateway_lost');

  const refused = fakeLink();
  refused.link.closed();
  const [never] = refused.events();
  assert.equal(never?.type === 'ended' && never.reason.code, 'gateway_unreachable');
});

/** Two bitmap updates of 128 x 100 uncompressed pixels, one below the other, all of one grey. */
function largePicture(grey: number) {
  return [0, 100].map((top) => {
    const fields = [1, 1, 0, top, 127, top + 99, 128, 100, 32, 0, 4 * 128 * 100];
    const data = new Uint8Array(2 * fields.length + 4 * 128 * 100).fill(grey);
    data.set(fields.flatMap((value) => [value & 255, value >> 8]));
    return { code: UpdateCode.bitmap, data };
  });
}

test('bytes that break the protocol end the session, not the worker', () => {
  for (const bytes of [Uint8Array.of(), Uint8Array.of(0x7f), Uint8Array.of(0x10, 0, 0, 0, 0, 1, 255, 255, 255, 255)]) {
    const { link, receive, events, state } = fakeLink();
    link.opened();
    receive(streamHello);
    link.received(bytes);
    link.received(bytes);
    const ends = events().filter((event) => event.type === 'ended');
    assert.equal(ends.length, 1);
    assert.equal(state.closedWith, 4012);
  }
});

test('graphics that break the protocol end the session too, whenever they are decoded', () => {
  const broken = { code: UpdateCode.bitmap, data: Uint8Array.of(1) };
  for (const decode of ['idle', 'frame'] as const) {
    const fake = fakeLink();
    fake.link.opened();
    fake.receive(streamHello, { type: 'graphics', seq: 1, updates: [reset(8, 4), broken] });
    fake[decode]();
    const end = fake.events().at(-1);
    assert.equal(end?.type === 'ended' && end.reason.code, 'protocol_error', decode);
  }
});

test('stream: decodes what has come as soon as nothing more is there, without what later pictures hide', () => {
  /** Says that it is compressed, and is not. */
  const undecodable = (x: number, y: number) => {
    const { code, data } = bitmap(x, y, 1, 2, 3);
    const compressed = data.slice();
    compressed[18] = 1;
    compressed.fill(0xff, 22);
    return { code, data: compressed };
  };
  const begin = () => {
    const fake = fakeLink();
    fake.link.opened();
    fake.receive(streamHello, { type: 'graphics', seq: 1, updates: [reset(8, 4)] });
    fake.receive({ type: 'graphics', seq: 2, updates: [undecodable(2, 1)] });
    return fake;
  };
  const prompt = begin();
  prompt.idle();
  assert.equal(prompt.events().at(-1)?.type, 'ended');

  const behind = begin();
  behind.receive({ type: 'graphics', seq: 3, updates: [bitmap(2, 1, 10, 20, 30)] });
  behind.idle();
  behind.frame();
  assert.deepEqual(behind.surface.at(3, 1), [30, 20, 10]);
  assert.deepEqual(behind.sent().at(-1), { type: 'ack', seq: 3 });
});

test('stream: a picture that is ready is shown and told before one that has come since is decoded', () => {
  const { link, surface, receive, idle, frame, sent } = fakeLink();
  link.opened();
  receive(streamHello, { type: 'graphics', seq: 1, updates: [reset(8, 4)] });
  frame();
  receive({ type: 'graphics', seq: 2, updates: [bitmap(2, 1, 10, 20, 30)] });
  idle();
  sent();
  receive({ type: 'graphics', seq: 3, updates: [bitmap(2, 1, 11, 21, 31)] });
  frame();
  assert.deepEqual(surface.at(2, 1), [30, 20, 10]);
  assert.deepEqual(sent(), [{ type: 'ack', seq: 2 }]);
  assert.equal(frame(), 1, 'the other one has a frame of its own');
  assert.deepEqual(surface.at(2, 1), [31, 21, 11]);
  assert.deepEqual(sent(), [{ type: 'ack', seq: 3 }]);
  assert.equal(frame(), 0);
});

test('stream: what takes long to decode waits until what is ready is drawn, and nothing else does', () => {
  const { link, surface, receive, idle, frame, sent } = fakeLink();
  link.opened();
  receive(streamHello, { type: 'graphics', seq: 1, updates: [reset(128, 200)] });
  frame();
  receive({ type: 'graphics', seq: 2, updates: [bitmap(2, 1, 10, 20, 30)] });
  idle();
  receive({ type: 'graphics', seq: 3, updates: [bitmap(4, 1, 11, 21, 31)] });
  idle();
  receive({ type: 'graphics', seq: 4, updates: largePicture(12) });
  idle();
  sent();
  frame();
  assert.deepEqual(surface.at(2, 1), [30, 20, 10]);
  assert.deepEqual(surface.at(4, 1), [31, 21, 11]);
  assert.deepEqual(sent(), [{ type: 'ack', seq: 3 }]);
  idle();
  receive({ type: 'graphics', seq: 5, updates: largePicture(13) });
  frame();
  assert.deepEqual(surface.at(2, 1), [12, 12, 12], 'decoding began after the frame, before more came');
  assert.deepEqual(sent(), [{ type: 'ack', seq: 4 }]);
});

test('stream: a pointer that came first holds no picture up', () => {
  const { link, surface, receive, frame, sent } = fakeLink();
  link.opened();
  receive(streamHello, { type: 'graphics', seq: 1, updates: [reset(8, 4)] });
  frame();
  sent();
  const hidden = { code: UpdateCode.pointerHidden, data: new Uint8Array() };
  receive({ type: 'graphics', seq: 2, updates: [hidden] });
  receive({ type: 'graphics', seq: 3, updates: [bitmap(2, 1, 10, 20, 30)] });
  frame();
  assert.deepEqual(surface.at(2, 1), [30, 20, 10]);
  assert.deepEqual(sent(), [{ type: 'ack', seq: 3 }]);
});

test('stream: a pointer does not wait for pictures', () => {
  const { link, receive, events } = fakeLink();
  link.opened();
  const hidden = { code: UpdateCode.pointerHidden, data: new Uint8Array() };
  receive(streamHello, { type: 'graphics', seq: 1, updates: [reset(8, 4), bitmap(2, 1, 1, 2, 3), hidden] });
  assert.deepEqual(events().at(-1), { type: 'pointer', look: { kind: 'hidden' } });
});

test('input and end-session go out; after the end, nothing does', () => {
  const { link, receive, sent } = fakeLink();
  link.opened();
  sent();
  link.input([{ kind: 'mouse-move', x: 1, y: 2 }]);
  link.endSession();
  assert.deepEqual(sent(), [{ type: 'input', events: [{ kind: 'mouse-move', x: 1, y: 2 }] }, { type: 'end-session' }]);
  receive({ type: 'ended', code: 'ended_by_user', message: 'Over.' });
  link.input([{ kind: 'mouse-move', x: 3, y: 4 }]);
  assert.deepEqual(sent(), []);
});

test('more input than fits is cut into messages that fit', () => {
  const { link, sent } = fakeLink();
  link.opened();
  sent();
  const events = Array.from({ length: TunnelLimits.inputEvents + 1 }, () => {
    return { kind: 'unicode', unit: 65, down: true } as const;
  });
  link.input(events);
  const sizes = sent().map((message) => (message.type === 'input' ? message.events.length : 0));
  assert.deepEqual(sizes, [TunnelLimits.inputEvents, 1]);
});

test('latency is measured by ping and pong', () => {
  const { link, receive, sent, events, state } = fakeLink();
  link.opened();
  sent();
  state.now += 10_000;
  link.tick();
  const [ping] = sent();
  assert.equal(ping?.type, 'ping');
  state.now += 25;
  receive({ type: 'pong', value: 12_345 });
  assert.deepEqual(events(), [], 'a pong for another ping says nothing');
  receive({ type: 'pong', value: ping?.type === 'ping' ? ping.value : 0 });
  assert.deepEqual(events(), [{ type: 'latency', milliseconds: 25 }]);
  link.tick();
  assert.deepEqual(sent(), [], 'the next ping has time');
});

test('a gateway that falls silent is lost', () => {
  const { link, events, state, tickFor } = fakeLink();
  link.opened();
  tickFor(29);
  assert.deepEqual(events(), []);
  tickFor(2);
  const [end] = events();
  assert.equal(end?.type === 'ended' && end.reason.code, 'gateway_lost');
  assert.equal(state.closed, true);
});

test('a browser that slept does not take its own sleep for silence, and finds out whether the gateway is there', () => {
  const { link, receive, sent, events, state, tickFor } = fakeLink();
  link.opened();
  state.now += 3_600_000;
  link.tick();
  assert.deepEqual(events(), []);
  const ping = sent().at(-1);
  receive({ type: 'pong', value: ping?.type === 'ping' ? ping.value : 0 });
  assert.equal(events()[0]?.type, 'latency');
  state.now += 3_600_000;
  tickFor(29);
  assert.deepEqual(events(), []);
  tickFor(3);
  assert.equal(events()[0]?.type, 'ended');
});

test('notices reach the page as they are', () => {
  const { link, receive, events } = fakeLink();
  link.opened();
  receive({ type: 'notice', code: 'shadow_started', message: 'Ann is watching.', viewers: 1 });
  assert.deepEqual(events(), [
    { type: 'notice', notice: { code: 'shadow_started', message: 'Ann is watching.', viewers: 1 } },
  ]);
});

test('passes on the wished size, whether anybody looks, and the lock keys', () => {
  const { link, receive, sent, events } = fakeLink();
  link.opened();
  receive(streamHello);
  sent();
  events();
  link.resize({ width: 1366, height: 768 });
  link.visibility(false);
  assert.deepEqual(sent(), [
    { type: 'resize', width: 1366, height: 768 },
    { type: 'visibility', visible: false },
  ]);
  const lockKeys = { scrollLock: false, numLock: true, capsLock: false, kanaLock: false };
  receive({ type: 'lock-keys', ...lockKeys });
  assert.deepEqual(events(), [{ type: 'lock-keys', lockKeys }]);
});
