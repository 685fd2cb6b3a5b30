import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { encodeInterleavedRle } from '../codecs/interleaved-rle-encoder.ts';
import { createPixelTarget, type PixelTarget } from '../codecs/pixel-target.ts';
import { encodePlanar } from '../codecs/planar-encoder.ts';
import { WriteCursor } from '../core/cursor.ts';
import { DecodeError } from '../core/errors.ts';
import { type BitmapRectangle, encodeBitmapUpdate, sizeOfBitmapUpdate } from '../pdu/bitmap-update.ts';
import { encodePaletteUpdate, sizeOfPaletteUpdate } from '../pdu/palette.ts';
import { encodeNewPointer, type PointerShape as PointerMasks, sizeOfNewPointer } from '../pdu/pointer.ts';
import {
  encodeSurfaceCommand,
  FrameAction,
  type SurfaceCommand,
  sizeOfSurfaceCommand,
} from '../pdu/surface-command.ts';
import { Compositor } from './compositor.ts';
import { MAX_DAMAGE_RECTS } from './damage.ts';
import type { Rect } from './geometry.ts';
import { type GraphicsUpdate, UpdateCode } from './update.ts';

function reset(width: number, height: number): GraphicsUpdate {
  const cursor = new WriteCursor(4);
  cursor.u16(width);
  cursor.u16(height);
  return { code: UpdateCode.desktopReset, data: cursor.finish() };
}

function desktop(width: number, height: number): Compositor {
  const compositor = new Compositor();
  compositor.apply(reset(width, height));
  compositor.takeDamage();
  return compositor;
}

function bitmaps(...rectangles: BitmapRectangle[]): GraphicsUpdate {
  const cursor = new WriteCursor(sizeOfBitmapUpdate({ rectangles }));
  encodeBitmapUpdate({ rectangles }, cursor);
  return { code: UpdateCode.bitmap, data: cursor.finish() };
}

function commands(list: SurfaceCommand[]): GraphicsUpdate {
  const cursor = new WriteCursor(list.reduce((sum, command) => sum + sizeOfSurfaceCommand(command), 0));
  for (const command of list) encodeSurfaceCommand(command, cursor);
  return { code: UpdateCode.surfaceCommands, data: cursor.finish() };
}

/** A picture whose pixel at x, y has red x, green y and blue 200. */
function gradient(width: number, height: number): PixelTarget {
  const target = createPixelTarget(new Uint8Array(width * height * 4), width, { x: 0, y: 0, width, height });
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) target.words[y * width + x] = 0xff000000 | (200 << 16) | (y << 8) | x;
  }
  return target;
}

function planarAt(x: number, y: number, width: number, height: number, shown?: Partial<Rect>): BitmapRectangle {
  return {
    destLeft: x,
    destTop: y,
    destRight: x + (shown?.width ?? width) - 1,
    destBottom: y + (shown?.height ?? height) - 1,
    width,
    height,
    bitsPerPixel: 32,
    compressed: true,
    data: encodePlanar(gradient(width, height)),
  };
}

function rgbaAt(compositor: Compositor, x: number, y: number): number[] {
  const at = (y * compositor.width + x) * 4;
  return [...compositor.pixels.subarray(at, at + 4)];
}

// Through functions, so that the compiler does not take the getter for a constant.
const kind = (compositor: Compositor): string => compositor.pointer.kind;
const version = (compositor: Compositor): number => compositor.pointer.version;

const BLACK = [0, 0, 0, 255];

describe('Compositor', () => {
  it('begins each desktop black, opaque and damaged as a whole', () => {
    const compositor = new Compositor();
    compositor.apply(reset(5, 3));
    assert.equal(compositor.pixels.length, 5 * 3 * 4);
    assert.deepEqual(rgbaAt(compositor, 4, 2), BLACK);
    assert.deepEqual(compositor.takeDamage(), [{ x: 0, y: 0, width: 5, height: 3 }]);
    assert.deepEqual(compositor.takeDamage(), []);
    const before = compositor.pixels;
    compositor.apply(reset(2, 2));
    assert.notEqual(compositor.pixels, before);
    assert.deepEqual(compositor.takeDamage(), [{ x: 0, y: 0, width: 2, height: 2 }]);
  });

  it('draws a planar bitmap where it belongs, the right way up', () => {
    const compositor = desktop(40, 30);
    compositor.apply(bitmaps(planarAt(10, 5, 8, 4)));
    assert.deepEqual(rgbaAt(compositor, 10, 5), [0, 0, 200, 255]);
    assert.deepEqual(rgbaAt(compositor, 17, 8), [7, 3, 200, 255]);
    assert.deepEqual(rgbaAt(compositor, 18, 8), BLACK);
    assert.deepEqual(rgbaAt(compositor, 9, 5), BLACK);
    assert.deepEqual(compositor.takeDamage(), [{ x: 10, y: 5, width: 8, height: 4 }]);
  });

  it('shows only the destination of a padded bitmap', () => {
    const compositor = desktop(40, 30);
    compositor.apply(bitmaps(planarAt(0, 0, 8, 4, { width: 6, height: 3 })));
    assert.deepEqual(rgbaAt(compositor, 5, 2), [5, 2, 200, 255]);
    assert.deepEqual(rgbaAt(compositor, 6, 2), BLACK);
    assert.deepEqual(rgbaAt(compositor, 5, 3), BLACK);
    assert.deepEqual(compositor.takeDamage(), [{ x: 0, y: 0, width: 6, height: 3 }]);
  });

  it('clips bitmaps to the desktop', () => {
    const compositor = desktop(12, 10);
    compositor.apply(bitmaps(planarAt(8, 8, 8, 4), planarAt(200, 200, 8, 4)));
    assert.deepEqual(rgbaAt(compositor, 11, 9), [3, 1, 200, 255]);
    assert.deepEqual(compositor.takeDamage(), [{ x: 8, y: 8, width: 4, height: 2 }]);
  });

  it('draws interleaved RLE at 24 and 16 bpp', () => {
    for (const depth of [24, 16] as const) {
      const source = createPixelTarget(new Uint8Array(32 * 8 * 4), 32, { x: 0, y: 0, width: 32, height: 8 });
      source.words.fill(0xff0000ff, 0, 32 * 4);
      source.words.fill(0xffff0000, 32 * 4);
      const data = encodeInterleavedRle(source, depth);
      assert.ok(data);
      const compositor = desktop(32, 8);
      compositor.apply(
        bitmaps({
          destLeft: 0,
          destTop: 0,
          destRight: 31,
          destBottom: 7,
          width: 32,
          height: 8,
          bitsPerPixel: depth,
          compressed: true,
          data,
        }),
      );
      assert.deepEqual(rgbaAt(compositor, 0, 0), [255, 0, 0, 255]);
      assert.deepEqual(rgbaAt(compositor, 31, 7), [0, 0, 255, 255]);
    }
  });

  it('draws raw bitmaps of every depth with rows padded to four bytes', () => {
    const raw = (depth: number, data: number[]): BitmapRectangle => ({
      destLeft: 0,
      destTop: 0,
      destRight: 0,
      destBottom: 1,
      width: 1,
      height: 2,
      bitsPerPixel: depth,
      compressed: false,
      data: Uint8Array.from(data),
    });
    const cases: [number, number[]][] = [
      [15, [0x1f, 0x00, 0, 0, 0x00, 0x7c, 0, 0]],
      [16, [0x1f, 0x00, 0, 0, 0x00, 0xf8, 0, 0]],
      [24, [0xff, 0, 0, 0, 0, 0, 0xff, 0]],
      [32, [0xff, 0, 0, 0, 0, 0, 0xff, 0]],
    ];
    for (const [depth, data] of cases) {
      const compositor = desktop(1, 2);
      compositor.apply(bitmaps(raw(depth, data)));
      assert.deepEqual(rgbaAt(compositor, 0, 0), [255, 0, 0, 255], `upper pixel at ${depth} bpp`);
      assert.deepEqual(rgbaAt(compositor, 0, 1), [0, 0, 255, 255], `lower pixel at ${depth} bpp`);
    }
  });

  it('maps 8 bpp through the palette last sent', () => {
    const colors = new Uint8Array(768);
    colors.set([10, 20, 30], 7 * 3);
    const cursor = new WriteCursor(sizeOfPaletteUpdate());
    encodePaletteUpdate({ colors }, cursor);
    const compositor = desktop(4, 1);
    compositor.apply({ code: UpdateCode.palette, data: cursor.finish() });
    const place = { destLeft: 0, destTop: 0, destRight: 3, destBottom: 0, width: 4, height: 1, bitsPerPixel: 8 };
    compositor.apply(bitmaps({ ...place, compressed: false, data: Uint8Array.of(7, 7, 0, 0) }));
    assert.deepEqual(rgbaAt(compositor, 1, 0), [10, 20, 30, 255]);
    assert.deepEqual(rgbaAt(compositor, 2, 0), BLACK);
    // Color run of four pixels of index 7.
    compositor.apply(bitmaps({ ...place, compressed: true, data: Uint8Array.of(0x64, 7) }));
    assert.deepEqual(rgbaAt(compositor, 3, 0), [10, 20, 30, 255]);
  });

  it('runs surface commands, skips unknown codecs and asks registered ones', () => {
    const bits = { kind: 'bits', type: 1, bitsPerPixel: 32, destLeft: 1, destTop: 0, width: 2, height: 2 } as const;
    const asked: number[] = [];
    const compositor = new Compositor(
      new Map([
        [
          3,
          {
            decode(source: Uint8Array, target: PixelTarget) {
              asked.push(source.length);
              target.words[target.y * target.stride + target.x] = 0xff030201;
              return [{ x: 0, y: 0, width: 1, height: 1 }];
            },
          },
        ],
      ]),
    );
    compositor.apply(reset(4, 4));
    compositor.takeDamage();
    const data = Uint8Array.of(1, 2, 3, 0, 4, 5, 6, 0, 7, 8, 9, 0, 10, 11, 12, 0);
    compositor.apply(
      commands([
        { kind: 'frame', action: 0, frameId: 1 },
        { ...bits, codecId: 0, data },
        { ...bits, codecId: 9, data },
        { kind: 'frame', action: 1, frameId: 1 },
      ]),
    );
    assert.deepEqual(rgbaAt(compositor, 1, 0), [9, 8, 7, 255]);
    assert.deepEqual(rgbaAt(compositor, 2, 1), [6, 5, 4, 255]);
    assert.equal(compositor.skipped, 1);
    assert.deepEqual(compositor.takeDamage(), [{ x: 1, y: 0, width: 2, height: 2 }]);
    // Whole, and hanging over the edge: both ways to the screen.
    compositor.apply(commands([{ ...bits, codecId: 3, data, destTop: 2 }]));
    compositor.apply(commands([{ ...bits, codecId: 3, data, destLeft: 3, destTop: 3 }]));
    assert.deepEqual(asked, [16, 16]);
    assert.deepEqual(rgbaAt(compositor, 1, 2), [1, 2, 3, 255]);
    assert.deepEqual(rgbaAt(compositor, 3, 3), [1, 2, 3, 255]);
    assert.deepEqual(compositor.takeDamage(), [
      { x: 1, y: 2, width: 1, height: 1 },
      { x: 3, y: 3, width: 1, height: 1 },
    ]);
  });

  describe('a frame of surface commands', () => {
    const data = new Uint8Array(16);
    const bits = { kind: 'bits', type: 1, bitsPerPixel: 32, codecId: 0, width: 2, height: 2, data } as const;
    const first = { ...bits, destLeft: 0, destTop: 0 };
    const second = { ...bits, destLeft: 0, destTop: 2 };
    const begin = { kind: 'frame', action: FrameAction.begin, frameId: 1 } as const;
    const end = { kind: 'frame', action: FrameAction.end, frameId: 1 } as const;

    it('is presented as one, when it has ended', () => {
      const compositor = desktop(4, 4);
      compositor.apply(commands([begin, first]));
      assert.deepEqual(compositor.takeDamage(), []);
      compositor.apply(commands([second, end]));
      assert.deepEqual(compositor.takeDamage(), [{ x: 0, y: 0, width: 2, height: 4 }]);
    });

    it('holds nothing back for good', () => {
      for (const next of [commands([begin]), bitmaps(planarAt(0, 0, 2, 2)), reset(4, 4)]) {
        const compositor = desktop(4, 4);
        compositor.apply(commands([begin, first]));
        compositor.apply(next);
        assert.notEqual(compositor.takeDamage().length, 0);
      }
    });
  });

  it('keeps what is there where a picture that hangs over the edge leaves it out', () => {
    const compositor = desktop(4, 4);
    compositor.apply(bitmaps(planarAt(0, 0, 4, 4)));
    const place = { destLeft: 2, destTop: 2, destRight: 5, destBottom: 5, width: 4, height: 4 };
    // A colour run of thirteen pixels from the bottom row on: of the top row but one.
    const data = Uint8Array.of(0x6d, 1, 2, 3);
    compositor.apply(bitmaps({ ...place, bitsPerPixel: 24, compressed: true, data }));
    assert.deepEqual(rgbaAt(compositor, 2, 2), [3, 2, 1, 255]);
    assert.deepEqual(rgbaAt(compositor, 3, 2), [3, 2, 200, 255]);
    assert.deepEqual(rgbaAt(compositor, 3, 3), [3, 2, 1, 255]);
  });

  it('counts what it does not know', () => {
    const compositor = desktop(4, 4);
    compositor.apply({ code: UpdateCode.orders, data: Uint8Array.of(0, 0) });
    compositor.apply({ code: 0x3f, data: new Uint8Array(0) });
    compositor.apply({ code: UpdateCode.synchronize, data: new Uint8Array(0) });
    assert.equal(compositor.skipped, 2);
  });

  it('refuses sizes past its limits and depths that do not exist', () => {
    const compositor = desktop(4, 4);
    assert.throws(() => compositor.apply(reset(0, 4)), DecodeError);
    assert.throws(() => compositor.apply(reset(65535, 4)), { code: 'limit_exceeded' });
    const huge = { ...planarAt(0, 0, 4, 4), width: 65535, height: 65535 };
    assert.throws(() => compositor.apply(bitmaps(huge)), { code: 'limit_exceeded' });
    assert.throws(() => compositor.apply(bitmaps({ ...planarAt(0, 0, 4, 4), bitsPerPixel: 17 })), {
      code: 'invalid_value',
      field: 'bitsPerPixel',
    });
  });

  it('merges damage into few rectangles that cover all of it', () => {
    const compositor = desktop(640, 640);
    for (let y = 0; y < 640; y += 64) {
      for (let x = 0; x < 640; x += 64) compositor.apply(bitmaps(planarAt(x, y, 64, 64)));
    }
    assert.deepEqual(compositor.takeDamage(), [{ x: 0, y: 0, width: 640, height: 640 }]);

    const drawn: Rect[] = [];
    for (let i = 0; i < 100; i++) {
      const x = (i * 211) % 630;
      const y = (i * 97) % 630;
      drawn.push({ x, y, width: 4, height: 4 });
      compositor.apply(bitmaps(planarAt(x, y, 4, 4)));
    }
    const damage = compositor.takeDamage();
    assert.ok(damage.length <= MAX_DAMAGE_RECTS);
    for (const rect of drawn) {
      for (const [x, y] of [
        [rect.x, rect.y],
        [rect.x + 3, rect.y + 3],
      ] as const) {
        assert.ok(damage.some((d) => x >= d.x && y >= d.y && x < d.x + d.width && y < d.y + d.height));
      }
    }
  });
});

describe('pointer', () => {
  const newPointer = (masks: PointerMasks): GraphicsUpdate => {
    const cursor = new WriteCursor(sizeOfNewPointer(masks));
    encodeNewPointer(masks, cursor);
    return { code: UpdateCode.pointerNew, data: cursor.finish() };
  };
  const empty = new Uint8Array(0);

  it('follows hidden, default, shape, cache and position', () => {
    const compositor = desktop(4, 4);
    assert.deepEqual({ ...compositor.pointer }, { kind: 'default', version: 0 });
    compositor.apply({ code: UpdateCode.pointerHidden, data: empty });
    assert.deepEqual({ ...compositor.pointer }, { kind: 'hidden', version: 1 });
    compositor.apply(
      newPointer({
        xorBpp: 32,
        cacheIndex: 3,
        hotX: 1,
        hotY: 0,
        width: 2,
        height: 1,
        xorMask: Uint8Array.of(1, 2, 3, 128, 4, 5, 6, 255),
        andMask: Uint8Array.of(0, 0),
      }),
    );
    assert.equal(kind(compositor), 'shape');
    assert.deepEqual([...(compositor.pointer.shape?.rgba ?? [])], [3, 2, 1, 128, 6, 5, 4, 255]);
    assert.equal(compositor.pointer.shape?.hotX, 1);
    compositor.apply({ code: UpdateCode.pointerDefault, data: empty });
    assert.equal(kind(compositor), 'default');
    compositor.apply({ code: UpdateCode.pointerCached, data: Uint8Array.of(3, 0) });
    assert.equal(kind(compositor), 'shape');
    assert.equal(version(compositor), 4);
    compositor.apply({ code: UpdateCode.pointerCached, data: Uint8Array.of(4, 0) });
    assert.equal(version(compositor), 4);
    assert.equal(compositor.skipped, 1);

    assert.equal(compositor.takePointerPosition(), undefined);
    compositor.apply({ code: UpdateCode.pointerPosition, data: Uint8Array.of(2, 0, 3, 1) });
    assert.deepEqual(compositor.takePointerPosition(), { x: 2, y: 0x103 });
    assert.equal(compositor.takePointerPosition(), undefined);
  });

  it('reads every depth of the XOR mask', () => {
    // One red pixel, then one that the AND mask makes transparent.
    const cases: [number, number[]][] = [
      [15, [0x00, 0x7c, 0, 0]],
      [16, [0x00, 0xf8, 0, 0]],
      [24, [0, 0, 0xff, 0, 0, 0]],
      [32, [0, 0, 0xff, 0, 0, 0, 0, 0]],
    ];
    for (const [xorBpp, xorMask] of cases) {
      const compositor = desktop(4, 4);
      const shape = { cacheIndex: 0, hotX: 0, hotY: 0, width: 2, height: 1 };
      compositor.apply(
        newPointer({ ...shape, xorBpp, xorMask: Uint8Array.from(xorMask), andMask: Uint8Array.of(0x40, 0) }),
      );
      assert.deepEqual([...(compositor.pointer.shape?.rgba ?? [])], [255, 0, 0, 255, 0, 0, 0, 0], `${xorBpp} bpp`);
    }
  });

  it('reads palette shapes at 8 and 4 bpp', () => {
    const compositor = desktop(4, 4);
    const colors = new Uint8Array(768);
    colors.set([1, 2, 3, 4, 5, 6], 3);
    const cursor = new WriteCursor(sizeOfPaletteUpdate());
    encodePaletteUpdate({ colors }, cursor);
    compositor.apply({ code: UpdateCode.palette, data: cursor.finish() });
    const shape = { cacheIndex: 0, hotX: 0, hotY: 0, width: 2, height: 1, andMask: Uint8Array.of(0, 0) };
    for (const [xorBpp, xorMask] of [
      [8, [1, 2]],
      [4, [0x12, 0]],
    ] as const) {
      compositor.apply(newPointer({ ...shape, xorBpp, xorMask: Uint8Array.from(xorMask) }));
      assert.deepEqual([...(compositor.pointer.shape?.rgba ?? [])], [1, 2, 3, 255, 4, 5, 6, 255]);
    }
  });

  it('draws inverting pixels black with a white outline, and reads 1 bpp top-down', () => {
    const compositor = desktop(4, 4);
    // Three by three: the middle one inverts, the lower left one is plain white, the others are transparent.
    compositor.apply(
      newPointer({
        xorBpp: 1,
        cacheIndex: 0,
        hotX: 9,
        hotY: 9,
        width: 3,
        height: 3,
        xorMask: Uint8Array.of(0x00, 0, 0x40, 0, 0x80, 0),
        andMask: Uint8Array.of(0xe0, 0, 0xe0, 0, 0x60, 0),
      }),
    );
    const shape = compositor.pointer.shape;
    assert.ok(shape);
    const words = new Uint32Array(shape.rgba.buffer);
    assert.equal(words[4], 0xff000000);
    for (const at of [0, 1, 2, 3, 5, 6, 7, 8]) assert.equal(words[at], 0xffffffff);
    assert.deepEqual([shape.hotX, shape.hotY], [2, 2]);
  });

  it('heeds the AND mask at 32 bpp where black or white is opaque, and alpha elsewhere', () => {
    const compositor = desktop(4, 4);
    const [black, white, glass] = [[0, 0, 0, 255] as const, [255, 255, 255, 255] as const, [1, 2, 3, 9] as const];
    const xorMask = Uint8Array.from([...black, ...glass, ...black, ...black, ...white].flat());
    const shape = { xorBpp: 32, cacheIndex: 0, hotX: 0, hotY: 0, width: 5, height: 1 };
    // The mask is set but for the last black pixel: transparent, glass, transparent, black, inverting.
    compositor.apply(newPointer({ ...shape, xorMask, andMask: Uint8Array.of(0b1110_1000, 0) }));
    const words = new Uint32Array(compositor.pointer.shape?.rgba.buffer ?? new ArrayBuffer(0));
    assert.deepEqual([...words], [0, 0x09010203, 0, 0xff000000, 0xff000000]);
  });

  it('pads rows of odd widths to two bytes, bottom row first', () => {
    const compositor = desktop(4, 4);
    const shape = { cacheIndex: 0, hotX: 0, hotY: 0, width: 3, height: 2 };
    const andMask = Uint8Array.of(0, 0, 0, 0);
    // [MS-RDPBCGR] 2.2.9.1.1.4.4: three pixels of three bytes take ten.
    const row = (value: number) => [...Array<number>(9).fill(value), 0x77];
    compositor.apply(newPointer({ ...shape, xorBpp: 24, andMask, xorMask: Uint8Array.from([...row(1), ...row(2)]) }));
    const words = new Uint32Array(compositor.pointer.shape?.rgba.buffer ?? new ArrayBuffer(0));
    assert.deepEqual([...words], [...Array(3).fill(0xff020202), ...Array(3).fill(0xff010101)]);
  });

  it('takes an empty shape for a hidden pointer', () => {
    const compositor = desktop(4, 4);
    const none = { hotX: 0, hotY: 0, width: 0, height: 0, xorMask: empty, andMask: empty };
    compositor.apply(newPointer({ ...none, xorBpp: 24, cacheIndex: 0 }));
    assert.equal(kind(compositor), 'hidden');
  });

  it('refuses masks that are too short', () => {
    const compositor = desktop(4, 4);
    const masks = { xorBpp: 24, cacheIndex: 0, hotX: 0, hotY: 0, width: 2, height: 2 };
    const full = new Uint8Array(12);
    assert.throws(() => compositor.apply(newPointer({ ...masks, xorMask: new Uint8Array(11), andMask: full })), {
      field: 'lengthXorMask',
    });
    assert.throws(() => compositor.apply(newPointer({ ...masks, xorMask: full, andMask: new Uint8Array(3) })), {
      field: 'lengthAndMask',
    });
  });
});
