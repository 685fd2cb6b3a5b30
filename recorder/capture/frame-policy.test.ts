import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEFAULT_FRAME_POLICY, type FrameDecision, FramePolicy } from './frame-policy.ts';

/** Runs a policy against changes at given times; returns when it captured and kept. */
function simulate(
  changes: number[],
  until: number,
  bytesPerFrame: number | ((at: number) => number) = 0,
  policy = new FramePolicy(),
  share = 0,
) {
  const captures: number[] = [];
  const repeats: number[] = [];
  const kept: number[] = [];
  const staleness: number[] = [];
  let spent = 0;
  let firstUnseen: number | undefined;
  let next = 0;
  let wake: number | undefined;
  let now = 0;
  const act = (decision: FrameDecision): void => {
    let current = decision;
    while (current.kind !== 'wait') {
      if (current.kind === 'capture') {
        captures.push(now);
        if (firstUnseen !== undefined) staleness.push(now - firstUnseen);
        firstUnseen = undefined;
        const bytes = typeof bytesPerFrame === 'number' ? bytesPerFrame : bytesPerFrame(now);
        spent += bytes;
        policy.step({ kind: 'captured', emitted: true, share }, now);
        current = policy.step({ kind: 'spent', bytes }, now);
      } else if (current.kind === 'repeat') {
        repeats.push(now);
        current = policy.step({ kind: 'repeated' }, now);
      } else {
        kept.push(now);
        current = policy.step({ kind: 'kept' }, now);
      }
    }
    wake = current.until;
  };
  for (;;) {
    const change = changes[next] ?? Number.POSITIVE_INFINITY;
    now = Math.min(change, wake ?? Number.POSITIVE_INFINITY);
    if (now > until) break;
    if (change <= now) {
      next += 1;
      firstUnseen ??= now;
      act(policy.step({ kind: 'changed' }, now));
    } else act(policy.step({ kind: 'timer' }, now));
  }
  return { captures, repeats, kept, worst: Math.max(0, ...staleness), policy, spent };
}

function every(ms: number, from: number, until: number): number[] {
  return Array.from({ length: Math.ceil((until - from) / ms) }, (_, i) => from + i * ms);
}

test('the first change is captured at once', () => {
  assert.deepEqual(simulate([500], 600).captures, [500]);
});

test('a change on a quiet screen is captured when it has settled', () => {
  assert.deepEqual(simulate([0, 10_000], 10_400).captures, [0, 10_300]);
  assert.deepEqual(simulate([0, 10_000, 10_200, 10_400], 11_000).captures, [0, 10_700]);
});

test('a change that never settles is captured after one second', () => {
  const { captures, worst } = simulate([0, ...every(100, 10_000, 13_000)], 13_000);
  assert.deepEqual(captures, [0, 11_000, 12_100]);
  assert.equal(worst, 1000);
});

test('a scroll that begins on a screen at rest is captured in two steps, what is typed or ticks is not', () => {
  assert.deepEqual(simulate([0, ...every(50, 10_000, 10_450)], 12_000).captures, [0, 10_050, 10_800]);
  assert.deepEqual(simulate([0, ...every(16, 10_000, 10_400)], 12_000).captures, [0, 10_048, 10_798]);
  // Not sooner than usual after another frame.
  assert.deepEqual(simulate([0, 300, 350, 400], 2000).captures, [0, 750]);
  assert.deepEqual(simulate([0, 10_000, 10_120, 10_250, 10_400], 12_000).captures, [0, 10_700]);
  // A picture in many updates.
  assert.deepEqual(simulate([0, ...every(2, 10_000, 10_040)], 12_000).captures, [0, 10_338]);
});

test('a blinking caret is one frame a second and never older than a second', () => {
  const { captures, worst } = simulate([0, ...every(500, 10_000, 70_000)], 70_000);
  assert.ok(captures.length <= 62, `${captures.length} frames in a minute`);
  assert.ok(worst <= 1000);
});

test('a quiet screen costs nothing', () => {
  const { captures, repeats, kept } = simulate([0], 3_600_000);
  assert.deepEqual([captures, repeats, kept], [[0], [], []]);
});

test('for whoever watches, a frame that no other follows is repeated once, and never for anybody else', () => {
  const watched = new FramePolicy();
  assert.deepEqual(watched.step({ kind: 'watched', until: 20_000 }, 0), { kind: 'wait', until: undefined });
  const { repeats } = simulate([0, 10_000, 50_000], 60_000, 0, watched);
  assert.deepEqual(repeats, [1000, 11_300]);
  assert.deepEqual(watched.step({ kind: 'watched', until: 80_000 }, 70_000), { kind: 'repeat' });
  watched.step({ kind: 'repeated' }, 70_000);
  assert.deepEqual(watched.step({ kind: 'timer' }, 79_000), { kind: 'wait', until: undefined });
  const busy = new FramePolicy();
  busy.step({ kind: 'watched', until: 60_000 }, 0);
  assert.deepEqual(simulate(every(300, 0, 58_000), 58_500, 0, busy).repeats, []);
});

test('a capture that shows nothing new is no frame', () => {
  const policy = new FramePolicy();
  policy.step({ kind: 'changed' }, 0);
  assert.deepEqual(policy.step({ kind: 'captured', emitted: false }, 0), { kind: 'wait', until: undefined });
});

test('an hour of motion stays inside the budget, by slower frames only when the savings are used up', () => {
  const bytesPerFrame = 20_000;
  const { captures, worst, policy } = simulate(every(100, 0, 3_600_000), 3_600_000, bytesPerFrame);
  const perMinute = (captures.length * bytesPerFrame) / 60;
  const { overdrawnMs } = DEFAULT_FRAME_POLICY;
  assert.ok(perMinute <= 250_000, `${perMinute} bytes a minute`);
  assert.ok(policy.pressure > 1, 'this load has to press');
  assert.ok(worst <= overdrawnMs);
  const early = captures.filter((at) => at < 30_000).length;
  assert.ok(early >= 28, `a burst is recorded at full rate: ${early} frames in half a minute`);
});

test('an hour of whatever is on the screen stays inside the budget, and what rests is shown soon after it', () => {
  const { overdueMs } = DEFAULT_FRAME_POLICY;
  // 1,100,000: noise of 1920×1080, in luma and chroma.
  for (const bytesPerFrame of [3000, 33_000, 38_000, 60_000, 150_000, 400_000, 1_100_000]) {
    for (const stepMs of [40, 500, 1300, 2500, 9000, 30_000]) {
      const changes = every(stepMs, 0, 3_600_000);
      const { spent, worst } = simulate(changes, 3_600_000, bytesPerFrame, new FramePolicy(), 1);
      const what = `${bytesPerFrame} bytes a frame, every ${stepMs} ms`;
      assert.ok(spent / 60 <= 250_000, `${what}: ${spent / 60} bytes a minute`);
      assert.ok(worst <= overdueMs, `${what}: ${worst} ms late`);
    }
  }
});

test('a flood of pictures does not hide what is looked at after it', () => {
  for (const bytesPerFrame of [38_000, 150_000, 1_100_000]) {
    const flood = every(40, 0, 600_000);
    const { captures } = simulate([...flood, 610_000], 700_000, bytesPerFrame);
    const shown = captures.find((at) => at >= (flood.at(-1) ?? 0)) ?? Number.POSITIVE_INFINITY;
    assert.ok(shown <= 610_000, `${bytesPerFrame} bytes a frame: shown at ${shown}`);
  }
});

test('an hour of a mix stays inside the budget, though its dense kinds alone would not', () => {
  const turns = Array.from({ length: 20 }, (_, turn) => ({
    from: turn * 180_000,
    ...(MIX[turn % MIX.length] as Kind),
  }));
  const changes = turns.flatMap(({ from, everyMs }) => every(everyMs, from, from + 180_000));
  const bytesAt = (at: number): number => turns.findLast(({ from }) => from <= at)?.bytesPerFrame ?? 0;
  const hour = (settings = DEFAULT_FRAME_POLICY): number =>
    simulate(changes, 3_600_000, bytesAt, new FramePolicy(settings)).spent / 60;
  const perMinute = hour();
  assert.ok(perMinute > 150_000 && perMinute <= 250_000, `${perMinute} bytes a minute`);
  assert.ok(hour({ ...DEFAULT_FRAME_POLICY, bytesPerMinute: 1e9 }) > 300_000, 'the mix has to press');
});

/** How often something changes, and what a frame of it costs: a clock, a shell, documents, pages, a busy film. */
interface Kind {
  readonly everyMs: number;
  readonly bytesPerFrame: number;
}
const MIX: readonly Kind[] = [
  { everyMs: 500, bytesPerFrame: 300 },
  { everyMs: 200, bytesPerFrame: 2500 },
  { everyMs: 150, bytesPerFrame: 6000 },
  { everyMs: 1500, bytesPerFrame: 12_000 },
  { everyMs: 50, bytesPerFrame: 25_000 },
];

test('work inside the budget is never slowed', () => {
  const { worst, policy } = simulate(every(100, 0, 3_600_000), 3_600_000, 3000);
  assert.equal(policy.pressure, 0);
  assert.ok(worst <= 1000);
});

test('a film is recorded every two seconds, and what comes after it as soon as ever', () => {
  const film = every(50, 10_000, 60_000);
  const { captures, worst } = simulate([0, ...film, 70_000], 71_000, 0, new FramePolicy(), 0.4);
  const later = captures.filter((at) => at > 24_000 && at < 59_000);
  assert.ok(later.length >= 16 && later.length <= 18, `${later.length} frames in 35 seconds`);
  assert.ok(worst <= 2000);
  assert.deepEqual(captures.slice(-2), [60_250, 70_300]);
});

test('what goes on for half a minute is a film until sixteen seconds after its end, and a moment of rest is no end', () => {
  const isFilmAt = (changes: number[], until: number, share = 0.4) =>
    simulate([0, ...changes], until, 0, new FramePolicy(), share).policy.isFilm;
  const film = every(50, 10_000, 100_000);
  assert.equal(isFilmAt(film, 39_000), false);
  assert.equal(isFilmAt(film, 43_000), true);
  const rested = film.filter((at) => at < 60_000 || at > 61_000);
  for (let until = 43_000; until <= 100_000; until += 1000) assert.equal(isFilmAt(rested, until), true, `${until}`);
  assert.equal(isFilmAt([...film, ...every(700, 101_000, 120_000)], 115_000), true);
  assert.equal(isFilmAt([...film, ...every(700, 101_000, 120_000)], 119_000), false);
  // The first thing that happens after a long rest.
  assert.equal(isFilmAt([...film, 600_000], 601_000), false);
  assert.equal(isFilmAt(film, 100_000, 0.01), false);
});

test('scrolling for ten seconds without a pause is no film: no frame is late', () => {
  const scrolled = every(50, 10_000, 20_000);
  assert.equal(simulate([0, ...scrolled, 30_000], 31_000, 0, new FramePolicy(), 0.4).worst, 1000);
});

test('a log that scrolls by is no film, and neither is a moving pointer', () => {
  assert.equal(simulate([0, ...every(250, 10_000, 60_000)], 60_000, 0, new FramePolicy(), 0.4).worst, 1000);
  assert.equal(simulate([0, ...every(50, 10_000, 60_000)], 60_000, 0, new FramePolicy(), 0.01).worst, 1000);
});

test('however slowly frames come, nothing that was on the screen is longer away from the disk than 3.5 s', () => {
  for (const bytesPerFrame of [0, 5000, 20_000, 400_000]) {
    for (const share of [0, 0.4]) {
      for (const stepMs of [100, 900, 1900, 2700]) {
        const changes = every(stepMs, 0, 600_000);
        const { captures, kept } = simulate(changes, 600_000, bytesPerFrame, new FramePolicy(), share);
        const safe = [...kept, ...captures].sort((a, b) => a - b);
        let shown = 0;
        let worst = 0;
        for (const at of safe) {
          // Up to the next change what was shown is what is on the screen.
          worst = Math.max(worst, at - (changes.find((change) => change > shown) ?? at));
          shown = at;
        }
        assert.ok(worst <= 3500, `${worst} ms with ${bytesPerFrame} bytes a frame, every ${stepMs} ms`);
      }
    }
  }
});

test('time that runs backwards pays nothing and breaks nothing', () => {
  const policy = new FramePolicy();
  policy.step({ kind: 'spent', bytes: 2_000_000 }, 100_000);
  const before = policy.pressure;
  policy.step({ kind: 'timer' }, 50_000);
  policy.step({ kind: 'timer' }, 100_000);
  assert.equal(policy.pressure, before);
});
