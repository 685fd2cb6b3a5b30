/**
 * What there is of recordings that go on, to be played up to a few seconds ago. `gateway/main.ts` brings the recorder's
 * own code for it.
 */
export interface LiveRecordings {
  /** Nothing while there is no picture yet, and once the recording is finished. */
  video(id: string): Promise<LiveVideo | undefined>;
  /**
   * A segment's bytes from `from` on, as far as they are whole: fragmented MP4 (ISO/IEC 14496-12 section 8.8), cut
   * between fragments. Empty where nothing new is there; nothing where there is no such segment.
   */
  read(id: string, segment: number, from: number): Promise<Uint8Array | undefined>;
}

export interface LiveVideo {
  /** Milliseconds since the epoch of the first frame. */
  readonly startedAt: number;
  readonly segments: readonly LiveSegment[];
}

export interface LiveSegment {
  /** The video's clock at the segment's first frame, milliseconds. */
  readonly startMs: number;
  readonly width: number;
  readonly height: number;
  /** Whether it will not grow any more. */
  readonly ended: boolean;
}
