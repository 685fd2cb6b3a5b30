/**
 * When to capture: the settle policy, and how it slows down under sustained motion to stay inside a byte budget.
 *
 * Sans-IO: the caller tells what happened and what time it is, and gets back what to do now or when to ask again.
 */

export interface FramePolicySettings {
  /** A frame this long after the last change… */
  readonly quietMs: number;
  /** …and at the latest this long after the first change that no frame has shown yet. */
  readonly latestMs: number;
  /** No two frames closer than this, unless `latestMs` says so: a blinking caret is one frame a second, not four. */
  readonly gapMs: number;
  /**
   * While somebody watches the recording go on, a frame that no other follows is repeated once this long after it was taken:
   * a player shows a frame when it knows for how long.
   */
  readonly repeatMs: number;
  /** Where the next frame is due later than this, and a little more, the picture as it is then is kept in case of a crash. */
  readonly keepMs: number;
  /** What the video may cost on average. */
  readonly bytesPerMinute: number;
  /** Over how many minutes the budget is averaged: a burst of window switching is free when it was quiet before. */
  readonly budgetMinutes: number;
  /** `latestMs` when the budget is used up, and when it is overdrawn by as much again. */
  readonly strainedMs: number;
  readonly overdrawnMs: number;
  /**
   * Past that a frame waits until it is paid for, but no longer than `overdueMs`. What then stays on the screen for `restMs`
   * may overdraw by as much once more, so that no flood of pictures hides what somebody looks at afterwards.
   */
  readonly overdueMs: number;
  readonly restMs: number;
  /**
   * Motion is what goes on for `motionAfterMs` with no pause of `stillMs` and at least `motionShare` of the desktop new in
   * each frame: a film, not a log that scrolls by. `latestMs` is then `motionMs`.
   */
  readonly motionMs: number;
  readonly motionAfterMs: number;
  readonly motionShare: number;
  readonly stillMs: number;
  /** Motion is a film once it has gone on for `filmAfterMs`, and none any more when no frame has shown any for `filmEndsMs`. */
  readonly filmAfterMs: number;
  readonly filmEndsMs: number;
  /**
   * Motion that begins on a screen at rest, still goes on `burstFromMs` to `burstMs` after its first change, gets a frame at
   * once: the halves of a long scroll are found by the encoder's search, which ends before the whole. Scrolls slow down, so
   * that half of the way is done early.
   */
  readonly burstFromMs: number;
  readonly burstMs: number;
}

export const DEFAULT_FRAME_POLICY: FramePolicySettings = {
  quietMs: 300,
  latestMs: 1000,
  gapMs: 750,
  repeatMs: 1000,
  keepMs: 3000,
  // With the savings it begins with and what may be owed, an hour comes to 236,250 a minute, and a large frame or two.
  bytesPerMinute: 210_000,
  budgetMinutes: 5,
  strainedMs: 2000,
  overdrawnMs: 8000,
  // Twice what a megabyte takes: a picture of 1920×1080 that is noise in luma and chroma.
  overdueMs: 600_000,
  restMs: 2000,
  motionMs: 2000,
  // Longer than somebody scrolls in one go: an office's frames are to be a second old at most.
  motionAfterMs: 12_000,
  motionShare: 0.1,
  stillMs: 200,
  filmAfterMs: 30_000,
  // Longer than it takes to be motion again after a pause, and to the next frame.
  filmEndsMs: 16_000,
  // One picture in many updates takes less, and keys are typed more slowly.
  burstFromMs: 45,
  burstMs: 90,
};

export type FrameEvent =
  /** The picture may have changed. */
  | { readonly kind: 'changed' }
  /** A capture was made as told; `share` of the desktop, 0…1, was new in it. Without anything new it is no frame. */
  | { readonly kind: 'captured'; readonly emitted: boolean; readonly share?: number }
  /** The last picture was written again as told. */
  | { readonly kind: 'repeated' }
  /** Somebody watches, until then. */
  | { readonly kind: 'watched'; readonly until: number }
  /** The picture as it is was kept as told. */
  | { readonly kind: 'kept' }
  /** The encoder has written this many more bytes. */
  | { readonly kind: 'spent'; readonly bytes: number }
  /** How hard it is for the encoders to keep up: 0 not at all, to 2 as hard as a budget that is owed. */
  | { readonly kind: 'load'; readonly pressure: number }
  /** Nothing happened but time. */
  | { readonly kind: 'timer' };

export type FrameDecision =
  | { readonly kind: 'capture' }
  | { readonly kind: 'repeat' }
  | { readonly kind: 'keep' }
  /** Ask again at `until`, or when something happens. */
  | { readonly kind: 'wait'; readonly until: number | undefined };

export class FramePolicy {
  readonly #settings: FramePolicySettings;
  readonly #capacity: number;
  #budget: number;
  #budgetAt: number | undefined;
  /** Bytes since the last frame: what it has cost, and the next one will if it is like it. */
  #frameCost = 0;
  #firstUnseen: number | undefined;
  #lastChange = 0;
  #movingSince = 0;
  /** When a frame last showed motion. */
  #movedAt = 0;
  #isFilm = false;
  #lastFrame: number | undefined;
  /** Of the last frame, or when the picture was kept since. */
  #safeAt = 0;
  #repeated = true;
  #watchedUntil = Number.NEGATIVE_INFINITY;
  #load = 0;

  constructor(settings: FramePolicySettings = DEFAULT_FRAME_POLICY) {
    this.#settings = settings;
    this.#capacity = settings.bytesPerMinute * settings.budgetMinutes;
    this.#budget = this.#capacity;
  }

  /** Since when something changes that no frame has yet. */
  get unseenSince(): number | undefined {
    return this.#firstUnseen;
  }

  /** A film is shown, as of the last capture: what is new in its frames comes from close by in the one before. */
  get isFilm(): boolean {
    return this.#isFilm;
  }

  step(event: FrameEvent, now: number): FrameDecision {
    this.#refill(now);
    switch (event.kind) {
      case 'changed':
        this.#firstUnseen ??= now;
        if (now - this.#lastChange > this.#settings.stillMs) this.#movingSince = now;
        this.#lastChange = now;
        break;
      case 'captured':
        this.#firstUnseen = undefined;
        if ((event.share ?? 0) < this.#settings.motionShare) this.#movingSince = now;
        this.#noticeFilm(now);
        if (event.emitted) {
          this.#lastFrame = now;
          this.#safeAt = now;
          this.#repeated = false;
          this.#frameCost = 0;
        }
        break;
      case 'repeated':
        this.#repeated = true;
        break;
      case 'watched':
        this.#watchedUntil = event.until;
        break;
      case 'kept':
        this.#safeAt = now;
        break;
      case 'spent':
        this.#budget -= event.bytes;
        this.#frameCost += event.bytes;
        break;
      case 'load':
        this.#load = event.pressure;
        break;
      case 'timer':
        break;
    }
    return this.#decide(now);
  }

  /**
   * How hard the budget presses: 0 while more than half of it is left, 1 when it is used up, 2 (the most) when
   * as much as that half is owed; or the encoders, when those press harder.
   */
  get pressure(): number {
    return Math.min(2, Math.max(this.#load, 1 - this.#budget / (this.#capacity / 2)));
  }

  #decide(now: number): FrameDecision {
    const { motionMs, motionAfterMs, repeatMs, keepMs } = this.#settings;
    const latest = this.#movingMs >= motionAfterMs ? Math.max(this.#affordableMs, motionMs) : this.#affordableMs;
    const last = this.#lastFrame;
    const none = Number.POSITIVE_INFINITY;
    let capture = none;
    if (this.#firstUnseen !== undefined)
      capture = last === undefined ? now : this.#paidFor(this.#captureDue(this.#firstUnseen, last, latest), now);
    if (capture <= now) return { kind: 'capture' };
    const isAwaited = !this.#repeated && last !== undefined && now < this.#watchedUntil;
    // A frame that comes soon does the same.
    const repeat = isAwaited && capture - last > repeatMs + SOON_MS ? last + repeatMs : none;
    if (repeat <= now) return { kind: 'repeat' };
    const keep = capture === none || capture - this.#safeAt <= keepMs + SOON_MS ? none : this.#safeAt + keepMs;
    if (keep <= now) return { kind: 'keep' };
    const until = Math.min(capture, repeat, keep);
    return { kind: 'wait', until: until === none ? undefined : until };
  }

  /** How old what changes may become, by the budget. */
  get #affordableMs(): number {
    const { latestMs, strainedMs, overdrawnMs } = this.#settings;
    const pressure = this.pressure;
    return pressure <= 1
      ? latestMs + pressure * (strainedMs - latestMs)
      : strainedMs + (pressure - 1) * (overdrawnMs - strainedMs);
  }

  /** For how long there has been no pause. */
  get #movingMs(): number {
    return this.#lastChange - this.#movingSince;
  }

  #noticeFilm(now: number): void {
    const { motionAfterMs, filmAfterMs, filmEndsMs } = this.#settings;
    if (this.#movingMs >= motionAfterMs) this.#movedAt = now;
    this.#isFilm = this.#isFilm ? now - this.#movedAt < filmEndsMs : this.#movingMs >= filmAfterMs;
  }

  #captureDue(firstUnseen: number, lastFrame: number, latest: number): number {
    const { quietMs, latestMs, gapMs, burstFromMs, burstMs } = this.#settings;
    const gap = gapMs + latest - latestMs;
    const goingOn = this.#lastChange - firstUnseen;
    if (goingOn >= burstFromMs && goingOn <= burstMs && this.#lastChange - lastFrame >= gap) return this.#lastChange;
    const settled = Math.max(this.#lastChange + quietMs, lastFrame + gap);
    return Math.min(settled, firstUnseen + latest);
  }

  /** When a frame that is due then has been paid for, as far as it has to be. */
  #paidFor(due: number, now: number): number {
    const { restMs, overdueMs, bytesPerMinute } = this.#settings;
    const after = (owed: number): number =>
      owed <= 0 ? due : Math.max(due, now + (owed / bytesPerMinute) * MILLISECONDS_PER_MINUTE);
    const half = this.#capacity / 2;
    const owed = -this.#budget - half;
    const rested = Math.max(after(owed - half + Math.min(this.#frameCost, half)), this.#lastChange + restMs);
    const overdue = Math.max(due, (this.#firstUnseen ?? now) + overdueMs);
    return Math.min(after(owed + this.#frameCost), rested, overdue);
  }

  #refill(now: number): void {
    const elapsed = Math.max(0, now - (this.#budgetAt ?? now));
    this.#budgetAt = Math.max(now, this.#budgetAt ?? now);
    const income = (elapsed / MILLISECONDS_PER_MINUTE) * this.#settings.bytesPerMinute;
    this.#budget = Math.min(this.#capacity, this.#budget + income);
  }
}

/** A frame that comes so soon is waited for. */
const SOON_MS = 500;
const MILLISECONDS_PER_MINUTE = 60_000;
