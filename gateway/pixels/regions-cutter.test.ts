import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { Rect } from '#protocol/graphics/geometry.ts';
import { decodeGatewayMessage, encodeGatewayMessage } from '#protocol/tunnel/messages.ts';
import { RegionsCanvas } from '../testing/regions-canvas.ts';
import { RegionsCutter } from './regions-cutter.ts';
import { encodeRegions, type Piece } from './regions-encoder.ts';

type Color = (x: number, y: number) => number;

/** Few colours, hard edges, never twice the same: a window with text. */
const text: Color = (x, y) => {
  const hash = Math.imul(Math.imul(x, 0x9e3779b1) ^ Math.imul(y, 0x85ebca6b), 0xc2b2ae35);
  return hash >>> 30 === 0 ? 0x402010 : 0xfafafa;
};
/** The same after a lossy codec of the server. */
const noisyText: Color = (x, y) => text(x, y) ^ (Math.imul(x * 31 + y * 17, 0x9e3779b1) >>> 30);
/** The same as RemoteFX leaves it: noise belongs to the place, whatever moves there. */
const grainyText =
  (dx: number, dy: number): Color =>
  (x, y) => {
    const noise = Math.imul(Math.imul(x + 7, 0x9e3779b1) ^ Math.imul(y + 5, 0x85ebca6b), 0xc2b2ae35) >>> 8;
    const base = text(x + dx, y + dy) === 0xfafafa ? 0xe0e0e0 : 0x181818;
    return base + ((noise & 7) | (((noise >>> 3) & 7) << 8) | (((noise >>> 6) & 7) << 16));
  };
/** Soft, without edges and with grain: a film. */
const film: Color = (x, y) => {
  const grain = Math.imul(Math.imul(x, 0x9e3779b1) ^ Math.imul(y, 0x85ebca6b), 0xc2b2ae35) >>> 28;
  return ((60 + (x >> 2) + grain) & 0xff) | ((50 + (y >> 2) + grain) << 8) | ((90 + grain) << 16);
};

/** A desktop, its viewer and what is sent between them. */
class Desk {
  readonly width: number;
  readonly height: number;
  readonly pixels: Uint8ClampedArray<ArrayBuffer>;
  readonly cutter: RegionsCutter;
  readonly viewer: RegionsCanvas;

  constructor(width: number, height: number, color: Color = () => 0x336699) {
    this.width = width;
    this.height = height;
    this.pixels = new Uint8ClampedArray(width * height * 4);
    this.cutter = new RegionsCutter(width, height);
    this.viewer = new RegionsCanvas(width, height);
    this.fill({ x: 0, y: 0, width, height }, color);
  }

  fill({ x, y, width, height }: Rect, color: Color): Rect {
    const words = new Int32Array(this.pixels.buffer);
    for (let row = y; row < y + height; row++) {
      for (let column = x; column < x + width; column++) {
        words[row * this.width + column] = 0xff000000 | color(column, row);
      }
    }
    return { x, y, width, height };
  }

  /** Sends what is due through the tunnel to the viewer. */
  async send(damage: readonly Rect[], at: number, thin = false): Promise<readonly Piece[]> {
    const pieces = this.cutter.cut(this, damage, at, thin);
    const message = encodeGatewayMessage({ type: 'regions', seq: 1, regions: await encodeRegions(pieces) });
    const received = decodeGatewayMessage(message);
    assert.equal(received.type, 'regions');
    if (received.type === 'regions') await this.viewer.draw(received.regions);
    return pieces;
  }

  get isExact(): boolean {
    return Buffer.from(this.pixels.buffer).equals(Buffer.from(this.viewer.pixels.buffer));
  }

  get meanError(): number {
    let sum = 0;
    for (let i = 0; i < this.pixels.length; i++) {
      sum += Math.abs((this.pixels[i] ?? 0) - (this.viewer.pixels[i] ?? 0));
    }
    return sum / this.pixels.length;
  }
}

const kindsOf = (pieces: readonly Piece[]) => [...new Set(pieces.map(({ kind }) => kind))].toSorted();
const whole = ({ width, height }: { width: number; height: number }): Rect => ({ x: 0, y: 0, width, height });

describe('cutting regions', () => {
  it('sends all of the first picture once, in pieces of bounded size', async () => {
    const desk = new Desk(1300, 700, text);
    const pieces = await desk.send([whole(desk)], 1000);
    assert.ok(pieces.every(({ rect }) => rect.width <= 512 && rect.height <= 512));
    assert.equal(
      pieces.reduce((sum, { rect }) => sum + rect.width * rect.height, 0),
      1300 * 700,
    );
    assert.ok(desk.isExact);
  });

  it('sends only pixels that differ, however much the server says has changed', async () => {
    const desk = new Desk(400, 200, text);
    await desk.send([whole(desk)], 1000);
    assert.equal((await desk.send([whole(desk)], 1100)).length, 0);
    const caret = desk.fill({ x: 33, y: 50, width: 2, height: 12 }, () => 0x0000ff);
    const pieces = await desk.send([whole(desk)], 1200);
    assert.deepEqual(
      pieces.map(({ kind, rect }) => ({ kind, rect })),
      [{ kind: 'rgba', rect: caret }],
    );
    assert.ok(desk.isExact);
  });

  it('sends what was scrolled as a copy and only the new lines as a picture', async () => {
    const desk = new Desk(640, 400);
    const pane = { x: 50, y: 30, width: 500, height: 330 };
    desk.fill(pane, text);
    await desk.send([whole(desk)], 1000);
    desk.fill(pane, (x, y) => text(x, y + 16));
    const pieces = await desk.send([pane], 1050);
    assert.deepEqual(kindsOf(pieces.slice(0, 1)), ['copy']);
    assert.ok((pieces[0]?.rect.width ?? 0) >= 500 && (pieces[0]?.rect.height ?? 0) >= 314);
    const rest = pieces.slice(1).reduce((sum, { rect }) => sum + rect.width * rect.height, 0);
    assert.ok(rest <= 500 * 16, `${rest} pixels besides the copy`);
    assert.ok(desk.isExact);
  });

  it('sends text that went through a lossy codec as a copy too, and exactly once it is quiet', async () => {
    const desk = new Desk(640, 448);
    const pane = { x: 64, y: 64, width: 512, height: 320 };
    desk.fill(pane, grainyText(0, 0));
    await desk.send([whole(desk)], 1000);
    for (let i = 1; i <= 5; i++) {
      desk.fill(pane, grainyText(0, i * 15));
      const pieces = await desk.send([pane], 1000 + i * 50);
      assert.deepEqual(kindsOf(pieces.slice(0, 1)), ['copy']);
      const rest = pieces.slice(1).reduce((sum, { rect }) => sum + rect.width * rect.height, 0);
      assert.ok(rest <= 512 * 32, `${rest} pixels besides the copy`);
      assert.ok(desk.meanError < 4, `mean error ${desk.meanError}`);
    }
    // What is more than noise is no part of it.
    const caret = desk.fill({ x: 200, y: 200, width: 2, height: 12 }, () => 0xff0000);
    desk.fill({ ...pane, y: 300, height: 84 }, grainyText(0, 90));
    await desk.send([pane], 1300);
    assert.deepEqual(
      desk.viewer.pixels.slice((200 * 640 + caret.x) * 4, (200 * 640 + caret.x) * 4 + 3),
      Uint8ClampedArray.of(0, 0, 255),
    );
    for (let at = 2400; desk.cutter.refineAt !== undefined && at < 4000; at += 50) await desk.send([], at);
    assert.ok(desk.isExact);
  });

  it('makes loss good exactly when it has been quiet, and wherever it was copied', async () => {
    const desk = new Desk(640, 448);
    const pane = { x: 0, y: 0, width: 640, height: 448 };
    desk.fill(pane, film);
    assert.deepEqual(kindsOf(await desk.send([pane], 1000)), ['photo']);
    assert.ok(!desk.isExact);
    desk.fill(pane, (x, y) => film(x, y + 32));
    assert.ok((await desk.send([pane], 1500)).some(({ kind }) => kind === 'copy'));
    assert.ok(!desk.isExact);
    assert.ok(desk.meanError < 4, `mean error ${desk.meanError}`);
    assert.equal(desk.cutter.refineAt, 2500);
    assert.equal((await desk.send([], 2400)).length, 0);
    for (let at = 2500; desk.cutter.refineAt !== undefined && at < 4000; at += 50) await desk.send([], at);
    assert.ok(desk.isExact);
    assert.equal(desk.cutter.refineAt, undefined);
  });

  it('chooses by what is shown, and on a thin link by what it costs', async () => {
    const choices = async (color: Color, thin: boolean) => {
      const desk = new Desk(256, 256, color);
      return kindsOf(await desk.send([whole(desk)], 1000, thin));
    };
    assert.deepEqual(await choices(text, false), ['lossless']);
    assert.deepEqual(await choices(text, true), ['lossless']);
    assert.deepEqual(await choices(noisyText, false), ['near-lossless']);
    assert.deepEqual(await choices(noisyText, true), ['thin-text']);
    assert.deepEqual(await choices(film, false), ['photo']);
    assert.deepEqual(await choices(film, true), ['thin-photo']);
  });

  it('uses the quick encodings when much changes all the time', async () => {
    const desk = new Desk(1280, 800);
    const kinds: string[][] = [];
    for (let i = 0; i < 4; i++) {
      const changed = desk.fill(whole(desk), (x, y) => text(x + i * 5000, y));
      kinds.push(kindsOf(desk.cutter.cut(desk, [changed], 1000 + i * 50, false)));
    }
    assert.deepEqual(kinds[0], ['lossless']);
    assert.ok(kinds[3]?.includes('indexed'));
  });

  it('ends with the exact picture, whatever was drawn, moved and lost on the way', async () => {
    const side = fc.integer({ min: 1, max: 300 });
    const step = fc.record({
      x: fc.nat(319),
      y: fc.nat(239),
      width: side,
      height: side,
      color: fc.constantFrom(text, noisyText, grainyText(3, 9), film, () => 0x123456),
      dx: fc.integer({ min: -40, max: 40 }),
      dy: fc.integer({ min: -40, max: 40 }),
      ms: fc.constantFrom(50, 1500),
      thin: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 6 }), async (steps) => {
        const desk = new Desk(320, 240);
        let at = 1000;
        await desk.send([whole(desk)], at);
        for (const { x, y, width, height, color, dx, dy, ms, thin } of steps) {
          at += ms;
          const place = { x, y, width: Math.min(width, 320 - x), height: Math.min(height, 240 - y) };
          await desk.send([desk.fill(place, (column, row) => color(column + dx + 40, row + dy + 40))], at, thin);
        }
        for (let i = 0; i < 20 && desk.cutter.refineAt !== undefined; i++) {
          at += 1000;
          await desk.send([], at, true);
        }
        assert.equal(desk.cutter.refineAt, undefined);
        assert.ok(desk.isExact);
      }),
      { numRuns: 25 },
    );
  });
});
