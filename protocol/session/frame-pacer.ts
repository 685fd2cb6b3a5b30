import { AcknowledgeGroups } from './acknowledge-groups.ts';
import { AcknowledgeRide } from './acknowledge-ride.ts';

/**
 * How fast a server may send pictures: no more than a viewer has use for, and no further ahead of it than what is on
 * the way. A server that marks frames is slowed down by its acknowledgements, one that does not by not being read.
 *
 * Sans-IO: times are milliseconds of any steady clock.
 */

export interface FramePacerOptions {
  /** Frames, or whole desktops' worth of pictures, in a second; 30 unless given. */
  readonly framesPerSecond?: number;
  /** Frames that may be on their way to the viewer, or waiting to be drawn there; 12 unless given. */
  readonly ahead?: number;
}

/** What is to be done now. */
export interface Pace {
  /** So many of the oldest frames are to be acknowledged. */
  readonly acknowledge: number;
  /** Nothing is to be read from the server. */
  readonly pause: boolean;
  /** Ask again after so many milliseconds; without it, when something has happened. */
  readonly waitMs?: number;
}

export class FramePacer {
  readonly #perMs: number;
  readonly #ahead: number;
  /** Frames that are not acknowledged yet, the oldest of which the pace allows to be. */
  #unacknowledged = 0;
  #allowed = 0;
  /** For each update that ended frames which are not drawn yet, how many updates there were with it. */
  #undrawn: number[] = [];
  #reported = false;
  #marksFrames = false;
  #frameCredit = BURST;
  #areaCredit = BURST;
  #at: number | undefined;
  /** Nothing where the credit was full when something was painted: what passed before that brings none. */
  #areaAt: number | undefined;
  readonly #ride = new AcknowledgeRide();
  readonly #groups = new AcknowledgeGroups();

  constructor({ framesPerSecond = 30, ahead = 12 }: FramePacerOptions = {}) {
    this.#perMs = framesPerSecond / 1000;
    this.#ahead = ahead;
  }

  /** Whether the server marks frames; what it draws is not measured then. */
  get marksFrames(): boolean {
    return this.#marksFrames;
  }

  /** Whether `due` may say something. Where it may not, it need not be asked: nothing comes of that later. */
  get isDue(): boolean {
    return this.#unacknowledged > 0 || this.#areaCredit < BURST;
  }

  /**
   * The server ended a frame that waits to be acknowledged.
   * @param updates how many were handed over, with this one
   */
  frameEnded(updates: number): void {
    this.#marksFrames = true;
    this.#ride.frameEnded(this.#unacknowledged);
    this.#groups.frameEnded(this.#unacknowledged);
    this.#unacknowledged++;
    // A viewer is behind by updates: several frames in one of them are drawn at once.
    if (this.#reported && this.#undrawn.at(-1) !== updates) this.#undrawn.push(updates);
  }

  /** The server drew this share of the desktop. Counts where nothing else marks frames. */
  painted(share: number): void {
    if (this.#marksFrames) return;
    if (this.#areaCredit >= BURST) this.#areaAt = undefined;
    this.#areaCredit -= share;
  }

  /** The viewer has drawn so many updates, of all that were handed over. The first report is a promise of more. */
  drawn(updates: number): void {
    this.#reported = true;
    const first = this.#undrawn.findIndex((end) => end > updates);
    this.#undrawn.splice(0, first === -1 ? this.#undrawn.length : first);
  }

  /** Nobody looks, so nobody reports: frames are not waited for until somebody does again. */
  unwatched(): void {
    this.#reported = false;
    this.#undrawn = [];
  }

  /** Input goes to the server. @returns how many of the oldest frames are to be acknowledged with it */
  input(now: number): number {
    const rides = this.#ride.input(now);
    return this.#allowed > 0 && (this.#unacknowledged === 1 ? rides : this.#groups.mayGo) ? this.#acknowledge() : 0;
  }

  due(now: number): Pace {
    const elapsed = Math.max(0, now - (this.#at ?? now));
    this.#at = now;
    this.#frameCredit = Math.min(BURST, this.#frameCredit + elapsed * this.#perMs);
    this.#areaCredit = Math.min(BURST, this.#areaCredit + Math.max(0, now - (this.#areaAt ?? now)) * this.#perMs);
    this.#areaAt = now;
    const isBehind = this.#undrawn.length > this.#ahead;
    const patience = this.#unacknowledged === 0 ? 0 : this.#patience(isBehind, now);
    const acknowledge = patience > 0 ? 0 : this.#acknowledge();
    const pausedByArea = this.#areaCredit < 0;
    const waits: number[] = [];
    if (patience > 0) waits.push(patience);
    else if (this.#unacknowledged > 0 && !isBehind) {
      waits.push(this.#groups.patience(0, this.#unacknowledged, now) || (1 - this.#frameCredit) / this.#perMs);
    }
    if (pausedByArea) waits.push(-this.#areaCredit / this.#perMs);
    return {
      acknowledge,
      pause: pausedByArea || this.#unacknowledged > IGNORED,
      ...(waits.length > 0 && { waitMs: Math.ceil(Math.min(...waits)) }),
    };
  }

  /** Of open frames. @returns for how long those that the pace allows need not be acknowledged */
  #patience(isBehind: boolean, now: number): number {
    this.#ride.notice(now);
    this.#groups.notice(now);
    if (isBehind) {
      this.#groups.interrupt();
      return 0;
    }
    const allowed = Math.min(this.#unacknowledged - this.#allowed, Math.floor(this.#frameCredit));
    this.#allowed += allowed;
    this.#frameCredit -= allowed;
    const alone = this.#unacknowledged === 1 && this.#allowed === 1 ? this.#ride.patience(now) : 0;
    return alone > 0 ? alone : this.#groups.patience(this.#allowed, this.#unacknowledged - this.#allowed, now);
  }

  /** All that the pace allows. @returns how many */
  #acknowledge(): number {
    const count = this.#allowed;
    this.#unacknowledged -= count;
    this.#allowed = 0;
    this.#ride.done();
    return count;
  }
}

/** What a quiet server may send at once: an answer to a key is never kept waiting. */
const BURST = 3;

/** A server that has so many frames on the way does not wait for acknowledgements. */
const IGNORED = 32;
