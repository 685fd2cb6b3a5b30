import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { WriteCursor } from '#protocol/core/cursor.ts';
import { UpdateCode } from '#protocol/graphics/update.ts';
import { type BitmapRectangle, encodeBitmapUpdate, sizeOfBitmapUpdate } from '#protocol/pdu/bitmap-update.ts';
import type { ToHost } from './ipc.ts';
import { PixelSink } from './pixel-sink.ts';

function sink(limit: number, recorded = true, behind = limit) {
  const sent: ToHost[] = [];
  const events: string[] = [];
  const pixelSink = new PixelSink(
    3,
    {
      send: (message) => {
        if (message.kind !== 'update') sent.push(message);
        else sent.push({ ...message, update: { code: message.update.code, data: message.update.data.slice() } });
      },
      overflowed: () => events.push('overflowed'),
      broken: (error) => events.push(`broken: ${error}`),
      ended: (at) => events.push(`ended ${at}`),
    },
    { limit, recorded, behind },
  );
  return { pixelSink, sent, events };
}

const update = (size: number) => ({ code: 1, data: new Uint8Array(size) });

const RESET = { code: UpdateCode.desktopReset, data: Uint8Array.of(64, 0, 64, 0) };

/** A picture, raw, of one value in all bytes. */
function picture(x: number, value: number, width = 64 - x): { code: number; data: Uint8Array } {
  const edges = { destLeft: x, destTop: 0, destRight: x + width - 1, destBottom: 63 };
  const data = new Uint8Array(width * 64 * 4).fill(value);
  const rectangle: BitmapRectangle = { ...edges, width, height: 64, bitsPerPixel: 32, compressed: false, data };
  const cursor = new WriteCursor(sizeOfBitmapUpdate({ rectangles: [rectangle] }));
  encodeBitmapUpdate({ rectangles: [rectangle] }, cursor);
  return { code: UpdateCode.bitmap, data: cursor.finish() };
}

/** The kinds of messages, updates by their code and the last byte of their data. */
function said(sent: readonly ToHost[]): string[] {
  return sent.map((m) => (m.kind === 'update' ? `${m.update.code}:${m.update.data.at(-1)}` : m.kind));
}

describe('PixelSink', () => {
  it('forwards in order until its backlog is full, and reports that once', () => {
    const { pixelSink, sent, events } = sink(100);
    pixelSink.graphics(update(60), 1);
    pixelSink.graphics(update(40), 2);
    assert.equal(pixelSink.backlog, 100);
    pixelSink.graphics(update(1), 3);
    pixelSink.graphics(update(0), 4);
    pixelSink.pointerMoved(1, 1, 5);
    assert.deepEqual(
      sent.map(({ kind, at }) => [kind, at]),
      [
        ['update', 1],
        ['update', 2],
      ],
    );
    assert.deepEqual(events, ['overflowed']);
  });

  it('goes on when the host has taken something', () => {
    const { pixelSink, sent, events } = sink(100);
    pixelSink.graphics(update(100), 1);
    pixelSink.progress(30);
    pixelSink.graphics(update(30), 2);
    assert.equal(sent.length, 2);
    assert.deepEqual(events, []);
  });

  it('keeps positions inside their field and says nothing after its end', () => {
    const { pixelSink, sent, events } = sink(100);
    pixelSink.pointerMoved(-4, 70_000.6, 1);
    assert.deepEqual(sent, [{ kind: 'pointer-moved', session: 3, at: 1, x: 0, y: 65535 }]);
    pixelSink.end({ code: 'logged_off', message: '' }, 2);
    pixelSink.end({ code: 'logged_off', message: '' }, 3);
    pixelSink.graphics(update(1), 4);
    assert.equal(sent.length, 1);
    assert.deepEqual(events, ['ended 2']);
  });

  it('holds what nobody needs, gives it away in order when somebody does, and holds again', () => {
    const { pixelSink, sent } = sink(1e6, false);
    pixelSink.graphics(RESET, 1);
    pixelSink.graphics(picture(0, 1), 2);
    pixelSink.graphics(picture(8, 2), 3);
    pixelSink.graphics({ code: UpdateCode.pointerHidden, data: new Uint8Array(0) }, 4);
    pixelSink.pointerMoved(5, 6, 5);
    pixelSink.pointerMoved(7, 8, 6);
    assert.deepEqual(said(sent), ['64:0', '5:undefined'], 'the desktop and its pointer are known');
    sent.length = 0;
    pixelSink.need();
    assert.equal(pixelSink.updates, 4);
    assert.deepEqual(said(sent), ['1:1', '1:2', 'pointer-moved']);
    assert.deepEqual(sent.at(-1), { kind: 'pointer-moved', session: 3, at: 6, x: 7, y: 8 });
    pixelSink.need();
    pixelSink.graphics(picture(0, 3), 7);
    assert.equal(sent.length, 4);
    pixelSink.rest();
    pixelSink.graphics(picture(0, 4), 8);
    assert.equal(sent.length, 4);
    assert.equal(pixelSink.updates, 6);
    pixelSink.need();
    assert.deepEqual(said(sent).slice(3), ['1:3', '1:4']);
  });

  it('tells no place of the pointer that the server has changed since', () => {
    const { pixelSink, sent } = sink(1e6, false);
    pixelSink.pointerMoved(5, 6, 1);
    pixelSink.graphics({ code: UpdateCode.pointerPosition, data: Uint8Array.of(9, 0, 9, 0) }, 2);
    pixelSink.need();
    assert.deepEqual(said(sent), ['8:0']);
  });

  it('gives away what is held before the desktop or the palette changes', () => {
    const { pixelSink, sent } = sink(1e6, false);
    pixelSink.graphics(RESET, 1);
    pixelSink.graphics(picture(0, 1), 2);
    pixelSink.graphics(RESET, 3);
    pixelSink.graphics(picture(0, 2), 4);
    pixelSink.graphics({ code: UpdateCode.palette, data: new Uint8Array(3) }, 5);
    assert.deepEqual(said(sent), ['64:0', '1:1', '64:0', '1:2', '2:0']);
  });

  it('forgets pictures that later ones cover, behind the turn that brought them, and sends none of them ever', async () => {
    const { pixelSink, sent } = sink(1e6, false);
    pixelSink.graphics(RESET, 1);
    const count = 400; // of 16 KB each
    for (let i = 0; i < count; i++) {
      pixelSink.graphics(picture(0, i & 0xff), 2);
      if (i % 10 === 9) await setImmediate();
    }
    assert.equal(sent.length, 1);
    pixelSink.need();
    const bytes = sent.reduce((sum, m) => sum + (m.kind === 'update' ? m.update.data.length : 0), 0);
    assert.ok(bytes < 2_500_000, `${bytes} bytes were left`);
    assert.equal(said(sent).at(-1), `1:${(count - 1) & 0xff}`);
    assert.equal(pixelSink.updates, count + 1);
  });

  it('gives away what is more than it keeps', async () => {
    const { pixelSink, sent, events } = sink(1e9, false);
    pixelSink.graphics({ ...RESET, data: Uint8Array.of(0, 0x40, 64, 0) }, 1);
    // None covers another.
    for (let i = 0; i < 200; i++) {
      pixelSink.graphics(picture(i * 64, i & 0xff, 64), 2);
      await setImmediate();
    }
    assert.ok(sent.length > 100);
    pixelSink.need();
    assert.deepEqual(
      said(sent).slice(1),
      Array.from({ length: 200 }, (_, i) => `1:${i}`),
    );
    assert.deepEqual(events, []);
  });

  it('is broken by what cannot be understood, once, also where nobody looks', async () => {
    const { pixelSink, sent, events } = sink(1e9, false);
    pixelSink.graphics(RESET, 1);
    pixelSink.graphics({ code: UpdateCode.bitmap, data: Uint8Array.of(1, 0, 9, 0) }, 2);
    for (let i = 0; i < 200; i++) pixelSink.graphics(picture(0, i & 0xff), 3);
    await setImmediate();
    assert.equal(events.length, 1);
    assert.match(events[0]!, /^broken: DecodeError/);
    pixelSink.graphics(picture(0, 1), 4);
    pixelSink.need();
    assert.equal(sent.length, 1);
    pixelSink.end({ code: 'logged_off', message: '' }, 5);
    assert.deepEqual(events.slice(1), ['ended 5']);
  });

  it('holds nothing of a session that is over', () => {
    const { pixelSink, sent } = sink(1e6, false);
    pixelSink.graphics(picture(0, 1), 1);
    pixelSink.end({ code: 'logged_off', message: '' }, 2);
    pixelSink.need();
    assert.equal(sent.length, 0);
  });

  it('holds what the host is too far behind for where a session is recorded, and goes on in order when it has caught up', () => {
    const { pixelSink, sent, events } = sink(1e9, true, 40_000);
    const size = picture(0, 0).data.length; // three of them are more than it may be behind
    pixelSink.graphics(RESET, 1);
    for (let i = 1; i <= 5; i++) pixelSink.graphics(picture(0, i), i);
    assert.deepEqual(said(sent), ['64:0', '1:1', '1:2', '1:3']);
    pixelSink.progress(size);
    assert.equal(sent.length, 4, 'still behind by more than the half');
    pixelSink.progress(size);
    assert.deepEqual(said(sent).slice(4), ['1:4', '1:5']);
    pixelSink.progress(size * 2);
    pixelSink.graphics(picture(0, 6), 6);
    assert.equal(said(sent).at(-1), '1:6');
    assert.deepEqual(events, []);
  });

  it('does not let a host that stands still have what would be covered before it looks, and ends with the last picture', async () => {
    const { pixelSink, sent, events } = sink(6_000_000, true, 40_000);
    pixelSink.graphics(RESET, 1);
    const count = 900; // of 16 KB each: more than twice of what may be on its way
    for (let i = 0; i < count; i++) {
      pixelSink.graphics(picture(0, i & 0xff), 2);
      if (i % 10 === 9) await setImmediate();
    }
    assert.equal(sent.length, 4);
    pixelSink.end({ code: 'logged_off', message: '' }, 3);
    assert.equal(said(sent).at(-1), `1:${(count - 1) & 0xff}`);
    assert.deepEqual(events, ['ended 3']);
  });

  it('gives who watches each update, however far behind the host is: it is told how many it has seen', () => {
    const { pixelSink, sent } = sink(1e9, true, 40_000);
    for (let i = 1; i <= 5; i++) pixelSink.graphics(picture(0, i), i);
    assert.equal(sent.length, 3);
    pixelSink.need();
    pixelSink.graphics(picture(0, 6), 6);
    assert.deepEqual(said(sent), ['1:1', '1:2', '1:3', '1:4', '1:5', '1:6']);
    pixelSink.rest();
    pixelSink.graphics(picture(0, 7), 7);
    assert.equal(sent.length, 6);
  });
});
