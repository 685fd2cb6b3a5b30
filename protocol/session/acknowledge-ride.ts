/**
 * Whether the acknowledgement of a quiet server's one open frame may wait for company: for input that goes out, or for the next
 * frame. Alone it costs as much as a key does. Where frames follow each other, none waits: a server that lets few be open would
 * send fewer over a long way.
 *
 * Only at a server that has shown that it does not wait for it: by a frame that it ended while another was not acknowledged.
 * Where that does not happen by itself, it is tried a few times: as somebody types, so shortly that a server that does wait keeps
 * nobody waiting; and where nobody does and a picture comes now and then, as of a clock, until the next one.
 *
 * Sans-IO: times are milliseconds of any steady clock.
 */
export class AcknowledgeRide {
  #goesOn = false;
  /** Of the frames that ended last: how many were not noticed yet, when they ended, and whether it was one alone, and none for a while before. */
  #unnoticed = 0;
  #endedAt = Number.NEGATIVE_INFINITY;
  #isQuiet = true;
  /** So many have come one after another as slowly as a clock's. */
  #slowFrames = 0;
  #trials = TRIALS;
  /** Since when an acknowledgement waits, and whether to find out what the server does. */
  #since: number | undefined;
  #trying = false;
  #tryMs = 0;
  /** The first input since then, which shows what the server does, and the last of all. */
  #askedAt: number | undefined;
  #inputAt = Number.NEGATIVE_INFINITY;

  /** The server has ended a frame. @param open so many before it are not acknowledged */
  frameEnded(open: number): void {
    if (open > 0) this.#goesOn = true;
    this.#unnoticed++;
  }

  /** Call whenever frames are open, before anything is decided. */
  notice(now: number): void {
    if (this.#unnoticed === 0) return;
    this.#isQuiet = this.#unnoticed === 1 && now - this.#endedAt >= QUIET_MS;
    this.#slowFrames = this.#isQuiet && now - this.#endedAt >= SLOW_MS ? this.#slowFrames + 1 : 0;
    this.#unnoticed = 0;
    this.#endedAt = now;
  }

  /** One frame is open and could be acknowledged. @returns for how many milliseconds it need not be; 0 for none */
  patience(now: number): number {
    if (this.#since === undefined) {
      if (!this.#isQuiet) return 0;
      const isTyped = now - this.#inputAt <= ANSWER_MS;
      if (!this.#goesOn && (this.#trials === 0 || !(isTyped || this.#slowFrames > SLOW_FRAMES))) return 0;
      this.#since = now;
      this.#askedAt = undefined;
      this.#trying = !this.#goesOn;
      this.#tryMs = isTyped ? TRIAL_MS : SLOW_TRIAL_MS;
      if (this.#trying) this.#trials--;
    }
    return Math.max(0, this.#until(this.#since) - now);
  }

  /** Input goes out. @returns whether the acknowledgement that waits goes with it */
  input(now: number): boolean {
    this.#inputAt = now;
    this.#askedAt ??= now;
    return this.#since !== undefined && !this.#trying;
  }

  /** None waits any more. */
  done(): void {
    this.#since = undefined;
  }

  #until(since: number): number {
    if (!this.#trying) return since + COMPANY_MS;
    return this.#askedAt === undefined ? since + this.#tryMs : this.#askedAt + ANSWER_MS;
  }
}

/** Ten frames a second are motion. */
const QUIET_MS = 100;

/** Longer than a clock's second: then it goes with the next frame's. And than most pauses of somebody who types. */
const COMPANY_MS = 2_500;

/** Until the next key of somebody who types. */
const TRIAL_MS = 250;

/** Between pictures of a clock, and less. */
const SLOW_MS = 700;

/** Before anything is tried that nobody has typed for. */
const SLOW_FRAMES = 4;

/** Until the next picture of a clock: what a server that does wait shows late by a quarter of a second, once in a trial. */
const SLOW_TRIAL_MS = 1_250;

/** What a key's picture takes, if it draws one. */
const ANSWER_MS = 100;

/** A key need not draw anything, and one who types may pause. */
const TRIALS = 3;
