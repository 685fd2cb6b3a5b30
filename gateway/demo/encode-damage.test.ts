import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Compositor } from '#protocol/graphics/compositor.ts';
import { UpdateCode } from '#protocol/graphics/update.ts';
import { DemoDesktop } from './desktop.ts';
import { type DemoDepth, encodeDamage } from './encode-damage.ts';
import { PointerUpdates } from './pointers.ts';

function compositorOf(width: number, height: number): Compositor {
  const compositor = new Compositor();
  const size = new Uint8Array(Uint16Array.of(width, height).buffer);
  compositor.apply({ code: UpdateCode.desktopReset, data: size });
  return compositor;
}

/** What a 16 bpp client makes of a channel: its upper five or six bits, repeated. */
function narrow(value: number, bits: 5 | 6): number {
  const kept = value >>> (8 - bits);
  return (kept << (8 - bits)) | (kept >>> (2 * bits - 8));
}

describe('encodeDamage', () => {
  // A width that neither tiles nor four divide.
  const [width, height] = [701, 403];
  for (const depth of [16, 24, 32] as DemoDepth[]) {
    it(`arrives at a client as it was drawn, at ${depth} bpp`, () => {
      const desktop = new DemoDesktop(width, height);
      desktop.tick(0);
      const compositor = compositorOf(width, height);
      for (const data of encodeDamage(desktop.paint(), depth, (rect) => desktop.read(rect))) {
        assert.ok(data.length < 16_380, 'fits one fast-path PDU');
        compositor.apply({ code: UpdateCode.bitmap, data });
      }
      const drawn = desktop.read({ x: 0, y: 0, width, height });
      const expected =
        depth === 16 ? drawn.map((value, i) => (i % 4 === 3 ? value : narrow(value, i % 4 === 1 ? 6 : 5))) : drawn;
      assert.ok(Buffer.compare(new Uint8Array(compositor.pixels.buffer), new Uint8Array(expected)) === 0);
    });
  }

  it('sends noise raw, and whole', () => {
    const noise = Uint8Array.from({ length: 64 * 64 * 4 }, (_, i) => (i % 4 === 3 ? 255 : (i * 2654435761) >>> 24));
    for (const depth of [16, 24, 32] as DemoDepth[]) {
      const compositor = compositorOf(64, 64);
      for (const data of encodeDamage([{ x: 0, y: 0, width: 64, height: 64 }], depth, () => noise)) {
        compositor.apply({ code: UpdateCode.bitmap, data });
      }
      if (depth !== 16) assert.deepEqual(new Uint8Array(compositor.pixels), noise);
      else assert.equal(compositor.pixels[0], narrow(noise[0] ?? 0, 5));
    }
  });
});

describe('PointerUpdates', () => {
  it('sends a shape once and its cache index after that', () => {
    const pointers = new PointerUpdates();
    assert.equal(pointers.change('arrow')?.code, UpdateCode.pointerColor);
    assert.equal(pointers.change('arrow'), undefined);
    assert.equal(pointers.change('text')?.code, UpdateCode.pointerColor);
    assert.equal(pointers.change('arrow')?.code, UpdateCode.pointerCached);
    pointers.reset();
    assert.equal(pointers.change('arrow')?.code, UpdateCode.pointerColor);
  });

  it('is what a client shows', () => {
    const pointers = new PointerUpdates();
    const compositor = compositorOf(64, 64);
    for (const kind of ['arrow', 'text', 'move', 'text'] as const) {
      const update = pointers.change(kind);
      assert.ok(update);
      compositor.apply(update);
      assert.equal(compositor.pointer.kind, 'shape');
    }
    const { shape } = compositor.pointer;
    assert.ok(shape);
    assert.deepEqual([shape.width, shape.height, shape.hotX, shape.hotY], [32, 32, 4, 8]);
    const pixel = (x: number, y: number) => [...shape.rgba.subarray((y * 32 + x) * 4, (y * 32 + x) * 4 + 4)];
    assert.deepEqual(pixel(0, 0), [255, 255, 255, 255]);
    assert.deepEqual(pixel(1, 1), [0, 0, 0, 255]);
    assert.equal(pixel(31, 31)[3], 0);
  });
});
