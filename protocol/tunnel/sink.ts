import type { GraphicsUpdate } from '../graphics/update.ts';

/**
 * Somewhere a session's output goes: the owner's browser, the pixel host that feeds shadows and the recorder.
 *
 * Architectural invariant: a sink is bounded and never blocks. None but the owner may slow the server down, and
 * that through the session (`ownerProgress`), not by waiting in one of these methods.
 *
 * `at` is milliseconds since the epoch, from the gateway's clock, and never runs backwards within a session.
 */
export interface SessionSink {
  /** The next update of the one ordered stream. `update.data` is only good during this call. */
  graphics(update: GraphicsUpdate, at: number): void;
  /** Where the owner's pointer is, in desktop pixels: the server only tells when it moves the pointer itself. */
  pointerMoved(x: number, y: number, at: number): void;
  /** Nothing comes after this. */
  end(reason: SessionEnd, at: number): void;
}

/** Why a session ended. */
export interface SessionEnd {
  /** Stable code, a row of docs/errors.md. */
  readonly code: string;
  /** One sentence that a user understands. */
  readonly message: string;
  /** What to do about it, in the words of whoever can. */
  readonly hint?: string;
}
