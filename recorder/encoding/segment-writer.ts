import type { Rect } from '#protocol/graphics/geometry.ts';
import { I420Picture } from '../capture/i420.ts';
import type { FileWriter } from '../storage/file-writer.ts';
import type { RecordingFolder } from '../storage/recording-folder.ts';
import { type Encoders, type EncoderUser, UNLIMITED_ENCODERS } from './encoder-pool.ts';
import { type EncoderSettings, type Ffmpeg, FfmpegEncoder, type FfmpegExit } from './ffmpeg.ts';
import { SegmentDigest, type SegmentState } from './segment-digest.ts';
import { keptFile, packAreas, Spool, spoolFile, writeKeptPicture } from './spool.ts';

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
  /** Where its encoder comes from. Default: there is always one. */
  readonly encoders?: Encoders | undefined;
  /** When it may have one; default: at once. */
  readonly ready?: Promise<void> | undefined;
  /** Somebody watches the recording while it goes on. */
  readonly isWatched?: (() => boolean) | undefined;
  /** Others wait for its encoder: it should be ended. */
  readonly onTurnOver?: (() => void) | undefined;
  /** Its pictures come from the disk: none of them is put there once more. */
  readonly isKept?: boolean | undefined;
  /** The encoder went away before it was told to, or pictures cannot wait on the disk. */
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
 * One segment being written: an encoder, as soon as it has one, its file, and what is in it.
 *
 * As long as there is no encoder, and when it has not taken a picture within `PATIENCE_MS`, pictures go to the disk, from
 * where it catches up. Nobody waits for it, and no picture is left out. So they do when nothing comes out of it, whatever it
 * has taken: that would be lost with it ([ADR 0053]).
 */
export class SegmentWriter {
  readonly startedAt: number;
  readonly settings: EncoderSettings;
  readonly #file: FileWriter;
  readonly #options: SegmentWriterOptions;
  readonly #encoders: Encoders;
  readonly #user: EncoderUser;
  readonly #digest = new SegmentDigest();
  readonly #granted = Promise.withResolvers<FfmpegEncoder>();
  #encoder: FfmpegEncoder | undefined;
  /** What the encoder has or is being given. */
  #sent: I420Picture | undefined;
  #sentAt = 0;
  #feeding: Promise<boolean> | undefined;
  /** How many pictures the encoder has taken. */
  #given = 0;
  #keeping: Promise<void> = Promise.resolve();
  #spool: Promise<Spool> | undefined;
  #spoolClosed: Promise<void> | undefined;
  /** Pictures on the disk that the encoder has not been given, oldest first. */
  #waiting: WaitingPicture[] = [];
  #waitingBytes = 0;
  #lastTimestamp = -1;
  #accounted = 0;
  #ending = false;
  #isTurnOver = false;
  /** When it asked for its encoder, as `performance.now` says. */
  #joinedAt: number | undefined;
  /** The folder's entries of its files are durable. */
  #isListed = false;

  /** Rejects when the file cannot be made. */
  static async open(options: SegmentWriterOptions): Promise<SegmentWriter> {
    const writer = new SegmentWriter(options, await options.folder.createLog(options.file));
    if (options.ready === undefined) writer.#join();
    else void options.ready.then(() => writer.#join());
    return writer;
  }

  private constructor(options: SegmentWriterOptions, file: FileWriter) {
    this.#options = options;
    this.startedAt = options.startedAt;
    this.settings = options.settings;
    this.#file = file;
    this.#encoders = options.encoders ?? UNLIMITED_ENCODERS;
    const writer = this;
    this.#user = {
      get waitingSince() {
        return writer.waitingSince;
      },
      get waitingBytes() {
        return writer.#waitingBytes;
      },
      get isEnding() {
        return writer.#ending;
      },
      get isWatched() {
        return options.isWatched?.() ?? false;
      },
      granted: () => this.#start(),
      end: () => {
        this.#isTurnOver = true;
        if (this.#lastTimestamp >= 0) options.onTurnOver?.();
      },
    };
  }

  /** Of its encoder, once it has one. */
  get pid(): number | undefined {
    return this.#encoder?.pid;
  }

  /** The last frame's time since the segment's start, in whole milliseconds; -1 before the first. */
  get lastTimestamp(): number {
    return this.#lastTimestamp;
  }

  /**
   * Takes a picture over, of which only `areas` (even edges) differ from the one before; none: it is the same. It may change
   * again as soon as this resolves: the encoder has it, or it is on its way to the disk. `false`: neither, and `onDeath` says why.
   * Two frames never share a timestamp: the later one is moved by a step of the grid.
   */
  async write(picture: I420Picture, areas: readonly Rect[], at: number): Promise<boolean> {
    const isFirst = this.#lastTimestamp < 0;
    const taken = await this.#write(picture, areas, at);
    // A segment is not ended before it has begun.
    if (isFirst && this.#isTurnOver) this.#options.onTurnOver?.();
    return taken;
  }

  /** Has a picture on the disk that no encoder is to get, for as long as none has made anything of a later one. */
  keep(picture: I420Picture, at: number): Promise<void> {
    return this.#keep(picture, onFrameGrid(at - this.startedAt));
  }

  /** Of when the oldest picture is that the encoder has not taken; milliseconds since the epoch. */
  get waitingSince(): number | undefined {
    const at = this.#feeding === undefined ? this.#waiting[0]?.at : this.#sentAt;
    return at === undefined ? undefined : this.startedAt + at;
  }

  /** What the encoder has made of the segment so far. */
  get bytes(): number {
    return this.#file.bytes;
  }

  /** Resolves when the encoder has all that was written, where there is one. */
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
    const spool = await this.#spool;
    await spool?.sync();
    if (!this.#isListed) {
      this.#isListed = true;
      await this.#options.folder.sync();
    }
    return state;
  }

  /** What is in the segment; all of it once `end` has resolved. */
  get state(): SegmentState {
    return this.#digest.state;
  }

  /** Ends the file; resolves when there was an encoder, it is gone, and what it made is on disk. */
  async end(): Promise<FfmpegExit> {
    this.#ending = true;
    this.#join();
    this.#encoders.notice();
    try {
      // It may wait for its encoder for a while, and so may the encoder for a processor.
      const synced = this.sync().catch(() => {});
      const encoder = await this.#granted.promise;
      const taken = (await this.#feeding) ?? true;
      const exit = await encoder.end();
      await synced;
      try {
        await this.#file.end();
        this.#closeSpool(taken && exit.code === 0);
        await this.#spoolClosed;
        await this.#keeping;
        if (exit.code === 0) await this.#options.folder.remove(keptFile(this.#options.file));
        return exit;
      } catch (error) {
        this.#closeSpool(false);
        await this.#spoolClosed;
        await this.#file.abandon();
        return { ...exit, killed: exit.killed ?? `its end cannot be written: ${(error as Error).message}` };
      }
    } finally {
      this.#encoders.leave(this.#user);
    }
  }

  async #write(picture: I420Picture, areas: readonly Rect[], at: number): Promise<boolean> {
    const first = this.#lastTimestamp < 0;
    const timestamp = Math.max(first ? 0 : this.#lastTimestamp + FRAME_GRID_MS, onFrameGrid(at - this.startedAt));
    const isAbreast = this.#feeding === undefined && this.#spool === undefined;
    if (this.#encoder !== undefined && isAbreast) {
      // With the first one a recording's time begins: it must be there, however soon its encoder dies.
      if (first && !this.#options.isKept) void this.#keep(picture, timestamp);
      return this.#writeNow(this.#encoder, picture, areas, timestamp);
    }
    this.#lastTimestamp = timestamp;
    const changed = first ? [picture.bounds] : areas;
    const packed = packAreas(picture, changed);
    this.#spool ??= this.#openSpool();
    const added = this.#spool.then((spool) => spool.add(packed, timestamp));
    this.#waiting.push({ at: timestamp, added });
    if (this.#encoder !== undefined && this.#sent !== undefined) {
      this.#feeding ??= this.#feed(this.#encoder, this.#sent);
    }
    try {
      this.#waitingBytes += await added;
      return true;
    } catch (error) {
      // When there is an encoder, it is ended for it.
      if (this.#encoder === undefined) this.#dieOf(`pictures cannot wait on the disk: ${(error as Error).message}`);
      return false;
    }
  }

  #keep(picture: I420Picture, at: number): Promise<void> {
    const { folder, file } = this.#options;
    this.#keeping = writeKeptPicture(folder, file, { picture, at }).catch(() => {});
    return this.#keeping;
  }

  async #writeNow(
    encoder: FfmpegEncoder,
    picture: I420Picture,
    areas: readonly Rect[],
    timestamp: number,
  ): Promise<boolean> {
    if (this.#sent === undefined) {
      this.#sent = new I420Picture(picture.width, picture.height);
      this.#sent.bytes.set(picture.bytes);
    } else for (const area of areas) this.#sent.copyFrom(picture, area);
    this.#sentAt = timestamp;
    this.#feeding = this.#feed(encoder, this.#sent, timestamp);
    const { promise: late, resolve } = Promise.withResolvers<true>();
    const patience = setTimeout(resolve, PATIENCE_MS, true).unref();
    const taken = await Promise.race([this.#feeding, late]);
    clearTimeout(patience);
    if (taken) this.#lastTimestamp = timestamp;
    return taken;
  }

  #join(): void {
    if (this.#joinedAt !== undefined) return;
    this.#joinedAt = performance.now();
    this.#encoders.join(this.#user);
  }

  #start(): void {
    const { ffmpeg, settings, stallMs } = this.#options;
    const take = async (bytes: Uint8Array): Promise<void> => {
      await this.#file.append(bytes);
      // Not before it is on its way to the disk: a checkpoint vouches for it.
      this.#digest.push(bytes);
      this.#closeSpoolIfOut();
    };
    const cheap = this.#encoders.pressure >= CHEAP_FROM;
    // Where pictures have waited for it, more waits will come. Not where it only had to be fetched from another thread.
    const waitedMs = performance.now() - (this.#joinedAt ?? 0);
    const turn = this.#waiting.length > 0 && waitedMs > PATIENCE_MS;
    const encoder = new FfmpegEncoder(ffmpeg, { ...settings, cheap, turn }, take, stallMs);
    void encoder.exited.then((exit) => {
      if (!this.#ending) this.#options.onDeath(exit);
    });
    this.#encoder = encoder;
    if (this.#waiting.length > 0) {
      this.#sent = new I420Picture(settings.width, settings.height);
      this.#sentAt = this.#waiting[0]?.at ?? 0;
      this.#feeding = this.#feed(encoder, this.#sent);
    }
    this.#granted.resolve(encoder);
  }

  #dieOf(reason: string): void {
    this.#options.onDeath({ code: null, signal: null, stderr: '', killed: reason });
  }

  /** Gives the encoder the picture in `sent`, if that is new, and then what waits on the disk. */
  async #feed(encoder: FfmpegEncoder, sent: I420Picture, timestamp?: number): Promise<boolean> {
    let taken = timestamp === undefined || (await this.#give(encoder, sent, timestamp));
    try {
      for (let next = this.#waiting[0]; taken && next !== undefined; next = this.#waiting[0]) {
        await next.added;
        this.#sentAt = await ((await this.#spool) as Spool).take(sent);
        this.#waiting.shift();
        taken = await this.#give(encoder, sent, this.#sentAt);
      }
    } catch (error) {
      encoder.kill(`what waits for it cannot be read: ${(error as Error).message}`);
      taken = false;
    }
    this.#waiting = [];
    this.#waitingBytes = 0;
    this.#feeding = undefined;
    // Of a segment that ends it is kept until all of that is on the disk.
    if (!taken && !this.#ending) this.#closeSpool(false);
    this.#closeSpoolIfOut();
    return taken;
  }

  async #give(encoder: FfmpegEncoder, { bytes }: I420Picture, timestamp: number): Promise<boolean> {
    const before = this.#given;
    setTimeout(() => this.#checkOutput(before), OUTPUT_MS).unref();
    const taken = await encoder.write(bytes, timestamp);
    if (taken) this.#given += 1;
    return taken;
  }

  /** A pipe takes pictures for a process that does nothing: what has not come out in time is put on the disk as well. */
  #checkOutput(before: number): void {
    const isOut = this.#digest.frames > before;
    if (isOut || this.#ending || this.#spool !== undefined || this.#options.isKept) return;
    const spool = this.#openSpool();
    this.#spool = spool;
    // Then it is tried again with the next picture.
    spool.catch(() => {
      if (this.#spool === spool) this.#spool = undefined;
    });
  }

  /** All pictures have come out. */
  #closeSpoolIfOut(): void {
    const isBusy = this.#ending || this.#feeding !== undefined || this.#waiting.length > 0;
    if (!isBusy && this.#digest.frames >= this.#given) this.#closeSpool(true);
  }

  /** @param isDone nobody needs it; what an encoder that is gone has left is encoded when the recording is finished */
  #closeSpool(isDone: boolean): void {
    if (this.#spool === undefined) return;
    this.#spoolClosed = this.#spool.then((spool) => (isDone ? spool.remove() : spool.close())).catch(() => {});
    this.#spool = undefined;
  }

  async #openSpool(): Promise<Spool> {
    const { folder, file } = this.#options;
    const sent = this.#sent;
    const base = sent && { picture: sent, at: this.#sentAt };
    await this.#spoolClosed;
    this.#isListed = false;
    return Spool.create(folder, spoolFile(file), base);
  }
}

interface WaitingPicture {
  readonly at: number;
  /** Resolves with the bytes that it takes on the disk. */
  readonly added: Promise<number>;
}

/** A picture is taken in a few milliseconds; past this the machine has more to do than it can. */
const PATIENCE_MS = 250;
/** A picture comes out of the encoder after tens of milliseconds. */
const OUTPUT_MS = 1000;
/** Of the pressure on the encoders. */
const CHEAP_FROM = 0.3;
