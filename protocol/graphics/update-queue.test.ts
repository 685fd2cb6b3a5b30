import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { encodeGfxPdu } from '../channels/rdpgfx/encode-pdu.ts';
import { createPixelTarget } from '../codecs/pixel-target.ts';
import { encodePlanar } from '../codecs/planar-encoder.ts';
import { BlockType, type EncodedTile, encodeFrame, readBlockHeader } from '../codecs/remotefx/blocks.ts';
import { RlgrMode } from '../codecs/remotefx/rlgr.ts';
import { encodeTile } from '../codecs/remotefx/tile-codec.ts';
import { TILE_PIXELS } from '../codecs/remotefx/wavelet.ts';
import { concatBytes } from '../core/bytes.ts';
import { ReadCursor, WriteCursor } from '../core/cursor.ts';
import { DecodeError } from '../core/errors.ts';
import { type BitmapRectangle, encodeBitmapUpdate, sizeOfBitmapUpdate } from '../pdu/bitmap-update.ts';
import {
  encodeSurfaceCommand,
  FrameAction,
  type SurfaceCommand,
  SurfaceCommandType,
  sizeOfSurfaceCommand,
} from '../pdu/surface-command.ts';
import { Compositor } from './compositor.ts';
import { DesktopOutline } from './desktop-outline.ts';
import type { Rect } from './geometry.ts';
import { GfxPainter, type GfxPictureCodec } from './gfx-painter.ts';
import { createSurfaceCodecs, SurfaceCodecId } from './surface-codecs.ts';
import { type GraphicsUpdate, UpdateCode } from './update.ts';
import { UpdateQueue } from './update-queue.ts';

const WIDTH = 100;
const HEIGHT = 70;

const RESET: GraphicsUpdate = { code: UpdateCode.desktopReset, data: Uint8Array.of(WIDTH, 0, HEIGHT, 0) };

function blank(): Compositor {
  const compositor = new Compositor(createSurfaceCodecs());
  compositor.apply(RESET);
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

/** A surface command whose picture is one colour, of one piece. */
function rawBits({ x, y, width, height }: Rect, color: number): SurfaceCommand {
  const data = new Uint8Array(new Uint32Array(width * height).fill(color).buffer);
  return surfaceBits({ x, y, width, height }, 0, data);
}

function surfaceBits({ x, y, width, height }: Rect, codecId: number, data: Uint8Array): SurfaceCommand {
  const type = SurfaceCommandType.setSurfaceBits;
  return { kind: 'bits', type, destLeft: x, destTop: y, bitsPerPixel: 32, codecId, width, height, data };
}

const FINE = new Uint8Array(10).fill(6);
const GREYS = [0x20, 0x80, 0xf0].map((grey) => {
  const pixels = new Uint32Array(TILE_PIXELS).fill(0xff000000 | (grey * 0x010101));
  return encodeTile(pixels, { xIdx: 0, yIdx: 0 }, RlgrMode.rlgr3, FINE);
});

/** RemoteFX: of a picture of 100 by 70 these tiles, shown in these rectangles. */
function remoteFx(tiles: readonly EncodedTile[], rects: readonly Rect[], at = { x: 0, y: 0 }): SurfaceCommand {
  const frame = { frameIdx: 0, width: WIDTH, height: HEIGHT, entropy: RlgrMode.rlgr3, withHeaders: true };
  const data = encodeFrame({ ...frame, rects, quantization: [FINE], tiles });
  return surfaceBits({ ...at, width: WIDTH, height: HEIGHT }, SurfaceCodecId.remoteFx, data);
}

/** A picture of RemoteFX whose stream leaves out what the ones before it have said. */
function withoutBlock(command: SurfaceCommand, type: number): SurfaceCommand {
  if (command.kind !== 'bits') return command;
  const cursor = new ReadCursor(command.data, 'test');
  const kept: Uint8Array[] = [];
  while (cursor.remaining > 0) {
    const start = cursor.position;
    if (readBlockHeader(cursor).blockType !== type) kept.push(command.data.subarray(start, cursor.position));
  }
  return { ...command, data: concatBytes(...kept) };
}

function surfaceUpdate(...commands: SurfaceCommand[]): GraphicsUpdate {
  const cursor = new WriteCursor(commands.reduce((sum, command) => sum + sizeOfSurfaceCommand(command), 0));
  for (const command of commands) encodeSurfaceCommand(command, cursor);
  return { code: UpdateCode.surfaceCommands, data: cursor.finish() };
}

/** As it comes out of a socket of Node: a view of something larger, of a class whose `slice` is a view. */
function asReceived({ code, data }: GraphicsUpdate): GraphicsUpdate {
  const chunk = Buffer.alloc(data.length + 20, 0xdd);
  chunk.set(data, 10);
  return { code, data: chunk.subarray(10, 10 + data.length) };
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

  it('gives the same picture where surface commands of all kinds lie over one another', () => {
    const tile = fc.tuple(fc.nat(1), fc.nat(1), fc.nat(2));
    const command = fc.oneof(
      fc.tuple(rect, fc.nat(0xffffff)).map(([place, color]) => rawBits(place, color)),
      fc
        .tuple(fc.array(tile, { maxLength: 4 }), fc.array(rect, { maxLength: 3 }), fc.nat(20), fc.nat(20))
        .map(([tiles, rects, x, y]) =>
          remoteFx(
            tiles.map(([xIdx, yIdx, grey]) => ({ ...GREYS[grey]!, xIdx, yIdx })),
            rects,
            { x, y },
          ),
        ),
      fc.constant<SurfaceCommand>({ kind: 'frame', action: FrameAction.begin, frameId: 1 }),
      fc.constant<SurfaceCommand>({ kind: 'frame', action: FrameAction.end, frameId: 1 }),
    );
    const message = fc.oneof(
      fc.array(command, { minLength: 1, maxLength: 3 }).map((commands) => surfaceUpdate(...commands)),
      fc.tuple(rect, fc.nat(0xffffff)).map(([place, color]) => update(filled(place, color))),
    );
    fc.assert(
      fc.property(fc.array(message, { maxLength: 15 }), (messages) => {
        const queue = new UpdateQueue();
        const elsewhere = new UpdateQueue();
        const outline = new DesktopOutline();
        outline.follow(RESET);
        const queued = blank();
        const direct = blank();
        messages.forEach((each, i) => {
          direct.apply(each);
          queue.push(each);
          elsewhere.push(asReceived(each));
          if (queue.length % 4 === 3) queue.compact(queued);
          if (i % 3 === 2) elsewhere.compact(outline);
        });
        queue.applyTo(queued);
        assert.deepEqual(queued.pixels, direct.pixels);
        const there = blank();
        for (const each of elsewhere.updates) there.apply(each);
        assert.deepEqual(there.pixels, direct.pixels);
      }),
      { numRuns: 200 },
    );
  });

  it('forgets of RemoteFX what later pictures say anew: tiles, streams that have none left, and markers of frames', () => {
    const begin: SurfaceCommand = { kind: 'frame', action: FrameAction.begin, frameId: 1 };
    const end: SurfaceCommand = { kind: 'frame', action: FrameAction.end, frameId: 1 };
    const tiles = [0, 1].flatMap((xIdx) => [0, 1].map((yIdx) => ({ ...GREYS[0]!, xIdx, yIdx })));
    const whole = [{ x: 0, y: 0, width: WIDTH, height: HEIGHT }];
    const queue = new UpdateQueue();
    const outline = new DesktopOutline();
    outline.follow(RESET);
    for (let i = 0; i < 3; i++) {
      for (const each of [begin, remoteFx(tiles, whole), end]) queue.push(surfaceUpdate(each));
    }
    queue.push(surfaceUpdate(remoteFx([{ ...GREYS[1]!, xIdx: 1 }], whole)));
    const direct = blank();
    for (const each of queue.updates) direct.apply(each);
    queue.compact(outline);
    // The last whole picture, without the tile that the one after it brings, the end of its frame, and that one.
    assert.equal(queue.length, 3);
    const compacted = blank();
    for (const each of queue.updates) compacted.apply(each);
    assert.deepEqual(compacted.pixels, direct.pixels);
    const [first, , last] = queue.updates;
    assert.ok(first!.data.length < surfaceUpdate(remoteFx(tiles.slice(1), whole)).data.length + 1);
    assert.deepEqual(last, surfaceUpdate(remoteFx([{ ...GREYS[1]!, xIdx: 1 }], whole)));
  });

  it('keeps what a stream of RemoteFX says for one that builds on it, whatever a third one says anew', () => {
    const corner = { x: 0, y: 0, width: 20, height: 20 };
    const before = [remoteFx([GREYS[0]!], [corner]), rawBits({ ...corner, width: 64 }, 0x123456)];
    const builds = withoutBlock(remoteFx([GREYS[1]!], [{ x: 0, y: 0, width: 64, height: 64 }]), BlockType.region);
    const anew = remoteFx([GREYS[2]!], [{ x: 80, y: 60, width: 4, height: 4 }]);
    const queue = new UpdateQueue();
    for (const each of [...before, builds, anew]) queue.push(surfaceUpdate(each));
    const direct = blank();
    for (const each of queue.updates) direct.apply(each);
    const outline = new DesktopOutline();
    outline.follow(RESET);
    queue.compact(outline);
    const compacted = blank();
    for (const each of queue.updates) compacted.apply(each);
    assert.deepEqual(compacted.pixels, direct.pixels);
  });

  it('does not decode the tiles of RemoteFX that later pictures cover', () => {
    const whole = [{ x: 0, y: 0, width: WIDTH, height: HEIGHT }];
    const broken = (xIdx: number): EncodedTile => ({ ...GREYS[0]!, xIdx, yIdx: 0, y: new Uint8Array(6000).fill(0xff) });
    const queue = new UpdateQueue();
    queue.push(surfaceUpdate(remoteFx([broken(0), { ...GREYS[1]!, xIdx: 1 }], whole)));
    queue.push(surfaceUpdate(remoteFx([GREYS[2]!], [{ x: 0, y: 0, width: 64, height: 40 }])));
    queue.push(surfaceUpdate(rawBits({ x: 0, y: 40, width: 70, height: 24 }, 0x123456)));
    const compositor = blank();
    queue.applyTo(compositor);
    assert.deepEqual([...compositor.pixels.subarray(0, 3)], [0xf0, 0xf0, 0xf0]);
    assert.deepEqual([...compositor.pixels.subarray(4 * 80, 4 * 80 + 3)], [0x80, 0x80, 0x80]);

    queue.push(surfaceUpdate(remoteFx([broken(0)], whole)));
    queue.push(surfaceUpdate(remoteFx([GREYS[2]!], [{ x: 0, y: 0, width: 64, height: 63 }])));
    assert.throws(() => queue.applyTo(compositor), DecodeError);
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

  it('compacts to what is visible, whatever way servers send it, without drawing anything', () => {
    const rects = [{ x: 0, y: 0, width: WIDTH, height: HEIGHT }];
    const tiles = [0, 1].flatMap((xIdx) => [0, 1].map((yIdx) => ({ ...GREYS[0]!, xIdx, yIdx })));
    const painter = new GfxPainter(WIDTH, HEIGHT);
    const words = new Uint32Array(WIDTH * HEIGHT).fill(0xff336699);
    const desktop = { words, stride: WIDTH, x: 0, y: 0, width: WIDTH, height: HEIGHT };
    const graphics = (codec: GfxPictureCodec): GraphicsUpdate => {
      const pdus = painter.frame(desktop, rects, codec);
      return { code: UpdateCode.graphicsPipeline, data: concatBytes(...pdus.map(encodeGfxPdu)) };
    };
    const opened = { code: UpdateCode.graphicsPipeline, data: concatBytes(...painter.open().map(encodeGfxPdu)) };
    const senders: (() => GraphicsUpdate)[] = [
      () => update(filled(rects[0]!, 5)),
      () => surfaceUpdate(rawBits(rects[0]!, 7)),
      () => surfaceUpdate(remoteFx(tiles, rects)),
      () => graphics('uncompressed'),
      () => graphics('planar'),
      () => graphics('remotefx'),
      () => graphics('progressive'),
    ];
    for (const [i, next] of senders.entries()) {
      const compositor = blank();
      compositor.apply(opened);
      compositor.takeDamage();
      const queue = new UpdateQueue();
      for (let n = 0; n < 20; n++) queue.push(next());
      const before = queue.bytes;
      const pixels = compositor.pixels.slice();
      queue.compact(compositor);
      assert.deepEqual(compositor.pixels, pixels);
      // One picture, and of those before it nothing at all.
      assert.ok(queue.bytes <= before / 20, `sender ${i}: ${queue.bytes} of ${before} bytes`);
      queue.applyTo(compositor);
      const direct = blank();
      direct.apply(opened);
      direct.apply(next());
      assert.deepEqual(compositor.pixels, direct.pixels);
    }
  });

  it('stops counting what is covered where a server draws the same place thousands of times, and draws all of that', () => {
    const queue = new UpdateQueue();
    // A pixel less than the desktop on each side: tiles of it that are covered whole would cost next to nothing.
    const most = { x: 1, y: 1, width: WIDTH - 2, height: HEIGHT - 2 };
    const message = update(filled(most, 1));
    const count = 1000;
    for (let i = 0; i < count; i++) queue.push(message);
    queue.compact(blank());
    assert.ok(queue.length > 1 && queue.length < count, `${queue.length} are left`);
    queue.push(update(filled(most, 7)));
    const compositor = blank();
    queue.applyTo(compositor);
    assert.equal(compositor.pixels[(WIDTH + 1) * 4], 7);
  });

  it('draws what lies on a desktop that has grown on the way', () => {
    const pdus = [{ kind: 'reset-graphics', width: 300, height: 200, monitors: [] }] as const;
    const grown = { code: UpdateCode.graphicsPipeline, data: concatBytes(...pdus.map(encodeGfxPdu)) };
    const messages = [grown, update(filled({ x: 240, y: 150, width: 32, height: 32 }, 9))];
    const [queued, direct] = [blank(), blank()];
    const queue = new UpdateQueue();
    for (const each of messages) {
      direct.apply(each);
      queue.push(each);
    }
    queue.compact(queued);
    queue.applyTo(queued);
    assert.deepEqual(queued.pixels, direct.pixels);
    assert.equal(queued.pixels[(150 * 300 + 240) * 4], 9);
  });

  it('counts what it holds', () => {
    const queue = new UpdateQueue();
    const message = update(filled({ x: 0, y: 0, width: 8, height: 8 }, 1));
    queue.push({ ...message, work: 5 });
    queue.push({ ...message, work: 7 });
    queue.push(message);
    assert.equal(queue.length, 3);
    assert.equal(queue.bytes, message.data.length * 3);
    assert.equal(queue.work, 12);
    queue.push({ ...message, work: 4 });
    const desktop = new Compositor();
    desktop.apply({ code: UpdateCode.desktopReset, data: Uint8Array.of(100, 0, 100, 0) });
    queue.compact(desktop);
    assert.equal(queue.length, 1);
    assert.equal(queue.work, 4, 'of what is left');
    queue.clear();
    assert.equal(queue.work, 0);
  });
});
