import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { FramePacer } from './frame-pacer.ts';

/** When a server has a frame ready, or, where it waits, when it sends it then. */
interface Server {
  /** Frames are ready so many milliseconds one after another. */
  readonly everyMs: number;
  /** So many may be open. @param now since it began */
  readonly window: number | ((now: number) => number);
  /** Milliseconds to it, and from it. */
  readonly wayMs?: number;
  /** Milliseconds between frames by how many are open, for one that slows down for these. */
  readonly slow?: (open: number) => number;
}

interface Played {
  /** When each frame came. */
  readonly came: number[];
  /** When how many were acknowledged. */
  readonly acknowledged: { readonly at: number; readonly count: number }[];
  /** Without anything else to wake for: so often was it asked because of its own `waitMs`. */
  readonly rang: number;
}

/** A server and a driver as ours, for so long: what is due is asked when a frame comes, and when the pacer has said that it should be. */
function play(pacer: FramePacer, server: Server, milliseconds: number): Played {
  const { everyMs, window, wayMs = 0, slow } = server;
  const came: number[] = [];
  const acknowledged: { at: number; count: number }[] = [];
  const onTheWay: number[] = [];
  const heard: number[] = [];
  let [sent, known, lastSent, rings, rang] = [0, 0, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY, 0];
  const due = (now: number) => {
    const { acknowledge, waitMs } = pacer.due(now);
    if (acknowledge > 0) acknowledged.push({ at: now, count: acknowledge });
    for (let i = 0; i < acknowledge; i++) heard.push(now + wayMs);
    if (waitMs !== undefined) rings = Math.min(rings, now + waitMs);
  };
  for (let now = 0; now < milliseconds; now++) {
    while (heard.length > 0 && heard[0]! <= now) {
      heard.shift();
      known++;
    }
    const open = sent - known;
    if (open < (typeof window === 'number' ? window : window(now)) && now - lastSent >= (slow?.(open) ?? everyMs)) {
      sent++;
      lastSent = now;
      onTheWay.push(now + wayMs);
    }
    if (onTheWay.length > 0 && onTheWay[0]! <= now) {
      onTheWay.shift();
      came.push(now);
      pacer.frameEnded(came.length);
      due(now);
    }
    if (now >= rings) {
      rings = Number.POSITIVE_INFINITY;
      rang++;
      due(now);
    }
  }
  return { came, acknowledged, rang };
}

const gaps = (times: readonly number[]) => times.slice(1).map((at, i) => at - times[i]!);
const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0);

describe('frames of a picture in motion', () => {
  it('are acknowledged three at a time at a server that lets many be open, and none is late for it', () => {
    for (const everyMs of [33, 34, 40]) {
      const { came, acknowledged, rang } = play(new FramePacer(), { everyMs, window: 16 }, 20_000);
      assert.ok(gaps(came).every((gap) => gap === everyMs));
      assert.ok(acknowledged.length <= came.length / 2.7, `${acknowledged.length} of ${came.length}`);
      assert.ok(rang <= 20 * 6, `woken ${rang} times`);
    }
  });

  it('are as soon over a long way', () => {
    const { came } = play(new FramePacer(), { everyMs: 34, window: 16, wayMs: 60 }, 20_000);
    assert.ok(gaps(came).every((gap) => gap === 34));
  });

  it('are acknowledged one by one at a server that lets two be open, after three trials at most', () => {
    const { came, acknowledged } = play(new FramePacer(), { everyMs: 40, window: 2 }, 20_000);
    const late = gaps(came).filter((gap) => gap > 40);
    assert.ok(late.length <= 3 && late.every((gap) => gap <= 40 + 75), `${late}`);
    assert.deepEqual(new Set(acknowledged.slice(-100).map(({ count }) => count)), new Set([1]));
  });

  it('are acknowledged one by one at a server that waits for each, after three trials at most', () => {
    const { came } = play(new FramePacer(), { everyMs: 40, window: 1, wayMs: 10 }, 20_000);
    const late = gaps(came).filter((gap) => gap > 40);
    assert.ok(late.length <= 3 && late.every((gap) => gap <= 40 + 75), `${late}`);
  });

  it('are acknowledged one by one at a server that slows down to a third where two are open', () => {
    const server = { everyMs: 40, window: 100, slow: (open: number) => (open > 1 ? 100 : 40) };
    const { came } = play(new FramePacer(), server, 20_000);
    const late = gaps(came).filter((gap) => gap > 40);
    assert.ok(late.length <= 3, `${late}`);
  });

  it('are acknowledged at the pace where a server has more, which a trial may hold up once', () => {
    for (const window of [1, 2, 4, 8, 16, 100]) {
      const { acknowledged } = play(new FramePacer(), { everyMs: 5, window }, 20_000);
      const count = sum(acknowledged.map(({ count }) => count));
      assert.ok(count <= 20 * 30 + 3 && count >= 20 * 30 - 12, `${count} of a server that lets ${window} be open`);
    }
  });

  it('are acknowledged a quarter of a second after the motion has ended, and go with input before that', () => {
    for (const isTyped of [false, true]) {
      const pacer = new FramePacer();
      const { came, acknowledged } = play(pacer, { everyMs: 34, window: 16 }, 34 * 30);
      const open = came.length - sum(acknowledged.map(({ count }) => count));
      const last = came.at(-1)!;
      assert.ok(open > 1, `${open} open`);
      if (isTyped) assert.equal(pacer.input(last + 10), open);
      else {
        assert.equal(pacer.due(last + 249).acknowledge, 0);
        assert.equal(pacer.due(last + 250).acknowledge, open);
      }
      assert.equal(pacer.isDue, false);
    }
  });

  it('are late by a quarter of a second once, and tried three times, at a server that lets fewer be open than it did', () => {
    const { came } = play(new FramePacer(), { everyMs: 34, window: (now) => (now < 2000 ? 16 : 2) }, 20_000);
    const late = gaps(came).filter((gap) => gap > 34);
    assert.ok(late.filter((gap) => gap > 34 + 75).length <= 1 && late.length <= 4, `${late}`);
    assert.ok(Math.max(...late) <= 34 + 250);
  });

  it('come to an end, each once, whatever a server and a viewer do', () => {
    const step = fc.record({
      after: fc.oneof(fc.integer({ min: 25, max: 45 }), fc.nat({ max: 400 })),
      what: fc.constantFrom('frame', 'frame', 'frame', 'frame', 'input', 'drawn', 'nothing'),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const pacer = new FramePacer({ ahead: 4 });
        let [now, frames, acknowledged] = [0, 0, 0];
        for (const { after, what } of steps) {
          now += after;
          if (what === 'frame') pacer.frameEnded(++frames);
          else if (what === 'drawn') pacer.drawn(frames);
          else if (what === 'input') acknowledged += pacer.input(now);
          acknowledged += pacer.due(now).acknowledge;
          assert.ok(acknowledged <= frames);
          assert.ok(acknowledged <= (now * 30) / 1000 + 4, 'the pace');
        }
        pacer.drawn(frames);
        for (const end = now + 2500 + (frames * 1000) / 30; acknowledged < frames; ) {
          const { acknowledge, waitMs } = pacer.due(now);
          acknowledged += acknowledge;
          if (acknowledged === frames) break;
          assert.ok(waitMs !== undefined && waitMs > 0, 'asks to be asked again');
          now += waitMs;
          assert.ok(now <= end);
        }
        assert.equal(acknowledged, frames);
      }),
    );
  });
});
