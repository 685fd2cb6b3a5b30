import { setTimeout as sleep } from 'node:timers/promises';
import type { Rect } from '#protocol/graphics/geometry.ts';
import { type EncoderSettings, type Ffmpeg, FfmpegEncoder, type FfmpegExit } from './ffmpeg.ts';
import { I420Picture } from './i420.ts';
import { SegmentDigest, type SegmentState } from './segment-digest.ts';
import { Spool, spoolFile } from './spool.ts';
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

/**
 * One segment being written: an encoder, its file, and what is in it.
 *
 * An encoder that has not taken a picture within `PATIENCE_MS` is behind: from there on pictures go to the disk, and it
 * catches up from there. Nobody waits for it, and no picture is left out.
 */
export class SegmentWriter {
  readonly startedAt: number;
  readonly settings: EncoderSettings;
  readonly #file: FileWriter;
  readonly #options: SegmentWriterOptions;
  readonly #encoder: FfmpegEncoder;
  readonly #digest = new SegmentDigest();
  /** What the encoder has or is being given. */
  readonly #sent: I420Picture;
  #sentAt = 0;
  #feeding: Promise<boolean> | undefined;
  #spool: Promise<Spool> | undefined;
  /** Pictures on the disk that the encoder has not been given, oldest first. */
  #waiting: Promise<void>[] = [];
  #lastTimestamp = -1;
  #accounted = 0;
  #ending = false;

  /** Rejects when the file cannot be made. */
  static async open(options: SegmentWriterOptions): Promise<SegmentWriter> {
    return new SegmentWriter(options, await options.folder.createLog(options.file));
  }

  private constructor(options: SegmentWriterOptions, file: FileWriter) {
    this.#options = options;
    this.startedAt = options.startedAt;
    this.settings = options.settings;
    this.#sent = new I420Picture(options.settings.width, options.settings.height);
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
   * Takes a picture over, of which only `areas` (even edges) differ from the one before; it may change again as soon as
   * this returns. Resolves when the encoder has it, or it is on its way to the disk; `false`: the encoder is gone.
   * Two frames never share a timestamp: the later one is moved by a step of the grid.
   */
  async write(picture: I420Picture, areas: readonly Rect[], at: number): Promise<boolean> {
    const earliest = this.#lastTimestamp < 0 ? 0 : this.#lastTimestamp + FRAME_GRID_MS;
    const timestamp = Math.max(earliest, onFrameGrid(at - this.startedAt));
    if (this.#feeding === undefined) {
      this.#sent.bytes.set(picture.bytes);
      this.#sentAt = timestamp;
      this.#feeding = this.#feed(timestamp);
      const patience = new AbortController();
      const late = sleep(PATIENCE_MS, true, { signal: patience.signal, ref: false }).catch(() => true);
      const taken = await Promise.race([this.#feeding, late]);
      patience.abort();
      if (taken) this.#lastTimestamp = timestamp;
      return taken;
    }
    const samples = areas.map((area) => picture.copyArea(area));
    this.#lastTimestamp = timestamp;
    this.#spool ??= this.#openSpool();
    const added = this.#spool.then((spool) => spool.add(areas, samples, timestamp));
    this.#waiting.push(added);
    // When it cannot be added, the encoder is ended for it.
    return added.then(
      () => true,
      () => false,
    );
  }

  /** Of when the oldest picture is that the encoder has not taken; milliseconds since the epoch. */
  get waitingSince(): number | undefined {
    return this.#feeding === undefined ? undefined : this.startedAt + this.#sentAt;
  }

  /** What the encoder has made of the segment so far. */
  get bytes(): number {
    return this.#file.bytes;
  }

  /** Resolves when the encoder has all that was written. */
  async drained(): Promise<void> {
    await this.#feeding;
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
    await this.#feeding;
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

  /** Gives the encoder the picture in `#sent`, and then what waits on the disk. */
  async #feed(timestamp: number): Promise<boolean> {
    let taken = await this.#encoder.write(this.#sent.bytes, timestamp);
    try {
      while (taken && this.#spool !== undefined && this.#waiting.length > 0) {
        await this.#waiting[0];
        this.#sentAt = await (await this.#spool).take(this.#sent);
        this.#waiting.shift();
        taken = await this.#encoder.write(this.#sent.bytes, this.#sentAt);
      }
    } catch (error) {
      this.#encoder.kill(`what waits for it cannot be read: ${(error as Error).message}`);
      taken = false;
    }
    const spool = this.#spool;
    this.#spool = undefined;
    this.#waiting = [];
    // What an encoder that is gone has left is encoded when the recording is finished.
    if (spool !== undefined) void spool.then((it) => (taken ? it.remove() : it.close())).catch(() => {});
    this.#feeding = undefined;
    return taken;
  }

  #openSpool(): Promise<Spool> {
    const { folder, file } = this.#options;
    return Spool.create(folder, spoolFile(file), this.#sent, this.#sentAt);
  }
}

/** A picture is taken in a few milliseconds; past this the machine has more to do than it can. */
const PATIENCE_MS = 250;
