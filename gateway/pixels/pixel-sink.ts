import type { GraphicsUpdate } from '#protocol/graphics/update.ts';
import type { SessionEnd, SessionSink } from '#protocol/tunnel/sink.ts';
import type { ToHost } from './ipc.ts';

/** Bytes of updates that one session may have on their way to the pixel host. Past it the host cannot keep up. */
export const MAX_SESSION_BACKLOG = 96 * 1024 * 1024;

export interface PixelSinkEvents {
  send(message: ToHost): void;
  /** The backlog is full. Called once; the sink swallows everything after it. */
  overflowed(): void;
  ended(at: number): void;
}

/**
 * The session's sink that forwards to the pixel host. Never blocks: what the host has not taken yet is counted, and
 * past `MAX_SESSION_BACKLOG` the session has failed rather than lose an update without a word.
 */
export class PixelSink implements SessionSink {
  readonly #session: number;
  readonly #events: PixelSinkEvents;
  readonly #limit: number;
  #backlog = 0;
  #state: 'open' | 'overflowed' | 'ended' = 'open';

  constructor(session: number, events: PixelSinkEvents, limit = MAX_SESSION_BACKLOG) {
    this.#session = session;
    this.#events = events;
    this.#limit = limit;
  }

  /** Bytes sent and not yet taken. */
  get backlog(): number {
    return this.#backlog;
  }

  graphics(update: GraphicsUpdate, at: number): void {
    if (this.#state !== 'open') return;
    if (this.#backlog + update.data.length > this.#limit) {
      this.#state = 'overflowed';
      this.#events.overflowed();
      return;
    }
    this.#backlog += update.data.length;
    this.#events.send({ kind: 'update', session: this.#session, at, update });
  }

  pointerMoved(x: number, y: number, at: number): void {
    if (this.#state !== 'open') return;
    const place = { x: clampToU16(x), y: clampToU16(y) };
    this.#events.send({ kind: 'pointer-moved', session: this.#session, at, ...place });
  }

  end(_reason: SessionEnd, at: number): void {
    if (this.#state === 'ended') return;
    this.#state = 'ended';
    this.#events.ended(at);
  }

  /** The host has taken this many bytes. */
  progress(bytes: number): void {
    this.#backlog = Math.max(0, this.#backlog - bytes);
  }
}

function clampToU16(value: number): number {
  return Math.max(0, Math.min(0xffff, Math.round(value)));
}
