import { availableParallelism, totalmem } from 'node:os';
import { type RecorderClock, systemClock } from '../recording.ts';

/** Who wants an encoder: one segment of one recording. Until it has one, its pictures wait on the disk. */
export interface EncoderUser {
  /** Of when its oldest picture is that no encoder has taken; milliseconds since the epoch. Nothing: none waits. */
  readonly waitingSince: number | undefined;
  /** What its pictures take on the disk. */
  readonly waitingBytes: number;
  /** It will get no more pictures, and ends as soon as those it has are encoded. */
  readonly isEnding: boolean;
  /** Somebody watches the recording while it goes on. */
  readonly isWatched: boolean;
  /** It has an encoder from here on, until it leaves. */
  granted(): void;
  /** Others wait: it should take no more pictures, and leave when those it has are encoded. Asked once. */
  end(): void;
}

/** Encoders that recordings share. */
export interface Encoders {
  /** How hard it is to keep up, as `FramePolicy` counts: 0 not at all, 1 frames should come half as often, 2 the most. */
  readonly pressure: number;
  /** A recording begins. @returns to be called when it takes no more pictures */
  enter(): () => void;
  /** Puts somebody in line. `granted` may be called before this returns. */
  join(user: EncoderUser): void;
  /** It needs its encoder no more, or wants none any more. */
  leave(user: EncoderUser): void;
  /** Something about a user has changed. */
  notice(): void;
  /** For what needs ffmpeg once a recording is over: no more of these at once than there are encoders. */
  run<T>(job: () => Promise<T>): Promise<T>;
}

export interface EncoderPoolOptions {
  /** So many encoders at once. */
  readonly slots: number;
  readonly clock?: RecorderClock | undefined;
  /** How old a picture may become before it is encoded, where recordings take turns. */
  readonly targetMs?: number | undefined;
}

/**
 * The encoders of this process, which all its recordings share ([ADR 0047]).
 *
 * As long as there are no more recordings than encoders, each has one of its own for as long as it goes on. Beyond that
 * they take turns: whoever has waited longest gets an encoder, ends its segment there, and leaves when what it had waiting
 * is encoded. A turn begins as late as may be, because each begins with a whole picture.
 */
export class EncoderPool implements Encoders {
  readonly #slots: number;
  readonly #clock: RecorderClock;
  readonly #targetMs: number;
  readonly #places = new Map<EncoderUser, Place>();
  readonly #jobs: (() => void)[] = [];
  #runningJobs = 0;
  #recordings = 0;
  /** How long a turn takes. */
  #turnMs: number;
  #scheduling: 'no' | 'yes' | 'again' = 'no';
  #cancelTimer: (() => void) | undefined;

  constructor({ slots, clock = systemClock, targetMs = TARGET_MS }: EncoderPoolOptions) {
    this.#slots = Math.max(1, slots);
    this.#clock = clock;
    this.#targetMs = targetMs;
    this.#turnMs = targetMs * FIRST_TURN;
  }

  get slots(): number {
    return this.#slots;
  }

  enter(): () => void {
    this.#recordings += 1;
    this.notice();
    let entered = true;
    return () => {
      if (entered) this.#recordings -= 1;
      entered = false;
      this.notice();
    };
  }

  join(user: EncoderUser): void {
    this.#places.set(user, { granted: false, askedAt: undefined });
    this.notice();
  }

  leave(user: EncoderUser): void {
    const place = this.#places.get(user);
    if (place === undefined) return;
    this.#places.delete(user);
    if (place.askedAt !== undefined) this.#turnMs += (this.#clock.now() - place.askedAt - this.#turnMs) * TURN_WEIGHT;
    this.notice();
  }

  notice(): void {
    if (this.#scheduling !== 'no') {
      this.#scheduling = 'again';
      return;
    }
    // Whoever is granted an encoder, or asked for it, may have something to say at once.
    for (this.#scheduling = 'again'; this.#scheduling === 'again'; ) {
      this.#scheduling = 'yes';
      this.#schedule(this.#clock.now());
    }
    this.#scheduling = 'no';
    this.#wake();
  }

  async run<T>(job: () => Promise<T>): Promise<T> {
    if (this.#runningJobs >= this.#slots) await new Promise<void>((resolve) => this.#jobs.push(resolve));
    else this.#runningJobs += 1;
    try {
      return await job();
    } finally {
      const next = this.#jobs.shift();
      if (next === undefined) this.#runningJobs -= 1;
      else next();
    }
  }

  get pressure(): number {
    if (this.#isRoomy) return 0;
    const needed = this.#neededEncoders / this.#slots;
    let oldest = 0;
    let bytes = 0;
    const now = this.#clock.now();
    for (const { waitingSince = now, waitingBytes } of this.#places.keys()) {
      oldest = Math.max(oldest, now - waitingSince);
      bytes += waitingBytes;
    }
    const late = (oldest - this.#targetMs) / (this.#targetMs * LATE);
    return Math.min(2, Math.max(0, (needed - EASY) / (1 - EASY), late, bytes / MUCH_BYTES - 1) * 2);
  }

  /** How many encoders are at work all the time when everybody has a turn in time. */
  get #neededEncoders(): number {
    return (this.#recordings * this.#turnMs) / this.#targetMs;
  }

  /** How many encoders may go round: as few as do, because each takes memory as long as it is there. */
  get #goingRound(): number {
    return this.#isRoomy ? this.#slots : Math.min(this.#slots, Math.ceil(this.#neededEncoders / EASY));
  }

  get #isRoomy(): boolean {
    return this.#recordings <= this.#slots;
  }

  #schedule(now: number): void {
    const waiting: EncoderUser[] = [];
    /** Of those that have an encoder, who has not been asked to leave; the longest first. */
    const staying: EncoderUser[] = [];
    let taken = 0;
    let watched = 0;
    const isRoomy = this.#isRoomy;
    // Who is watched keeps it: but for one, which goes round.
    const mayStay = (user: EncoderUser): boolean => isRoomy || (user.isWatched && ++watched < this.#slots);
    for (const [user, place] of [...this.#places]) {
      if (!place.granted) waiting.push(user);
      else taken += 1;
      if (!place.granted || place.askedAt !== undefined || user.isEnding) continue;
      if (mayStay(user)) staying.push(user);
      else this.#ask(user, now);
    }
    const isHurried = waiting.some(
      (user) => user.isEnding || now - (user.waitingSince ?? now) > this.#targetMs * HURRY,
    );
    const limit = isHurried ? this.#slots : Math.min(this.#slots, this.#goingRound + staying.length);
    for (const user of this.#dueOf(waiting, now)) {
      if (taken < limit) {
        taken += 1;
        this.#grant(user);
        if (mayStay(user)) staying.push(user);
        else this.#ask(user, now);
      } else {
        // Nobody leaves by himself when all stay.
        const [longest] = staying;
        if (longest !== undefined && staying.length >= this.#slots) this.#ask(longest, now);
        break;
      }
    }
  }

  /** Of those that wait, who should wait no longer; who presses most first. */
  #dueOf(waiting: readonly EncoderUser[], now: number): EncoderUser[] {
    const ranked = waiting.map((user) => {
      const age = now - (user.waitingSince ?? now);
      const presses = (user.isWatched && age >= this.#targetMs * WATCHED) || user.waitingBytes > MANY_BYTES;
      return { user, age, presses, rank: age + (presses ? this.#targetMs : 0) };
    });
    ranked.sort((a, b) => b.rank - a.rank);
    // Whether somebody's turn would come too late if the first one of all did not begin now.
    const turnMs = this.#turnMs / this.#goingRound;
    const isLate = ranked.some(({ age }, before) => age + before * turnMs >= this.#targetMs);
    const longEnough = this.#targetMs * SHORTEST_TURN;
    const due = ranked.filter(
      ({ user, age, presses }) => this.#isRoomy || user.isEnding || presses || (isLate && age >= longEnough),
    );
    return due.map(({ user }) => user);
  }

  #grant(user: EncoderUser): void {
    // Behind those that have theirs for longer.
    this.#places.delete(user);
    this.#places.set(user, { granted: true, askedAt: undefined });
    user.granted();
  }

  #ask(user: EncoderUser, now: number): void {
    this.#places.set(user, { granted: true, askedAt: now });
    user.end();
  }

  #wake(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    if (this.#isRoomy && this.#places.size <= this.#slots) return;
    this.#cancelTimer = this.#clock.after(this.#targetMs * TICK, () => {
      this.#cancelTimer = undefined;
      this.notice();
    });
  }
}

/**
 * How many encoders this machine has room for beside the work that nobody may wait for: as many as take an eighth of its
 * memory, for most of them have little to do; one for each processor at least.
 */
export function defaultEncoders(): number {
  return Math.max(availableParallelism(), Math.floor(totalmem() / 8 / ENCODER_BYTES));
}

interface Place {
  readonly granted: boolean;
  /** When it was asked to leave. */
  readonly askedAt: number | undefined;
}

/** No recording should ever be behind by more than a minute; turns have the rest of it for what was not foreseen. */
const TARGET_MS = 35_000;
/** As shares of the target: a turn is not worth its first picture before this much has come together… */
const SHORTEST_TURN = 0.1;
/** …and who watches sees what happened a few seconds ago. */
const WATCHED = 0.07;
const TICK = 0.01;
/** …and for who waits longer than he should, all encoders go round. */
const HURRY = 1.1;
/** Before any was measured. */
const FIRST_TURN = 0.03;
const TURN_WEIGHT = 0.25;
/** Share of the encoders' time that may be needed before frames come more slowly, and how late is very late. */
const EASY = 0.5;
const LATE = 0.4;
/** On the disk: of one segment, which then is first, and of all, from where on frames come more slowly. */
const MANY_BYTES = 64 * 1024 * 1024;
const MUCH_BYTES = 1024 * 1024 * 1024;
/** Of one that has four references at 1920 × 1080. */
const ENCODER_BYTES = 110 * 1024 * 1024;

/** Of tests, and of whoever has one recording only: nobody ever waits. */
export const UNLIMITED_ENCODERS = new EncoderPool({ slots: Number.POSITIVE_INFINITY });
