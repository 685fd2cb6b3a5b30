import { nextFrame, type Stream } from '../streams/stream.ts';

export interface PlayerOutput {
  /** @returns whether more may be written: as a socket's `write` */
  write(bytes: Buffer): boolean;
}

/** What one session was sent, and what it answered. */
export interface PlayerCounts {
  bytes: number;
  frames: number;
  acknowledged: number;
  keys: number;
  /** The frame that was sent last, by its index in the stream. */
  lastFrame: number;
  /** Frames that came too late for their time, because the client did not take more. */
  late: number;
}

/** Frames that a server sends ahead of their acknowledgements before it waits, as real ones do; fewer at full speed. */
const FRAMES_AHEAD = 16;
const FLOOD_AHEAD = 4;
/** A frame that goes out so much after its time is late. */
const LATE_MS = 250;

/**
 * Plays a stream's buffers to one client: the first frame at once, the others by the clock, over and over. Waits while the
 * client has not read, or not acknowledged, what it was sent; the clock then stands still.
 *
 * @param flood send as fast as the client takes it instead of by the clock
 */
export class Player {
  readonly counts: PlayerCounts = { bytes: 0, frames: 0, acknowledged: 0, keys: 0, lastFrame: -1, late: 0 };
  readonly #stream: Stream;
  readonly #frames: readonly Buffer[];
  readonly #output: PlayerOutput;
  readonly #flood: boolean;
  #timer: NodeJS.Timeout | undefined;
  #next = 0;
  /** When the present round of the loop began. */
  #roundAt = 0;
  #draining = false;
  #acknowledges = false;
  #waiting = false;
  #frozen = false;

  constructor(stream: Stream, frames: readonly Buffer[], output: PlayerOutput, flood: boolean) {
    this.#stream = stream;
    this.#frames = frames;
    this.#output = output;
    this.#flood = flood;
  }

  start(): void {
    this.#roundAt = performance.now();
    this.#send(0);
    this.#next = nextFrame(this.#stream, 0);
    this.#schedule();
  }

  /** The client has pressed a key: it is answered at once. @param mark what answers where the stream does not */
  key(mark: (key: number) => Buffer): void {
    this.counts.keys++;
    if (this.#frozen) return;
    if (!this.#stream.onKeys) {
      this.#write(mark(this.counts.keys));
      return;
    }
    this.#send(this.#next);
    this.#next = nextFrame(this.#stream, this.#next);
  }

  acknowledged(): void {
    this.#acknowledges = true;
    this.counts.acknowledged++;
    this.#goOn();
  }

  drained(): void {
    this.#draining = false;
    this.#goOn();
  }

  /** Sends nothing any more. */
  freeze(): void {
    this.#frozen = true;
    clearTimeout(this.#timer);
  }

  #goOn(): void {
    if (!this.#waiting || this.#mustWait) return;
    this.#waiting = false;
    this.#play();
  }

  get #mustWait(): boolean {
    const ahead = this.#acknowledges ? this.counts.frames - this.counts.acknowledged : 0;
    return this.#draining || ahead >= (this.#flood ? FLOOD_AHEAD : FRAMES_AHEAD);
  }

  get #due(): number {
    return this.#roundAt + (this.#stream.frames[this.#next]?.at ?? 0);
  }

  #schedule(): void {
    if (this.#frozen || this.#stream.onKeys || this.#frames.length < 2) return;
    const wait = this.#flood ? 0 : this.#due - performance.now();
    this.#timer = setTimeout(() => this.#play(), Math.max(0, wait));
  }

  /** The next frame's time has come. */
  #play(): void {
    if (this.#frozen) return;
    if (this.#mustWait) {
      this.#waiting = true;
      return;
    }
    const late = performance.now() - this.#due;
    if (late > LATE_MS) {
      // What was waited for is not made up for.
      this.counts.late++;
      this.#roundAt += late;
    }
    this.#send(this.#next);
    const next = nextFrame(this.#stream, this.#next);
    if (next <= this.#next) this.#roundAt += this.#stream.loopMs;
    this.#next = next;
    this.#schedule();
  }

  #send(index: number): void {
    const frame = this.#frames[index];
    if (frame === undefined) return;
    this.counts.frames++;
    this.counts.lastFrame = index;
    this.#write(frame);
  }

  #write(bytes: Buffer): void {
    this.counts.bytes += bytes.length;
    if (!this.#output.write(bytes)) this.#draining = true;
  }
}
