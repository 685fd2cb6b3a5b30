import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { encodeGfxPdu } from '../channels/rdpgfx/encode-pdu.ts';
import { GfxCodecId, type GfxPdu } from '../channels/rdpgfx/pdu.ts';
import { ALPHA_SIGNATURE } from '../codecs/alpha.ts';
import { ClearCodecEncoder, type ClearCodecPlan } from '../codecs/clearcodec/encoder.ts';
import { encodePlanar } from '../codecs/planar-encoder.ts';
import { encodeProgressiveStream, FULL_QUALITY, type ProgressiveTile } from '../codecs/progressive/blocks.ts';
import { ProgressiveTileEncoder } from '../codecs/progressive/encoder.ts';
import { EXTRAPOLATED_LAYOUT } from '../codecs/progressive/wavelet.ts';
import { encodeFrame } from '../codecs/remotefx/blocks.ts';
import { RlgrMode } from '../codecs/remotefx/rlgr.ts';
import { encodeTile } from '../codecs/remotefx/tile-codec.ts';
import { TILE_PIXELS } from '../codecs/remotefx/wavelet.ts';
import { concatBytes } from '../core/bytes.ts';
import { DecodeError } from '../core/errors.ts';
import { Compositor } from './compositor.ts';
import { DesktopOutline } from './desktop-outline.ts';
import type { Rect } from './geometry.ts';
import { GfxPlan, type GfxSurfaceOutline } from './gfx-plan.ts';
import { type GraphicsUpdate, UpdateCode } from './update.ts';
import { UpdateQueue } from './update-queue.ts';

type Pdu = Exclude<GfxPdu, { kind: 'unknown' }>;
type Place = readonly [x: number, y: number];

/** Two surfaces of this size: one shows at the left, the other moves about at the right, unless it is not shown. */
const WIDTH = 100;
const HEIGHT = 70;

const FINE = new Uint8Array(10).fill(6);
const EXTRA = new Uint8Array(10).fill(4);

function message(...pdus: readonly Pdu[]): GraphicsUpdate {
  return { code: UpdateCode.graphicsPipeline, data: concatBytes(...pdus.map(encodeGfxPdu)) };
}

const create = (surfaceId: number): Pdu => ({
  kind: 'create-surface',
  surfaceId,
  width: WIDTH,
  height: HEIGHT,
  pixelFormat: 0x20,
});

function map(surfaceId: number, x: number, y: number): Pdu {
  return { kind: 'map-surface-to-output', surfaceId, outputOriginX: x, outputOriginY: y };
}

const OPENING = message(
  { kind: 'reset-graphics', width: 260, height: 160, monitors: [] },
  create(1),
  create(2),
  map(1, 0, 0),
  map(2, WIDTH, 0),
);

function opened(): Compositor {
  const compositor = new Compositor();
  compositor.apply(OPENING);
  compositor.takeDamage();
  return compositor;
}

const toGfx = ({ x, y, width, height }: Rect) => ({ left: x, top: y, right: x + width, bottom: y + height });

function picture(seed: number, count = TILE_PIXELS): Uint32Array {
  return Uint32Array.from({ length: count }, (_, i) => (0xff000000 | (i * (0x010305 + seed * 77) + seed * 999)) >>> 0);
}

function wire(surfaceId: number, codecId: number, rect: Rect, bitmapData: Uint8Array): Pdu {
  return { kind: 'wire-to-surface-1', surfaceId, codecId, pixelFormat: 0x20, destRect: toGfx(rect), bitmapData };
}

function raw(surfaceId: number, rect: Rect, seed: number): Pdu {
  const bytes = new Uint8Array(picture(seed, rect.width * rect.height).buffer);
  return wire(surfaceId, GfxCodecId.uncompressed, rect, bytes);
}

/** Passes of tiles that are made once: any may follow any, what comes of it is the same both ways. */
const PASSES: readonly ((place: { xIdx: number; yIdx: number }) => ProgressiveTile)[] = [1, 2].flatMap((seed) => {
  const tile = new ProgressiveTileEncoder(picture(seed), EXTRAPOLATED_LAYOUT, FINE);
  const other = new ProgressiveTileEncoder(picture(seed + 5), EXTRAPOLATED_LAYOUT, FINE);
  const origin = { xIdx: 0, yIdx: 0 };
  const passes = [
    tile.first(origin, FULL_QUALITY),
    tile.first(origin, 0, EXTRA),
    tile.first(origin, FULL_QUALITY, undefined, other),
    tile.upgrade(origin, FULL_QUALITY, EXTRA),
  ];
  return passes.map((pass) => (place: { xIdx: number; yIdx: number }) => ({ ...pass, ...place }));
});

interface Region {
  readonly rects: readonly Rect[];
  readonly tiles: readonly ProgressiveTile[];
}

function progressive(surfaceId: number, regions: readonly Region[], codecContextId = 1): Pdu {
  const progressiveQuantization = [{ quality: 50, y: EXTRA, cb: EXTRA, cr: EXTRA }];
  const bitmapData = encodeProgressiveStream({
    withContext: true,
    regions: regions.map((region) => ({
      kind: 'region',
      extrapolated: true,
      quantization: [FINE],
      progressive: progressiveQuantization,
      ...region,
    })),
  });
  return { kind: 'wire-to-surface-2', surfaceId, codecId: 9, codecContextId, pixelFormat: 0x20, bitmapData };
}

const GREYS = [0x20, 0x80, 0xf0].map((grey) => {
  const pixels = new Uint32Array(TILE_PIXELS).fill(0xff000000 | (grey * 0x010101));
  return encodeTile(pixels, { xIdx: 0, yIdx: 0 }, RlgrMode.rlgr3, FINE);
});

/** Inside a surface, mostly as servers draw: on a grid. */
const rect: fc.Arbitrary<Rect> = fc
  .tuple(fc.nat(90), fc.nat(60), fc.integer({ min: 1, max: 100 }), fc.integer({ min: 1, max: 70 }), fc.boolean())
  .map(([x, y, width, height, isAligned]) => {
    const [left, top] = isAligned ? [x & ~15, y & ~15] : [x, y];
    return { x: left, y: top, width: Math.min(width, WIDTH - left), height: Math.min(height, HEIGHT - top) };
  });
const rects = fc.array(rect, { minLength: 1, maxLength: 3 });
const surface = fc.constantFrom(1, 1, 1, 2);
const tilePlace = fc.record({ xIdx: fc.nat(1), yIdx: fc.nat(1) });
const points = fc.array(fc.tuple(fc.integer({ min: -20, max: 90 }), fc.integer({ min: -20, max: 60 })), {
  minLength: 1,
  maxLength: 2,
});

/** One thing that a server does; made into messages by a `Server`, which knows what it has done before. */
const action = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('raw' as const), surface, rect, seed: fc.nat(99) }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('planar' as const), surface, rect, seed: fc.nat(99) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('fill' as const), surface, rects, seed: fc.nat(0xffffff) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('alpha' as const), surface, rect, seed: fc.nat(255) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('remotefx' as const),
      surface,
      rects,
      tiles: fc.array(fc.tuple(tilePlace, fc.nat(2)), { maxLength: 4 }),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('clear' as const),
      surface,
      rect,
      seed: fc.nat(99),
      residual: fc.boolean(),
      band: fc.boolean(),
      subcodec: fc.boolean(),
      cacheReset: fc.nat(9).map((n) => n === 0),
      glyph: fc.option(fc.nat(2)),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('glyph' as const), surface, rect, glyph: fc.nat(2) }) },
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('progressive' as const),
      surface,
      context: fc.integer({ min: 1, max: 2 }),
      regions: fc.array(
        fc.record({ rects, tiles: fc.array(fc.tuple(tilePlace, fc.nat(PASSES.length - 1)), { maxLength: 5 }) }),
        { minLength: 1, maxLength: 2 },
      ),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('context' as const), surface, context: fc.nat(2) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('copy' as const), surface, target: surface, rect, points }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('keep' as const), surface, rect, slot: fc.nat(2) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('paste' as const), surface, points, slot: fc.nat(2) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('evict' as const), slot: fc.nat(2) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('renew' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('move' as const), x: fc.nat(40), scaled: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('reset' as const), width: fc.constantFrom(260, 250) }) },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('begin' as const) }) },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('end' as const) }) },
);
type Action = typeof action extends fc.Arbitrary<infer T> ? T : never;

class Server {
  readonly #clear = new ClearCodecEncoder();
  readonly #slots = new Set<number>();
  readonly #glyphs = new Map<number, Place>();
  #hasSecond = true;

  pdus(action: Action): Pdu[] {
    if ('surface' in action && action.surface === 2 && !this.#hasSecond) return [];
    if ('target' in action && action.target === 2 && !this.#hasSecond) return [];
    switch (action.kind) {
      case 'raw':
        return [raw(action.surface, action.rect, action.seed)];
      case 'planar': {
        const { width, height } = action.rect;
        const words = picture(action.seed, width * height);
        const bytes = encodePlanar({ words, stride: width, x: 0, y: 0, width, height }, 'top-down');
        return [wire(action.surface, GfxCodecId.planar, action.rect, bytes)];
      }
      case 'fill': {
        const { surface: surfaceId, seed: fillPixel } = action;
        return [{ kind: 'solid-fill', surfaceId, fillPixel, fillRects: action.rects.map(toGfx) }];
      }
      case 'alpha': {
        const count = action.rect.width * action.rect.height;
        const head = Uint8Array.of(ALPHA_SIGNATURE & 0xff, ALPHA_SIGNATURE >> 8, 0, 0);
        const bytes = concatBytes(head, new Uint8Array(count).fill(action.seed));
        return [wire(action.surface, GfxCodecId.alpha, action.rect, bytes)];
      }
      case 'remotefx': {
        const tiles = action.tiles.map(([place, grey]) => ({ ...GREYS[grey]!, ...place }));
        const frame = { frameIdx: 0, width: WIDTH, height: HEIGHT, entropy: RlgrMode.rlgr3, withHeaders: true };
        const bytes = encodeFrame({ ...frame, rects: action.rects, quantization: [FINE], tiles });
        return [wire(action.surface, GfxCodecId.caVideo, { x: 0, y: 0, width: WIDTH, height: HEIGHT }, bytes)];
      }
      case 'clear':
        return [this.#clearPicture(action)];
      case 'glyph': {
        const size = this.#glyphs.get(action.glyph);
        if (size === undefined) return [];
        const [width, height] = size;
        const { x, y } = action.rect;
        const place = { x: Math.min(x, WIDTH - width), y: Math.min(y, HEIGHT - height), width, height };
        return [wire(action.surface, GfxCodecId.clearCodec, place, this.#clear.encodeGlyphHit(action.glyph))];
      }
      case 'progressive': {
        const regions = action.regions.map(({ rects: shown, tiles }) => ({
          rects: shown,
          tiles: tiles.map(([place, pass]) => PASSES[pass]!(place)),
        }));
        return [progressive(action.surface, regions, action.context)];
      }
      case 'context':
        return [{ kind: 'delete-encoding-context', surfaceId: action.surface, codecContextId: action.context }];
      case 'copy': {
        const destPoints = action.points.map(([x, y]) => ({ x, y }));
        const ids = { surfaceIdSrc: action.surface, surfaceIdDest: action.target };
        return [{ kind: 'surface-to-surface', ...ids, rectSrc: toGfx(action.rect), destPoints }];
      }
      case 'keep': {
        const { surface: surfaceId, slot } = action;
        this.#slots.add(slot);
        const rectSrc = toGfx(action.rect);
        return [{ kind: 'surface-to-cache', surfaceId, cacheKey: 1n, cacheSlot: slot + 1, rectSrc }];
      }
      case 'paste': {
        if (!this.#slots.has(action.slot)) return [];
        const destPoints = action.points.map(([x, y]) => ({ x, y }));
        return [{ kind: 'cache-to-surface', surfaceId: action.surface, cacheSlot: action.slot + 1, destPoints }];
      }
      case 'evict':
        this.#slots.delete(action.slot);
        return [{ kind: 'evict-cache-entry', cacheSlot: action.slot + 1 }];
      case 'renew':
        this.#hasSecond = !this.#hasSecond;
        return [this.#hasSecond ? create(2) : { kind: 'delete-surface', surfaceId: 2 }];
      case 'move': {
        if (!this.#hasSecond) return [];
        const at = { surfaceId: 2, outputOriginX: WIDTH + action.x, outputOriginY: action.x };
        if (!action.scaled) return [{ kind: 'map-surface-to-output', ...at }];
        return [{ kind: 'map-surface-to-scaled-output', ...at, targetWidth: 60, targetHeight: 80 }];
      }
      case 'reset':
        return [{ kind: 'reset-graphics', width: action.width, height: 160, monitors: [] }];
      case 'begin':
        return [{ kind: 'start-frame', timestamp: 0, frameId: 1 }];
      case 'end':
        return [{ kind: 'end-frame', frameId: 1 }];
      default:
        return action satisfies never;
    }
  }

  /** What shows the second surface, each slot of the cache and each glyph, which only `compare` would not see. */
  reveal(): Pdu[] {
    const pdus: Pdu[] = [{ kind: 'end-frame', frameId: 1 }];
    if (this.#hasSecond) pdus.push(map(2, WIDTH, 80));
    for (const slot of this.#slots) {
      pdus.push({ kind: 'cache-to-surface', surfaceId: 1, cacheSlot: slot + 1, destPoints: [{ x: slot * 9, y: 30 }] });
    }
    for (const [glyph, [width, height]] of this.#glyphs) {
      const place = { x: glyph * 30, y: 0, width, height };
      pdus.push(wire(1, GfxCodecId.clearCodec, place, this.#clear.encodeGlyphHit(glyph)));
    }
    const again = PASSES.slice(2, 4).flatMap((pass) => [0, 1].map((xIdx) => pass({ xIdx, yIdx: 0 })));
    const below = { x: 0, y: 40, width: WIDTH, height: 30 };
    return [...pdus, progressive(1, [{ rects: [below], tiles: again }])];
  }

  #clearPicture(action: Extract<Action, { kind: 'clear' }>): Pdu {
    const { residual, cacheReset } = action;
    const isGlyph = action.glyph !== null;
    const width = isGlyph ? Math.min(action.rect.width, 30) : action.rect.width;
    const height = isGlyph ? Math.min(action.rect.height, 30) : action.rect.height;
    if (action.glyph !== null) this.#glyphs.set(action.glyph, [width, height]);
    const part = { x: 0, y: height >> 1, width, height: Math.min(20, height - (height >> 1)) };
    const plan: ClearCodecPlan = {
      residual,
      cacheReset,
      bands: action.band ? [{ ...part, background: 0xff112233 }] : [],
      subcodecs: action.subcodec ? [{ x: 0, y: 0, width, height: (height >> 1) + 1, codec: 0 }] : [],
      ...(action.glyph === null ? {} : { glyphIndex: action.glyph }),
    };
    // Few colours, so that columns are found again.
    const pixels = picture(action.seed, width * height).map((_, i) => 0xff000000 | ((i + action.seed) % 5));
    const bytes = this.#clear.encode(pixels, width, plan);
    return wire(action.surface, GfxCodecId.clearCodec, { ...action.rect, width, height }, bytes);
  }
}

describe('GfxPlan', () => {
  it('gives the picture that decoding everything gives, whatever servers draw and whenever somebody looks', () => {
    const step = fc.record({ actions: fc.array(action, { minLength: 1, maxLength: 4 }), look: fc.nat(5) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
        const server = new Server();
        const [direct, queued] = [opened(), opened()];
        const queue = new UpdateQueue();
        let before = queued.pixels.slice();
        const send = (pdus: readonly Pdu[], look: boolean, compact = false): void => {
          direct.apply(message(...pdus));
          queue.push(message(...pdus));
          if (compact) queue.compact(queued);
          if (!look) return;
          queue.applyTo(queued);
          assertSame(queued, direct);
          const damage = queued.takeDamage();
          if (queued.pixels.length === before.length) assertDamaged(before, queued, damage);
          before = queued.pixels.slice();
        };
        for (const { actions, look } of steps)
          send(
            actions.flatMap((each) => server.pdus(each)),
            look === 0,
          );
        send([], true);
        send(server.reveal(), true);
      }),
      { numRuns: 100 },
    );
  });

  it('gives the same picture where a queue elsewhere is compacted, again and again, and handed on now and then', () => {
    const step = fc.record({ actions: fc.array(action, { minLength: 1, maxLength: 4 }), next: fc.nat(5) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 16 }), (steps) => {
        const server = new Server();
        const [direct, there] = [opened(), opened()];
        const outline = new DesktopOutline();
        outline.follow(OPENING);
        const queue = new UpdateQueue();
        const handOn = (): void => {
          for (const update of queue.updates) {
            outline.follow(update);
            there.apply(update);
          }
          queue.clear();
          assertSame(there, direct);
        };
        const send = (pdus: readonly Pdu[]): void => {
          direct.apply(message(...pdus));
          const { code, data } = message(...pdus);
          // As it comes out of a socket of Node: of a class whose `slice` is a view.
          queue.push({ code, data: Buffer.from(data) });
        };
        for (const { actions, next } of steps) {
          send(actions.flatMap((each) => server.pdus(each)));
          if (next < 3) queue.compact(outline);
          if (next === 0) handOn();
        }
        send(server.reveal());
        queue.compact(outline);
        handOn();
      }),
      { numRuns: 60 },
    );
  });

  const whole = { x: 0, y: 0, width: WIDTH, height: HEIGHT };
  const broken = new Uint8Array(9).fill(0xff);
  const frame = (...pdus: Pdu[]): GraphicsUpdate =>
    message({ kind: 'start-frame', timestamp: 0, frameId: 1 }, ...pdus, { kind: 'end-frame', frameId: 1 });

  /** Draws the messages lazily; broken pictures in them throw when they are decoded. */
  function look(...messages: readonly GraphicsUpdate[]): Compositor {
    const compositor = opened();
    const queue = new UpdateQueue();
    for (const each of messages) queue.push(each);
    queue.applyTo(compositor);
    return compositor;
  }

  it('decodes no picture that later ones cover, of any codec', () => {
    const tile = { ...PASSES[0]!({ xIdx: 0, yIdx: 0 }), y: new Uint8Array(6000).fill(0xff) } as ProgressiveTile;
    const hidden = [
      wire(1, GfxCodecId.planar, whole, broken),
      wire(1, GfxCodecId.uncompressed, whole, broken),
      wire(1, GfxCodecId.clearCodec, whole, Uint8Array.of(3, 0, 9, 0)),
      progressive(1, [{ rects: [whole], tiles: [tile] }]),
    ];
    const tiles = [0, 1].flatMap((xIdx) => [0, 1].map((yIdx) => PASSES[0]!({ xIdx, yIdx })));
    const covers = [raw(1, whole, 1), progressive(1, [{ rects: [whole], tiles }])];
    for (const picture of hidden) {
      assert.throws(() => look(frame(picture)), DecodeError);
      // A picture of tiles goes on from the one before, unless it begins anew.
      for (const cover of picture.kind === 'wire-to-surface-2' ? covers.slice(1) : covers) {
        assertSame(look(frame(picture), frame(cover)), look(frame(cover)));
      }
      // Somebody has looked: a frame that has not ended, a copy, a mapping.
      const cover = covers[1]!;
      const copy: Pdu = { kind: 'surface-to-cache', surfaceId: 1, cacheKey: 1n, cacheSlot: 1, rectSrc: toGfx(whole) };
      assert.throws(() => look(frame(picture, copy, cover)), DecodeError);
      assert.throws(() => look(frame(picture), frame(map(1, 5, 5)), frame(cover)), DecodeError);
      assert.throws(
        () => look(frame(picture), message({ kind: 'start-frame', timestamp: 0, frameId: 2 }, cover)),
        DecodeError,
      );
    }
  });

  it('shows what a residual of ClearCodec draws that ends before its picture does', () => {
    const under = frame(raw(1, whole, 1));
    for (const count of [1, WIDTH - 1, WIDTH, WIDTH + 1, 40 * WIDTH]) {
      const stream = new Uint8Array(2 + 3 * 4 + 3 + 1 + 2); // flags, seqNumber, sizes of layers, colour, runLengthFactor1 and 2
      const view = new DataView(stream.buffer);
      view.setUint32(2, 6, true);
      stream.set([1, 2, 3, 0xff], 14);
      view.setUint16(18, count, true);
      const over = frame(wire(1, GfxCodecId.clearCodec, whole, stream));
      const direct = opened();
      for (const each of [under, over]) direct.apply(each);
      assertSame(look(under, over), direct);
    }
  });

  it('forgets frames of which nothing is left, also over several messages, unless their end shows or takes back what was before them', () => {
    const begin: Pdu = { kind: 'start-frame', timestamp: 0, frameId: 7 };
    const end: Pdu = { kind: 'end-frame', frameId: 7 };
    const left = (...messages: readonly GraphicsUpdate[]): number => {
      const [outline, direct, compacted] = [new DesktopOutline(), opened(), opened()];
      outline.follow(OPENING);
      const queue = new UpdateQueue();
      for (const each of messages) {
        direct.apply(each);
        queue.push(each);
      }
      queue.compact(outline);
      for (const each of queue.updates) compacted.apply(each);
      assertSame(compacted, direct);
      return queue.length;
    };
    const cover = frame(raw(1, whole, 2));
    assert.equal(
      left(frame(), frame(raw(1, whole, 1)), message(begin), message(raw(1, whole, 3)), message(end), cover),
      1,
    );
    // What is drawn outside of a frame shows with the end of the next, or of its message.
    const gone: Pdu = { kind: 'delete-surface', surfaceId: 2 };
    assert.equal(left(message(raw(2, whole, 1), begin, end, gone), cover), 2);
    assert.equal(left(message(raw(2, whole, 1)), message(begin, end), message(gone), cover), 3);
    // A progressive stream outside of a frame belongs to the one that ends next.
    const tiles = [PASSES[0]!({ xIdx: 0, yIdx: 0 })];
    const corner = { x: 0, y: 0, width: 64, height: 64 };
    const streams = [
      message(progressive(1, [{ rects: [corner], tiles }])),
      message(progressive(1, [{ rects: [whole], tiles: [] }])),
    ];
    left(streams[0]!, message(begin, end), streams[1]!);
    left(streams[0]!, streams[1]!);
  });

  it('bounds what a server makes it remember, and concludes nothing from what is past that', () => {
    const limited = (...pdus: Pdu[]) => new DesktopOutline().follow(message(...pdus));
    const large = (surfaceId: number): Pdu => ({ ...create(surfaceId), width: 32_000, height: 2_000 }) as Pdu;
    limited(large(1), { kind: 'delete-surface', surfaceId: 1 }, large(2));
    assert.throws(() => limited(large(1), large(2)), { code: 'limit_exceeded' });
    assert.throws(() => limited({ kind: 'reset-graphics', width: 2 ** 31, height: 9, monitors: [] }), DecodeError);
    const many = Array.from({ length: 9000 }, () => whole);
    const pictures = Array.from({ length: 15 }, () => progressive(1, [{ rects: many, tiles: [] }]));
    assert.throws(() => limited(create(1), ...pictures), { code: 'limit_exceeded' });
    const end: Pdu = { kind: 'end-frame', frameId: 1 };
    limited(create(1), ...pictures.slice(0, 14), end, ...pictures.slice(0, 14));

    // Tiles of so many rectangles are not followed one by one: what they cover is kept, and what covers them covers them.
    const tiles = [0, 1].flatMap((xIdx) => [0, 1].map((yIdx) => PASSES[0]!({ xIdx, yIdx })));
    const tangled = frame(progressive(1, [{ rects: Array.from({ length: 16_384 }, () => whole), tiles }]));
    assert.throws(() => look(frame(wire(1, GfxCodecId.planar, whole, broken)), tangled), DecodeError);
  });

  it('looks at so many tiles in rectangles of one frame, and takes those past that for seen', () => {
    const corner = { x: 0, y: 0, width: 1, height: 1 };
    const many = { rects: Array.from({ length: 15_000 }, () => corner), tiles: [] };
    const one = progressive(1, [{ rects: [], tiles: [PASSES[0]!({ xIdx: 1, yIdx: 1 })] }]);
    const plan = opened().planGraphics();
    const begin: Pdu = { kind: 'start-frame', timestamp: 0, frameId: 1 };
    plan.read(message(begin, progressive(1, [many, many, many, many])).data);
    const streams = plan.read(message(...new Array<Pdu>(400).fill(one)).data);
    plan.finish();
    const seen = streams.filter(({ tiles }) => tiles?.[0] === 'pixels');
    // The tile is in none of the rectangles, and each stream brings it anew. 60,000 times 400 is more than a plan looks at.
    assert.ok(seen.length > 50 && seen.length < 200, `${seen.length}`);
  });

  it('looks at no surface that its messages do not name', () => {
    const [named, other] = [{ width: WIDTH, height: HEIGHT, frame: undefined }, new Map<number, GfxSurfaceOutline>()];
    other.set(1, named);
    for (let id = 2; id < 4000; id++) {
      const unseen = (): never => assert.fail(`surface ${id} is none of its business`);
      other.set(id, Object.defineProperty({ ...named }, 'frame', { get: unseen }));
    }
    const outline = { inFrame: false, surfaces: other, surfacePixels: 4000, open: [], cached: () => undefined };
    const plan = new GfxPlan(outline);
    const whole = { left: 0, top: 0, right: WIDTH, bottom: HEIGHT };
    const fill: Pdu = { kind: 'solid-fill', surfaceId: 1, fillPixel: 5, fillRects: [whole] };
    plan.read(message(fill, { kind: 'end-frame', frameId: 1 }, { kind: 'delete-surface', surfaceId: 1 }).data);
    plan.finish();
    const after = plan.end(new Map(), other);
    assert.equal(after.surfaces.size, 3998);
    assert.equal(after.surfaces.has(1), false);
    assert.equal(after.surfacePixels, 4000 - WIDTH * HEIGHT);
  });

  it('makes little of surfaces that a server makes by the thousand', () => {
    const small = message(
      ...Array.from({ length: 4000 }, (_, i): Pdu => ({ ...create(i), width: 1, height: 1 }) as Pdu),
    );
    const before = process.memoryUsage().arrayBuffers;
    const plan = new Compositor().planGraphics();
    plan.read(small.data);
    plan.finish();
    assert.ok(process.memoryUsage().arrayBuffers - before < 1e6);

    // As many ends of frames on top: none of the surfaces has anything to do with them.
    const desktop = new DesktopOutline();
    desktop.follow(small);
    const ends = desktop.planGraphics();
    const heap = process.memoryUsage().heapUsed;
    ends.read(message(...new Array<Pdu>(20_000).fill({ kind: 'end-frame', frameId: 1 })).data);
    assert.ok(process.memoryUsage().heapUsed - heap < 200e6);
  });

  it('gives bits to so many pixels of surfaces that are made again and again, and refuses too many', () => {
    const again: Pdu[] = [
      { ...create(1), width: 32_000, height: 2_000 } as Pdu,
      ...[1, 2].map((fillPixel): Pdu => ({ kind: 'solid-fill', surfaceId: 1, fillPixel, fillRects: [toGfx(whole)] })),
    ];
    const before = process.memoryUsage().arrayBuffers;
    const plan = new Compositor().planGraphics();
    const commands = plan.read(message(...new Array<Pdu[]>(40).fill(again).flat()).data);
    plan.finish();
    assert.ok(process.memoryUsage().arrayBuffers - before < 100e6);
    // What is covered is found out as long as there are bits, and everything is drawn after that.
    assert.deepEqual([commands[1]!.hidden, commands[2]!.hidden], [true, false]);
    assert.deepEqual([commands.at(-2)!.hidden, commands.at(-1)!.hidden], [false, false]);
    const many = message(...new Array<Pdu>(80).fill(again[0]!));
    assert.throws(() => new DesktopOutline().follow(many), { code: 'limit_exceeded' });
  });

  it('draws no tile whose coefficients alone are needed', () => {
    const first = PASSES[1]!({ xIdx: 0, yIdx: 0 });
    const upgrade = PASSES[3]!({ xIdx: 0, yIdx: 0 });
    const [below, above] = [
      { x: 0, y: 0, width: 64, height: 64 },
      { x: 0, y: 0, width: 64, height: 64 },
    ];
    const passes = [
      frame(progressive(1, [{ rects: [below], tiles: [first] }])),
      frame(progressive(1, [{ rects: [above], tiles: [upgrade] }])),
    ];
    const direct = opened();
    for (const pass of passes) direct.apply(pass);
    assertSame(look(...passes), direct);
  });
});

/** Pixel for pixel, and quick to say no: `deepEqual` would describe the difference of a hundred thousand numbers. */
function assertSame(a: Compositor, b: Compositor): void {
  assert.deepEqual([a.width, a.height], [b.width, b.height]);
  const at = a.pixels.findIndex((value, i) => value !== b.pixels[i]) >> 2;
  assert.ok(at < 0, `${at % a.width},${Math.floor(at / a.width)} differs`);
}

/** Every pixel that differs lies in the damage. */
function assertDamaged(before: Uint8ClampedArray, { pixels, width }: Compositor, damage: readonly Rect[]): void {
  for (let at = 0; at < pixels.length; at += 4) {
    const isSame = [0, 1, 2].every((i) => pixels[at + i] === before[at + i]);
    if (isSame) continue;
    const [x, y] = [(at / 4) % width, Math.floor(at / 4 / width)];
    const isDamaged = damage.some((r) => x >= r.x && y >= r.y && x < r.x + r.width && y < r.y + r.height);
    assert.ok(isDamaged, `${x},${y} has changed outside of the damage`);
  }
}
