import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { encodeGfxPdu } from '../channels/rdpgfx/encode-pdu.ts';
import { type GfxPdu, GfxPixelFormat } from '../channels/rdpgfx/pdu.ts';
import { concatBytes } from '../core/bytes.ts';
import { WriteCursor } from '../core/cursor.ts';
import { encodeBitmapUpdate, sizeOfBitmapUpdate } from '../pdu/bitmap-update.ts';
import { Compositor } from './compositor.ts';
import { createSurfaceCodecs } from './surface-codecs.ts';
import { RandomServer } from './testing/random-server.ts';
import { type GraphicsUpdate, UpdateCode } from './update.ts';

type Pdu = Exclude<GfxPdu, { kind: 'unknown' }>;

const WIDTH = 24;
const HEIGHT = 16;

/** Somebody who looks at a desktop as a canvas does: right after it says what is damaged, and only there. */
class Viewer {
  readonly compositor: Compositor;
  #canvas = new Uint32Array();

  constructor(borrows: boolean) {
    this.compositor = new Compositor(createSurfaceCodecs(), { borrows });
  }

  /** All that is on the canvas, brought up to date where something was damaged. */
  look(): Uint32Array {
    const { width, height } = this.compositor;
    if (this.#canvas.length !== width * height) this.#canvas = new Uint32Array(width * height);
    const damage = this.compositor.takeDamage();
    const words = new Uint32Array(this.compositor.pixels.buffer);
    for (const rect of damage) {
      for (let y = rect.y; y < rect.y + rect.height; y++) {
        const from = y * width + rect.x;
        this.#canvas.set(words.subarray(from, from + rect.width), from);
      }
    }
    return this.#canvas;
  }
}

function gfx(...pdus: Pdu[]): GraphicsUpdate {
  return { code: UpdateCode.graphicsPipeline, data: concatBytes(...pdus.map(encodeGfxPdu)) };
}

const begin: Pdu = { kind: 'start-frame', timestamp: 0, frameId: 1 };
const end: Pdu = { kind: 'end-frame', frameId: 1 };

function create(surfaceId: number, width = WIDTH, height = HEIGHT): Pdu {
  return { kind: 'create-surface', surfaceId, width, height, pixelFormat: GfxPixelFormat.xrgb8888 };
}

function map(surfaceId: number, x = 0, y = 0): Pdu {
  return { kind: 'map-surface-to-output', surfaceId, outputOriginX: x, outputOriginY: y };
}

function fill(surfaceId: number, left: number, top: number, width: number, height: number, color: number): Pdu {
  const fillRects = [{ left, top, right: left + width, bottom: top + height }];
  return { kind: 'solid-fill', surfaceId, fillPixel: (0xff000000 | color) >>> 0, fillRects };
}

const OPEN = gfx({ kind: 'reset-graphics', width: WIDTH, height: HEIGHT, monitors: [] }, create(1), create(2), map(1));

describe('a desktop that shows a surface in place', () => {
  it('copies nothing as long as each picture is looked at before the next one begins', () => {
    const { compositor } = new Viewer(true);
    compositor.apply(OPEN);
    const { pixels } = compositor;
    for (let color = 1; color < 5; color++) {
      compositor.takeDamage();
      compositor.apply(gfx(begin, fill(1, 1, 1, 2, 2, color)));
      compositor.apply(gfx(end));
      assert.equal(compositor.pixels, pixels);
    }
  });

  it('keeps a picture that nobody has looked at from the next one', () => {
    const viewer = new Viewer(true);
    viewer.compositor.apply(OPEN);
    viewer.look();
    viewer.compositor.apply(gfx(begin, fill(1, 0, 0, 2, 1, 0x0000ff), end, begin, fill(1, 0, 0, 1, 1, 0x00ff00)));
    assert.deepEqual([...viewer.look().subarray(0, 3)], [0xffff0000, 0xffff0000, 0xff000000]);
    viewer.compositor.apply(gfx(end));
    assert.deepEqual([...viewer.look().subarray(0, 3)], [0xff00ff00, 0xffff0000, 0xff000000]);
  });

  it('looks like one that has pixels of its own, whatever a server does and whenever somebody looks', () => {
    const at = fc.nat(HEIGHT - 4);
    const rect = fc.tuple(fc.constantFrom(1, 1, 1, 2), at, at, fc.nat(4), fc.nat(4), fc.nat(0xffffff));
    const steps = fc.oneof(
      { weight: 6, arbitrary: rect.map((args) => gfx(fill(...args))) },
      { weight: 3, arbitrary: fc.constant(gfx(begin)) },
      { weight: 3, arbitrary: fc.constant(gfx(end)) },
      { weight: 6, arbitrary: fc.constant('look' as const) },
      { weight: 1, arbitrary: fc.nat(0xffffff).map((color) => gfx(fill(1, 0, 0, WIDTH, HEIGHT, color))) },
      { weight: 1, arbitrary: fc.constantFrom(1, 2).map((id) => gfx(map(id))) },
      { weight: 1, arbitrary: fc.constant(gfx(map(2, 3, 2))) },
      { weight: 1, arbitrary: fc.constantFrom(1, 2).map((id) => gfx(create(id))) },
      { weight: 1, arbitrary: fc.tuple(at, at, fc.nat(255)).map((args) => bitmap(...args)) },
      { weight: 1, arbitrary: fc.constant(reset(WIDTH, HEIGHT)) },
    );
    fc.assert(
      fc.property(fc.array(steps, { maxLength: 60 }), (updates) => {
        const [own, borrowing] = [new Viewer(false), new Viewer(true)];
        for (const step of [OPEN, ...updates, gfx(end), 'look' as const]) {
          if (step === 'look') assert.deepEqual(borrowing.look(), own.look());
          else for (const { compositor } of [own, borrowing]) compositor.apply(step);
        }
      }),
      { numRuns: 400 },
    );
  });

  it('does so with every codec, caches, and surfaces beside each other', () => {
    for (let seed = 1; seed <= 12; seed++) {
      const server = new RandomServer('gfx', seed);
      const [own, borrowing] = [new Viewer(false), new Viewer(true)];
      for (const update of [...server.open(), ...Array.from({ length: 40 }, () => server.next())]) {
        for (const { compositor } of [own, borrowing]) compositor.apply(update);
        assert.deepEqual(borrowing.look(), own.look(), `seed ${seed}`);
      }
    }
  });

  it('saves the state of one that has pixels of its own', () => {
    const [own, borrowing] = [new Viewer(false), new Viewer(true)];
    for (const { compositor } of [own, borrowing]) compositor.apply(OPEN);
    for (const { compositor } of [own, borrowing]) compositor.apply(gfx(begin, fill(1, 2, 2, 5, 5, 77), end));
    assert.deepEqual(borrowing.compositor.saveState(1 << 20), own.compositor.saveState(1 << 20));
  });
});

function reset(width: number, height: number): GraphicsUpdate {
  return { code: UpdateCode.desktopReset, data: new Uint8Array(Uint16Array.of(width, height).buffer) };
}

/** Two pixels that are not the pipeline's. */
function bitmap(x: number, y: number, blue: number): GraphicsUpdate {
  const data = Uint8Array.of(blue, 1, 2, 0, blue, 3, 4, 0);
  const place = { destLeft: x, destTop: y, destRight: x + 1, destBottom: y, width: 2, height: 1 };
  const rectangles = [{ ...place, bitsPerPixel: 32, compressed: false, data }];
  const cursor = new WriteCursor(sizeOfBitmapUpdate({ rectangles }));
  encodeBitmapUpdate({ rectangles }, cursor);
  return { code: UpdateCode.bitmap, data: cursor.finish() };
}
