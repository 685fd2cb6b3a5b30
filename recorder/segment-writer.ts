import { type FileHandle, open } from 'node:fs/promises';
import { type EncoderSettings, type Ffmpeg, FfmpegEncoder, type FfmpegExit } from './ffmpeg.ts';

export interface SegmentWriterOptions {
  readonly ffmpeg: Ffmpeg;
  readonly path: string;
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

/** One segment being written: an encoder, its file, and how much of it is on disk. */
export class SegmentWriter {
  readonly startedAt: number;
  readonly settings: EncoderSettings;
  readonly #path: string;
  readonly #encoder: FfmpegEncoder;
  #opening: Promise<FileHandle | undefined> | undefined;
  #lastTimestamp = -1;
  #bytes = 0;
  #syncedAt = performance.now();
  #syncing = false;
  #ending = false;

  constructor(options: SegmentWriterOptions) {
    this.startedAt = options.startedAt;
    this.settings = options.settings;
    this.#path = options.path;
    this.#encoder = new FfmpegEncoder(options.ffmpeg, options.settings, options.path, options.stallMs);
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

  /** Bytes that reached the file since the last call. Also makes them durable every few seconds, without waiting for it. */
  async takeWritten(): Promise<number> {
    const file = await this.#open();
    if (file === undefined || this.#ending) return 0;
    const size = (await file.stat()).size;
    const written = size - this.#bytes;
    this.#bytes = size;
    if (!this.#syncing && !this.#ending && performance.now() - this.#syncedAt > SYNC_INTERVAL_MS) {
      this.#syncing = true;
      void file
        .datasync()
        .catch(() => {})
        .then(() => {
          this.#syncing = false;
          this.#syncedAt = performance.now();
        });
    }
    return written;
  }

  /** Ends the file; resolves when the encoder is gone and what it wrote is on disk. */
  async end(): Promise<FfmpegExit> {
    this.#ending = true;
    const exit = await this.#encoder.end();
    const file = await this.#open();
    await file?.sync().catch(() => {});
    await file?.close().catch(() => {});
    return exit;
  }

  /** The encoder makes the file with its first output, so it may not be there yet. */
  #open(): Promise<FileHandle | undefined> {
    this.#opening ??= open(this.#path, 'r+').catch(() => {
      this.#opening = undefined;
      return undefined;
    });
    return this.#opening;
  }
}

/** A power cut costs what was written since. */
const SYNC_INTERVAL_MS = 3000;
