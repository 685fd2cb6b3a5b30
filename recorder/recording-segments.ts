import { setTimeout as sleep } from 'node:timers/promises';
import type { I420Picture } from './capture/i420.ts';
import type { Encoders } from './encoding/encoder-pool.ts';
import { describeExit, type Ffmpeg, type FfmpegExit } from './encoding/ffmpeg.ts';
import { onFrameGrid, SegmentWriter } from './encoding/segment-writer.ts';
import { type EncodedRest, encodeSpoolOf } from './encoding/spooled-segments.ts';
import type { Manifest, ManifestSegment } from './manifest.ts';
import type { RecorderClock, RecorderLog } from './recording.ts';
import type { RecordingFolder } from './storage/recording-folder.ts';

export interface RecordingSegmentsOptions {
  readonly folder: RecordingFolder;
  /** Segments are listed in it as they begin. */
  readonly manifest: Manifest;
  readonly ffmpeg: Ffmpeg;
  readonly encoders: Encoders;
  readonly clock: RecorderClock;
  readonly log: RecorderLog;
  readonly qp: number;
  /** As `SegmentWriterOptions` has it. */
  readonly stallMs: number;
  readonly isWatched: () => boolean;
  readonly isFinishing: () => boolean;
  /** Writes the manifest. */
  readonly save: () => Promise<void>;
  /** A line for the event log. @param at milliseconds since the epoch; without it, now */
  readonly onEvent: (type: string, fields: Readonly<Record<string, unknown>>, at?: number) => void;
  /** A segment that had been closed is on the disk. */
  readonly onClosed: (writer: SegmentWriter) => void;
  /** The segment's encoder died: its successor is to begin. */
  readonly onLost: () => void;
  readonly onTrouble: (problem: string) => void;
  /** Too many encoders died. */
  readonly onFailure: (message: string) => void;
}

/** What a segment is to show, and how it is encoded. */
export interface SegmentFacts {
  readonly desktop: { readonly width: number; readonly height: number };
  readonly film: boolean;
  readonly calm: boolean;
}

/**
 * The segments of a recording that goes on, one after another: the one that is written, those that are written to their end,
 * and what becomes of both when encoders die.
 */
export class RecordingSegments {
  readonly #options: RecordingSegmentsOptions;
  readonly #closing = new Map<SegmentWriter, Promise<void>>();
  /** Of the segments that are written. */
  #closedBytes = 0;
  #writer: SegmentWriter | undefined;
  #segment: ManifestSegment | undefined;
  #isTurnOver = false;
  /** Encoders that died, as times; too many in a row and we give up. */
  #deaths: number[] = [];
  #retryAt = 0;
  /** When the next encoder may begin after one that died. */
  #encoderAt = 0;

  constructor(options: RecordingSegmentsOptions) {
    this.#options = options;
  }

  /** Of the segment that pictures go into, where there is one. */
  get writer(): SegmentWriter | undefined {
    return this.#writer;
  }

  /** That segment's name. */
  get file(): string | undefined {
    return this.#segment?.file;
  }

  /** That are not written to their end; the oldest first. */
  get writers(): readonly SegmentWriter[] {
    return [...this.#closing.keys(), ...(this.#writer === undefined ? [] : [this.#writer])];
  }

  /** Of video, in all of them. */
  get bytes(): number {
    return this.writers.reduce((sum, { bytes }) => sum + bytes, this.#closedBytes);
  }

  /** The running encoder's process. */
  get encoderPid(): number | undefined {
    return this.#writer?.pid ?? this.writers.find(({ pid }) => pid !== undefined)?.pid;
  }

  /** The last segment was ended because others waited for its encoder: the next one begins when something changes. */
  get isTurnOver(): boolean {
    return this.#isTurnOver;
  }

  /** The next picture begins a segment, whether or not it shows anything new. */
  get isBeginning(): boolean {
    return this.#writer === undefined && !this.#isTurnOver;
  }

  /** The last segment's encoder died, and nothing follows it yet. */
  get isOrphaned(): boolean {
    return this.isBeginning && this.#options.manifest.segments.length > 0;
  }

  /** When a segment may begin after that; milliseconds since the epoch. */
  get retryAt(): number {
    return this.#retryAt;
  }

  /** Begins the next one; where that cannot be, there is no writer, and it is said why. */
  async begin(picture: I420Picture, at: number, { desktop, film, calm }: SegmentFacts): Promise<void> {
    const { manifest, folder, ffmpeg, encoders, log, qp, stallMs, isWatched, save, onEvent } = this.#options;
    this.#isTurnOver = false;
    // All segments share the first one's grid, so that the joined video is on it too.
    const origin = manifest.startedAt ?? Math.round(at);
    const startedAt = origin + onFrameGrid(at - origin);
    const settings = { width: picture.width, height: picture.height, qp };
    const file = `${String(manifest.segments.length).padStart(4, '0')}.mp4`;
    const segment: ManifestSegment = { file, startedAt, ...settings, desktop };
    manifest.segments.push(segment);
    const first = manifest.startedAt === undefined;
    manifest.startedAt ??= startedAt;
    if (first) onEvent('recording', { codec: manifest.codec }, startedAt);
    let writer: SegmentWriter;
    try {
      // The manifest comes first: a crash right after this must not leave a segment that nobody knows the time of.
      await save();
      writer = await SegmentWriter.open({
        ffmpeg,
        folder,
        file,
        settings: { ...settings, film, calm },
        startedAt,
        stallMs,
        encoders,
        isWatched,
        onTurnOver: () => this.#turnOver(segment),
        onDeath: (exit) => this.#encoderDied(segment, exit),
        ready: this.#encoderReady(),
      });
    } catch (error) {
      segment.problem = `it cannot be written: ${(error as Error).message}`;
      this.#lost(segment.problem);
      return;
    }
    this.#writer = writer;
    this.#segment = segment;
    log.debug({ sessionId: manifest.sessionId, segment: file, pid: writer.pid }, 'recording segment started');
  }

  /** Lets the running segment end on its own; `closed` waits for it. */
  close(): void {
    const { manifest, log, onEvent, onClosed } = this.#options;
    const writer = this.#writer;
    const segment = this.#segment;
    if (writer === undefined || segment === undefined) return;
    this.#writer = undefined;
    this.#segment = undefined;
    segment.durationMs = Math.max(0, writer.lastTimestamp);
    const closing = writer.end().then(async (exit) => {
      const { file } = segment;
      if (exit.code !== 0) {
        segment.problem = describeExit(exit);
        onEvent('encoder-lost', { file, problem: segment.problem });
        log.warn({ sessionId: manifest.sessionId, segment: file, exit }, 'encoder ended badly');
      }
      if (writer.state.bytes > 0) this.logged({ segment, state: writer.state });
      onClosed(writer);
      if (exit.code !== 0) await this.#encodeAgain(segment);
    });
    this.#closing.set(writer, closing);
    void closing.finally(() => {
      this.#closing.delete(writer);
      this.#closedBytes += writer.bytes;
    });
  }

  /** Resolves when all that were closed are on the disk. */
  async closed(): Promise<void> {
    await Promise.all(this.#closing.values());
  }

  /** Into the event log: from here on nobody can change the segment unseen. */
  logged({ segment: { file, startedAt }, state }: EncodedRest): void {
    this.#options.onEvent('segment', { file, startedAt, ...state });
  }

  /** Pictures that a dead encoder has left on the disk have another turn, and another; the last one is when the recording is finished. */
  async #encodeAgain(segment: ManifestSegment): Promise<void> {
    const { manifest, folder, ffmpeg, encoders, log, isFinishing, save, onTrouble } = this.#options;
    const { sessionId } = manifest;
    for (let attempt = 0; attempt < ATTEMPTS_IN_SESSION && !isFinishing(); attempt++) {
      // At once the first time; what kills a second one may pass.
      if (attempt > 0) await sleep(attempt * RETRY_STEP_MS, undefined, { ref: false });
      try {
        const rest = await encoders.run(() => encodeSpoolOf(folder, manifest, segment, ffmpeg, save));
        if (rest !== undefined) this.logged(rest);
        return;
      } catch (error) {
        log.warn({ sessionId, segment: segment.file, err: error }, 'what a dead encoder left is not encoded yet');
        onTrouble(`pictures wait for an encoder: ${(error as Error).message}`);
      }
    }
  }

  #turnOver(segment: ManifestSegment): void {
    if (this.#segment !== segment) return;
    this.#isTurnOver = true;
    this.close();
  }

  #encoderDied(segment: ManifestSegment, exit: FfmpegExit): void {
    const { manifest, log, onLost } = this.#options;
    const problem = describeExit(exit);
    segment.problem = problem;
    log.warn({ sessionId: manifest.sessionId, segment: segment.file, problem }, 'encoder died');
    if (this.#segment !== segment) return;
    this.close();
    this.#lost(problem);
    // Where nothing is wrong with the disk, pictures wait there meanwhile.
    if (exit.killed === undefined) this.#retryAt = 0;
    onLost();
  }

  /** When the next encoder may begin, where that is not now. */
  #encoderReady(): Promise<void> | undefined {
    const { clock } = this.#options;
    const wait = this.#encoderAt - clock.now();
    return wait > 0 ? new Promise((resolve) => clock.after(wait, resolve)) : undefined;
  }

  /** Recording goes on with another segment, unless there were too many. */
  #lost(problem: string): void {
    const now = this.#options.clock.now();
    this.#deaths = [...this.#deaths.filter((at) => now - at < DEATHS_WITHIN_MS), now];
    if (this.#deaths.length >= DEATHS_ALLOWED) {
      this.#options.onFailure(`the encoder died ${this.#deaths.length} times in a row, last of ${problem}`);
      return;
    }
    // At once the first time; what kills a second one may pass.
    this.#retryAt = now + (this.#deaths.length - 1) * RETRY_STEP_MS;
    this.#encoderAt = this.#retryAt;
    if (this.#deaths.length > 1) this.#options.onTrouble(problem);
  }
}

const DEATHS_ALLOWED = 4;
const DEATHS_WITHIN_MS = 60_000;
const RETRY_STEP_MS = 2000;
/** To encode what a dead encoder has left on the disk. */
const ATTEMPTS_IN_SESSION = 3;
