import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { WriteCursor } from '../core/cursor.ts';
import { UpdateCode } from '../graphics/update.ts';
import { encodeBitmapUpdate, sizeOfBitmapUpdate } from '../pdu/bitmap-update.ts';
import { encodeSurfaceCommand, type SurfaceCommand, sizeOfSurfaceCommand } from '../pdu/surface-command.ts';
import { drawnArea } from './drawn-area.ts';
import { FramePacer, type Pace } from './frame-pacer.ts';

/** A server that sends whenever it may have so many frames on the way, for so long. Returns when each was acknowledged. */
function run(pacer: FramePacer, inFlight: number, milliseconds: number, viewer: (now: number) => void = () => {}) {
  const acknowledged: number[] = [];
  let frames = 0;
  for (let now = 0; now < milliseconds; now++) {
    while (frames - acknowledged.length < inFlight) pacer.frameEnded(++frames);
    viewer(now);
    for (let { acknowledge } = pacer.due(now); acknowledge > 0; acknowledge--) acknowledged.push(now);
  }
  return acknowledged;
}

describe('FramePacer', () => {
  it('acknowledges no more than 30 frames a second of a server that would send more', () => {
    const acknowledged = run(new FramePacer(), 4, 10_000);
    assert.ok(acknowledged.length <= 10 * 30 + 3 && acknowledged.length >= 10 * 30 - 1, `${acknowledged.length}`);
    const gaps = acknowledged.slice(4).map((at, i) => at - (acknowledged[i + 3] ?? 0));
    // Whether the server waits is tried out once.
    const uneven = gaps.filter((gap) => gap < 33 || gap > 34);
    assert.ok(uneven.length <= 4 && Math.max(...gaps) < 34 + 75, `${uneven}`);
  });

  it('takes another rate', () => {
    const acknowledged = run(new FramePacer({ framesPerSecond: 60 }), 4, 10_000);
    assert.ok(Math.abs(acknowledged.length - 600) <= 3, `${acknowledged.length}`);
  });

  it('acknowledges a quiet server at once', () => {
    const pacer = new FramePacer();
    for (let frame = 1; frame <= 20; frame++) {
      pacer.frameEnded(frame);
      assert.deepEqual(pacer.due(frame * 100), { acknowledge: 1, pause: false });
    }
  });

  it('says the same where it is asked only when it may have something to say', () => {
    const happening = fc.record({
      after: fc.oneof(fc.integer({ min: 0, max: 60 }), fc.integer({ min: 0, max: 5000 })),
      what: fc.constantFrom('frame', 'paint', 'nothing', 'drawn'),
    });
    fc.assert(
      fc.property(fc.array(happening, { maxLength: 60 }), (happenings) => {
        // A thirty-second of a frame a millisecond, so that sums are exact.
        const options = { framesPerSecond: 31.25, ahead: 3 };
        const [always, asked] = [new FramePacer(options), new FramePacer(options)];
        let now = 0;
        let updates = 0;
        let paused = false;
        for (const { after, what } of happenings) {
          now += after;
          updates++;
          for (const pacer of [always, asked]) {
            if (what === 'frame') pacer.frameEnded(updates);
            else if (what === 'paint') pacer.painted(1.5);
            else if (what === 'drawn') pacer.drawn(updates - 2);
          }
          const pace: Pace = always.due(now);
          const isAsked: boolean = paused || asked.isDue;
          assert.deepEqual(isAsked ? asked.due(now) : { acknowledge: 0, pause: false }, pace);
          paused = pace.pause;
        }
      }),
    );
    const pacer = new FramePacer();
    for (const frame of [1, 2, 3]) {
      pacer.frameEnded(frame);
      assert.equal(pacer.isDue, true);
      pacer.due(frame * 1000);
      assert.equal(pacer.isDue, false, 'what comes before the next frame has ended wakes nobody');
    }
  });

  it('says when to ask again', () => {
    const pacer = new FramePacer();
    for (const frame of [1, 2, 3, 4]) pacer.frameEnded(frame);
    assert.deepEqual(pacer.due(0), { acknowledge: 3, pause: false, waitMs: 34 });
    assert.equal(pacer.due(33).acknowledge, 0);
    assert.deepEqual(pacer.due(34), { acknowledge: 1, pause: false });
  });

  it('takes all frames of one update for one: a viewer that owes no answer to an update is not waited for', () => {
    const pacer = new FramePacer({ ahead: 2 });
    pacer.drawn(0);
    for (let frame = 0; frame < 3; frame++) pacer.frameEnded(1);
    assert.equal(pacer.due(0).acknowledge, 3);
  });

  it('waits for a viewer that reports, and is behind', () => {
    const pacer = new FramePacer({ ahead: 5 });
    pacer.drawn(0);
    const stalled = run(pacer, 2, 5_000);
    // The sixth is one too many on the way to the viewer: it and the one before are what the server waits for.
    assert.equal(stalled.length, 6 - 2);
    assert.equal(pacer.due(5_000).waitMs, undefined, 'only the viewer changes that');
    pacer.drawn(3);
    assert.ok(pacer.due(5_000).acknowledge > 0);
  });

  it('goes as fast as the viewer draws', () => {
    const pacer = new FramePacer();
    let drawn = 0;
    const acknowledged = run(pacer, 4, 10_000, (now) => {
      if (now % 100 === 0) pacer.drawn(drawn++);
    });
    assert.ok(Math.abs(acknowledged.length - 100) <= 20, `${acknowledged.length}`);
  });

  it('does not wait for a viewer that has stopped to look', () => {
    const pacer = new FramePacer();
    pacer.drawn(0);
    run(pacer, 4, 1_000);
    pacer.unwatched();
    assert.ok(run(pacer, 4, 1_000).length > 25);
  });

  it('stops to read where a server does not wait for acknowledgements, and goes on when they are out', () => {
    const pacer = new FramePacer();
    for (let frame = 1; frame <= 40; frame++) pacer.frameEnded(frame);
    assert.equal(pacer.due(0).pause, true);
    let now = 0;
    while (pacer.due(now).pause) now += 10;
    assert.ok(now > 100 && now < 400, `${now}`);
  });

  it('stops to read where a server that marks no frames draws more than 30 desktops a second', () => {
    const pacer = new FramePacer();
    let painted = 0;
    for (let now = 0; now < 10_000; now++) {
      if (pacer.due(now).pause) continue;
      pacer.painted(0.25);
      painted += 0.25;
    }
    assert.ok(Math.abs(painted - 300) < 5, `${painted}`);
  });

  it('lets a server that draws little draw it whenever it likes', () => {
    const pacer = new FramePacer();
    for (let now = 0; now < 1_000; now++) {
      pacer.painted(0.02);
      assert.equal(pacer.due(now).pause, false);
    }
  });

  it('counts areas only where no frames are marked', () => {
    const pacer = new FramePacer();
    pacer.frameEnded(1);
    for (let i = 0; i < 100; i++) pacer.painted(1);
    assert.equal(pacer.due(0).pause, false);
  });
});

describe('drawnArea', () => {
  it('of bitmap updates, by their rectangles', () => {
    const place = { width: 64, height: 64, bitsPerPixel: 32, compressed: false };
    const rectangles = [
      { ...place, destLeft: 0, destTop: 0, destRight: 63, destBottom: 63, data: new Uint8Array(5) },
      { ...place, destLeft: 10, destTop: 20, destRight: 10, destBottom: 29, data: new Uint8Array(0) },
    ];
    const cursor = new WriteCursor(sizeOfBitmapUpdate({ rectangles }));
    encodeBitmapUpdate({ rectangles }, cursor);
    const data = cursor.finish();
    assert.equal(drawnArea({ code: UpdateCode.bitmap, data }), 64 * 64 + 10);
    for (let end = 0; end < data.length; end++) {
      assert.ok(drawnArea({ code: UpdateCode.bitmap, data: data.subarray(0, end) }) <= 64 * 64 + 10);
    }
  });

  it('of surface commands, by their pictures', () => {
    const bits: SurfaceCommand = {
      ...{ kind: 'bits', type: 1, destLeft: 0, destTop: 0, width: 30, height: 20, bitsPerPixel: 32, codecId: 0 },
      data: new Uint8Array(7),
    };
    const cursor = new WriteCursor(2 * sizeOfSurfaceCommand(bits));
    encodeSurfaceCommand(bits, cursor);
    encodeSurfaceCommand(bits, cursor);
    assert.equal(drawnArea({ code: UpdateCode.surfaceCommands, data: cursor.finish() }), 2 * 600);
  });

  it('of nothing else', () => {
    assert.equal(drawnArea({ code: UpdateCode.pointerNew, data: new Uint8Array(100).fill(1) }), 0);
  });
});

describe('an acknowledgement that waits for company', () => {
  /** A pacer whose server has ended two frames before it was told of the first. */
  function goesOn(): FramePacer {
    const pacer = new FramePacer();
    pacer.frameEnded(1);
    pacer.frameEnded(2);
    assert.equal(pacer.due(0).acknowledge, 2);
    return pacer;
  }

  it('goes with the next input, once', () => {
    const pacer = goesOn();
    pacer.frameEnded(3);
    assert.deepEqual(pacer.due(1000), { acknowledge: 0, pause: false, waitMs: 2500 });
    assert.equal(pacer.input(1200), 1);
    assert.equal(pacer.input(1300), 0);
    assert.equal(pacer.isDue, false);
  });

  it('goes with the next frame’s, or alone when its time is over', () => {
    const pacer = goesOn();
    pacer.frameEnded(3);
    assert.equal(pacer.due(1000).acknowledge, 0);
    pacer.frameEnded(4);
    assert.equal(pacer.due(1001).acknowledge, 2);
    pacer.frameEnded(5);
    assert.equal(pacer.due(3000).waitMs, 2500);
    assert.equal(pacer.due(5499).waitMs, 1);
    assert.equal(pacer.due(5500).acknowledge, 1);
  });

  it('is sent at once while frames follow each other', () => {
    const pacer = goesOn();
    for (let frame = 3; frame < 9; frame++) {
      pacer.frameEnded(frame);
      assert.equal(pacer.due((frame - 2) * 40).acknowledge, 1);
    }
    pacer.frameEnded(9);
    assert.equal(pacer.due(1000).acknowledge, 0);
  });

  it('is tried where a picture comes now and then: a server that sends the next one goes on', () => {
    const pacer = new FramePacer();
    for (let frame = 1; frame <= 4; frame++) {
      pacer.frameEnded(frame);
      assert.equal(pacer.due(frame * 1000).acknowledge, 1);
    }
    pacer.frameEnded(5);
    assert.deepEqual(pacer.due(5000), { acknowledge: 0, pause: false, waitMs: 1250 });
    pacer.frameEnded(6);
    assert.equal(pacer.due(6000).acknowledge, 2);
    pacer.frameEnded(7);
    assert.equal(pacer.due(7000).waitMs, 2500);
  });

  it('makes a server that waits for it late by a quarter of a second, three times, and by less where somebody types', () => {
    const pacer = new FramePacer();
    let [now, held] = [0, 0];
    for (let frame = 1; frame <= 30; frame++) {
      now += 1000;
      pacer.frameEnded(frame);
      const { acknowledge, waitMs } = pacer.due(now);
      if (acknowledge === 1) continue;
      held++;
      assert.equal(waitMs, 1250);
      if (held === 2) {
        assert.equal(pacer.input(now + 300), 0);
        now += 400;
      } else now += 1250;
      assert.equal(pacer.due(now).acknowledge, 1);
    }
    assert.equal(held, 3);
  });

  it('is tried a few times as somebody types: a server that answers meanwhile goes on', () => {
    const pacer = new FramePacer();
    assert.equal(pacer.input(0), 0);
    pacer.frameEnded(1);
    assert.equal(pacer.due(5).waitMs, 250);
    assert.equal(pacer.input(200), 0, 'the server is to answer without it');
    pacer.frameEnded(2);
    assert.equal(pacer.due(203).acknowledge, 2);
    pacer.frameEnded(3);
    assert.equal(pacer.due(1000).waitMs, 2500);
  });

  it('makes who types at a server that waits for it wait three times, and a tenth of a second each', () => {
    const pacer = new FramePacer();
    const waited: number[] = [];
    let frames = 0;
    let open = false;
    let pressedAt: number | undefined;
    for (let now = 0; now < 10_000; now++) {
      if (now % 200 === 0) {
        pacer.input(now);
        pressedAt = now;
      }
      if (pressedAt !== undefined && !open) {
        pacer.frameEnded(++frames);
        open = true;
        if (now > pressedAt) waited.push(now - pressedAt);
        pressedAt = undefined;
      }
      if (open && pacer.due(now).acknowledge > 0) open = false;
    }
    assert.deepEqual(waited, [101, 101, 101]);
    assert.equal(frames, 50);
  });

  it('comes for each frame, in order, whatever happens: none is forgotten or named twice', () => {
    const step = fc.record({ after: fc.nat({ max: 2000 }), what: fc.constantFrom('frame', 'input', 'nothing') });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const pacer = new FramePacer();
        let [now, frames, acknowledged, openedAt] = [0, 0, 0, 0];
        const due = () => {
          const { acknowledge, waitMs } = pacer.due(now);
          acknowledged += acknowledge;
          assert.ok(acknowledged <= frames);
          if (acknowledged < frames) assert.ok(waitMs !== undefined && now + waitMs <= openedAt + 2500);
        };
        for (const { after, what } of steps) {
          now += after;
          if (acknowledged < frames) due();
          if (what === 'frame') {
            if (acknowledged === frames) openedAt = now;
            pacer.frameEnded(++frames);
            due();
          } else if (what === 'input') acknowledged += pacer.input(now);
        }
        now += 2500;
        due();
        assert.equal(acknowledged, frames);
      }),
    );
  });
});
