import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { WriteCursor } from '../core/cursor.ts';
import { DecodeError } from '../core/errors.ts';
import { encodeBitmapUpdate, sizeOfBitmapUpdate } from '../pdu/bitmap-update.ts';
import { encodeSurfaceCommand, sizeOfSurfaceCommand } from '../pdu/surface-command.ts';
import { Compositor } from './compositor.ts';
import { MAX_DAMAGE_RECTS } from './damage.ts';
import { createSurfaceCodecs } from './surface-codecs.ts';
import { type GraphicsUpdate, UpdateCode } from './update.ts';

/** What a hostile server may send: nonsense, and messages that are well formed up to their last field. */
const bytes = fc.uint8Array({ maxLength: 200 });
const small = fc.integer({ min: 0, max: 80 });
const side = fc.oneof(small, fc.constantFrom(0, 1, 64, 65535));

const noise: fc.Arbitrary<GraphicsUpdate> = fc.record({
  code: fc.oneof(fc.constantFrom(...Object.values(UpdateCode)), fc.nat(255)),
  data: bytes,
});

const bitmap: fc.Arbitrary<GraphicsUpdate> = fc
  .array(
    fc.record({
      destLeft: side,
      destTop: side,
      destRight: side,
      destBottom: side,
      width: small,
      height: small,
      bitsPerPixel: fc.constantFrom(8, 15, 16, 24, 32, 32, 32, 7),
      compressed: fc.boolean(),
      data: bytes,
    }),
    { maxLength: 4 },
  )
  .map((rectangles) => {
    const cursor = new WriteCursor(sizeOfBitmapUpdate({ rectangles }));
    encodeBitmapUpdate({ rectangles }, cursor);
    return { code: UpdateCode.bitmap, data: cursor.finish() };
  });

const surface: fc.Arbitrary<GraphicsUpdate> = fc
  .record({
    kind: fc.constant('bits' as const),
    type: fc.constantFrom(1, 6),
    destLeft: small,
    destTop: small,
    bitsPerPixel: fc.constantFrom(16, 24, 32),
    codecId: fc.constantFrom(0, 1, 3, 7),
    width: small,
    height: small,
    data: bytes,
  })
  .map((command) => {
    const cursor = new WriteCursor(sizeOfSurfaceCommand(command));
    encodeSurfaceCommand(command, cursor);
    return { code: UpdateCode.surfaceCommands, data: cursor.finish() };
  });

const pointer: fc.Arbitrary<GraphicsUpdate> = fc
  .tuple(fc.constantFrom(0, 1, 4, 8, 15, 16, 24, 32), fc.nat(40), fc.nat(40), fc.nat(300), bytes, bytes)
  .map(([depth, width, height, index, xor, and]) => {
    const cursor = new WriteCursor(2 + 7 * 2 + xor.length + and.length);
    for (const value of [depth, index, 5, 5, width, height, and.length, xor.length]) cursor.u16(value);
    cursor.bytes(xor);
    cursor.bytes(and);
    return { code: UpdateCode.pointerNew, data: cursor.finish() };
  });

describe('Compositor against hostile servers', () => {
  it('draws or refuses, and stays whole', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(noise, bitmap, bitmap, surface, pointer), { maxLength: 12 }), (updates) => {
        const compositor = new Compositor(createSurfaceCodecs());
        compositor.apply({ code: UpdateCode.desktopReset, data: Uint8Array.of(64, 0, 48, 0) });
        for (const update of updates) {
          // Random resets may ask for desktops of hundreds of megabytes; those are tested apart.
          if (update.code === UpdateCode.desktopReset) continue;
          try {
            compositor.apply(update);
          } catch (error) {
            assert.ok(error instanceof DecodeError, String(error));
          }
        }
        assert.equal(compositor.pixels.length, 64 * 48 * 4);
        for (let at = 3; at < compositor.pixels.length; at += 4) assert.equal(compositor.pixels[at], 255);
        const damage = compositor.takeDamage();
        assert.ok(damage.length <= MAX_DAMAGE_RECTS);
        for (const { x, y, width, height } of damage) {
          assert.ok(x >= 0 && y >= 0 && width > 0 && height > 0 && x + width <= 64 && y + height <= 48);
        }
      }),
      { numRuns: 1500 },
    );
  });
});
