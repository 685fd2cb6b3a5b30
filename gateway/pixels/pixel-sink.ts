import { type GraphicsUpdate, isDrawing, UpdateCode } from '#protocol/graphics/update.ts';
import type { SessionEnd, SessionSink } from '#protocol/tunnel/sink.ts';
import { HeldUpdates } from './held-updates.ts';
import type { ToHost } from './ipc.ts';

/** Bytes of updates that one session may have on their way to the pixel host. Past it the host cannot keep up. */
export const MAX_SESSION_BACKLOG = 96 * 1024 * 1024;
/** Past this the host is behind, and below the half it is not any more: it tells what it has taken in portions of a megabyte. */
const BEHIND_BYTES = 4 * 1024 * 1024;

export interface PixelSinkEvents {
  send(message: ToHost): void;
  /** The backlog is full. Called once; the sink swallows everything after it. */
  overflowed(): void;
  /** What the server has drawn breaks the protocol; as `overflowed`. */
  broken(error: unknown): void;
  ended(at: number): void;
}

export interface PixelSinkOptions {
  /** Of the backlog, in bytes. */
  readonly limit?: number;
  /** Of the backlog, in bytes: past it the host is behind. */
  readonly behind?: number;
  /** Whether pixels are needed all the time. Otherwise only between `need` and `rest`: what is drawn before is held. */
  readonly recorded: boolean;
}

/**
 * The session's sink that forwards to the pixel host, or holds what nobody needs ([0048](../../docs/adr/0048-pictures-nobody-needs.md)),
 * and what a host that is behind could not look at before it is covered ([0058](../../docs/adr/0058-a-host-that-is-behind.md)).
 * Never blocks: what the host has not taken yet is counted, and past `MAX_SESSION_BACKLOG` the session has failed rather than lose
 * an update without a word.
 */
export class PixelSink implements SessionSink {
  readonly #session: number;
  readonly #events: PixelSinkEvents;
  readonly #limit: number;
  readonly #behind: number;
  readonly #isRecorded: boolean;
  readonly #held = new HeldUpdates();
  #isWatched = false;
  #isBehind = false;
  #isTidying = false;
  /** Where the owner's pointer is, when the host was not told. */
  #pointer: { readonly x: number; readonly y: number } | undefined;
  #updates = 0;
  #backlog = 0;
  /** When something was last heard. */
  #at = 0;
  #state: 'open' | 'failed' | 'ended' = 'open';

  constructor(session: number, events: PixelSinkEvents, options: PixelSinkOptions) {
    this.#session = session;
    this.#events = events;
    this.#limit = options.limit ?? MAX_SESSION_BACKLOG;
    this.#behind = options.behind ?? BEHIND_BYTES;
    this.#isRecorded = options.recorded;
  }

  /** Bytes sent and not yet taken. */
  get backlog(): number {
    return this.#backlog;
  }

  /** How many have come so far. */
  get updates(): number {
    return this.#updates;
  }

  graphics(update: GraphicsUpdate, at: number): void {
    if (this.#state !== 'open') return;
    this.#at = at;
    this.#updates++;
    if (!this.#hold(update)) this.#forward(update);
  }

  pointerMoved(x: number, y: number, at: number): void {
    if (this.#state !== 'open') return;
    this.#at = at;
    const place = { x: clampToU16(x), y: clampToU16(y) };
    if (this.#isNeeded) this.#events.send({ kind: 'pointer-moved', session: this.#session, at, ...place });
    else this.#pointer = place;
  }

  /** Somebody watches from here on: the host is brought up to date. */
  need(): void {
    if (this.#isWatched || this.#state !== 'open') return;
    this.#isWatched = true;
    this.#handOn();
    if (this.#pointer === undefined || this.#state !== 'open') return;
    this.#events.send({ kind: 'pointer-moved', session: this.#session, at: this.#at, ...this.#pointer });
    this.#pointer = undefined;
  }

  /** Nobody does any more. */
  rest(): void {
    this.#isWatched = false;
  }

  /** The host cannot do anything for this session any more. */
  stop(): void {
    if (this.#state === 'open') this.#state = 'failed';
    this.#held.clear();
  }

  end(_reason: SessionEnd, at: number): void {
    if (this.#state === 'ended') return;
    // A recording ends with the last picture, however far behind it is.
    if (this.#isRecorded) this.#handOn();
    this.#state = 'ended';
    this.#held.clear();
    this.#events.ended(at);
  }

  /** The host has taken this many bytes. */
  progress(bytes: number): void {
    this.#backlog = Math.max(0, this.#backlog - bytes);
    if (!this.#isBehind || this.#backlog > this.#behind / 2) return;
    this.#isBehind = false;
    if (this.#isNeeded) this.#handOn();
  }

  get #isNeeded(): boolean {
    return this.#isRecorded || this.#isWatched;
  }

  /** Of what a viewer looks at each update counts: the host tells it how many it has seen. */
  get #mayWait(): boolean {
    return !this.#isWatched && (this.#isBehind || !this.#isRecorded);
  }

  /** Holds an update that may wait. Of all others the host hears at once, and in order where that says something. */
  #hold(update: GraphicsUpdate): boolean {
    if (!isDrawing(update)) {
      // These change what was drawn before them; pointers go by themselves.
      const { code } = update;
      if (code === UpdateCode.palette || code === UpdateCode.desktopReset) {
        this.#handOn();
        this.#guard(() => this.#held.follow(update));
      } else if (code === UpdateCode.pointerPosition) this.#pointer = undefined;
      return false;
    }
    if (!this.#mayWait) {
      this.#guard(() => this.#held.follow(update));
      return false;
    }
    this.#held.push(update);
    if (!this.#held.isFull || this.#isTidying) return true;
    this.#isTidying = true;
    // Behind what waits in this turn of the event loop, as the owner's picture does.
    setImmediate(() => {
      this.#isTidying = false;
      this.#tidy();
    });
    return true;
  }

  #tidy(): void {
    if (this.#state !== 'open' || !this.#held.isFull) return;
    this.#guard(() => {
      if (!this.#held.compact()) this.#handOn();
    });
  }

  #handOn(): void {
    if (this.#state !== 'open') return;
    this.#guard(() => this.#held.handOn((update) => this.#forward(update)));
  }

  #forward(update: GraphicsUpdate): void {
    if (this.#state !== 'open') return;
    if (this.#backlog + update.data.length > this.#limit) {
      this.stop();
      this.#events.overflowed();
      return;
    }
    this.#backlog += update.data.length;
    this.#isBehind ||= this.#backlog > this.#behind;
    this.#events.send({ kind: 'update', session: this.#session, at: this.#at, update });
  }

  #guard(step: () => void): void {
    try {
      step();
    } catch (error) {
      if (this.#state !== 'open') return;
      this.stop();
      this.#events.broken(error);
    }
  }
}

function clampToU16(value: number): number {
  return Math.max(0, Math.min(0xffff, Math.round(value)));
}
