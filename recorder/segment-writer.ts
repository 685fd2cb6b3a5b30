import { type EncoderSettings, type Ffmpeg, FfmpegEncoder, type FfmpegExit } from './ffmpeg.ts';
import { SegmentDigest, type SegmentState } from './segment-digest.ts';
import type { FileWriter } from './storage/file-writer.ts';
import type { RecordingFolder } from './storage/recording-folder.ts';

export interface SegmentWriterOptions {
  readonly ffmpeg: Ffmpeg;
  readonly folder: RecordingFolder;
  /** The segment's name in the folder. */
  readonly file: string;
  readonly settings: EncoderSettings;
  /** Milliseconds since the epoch of the segment's first frame. */
  readonly startedAt: number;
  /** An encoder that takes no data, or does not end, for this long is killed. */
  readonly stallMs: number;
  /** The encoder went away before it was told to. */
  readonly onDeath: (exit: FfmpegExit) => void;
}

/**
 * Frames stand on a grid of this many milliseconds. ffmpeg and players guess a frame rate from the first times they see: from
 * times as they come they guess three a second, say, and then complain of, or drop, any two frames closer than that.
 */
export const FRAME_GRID_MS = 20;

export function onFrameGrid(ms: number): number {
  return Math.round(ms / FRAME_GRID_MS) * FRAME_GRID_MS;
}

/** One segment being written: an encoder, its file, and what is in it. */
export class SegmentWriter {
  readonly startedAt: number;
  readonly settings: EncoderSettings;
  readonly #file: FileWriter;
  readonly #encoder: FfmpegEncoder;
  readonly #digest = new SegmentDigest();
  #lastTimestamp = -1;
  #accounted = 0;
  #ending = false;

  /** Rejects when the file cannot be made. */
  static async open(options: SegmentWriterOptions): Promise<SegmentWriter> {
    return new SegmentWriter(options, await options.folder.createLog(options.file));
  }

  private constructor(options: SegmentWriterOptions, file: FileWriter) {
    this.startedAt = options.startedAt;
    this.settings = options.settings;
    this.#file = file;
    this.#encoder = new FfmpegEncoder(
      options.ffmpeg,
      options.settings,
      async (bytes) => {
        await file.append(bytes);
        // Not before it is on its way to the disk: a checkpoint vouches for it.
        this.#digest.push(bytes);
      },
      options.stallMs,
    );
    void this.#encoder.exited.then((exit) => {
      if (!this.#ending) options.onDeath(exit);
    });
  }

  get pid(): number | undefined {
    return this.#encoder.pid;
  }

  /** The last frame's time since the segment's start, in whole milliseconds; -1 before the first. */
  get lastTimestamp(): number {
    return this.#lastTimestamp;
  }

  /**
   * Hands a picture over; `planes` must not change until this resolves. `false`: the encoder is gone.
   * Two frames never share a timestamp: the later one is moved by a step of the grid.
   */
  async write(planes: Uint8Array, at: number): Promise<boolean> {
    const earliest = this.#lastTimestamp < 0 ? 0 : this.#lastTimestamp + FRAME_GRID_MS;
    const timestamp = Math.max(earliest, onFrameGrid(at - this.startedAt));
    const written = await this.#encoder.write(planes, timestamp);
    if (written) this.#lastTimestamp = timestamp;
    return written;
  }

  /** Bytes that the segment has grown by since the last call. */
  takeWritten(): number {
    const written = this.#file.bytes - this.#accounted;
    this.#accounted = this.#file.bytes;
    return written;
  }

  /** Makes durable what there is, and says what that is: at least so much survives a power cut. */
  async sync(): Promise<SegmentState> {
    const { state } = this.#digest;
    await this.#file.sync();
    return state;
  }

  /** What is in the segment; all of it once `end` has resolved. */
  get state(): SegmentState {
    return this.#digest.state;
  }

  /** Ends the file; resolves when the encoder is gone and what it made is on disk. */
  async end(): Promise<FfmpegExit> {
    this.#ending = true;
    const exit = await this.#encoder.end();
    try {
      await this.#file.end();
      return exit;
    } catch (error) {
      await this.#file.abandon();
      return { ...exit, killed: exit.killed ?? `its end cannot be written: ${(error as Error).message}` };
    }
  }
}
