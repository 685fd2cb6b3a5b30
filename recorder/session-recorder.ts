import type { Rect } from '#protocol/graphics/geometry.ts';
import type {
  FrameSource,
  RecordedPointer,
  RecorderClock,
  RecorderError,
  RecorderLog,
  RecordingSummary,
} from './recording.ts';

export interface SessionRecorderOptions {
  /** The recording's own folder, `<data>/recordings/<sessionId>`; made if it is not there. */
  readonly directory: string;
  readonly sessionId: string;
  /** Default: `ORIEL_FFMPEG`, else `ffmpeg` on the PATH. */
  readonly ffmpegPath?: string | undefined;
  readonly log?: RecorderLog | undefined;
  readonly clock?: RecorderClock | undefined;
  /** Called once when recording cannot go on; `finish` still saves what there is. */
  readonly onFailure?: ((error: RecorderError) => void) | undefined;
}

/** THE SHAPE ONLY, the body follows within minutes: wire against this. */
export declare class SessionRecorder {
  private constructor();
  /** Rejects with `RecorderError` `recorder_unavailable`. */
  static open(options: SessionRecorderOptions, source: FrameSource): Promise<SessionRecorder>;
  /** After updates were received (`rects` empty or unknown: `source.prepare()` will say). Cheap; call as often as you like. */
  damaged(rects: readonly Rect[], at: number): void;
  /** After the source has a new size (also its first). */
  resized(at: number): void;
  /** Pointer moved or changed. `x`, `y` in desktop pixels. `pointer` is what `Compositor.pointer` is. */
  pointer(x: number, y: number, pointer: RecordedPointer, at: number): void;
  /** Ends the recording and joins it; `undefined` when there never was a picture. Rejects with `recording_failed`. */
  finish(at: number): Promise<RecordingSummary | undefined>;
}

// Also, in recorder/finish.ts, for the gateway's start:
//   recoverInterrupted(directory: string /* <data>/recordings */, options): Promise<RecoveredRecording[]>
//   where RecoveredRecording = { sessionId: string; summary: RecordingSummary | undefined; error?: RecorderError }
