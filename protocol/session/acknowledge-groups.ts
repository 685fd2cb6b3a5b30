/**
 * How many frames of a picture in motion are acknowledged together. Thirty times a second, an acknowledgement by itself costs as much as a
 * twentieth of a frame's bytes do.
 *
 * Every frame is acknowledged, none before its time; but where frames follow one another, a server need not hear of each at once if it has
 * shown that it goes on with twice as many open. That is found out by a trial: for a moment nothing is acknowledged, until enough frames have
 * come, or one stays away: a server that lets two be open, or slows down for those that are, keeps nobody waiting for longer than that, and
 * after a few such trials is acknowledged frame by frame for good. What it has shown counts until the motion ends.
 *
 * Sans-IO: times are milliseconds of any steady clock.
 */
export class AcknowledgeGroups {
  #trials = TRIALS;
  #isTrying = false;
  /** So many were open when the server ended another, in this motion. */
  #shown = 0;
  #unnoticed = false;
  /** When the last frame was noticed, and how many before it came one soon after another. */
  #at = Number.NEGATIVE_INFINITY;
  #steady = 0;

  /** The server has ended a frame. @param open so many before it are not acknowledged */
  frameEnded(open: number): void {
    this.#shown = Math.max(this.#shown, open);
    this.#unnoticed = true;
  }

  /** Call whenever frames are open, before anything is decided. */
  notice(now: number): void {
    if (!this.#unnoticed) return;
    this.#unnoticed = false;
    const pause = now - this.#at;
    this.#at = now;
    this.#steady = pause <= STEADY_MS ? this.#steady + 1 : 0;
    if (pause > LULL_MS) this.#shown = 0;
  }

  /**
   * @param ready frames that could be acknowledged now
   * @param early frames besides those that the pace does not allow to be
   * @returns for how many milliseconds none need be, unless another frame comes; 0 for none
   */
  patience(ready: number, early: number, now: number): number {
    const beyond = this.#shown - early;
    if (beyond < ENOUGH && !this.#isTrying) {
      const isSteady = this.#steady >= (early > 1 ? LONG_STEADY_FRAMES : STEADY_FRAMES);
      this.#isTrying = isSteady && this.#trials > 0 && early <= MOST_EARLY;
    }
    if (this.#isTrying && beyond < ENOUGH) {
      const left = this.#at + TRIAL_MS - now;
      if (left > 0) return left;
      // One that the pace holds back may have been at its end before: it is not asked again.
      this.#trials = early > 0 ? 0 : this.#trials - 1;
      this.#steady = 0;
    }
    this.#isTrying = false;
    // Half of what may be open is left to what is on its way.
    if (ready >= Math.min(MOST, Math.floor((beyond - 1) / 2))) return 0;
    const left = this.#at + LULL_MS - now;
    if (left > 0) return left;
    this.#shown = 0;
    this.#steady = 0;
    return 0;
  }

  /** Nothing is acknowledged for another reason, which a server that waits shows nothing by. */
  interrupt(): void {
    this.#isTrying = false;
    this.#steady = 0;
  }

  /** Whether those that wait may go before their time. */
  get mayGo(): boolean {
    return !this.#isTrying;
  }
}

/** Together: a tenth of a second of thirty frames a second. */
const MOST = 3;

/** So many more may be open than the pace holds back, before a trial is over. Where it holds back more than these none is begun. */
const ENOUGH = 2 * MOST + 1;
const MOST_EARLY = 6;

/** Frames that follow one another so soon, so many in a row, are motion: of twenty a second, which may be a little late. */
const STEADY_MS = 65;
const STEADY_FRAMES = 8;
/** Where the pace holds back more than one, as of a server that sends all it may, and has shown that by now. */
const LONG_STEADY_FRAMES = 64;

/** Longer than a frame takes to come in motion, and shorter than one of a server that slows down to a third of that. */
const TRIAL_MS = 75;
const TRIALS = 3;

/** Without a frame for so long the motion has ended, or the server waits after all. */
const LULL_MS = 250;
