import type { Rect } from '#protocol/graphics/geometry.ts';

/**
 * What the recorder shares with its host: the picture it pulls from, the pointer it draws in, and what it hands back.
 *
 * All times are milliseconds since the epoch, from one clock that never runs backwards (`systemClock`).
 */

/** Where pictures come from. Read at capture time only, so that a host may decode lazily. */
export interface FrameSource {
  /** Desktop size in pixels; 0 × 0 before the server has sent one. */
  readonly width: number;
  readonly height: number;
  /** RGBA, `width * height * 4` bytes; may be replaced when the size changes. */
  readonly pixels: Uint8ClampedArray | Uint8Array;
  /**
   * Called right before each capture: bring `pixels` up to date (decode what is pending).
   * May return what changed by doing so; a host that decodes eagerly reports it through `damaged` and returns nothing.
   */
  prepare?(): readonly Rect[] | undefined;
}

/** A pointer image; RGBA is not premultiplied, `width * height * 4` bytes. */
export interface PointerImage {
  readonly width: number;
  readonly height: number;
  readonly hotX: number;
  readonly hotY: number;
  readonly rgba: Uint8ClampedArray | Uint8Array;
}

/** The pointer as the server set it; `default` is drawn as an arrow of our own. */
export interface RecordedPointer {
  readonly kind: 'default' | 'hidden' | 'shape';
  readonly shape?: PointerImage | undefined;
}

/** A finished recording. */
export interface RecordingSummary {
  /** Absolute path of the video; encrypted where its name ends with `.sealed`. */
  readonly path: string;
  readonly bytes: number;
  readonly durationMs: number;
  /** Size of the video, which holds the largest desktop of the session. */
  readonly width: number;
  readonly height: number;
  /** The moment of the video's first frame, and of its end. */
  readonly startedAt: number;
  readonly endedAt: number;
  readonly segments: number;
  /** `incomplete`: a part is missing (a crash, a failed encoder); what is there plays. */
  readonly state: 'complete' | 'incomplete';
}

/** Time for the recorder; tests hand in one that runs faster. */
/** How a recording that goes on is doing. Times are milliseconds since the epoch. */
export interface RecordingHealth {
  /** So many were begun, the last of them at that time. */
  readonly segments: number;
  readonly segmentStartedAt: number | undefined;
  /** Of video, written so far. */
  readonly bytes: number;
  /** How long the oldest change of the picture waits that its encoder has not taken; 0: there is none. */
  readonly behindMs: number;
  /** When everything that was there was last made durable. */
  readonly savedAt: number | undefined;
}

export interface RecorderClock {
  /** Milliseconds since the epoch; never runs backwards. */
  now(): number;
  /** Calls back once after `ms`; returns how to cancel it. */
  after(ms: number, callback: () => void): () => void;
  /** What the machine's clock says, which somebody may set; milliseconds since the epoch. Without it nobody is told of that. */
  wall?(): number;
}

/** Wall-clock time at process start plus monotonic time since: a clock set back or forward does not bend a recording. */
export const systemClock: RecorderClock = {
  now: () => performance.timeOrigin + performance.now(),
  wall: () => Date.now(),
  after: (ms, callback) => {
    const timer = setTimeout(callback, ms);
    return () => clearTimeout(timer);
  },
};

/** Structured log, satisfied by pino. */
export interface RecorderLog {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export type RecorderErrorCode =
  /** Recording cannot begin: ffmpeg or its H.264 encoder is missing, or the folder cannot be written. */
  | 'recorder_unavailable'
  /** Recording began and cannot go on, or cannot be finished. */
  | 'recording_failed';

/** The recorder cannot do its work; by the default policy the session ends with this code. */
export class RecorderError extends Error {
  override readonly name = 'RecorderError';
  readonly code: RecorderErrorCode;
  constructor(code: RecorderErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}
