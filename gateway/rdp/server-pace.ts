// The global one is looked up anew each time.
import { performance } from 'node:perf_hooks';
import { type GraphicsUpdate, UpdateCode } from '#protocol/graphics/update.ts';
import { drawnArea } from '#protocol/session/drawn-area.ts';
import { FramePacer, type FramePacerOptions } from '#protocol/session/frame-pacer.ts';
import { WorkBudget } from '#protocol/session/work-budget.ts';
import { BEAT_MS, every } from '../beat.ts';

/** What keeping the pace asks of a connection. */
export interface PaceActions {
  /** Acknowledge so many of the oldest frames. @param queueDepth bytes that the viewer has yet to draw, if it says */
  acknowledge(count: number, queueDepth: number | undefined): void;
  /** Stop reading from the server, or go on. */
  pause(paused: boolean): void;
}

/**
 * Whether a longer wait is over is looked at with the beats: a timer for each would wake the process for nothing, since the acknowledgement that
 * waits goes with the next frame or input nearly always. Not so while the server is not read.
 */
const EXACT_MS = 1_250;

/** Keeps one connection's server at the pace of its viewer: a `FramePacer` with a clock. */
export class ServerPace {
  readonly #pacer: FramePacer;
  readonly #budget = new WorkBudget();
  readonly #actions: PaceActions;
  #timer: NodeJS.Timeout | undefined;
  #wakesAt = Number.POSITIVE_INFINITY;
  #exceeded = false;
  #stopped = false;
  /** Updates that were handed over. */
  #updates = 0;
  /** Pixels of the desktop. */
  #desktopArea = 1;
  #behindBytes: number | undefined;
  readonly #endBeats: () => void;

  constructor(options: FramePacerOptions | undefined, actions: PaceActions) {
    this.#pacer = new FramePacer(options);
    this.#actions = actions;
    this.#endBeats = every(BEAT_MS, () => {
      if (this.isDue) this.keep();
    });
  }

  /** Whether the server sends more pictures than anybody has use for, or more to do than it may, and is not read for now. */
  get exceeded(): boolean {
    return this.#exceeded;
  }

  /** Whether `keep` has anything to do: most of what is read ends no frame. */
  get isDue(): boolean {
    return this.#exceeded || this.#pacer.isDue || this.#budget.isDue;
  }

  /** The next update goes to the viewer. */
  handedOver(update: GraphicsUpdate): void {
    const { code, data } = update;
    if (code === UpdateCode.desktopReset) {
      const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
      this.#desktopArea = Math.max(1, view.getUint16(0, true) * view.getUint16(2, true));
      this.#budget.resized(this.#desktopArea);
    }
    this.#budget.spent(update.work ?? 0);
    this.#updates++;
    if (!this.#pacer.marksFrames) this.#pacer.painted(drawnArea(update) / this.#desktopArea);
  }

  /** The server has ended a frame with the update that was handed over last. */
  frameEnded(): void {
    this.#pacer.frameEnded(this.#updates);
  }

  /** Input goes to the server in this turn of the event loop: an acknowledgement that waits for company goes with it. */
  input(): void {
    const count = this.#pacer.input(performance.now());
    if (count > 0) this.#actions.acknowledge(count, this.#behindBytes);
    // What is tried out while nobody types ends sooner now.
    else if (this.#pacer.isDue) this.keep();
  }

  /** The viewer has drawn so many of the updates, and has yet to draw so many bytes. */
  drawn(updates: number, behindBytes: number): void {
    this.#behindBytes = behindBytes;
    this.#pacer.drawn(updates);
    this.keep();
  }

  /** The viewer has stopped to look, and so to report: it is not waited for any more. */
  unwatched(): void {
    this.#behindBytes = undefined;
    this.#pacer.unwatched();
    this.keep();
  }

  /** Does what is due. Called after whatever came from the server; calls itself again when time alone changes something. */
  keep(): void {
    if (this.#stopped) return;
    const now = performance.now();
    const { acknowledge, ...pace } = this.#pacer.due(now);
    // Until it has paid for what it gave to do.
    const owesMs = this.#budget.waitMs(now);
    const pause = pace.pause || owesMs > 0;
    const waitMs = owesMs > 0 ? Math.min(owesMs, pace.waitMs ?? owesMs) : pace.waitMs;
    if (waitMs !== undefined && (pause || waitMs <= EXACT_MS)) this.#wake(now + waitMs, waitMs);
    if (pause !== this.#exceeded) {
      this.#exceeded = pause;
      this.#actions.pause(pause);
    }
    if (acknowledge > 0) this.#actions.acknowledge(acknowledge, this.#behindBytes);
  }

  stop(): void {
    this.#stopped = true;
    this.#endBeats();
    clearTimeout(this.#timer);
  }

  /** A timer that rings too early, or for nothing, only asks again; setting one for each picture costs more. Taken back it wakes the process all the same. */
  #wake(at: number, waitMs: number): void {
    if (this.#wakesAt <= at) return;
    clearTimeout(this.#timer);
    this.#wakesAt = at;
    this.#timer = setTimeout(() => {
      this.#wakesAt = Number.POSITIVE_INFINITY;
      this.keep();
    }, waitMs);
  }
}
