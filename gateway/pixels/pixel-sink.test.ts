import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ToHost } from './ipc.ts';
import { PixelSink } from './pixel-sink.ts';

function sink(limit: number) {
  const sent: ToHost[] = [];
  const events: string[] = [];
  const pixelSink = new PixelSink(
    3,
    {
      send: (message) => sent.push(message),
      overflowed: () => events.push('overflowed'),
      ended: (at) => events.push(`ended ${at}`),
    },
    limit,
  );
  return { pixelSink, sent, events };
}

const update = (size: number) => ({ code: 1, data: new Uint8Array(size) });

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
});
