import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { createPixelTarget } from '../codecs/pixel-target.ts';
import { encodePlanar } from '../codecs/planar-encoder.ts';
import { WriteCursor } from '../core/cursor.ts';
import { DecodeError } from '../core/errors.ts';
import { type BitmapRectangle, encodeBitmapUpdate, sizeOfBitmapUpdate } from '../pdu/bitmap-update.ts';
import { Compositor } from './compositor.ts';
import type { Rect } from './geometry.ts';
import { type GraphicsUpdate, UpdateCode } from './update.ts';
import { UpdateQueue } from './update-queue.ts';

const WIDTH = 100;
const HEIGHT = 70;

function blank(): Compositor {
  const compositor = new Compositor();
  compositor.apply({ code: UpdateCode.desktopReset, data: Uint8Array.of(WIDTH, 0, HEIGHT, 0) });
  compositor.takeDamage();
  return compositor;
}

function filled({ x, y, width, height }: Rect, color: number): BitmapRectangle {
  const target = createPixelTarget(new Uint8Array(width * height * 4), width, { x: 0, y: 0, width, height });
  target.words.fill(0xff000000 | color);
  const data = encodePlanar(target);
  const edges = { destLeft: x, destTop: y, destRight: x + width - 1, destBottom: y + height - 1 };
  return { ...edges, width, height, bitsPerPixel: 32, compressed: true, data };
}

function update(...rectangles: BitmapRectangle[]): GraphicsUpdate {
  const cursor = new WriteCursor(sizeOfBitmapUpdate({ rectangles }));
  encodeBitmapUpdate({ rectangles }, cursor);
  return { code: UpdateCode.bitmap, data: cursor.finish() };
}

/** Pictures of any size, on and off the desktop, mostly where servers put them: on a grid of 16. */
const rect = fc
  .tuple(fc.nat(8), fc.nat(6), fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 5 }), fc.boolean())
  .map(([x, y, w, h, aligned]) =>
    aligned
      ? { x: x * 16, y: y * 16, width: w * 16, height: h * 16 }
      : { x: x * 13, y: y * 11, width: w * 9, height: h * 7 },
  );

describe('UpdateQueue', () => {
  it('gives the picture that applying every update gives', () => {
    fc.assert(
      fc.property(fc.array(fc.array(rect, { minLength: 1, maxLength: 4 }), { maxLength: 25 }), (updates) => {
        const queue = new UpdateQueue();
        const queued = blank();
        const direct = blank();
        updates.forEach((rects, i) => {
          const message = update(...rects.map((r, j) => filled(r, (i * 37 + j * 5 + 1) & 0xffffff)));
          direct.apply(message);
          queue.push(message);
        });
        queue.applyTo(queued);
        assert.deepEqual(queued.pixels, direct.pixels);
        assert.equal(queue.length, 0);
        assert.equal(queue.bytes, 0);
      }),
      { numRuns: 300 },
    );
  });

  it('does not decode what later pictures cover', () => {
    const queue = new UpdateQueue();
    const broken = { ...filled({ x: 16, y: 16, width: 32, height: 16 }, 1), data: Uint8Array.of(0x30) };
    queue.push(update(broken));
    queue.push(
      update(filled({ x: 0, y: 0, width: 32, height: 64 }, 2), filled({ x: 32, y: 0, width: 68, height: 64 }, 3)),
    );
    const compositor = blank();
    queue.applyTo(compositor);
    assert.equal(compositor.pixels[0], 2);

    // Uncovered by one column, the same bytes are decoded and refused.
    queue.push(update(broken));
    queue.push(update(filled({ x: 0, y: 0, width: 47, height: 64 }, 2)));
    assert.throws(() => queue.applyTo(compositor), DecodeError);
    assert.equal(queue.length, 0);
  });

  it('covers pictures that hang over the right and lower edge', () => {
    const queue = new UpdateQueue();
    const broken = { ...filled({ x: 90, y: 60, width: 40, height: 40 }, 1), data: Uint8Array.of(0x30) };
    queue.push(update(broken));
    queue.push(update(filled({ x: 0, y: 0, width: WIDTH, height: HEIGHT }, 9)));
    const compositor = blank();
    queue.applyTo(compositor);
    assert.equal(compositor.pixels.at(-4), 9);
  });

  it('counts what it holds', () => {
    const queue = new UpdateQueue();
    const message = update(filled({ x: 0, y: 0, width: 8, height: 8 }, 1));
    queue.push(message);
    queue.push(message);
    assert.equal(queue.length, 2);
    assert.equal(queue.bytes, message.data.length * 2);
  });
});
