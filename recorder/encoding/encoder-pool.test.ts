import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { FakeClock } from '../testing/fake-clock.ts';
import { EncoderPool, type EncoderUser } from './encoder-pool.ts';

const SECOND = 1000;

/**
 * A recording as the pool sees it: a picture every so often, and segments one after the other, each of which takes its
 * encoder's time to encode what it has.
 */
class Recording {
  readonly #pool: EncoderPool;
  readonly #clock: FakeClock;
  readonly #leave: () => void;
  readonly turns: number[] = [];
  /** Takes pictures as the frame policy does under pressure. */
  isPatient = false;
  encodeMsPerSecond = 20;
  watched = false;
  bytesPerSecond = 1e5;
  #segment: Segment | undefined;
  #over = false;
  isFinished = false;

  constructor(pool: EncoderPool, clock: FakeClock) {
    this.#pool = pool;
    this.#clock = clock;
    this.#leave = pool.enter();
  }

  /** Something changes from now on, once a second. */
  draw(): void {
    if (this.#over) return;
    if (this.#segment === undefined) {
      this.#segment = new Segment(this, this.#pool, this.#clock);
      this.#pool.join(this.#segment);
    }
    this.#segment.draw();
    const pressure = this.isPatient ? this.#pool.pressure : 0;
    this.#clock.after(SECOND * (pressure <= 1 ? 1 + pressure : 2 + (pressure - 1) * 6), () => this.draw());
  }

  finish(): void {
    this.#over = true;
    this.turnOver();
    this.#leave();
  }

  turnOver(): void {
    const segment = this.#segment;
    this.#segment = undefined;
    if (segment === undefined) this.isFinished = this.#over;
    else segment.close(() => (this.isFinished = this.#over));
  }

  get hasEncoder(): boolean {
    return this.#segment?.isGranted ?? false;
  }

  get age(): number {
    return this.#clock.now() - (this.#segment?.waitingSince ?? this.#clock.now());
  }
}

class Segment implements EncoderUser {
  readonly #recording: Recording;
  readonly #pool: EncoderPool;
  readonly #clock: FakeClock;
  #first: number | undefined;
  #pictures = 0;
  #done: (() => void) | undefined;
  isGranted = false;

  constructor(recording: Recording, pool: EncoderPool, clock: FakeClock) {
    this.#recording = recording;
    this.#pool = pool;
    this.#clock = clock;
  }

  get waitingSince(): number | undefined {
    return this.#first;
  }

  get waitingBytes(): number {
    return this.#pictures * this.#recording.bytesPerSecond;
  }

  get isEnding(): boolean {
    return this.#done !== undefined;
  }

  get isWatched(): boolean {
    return this.#recording.watched;
  }

  draw(): void {
    if (this.isGranted) return;
    this.#first ??= this.#clock.now();
    this.#pictures += 1;
  }

  granted(): void {
    assert.equal(this.isGranted, false, 'nobody gets two');
    this.isGranted = true;
    this.#recording.turns.push(this.#clock.now());
    this.#first = undefined;
    this.#leaveWhenDone();
  }

  end(): void {
    this.#recording.turnOver();
  }

  close(done: () => void): void {
    this.#done = done;
    this.#pool.notice();
    this.#leaveWhenDone();
  }

  #leaveWhenDone(): void {
    const done = this.#done;
    if (!this.isGranted || done === undefined) return;
    this.#clock.after(200 + this.#pictures * this.#recording.encodeMsPerSecond, () => {
      this.#pool.leave(this);
      done();
    });
  }
}

function setUp(slots: number, count: number) {
  const clock = new FakeClock();
  const pool = new EncoderPool({ slots, clock });
  const add = () => new Recording(pool, clock);
  const recordings = Array.from({ length: count }, add);
  const advance = async (seconds: number, each: () => void = () => {}) => {
    for (let i = 0; i < seconds; i++) {
      await clock.advance(SECOND, async () => {});
      each();
    }
  };
  for (const recording of recordings) recording.draw();
  return { clock, pool, add, recordings, advance };
}

test('no more recordings than encoders: each has its own from its first picture to its end', async () => {
  const { pool, recordings, advance } = setUp(3, 3);
  await advance(600);
  for (const { turns, hasEncoder } of recordings) assert.deepEqual([turns.length, hasEncoder], [1, true]);
  assert.equal(pool.pressure, 0);
});

test('more recordings than encoders take turns, as long as may be, and none is behind by a minute', async () => {
  const { pool, recordings, advance } = setUp(2, 50);
  await advance(900, () => {
    const encoding = recordings.filter(({ hasEncoder }) => hasEncoder).length;
    assert.ok(encoding <= 2);
    for (const { age } of recordings) assert.ok(age < 60 * SECOND, `${age} ms behind`);
  });
  for (const { turns } of recordings) {
    assert.ok(turns.length >= 900 / 60 && turns.length <= 900 / 20, `${turns.length} turns in a quarter of an hour`);
  }
  assert.ok(pool.pressure < 1, `pressure ${pool.pressure}`);
});

test('when there is more to encode than there is time, everybody is late alike', async () => {
  const { pool, recordings, advance } = setUp(2, 20);
  for (const recording of recordings) recording.encodeMsPerSecond = 200;
  await advance(900);
  assert.equal(pool.pressure, 2);
  const turns = recordings.map(({ turns }) => turns.length);
  assert.ok(Math.max(...turns) - Math.min(...turns) <= 1, `turns ${turns}`);
});

test('and when frames then come as slowly as the pool asks for, nobody is late', async () => {
  const { pool, recordings, advance } = setUp(2, 20);
  for (const recording of recordings) {
    recording.encodeMsPerSecond = 200;
    recording.isPatient = true;
  }
  // All began at once, and how long a turn takes had to be learnt.
  await advance(300);
  const pressures: number[] = [];
  await advance(900, () => {
    pressures.push(pool.pressure);
    for (const { age } of recordings) assert.ok(age < 60 * SECOND, `${age} ms behind`);
  });
  const mean = pressures.reduce((sum, pressure) => sum + pressure, 0) / pressures.length;
  assert.ok(mean > 0.3 && mean < 1.8, `mean pressure ${mean}`);
});

test('while live work leaves encoders a tenth of their time everybody comes on, and afterwards nobody is behind', async () => {
  const { recordings, advance } = setUp(2, 50);
  for (const recording of recordings) recording.isPatient = true;
  await advance(300);
  const turns = recordings.map((recording) => recording.turns.length);
  for (const recording of recordings) recording.encodeMsPerSecond *= 10;
  await advance(240);
  for (const [i, recording] of recordings.entries()) assert.ok(recording.turns.length > turns[i]!, 'each had a turn');
  for (const recording of recordings) recording.encodeMsPerSecond /= 10;
  await advance(120);
  await advance(300, () => {
    for (const { age } of recordings) assert.ok(age < 60 * SECOND, `${age} ms behind`);
  });
});

test('a recording that ends waits for nobody but those who are further behind', async () => {
  const { recordings, advance } = setUp(2, 12);
  await advance(100);
  for (const recording of recordings) recording.finish();
  await advance(12);
  for (const { isFinished } of recordings) assert.equal(isFinished, true);
});

test('recordings that come and go: encoders are shared when they must be, and kept when they need not', async () => {
  const { pool, add, recordings, advance } = setUp(2, 2);
  await advance(10);
  const late = [add(), add()];
  for (const recording of late) recording.draw();
  await advance(180);
  for (const { turns } of [...recordings, ...late]) assert.ok(turns.length >= 2, `${turns.length} turns`);
  for (const recording of recordings) recording.finish();
  await advance(20);
  assert.deepEqual(
    late.map(({ hasEncoder }) => hasEncoder),
    [true, true],
  );
  const before = late.map(({ turns }) => turns.length);
  await advance(300);
  assert.deepEqual(
    late.map(({ turns }) => turns.length),
    before,
  );
  assert.equal(pool.pressure, 0);
});

test('who is watched gets an encoder within seconds and keeps it, and one goes round all the same', async () => {
  const { recordings, advance } = setUp(2, 10);
  await advance(100);
  const [first, second, ...others] = recordings as [Recording, Recording, ...Recording[]];
  first.watched = true;
  await advance(6);
  assert.equal(first.hasEncoder, true);
  await advance(60);
  assert.equal(first.hasEncoder, true);
  second.watched = true;
  await advance(60, () => assert.ok(first.hasEncoder || second.hasEncoder));
  assert.ok(second.age < 10 * SECOND || second.hasEncoder);
  for (const { age } of others) assert.ok(age < 60 * SECOND);
  first.watched = false;
  second.watched = false;
  await advance(2);
  assert.equal(recordings.filter(({ hasEncoder }) => hasEncoder).length, 0);
});

test('with one encoder, who is watched gets it again and again, and nobody starves', async () => {
  const { recordings, advance } = setUp(1, 6);
  const [watched, ...others] = recordings as [Recording, ...Recording[]];
  watched.watched = true;
  await advance(300, () => {
    for (const { age } of others) assert.ok(age < 60 * SECOND);
  });
  assert.ok(watched.turns.length >= 300 / 10);
});

test('a film, whose pictures take much of the disk, gets its turns earlier', async () => {
  const { recordings, advance } = setUp(2, 6);
  const [film, other] = recordings as [Recording, Recording];
  film.bytesPerSecond = 4e6;
  await advance(600, () => assert.ok(film.age < 20 * SECOND));
  assert.ok(film.turns.length > 1.5 * other.turns.length);
});

test('of jobs there are no more at once than encoders, and one that fails makes room', async () => {
  const pool = new EncoderPool({ slots: 2, clock: new FakeClock() });
  let running = 0;
  let most = 0;
  const jobs = Array.from({ length: 9 }, (_, i) =>
    pool.run(async () => {
      most = Math.max(most, ++running);
      await new Promise((resolve) => setImmediate(resolve));
      running -= 1;
      if (i % 3 === 0) throw new Error(`job ${i}`);
      return i;
    }),
  );
  const results = await Promise.allSettled(jobs);
  assert.deepEqual(
    results.map((result) => (result.status === 'fulfilled' ? result.value : result.reason.message)),
    ['job 0', 1, 2, 'job 3', 4, 5, 'job 6', 7, 8],
  );
  assert.equal(most, 2);
});

test('whatever comes and goes, there are never more than so many, and in the end everybody was served', async () => {
  const step = fc.record({ what: fc.constantFrom('add', 'finish', 'watch'), which: fc.nat(20), seconds: fc.nat(30) });
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 4 }), fc.array(step, { maxLength: 30 }), async (slots, steps) => {
      const { add, recordings, advance } = setUp(slots, 3);
      const bounded = () => assert.ok(recordings.filter(({ hasEncoder }) => hasEncoder).length <= slots);
      for (const { what, which, seconds } of steps) {
        const recording = recordings[which % recordings.length] as Recording;
        if (what === 'watch') recording.watched = !recording.watched;
        else if (what === 'finish') recording.finish();
        else {
          recordings.push(add());
          recordings.at(-1)?.draw();
        }
        await advance(seconds, bounded);
      }
      for (const recording of recordings) recording.finish();
      await advance(60, bounded);
      for (const { isFinished } of recordings) assert.equal(isFinished, true);
    }),
    { numRuns: 30 },
  );
});
