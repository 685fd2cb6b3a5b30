import { mkdir, rm, utimes } from 'node:fs/promises';
import type { Rect } from '#protocol/graphics/geometry.ts';
import { CalmScreen } from './capture/calm-screen.ts';
import { DesktopPicture } from './capture/desktop-picture.ts';
import {
  DEFAULT_FRAME_POLICY,
  type FrameDecision,
  type FrameEvent,
  FramePolicy,
  type FramePolicySettings,
} from './capture/frame-policy.ts';
import type { I420Picture } from './capture/i420.ts';
import { type Encoders, UNLIMITED_ENCODERS } from './encoding/encoder-pool.ts';
import { type Ffmpeg, findFfmpeg } from './encoding/ffmpeg.ts';
import { FRAME_GRID_MS } from './encoding/segment-writer.ts';
import { encodeSpools } from './encoding/spooled-segments.ts';
import { CheckpointLog } from './evidence/checkpoint.ts';
import { EventLog } from './evidence/event-log.ts';
import { readSigningKey } from './evidence/signing-key.ts';
import { type Ending, finishRecording } from './finish.ts';
import { isUnfinished } from './library.ts';
import { MANIFEST_FILE, type Manifest, writeManifest } from './manifest.ts';
import {
  type FrameSource,
  type RecordedPointer,
  type RecorderClock,
  RecorderError,
  type RecorderLog,
  type RecordingHealth,
  type RecordingSummary,
  systemClock,
} from './recording.ts';
import { RecordingSegments } from './recording-segments.ts';
import { RecordingFolder } from './storage/recording-folder.ts';
import { ThumbnailKeeper } from './thumbnail-keeper.ts';

export interface SessionRecorderOptions {
  /** The recording's own folder, `<data>/recordings/<sessionId>`; made if it is not there. */
  readonly directory: string;
  readonly sessionId: string;
  /** 32 bytes, this recording's own: everything is encrypted with it. Without it files are written as they are. */
  readonly key?: Uint8Array | undefined;
  /** Default: `ORIEL_FFMPEG`, else `ffmpeg` on the PATH. */
  readonly ffmpegPath?: string | undefined;
  /** The Ed25519 key that the finished recording is signed with; without it, it carries no evidence. */
  readonly signingKeyFile?: string | undefined;
  readonly log?: RecorderLog | undefined;
  readonly clock?: RecorderClock | undefined;
  /** Something goes wrong that may pass: the user should be told that the session may end. */
  readonly onTrouble?: ((problem: string) => void) | undefined;
  /** Called once when recording cannot go on; `finish` still saves what there is. */
  readonly onFailure?: ((error: RecorderError) => void) | undefined;
  readonly policy?: FramePolicySettings | undefined;
  /** Where encoders come from, shared with other recordings. Default: there is always one. */
  readonly encoders?: Encoders | undefined;
  /** Constant quantiser of all segments; past 38 text suffers. Default: 37, and 38 for a segment's first picture. */
  readonly qp?: number | undefined;
  /** A new segment begins with the first frame after this long. */
  readonly segmentMs?: number | undefined;
  /** An encoder that takes no data for this long is killed and replaced. */
  readonly stallMs?: number | undefined;
}

/**
 * Records one session: pulls pictures from a source when the frame policy says so, and writes segments that are
 * joined into one MP4 at the end.
 *
 * INVARIANT: at most one capture is under way; the picture's planes change only within it. A slow encoder therefore
 * delays captures and never the host, and what changed meanwhile is in the next one.
 */
export class SessionRecorder {
  readonly #options: SessionRecorderOptions;
  readonly #folder: RecordingFolder;
  readonly #source: FrameSource;
  readonly #ffmpeg: Ffmpeg;
  readonly #clock: RecorderClock;
  readonly #log: RecorderLog;
  readonly #encoders: Encoders;
  readonly #leaveEncoders: () => void;
  readonly #policy: FramePolicy;
  readonly #manifest: Manifest;
  readonly #desktop: DesktopPicture;
  readonly #segments: RecordingSegments;
  readonly #calm = new CalmScreen();
  readonly #thumbnails = new ThumbnailKeeper();
  readonly #heartbeat: NodeJS.Timeout;
  #events: EventLog | undefined;
  #savedAt: number | undefined;
  #checkpoints: CheckpointLog | undefined;
  #checkpointing: Promise<void> | undefined;
  #watchedUntil = 0;
  #busy: Promise<void> | undefined;
  #cancelTimer: (() => void) | undefined;
  #failure: RecorderError | undefined;
  #finishing: Promise<RecordingSummary | undefined> | undefined;
  #savedManifest: Promise<void> = Promise.resolve();
  /** Milliseconds by which the wall clock is ahead of this recording's. */
  #wallOffset: number | undefined;
  /** When what is to be seen last changed. */
  #changedAt = 0;
  #end: { readonly at: number; readonly problems: readonly string[]; readonly hadFailed: boolean } | undefined;

  /** Rejects with `RecorderError` `recorder_unavailable` when this machine cannot record. */
  static async open(options: SessionRecorderOptions, source: FrameSource): Promise<SessionRecorder> {
    const ffmpeg = await findFfmpeg(options.ffmpegPath);
    const recorder = new SessionRecorder(options, source, ffmpeg);
    try {
      await mkdir(options.directory, { recursive: true, mode: 0o700 });
      await recorder.#saveManifest();
      recorder.#events = await EventLog.open({
        folder: recorder.#folder,
        sessionId: options.sessionId,
        at: recorder.#clock.now(),
        onTrouble: (cause) => recorder.#troubled(`events cannot be written: ${cause.message}`),
        onFailure: (cause) => recorder.#fail(`events cannot be written: ${cause.message}`, cause),
      });
      // Sealing says what is wrong with a key; a recording without one is better than none.
      const { signingKeyFile } = options;
      const key = signingKeyFile && (await readSigningKey(signingKeyFile).catch(() => undefined));
      recorder.#checkpoints = await CheckpointLog.open(recorder.#folder, key || undefined);
    } catch (cause) {
      recorder.#leaveEncoders();
      clearInterval(recorder.#heartbeat);
      const message = `the recording's folder cannot be written: ${(cause as Error).message}`;
      throw new RecorderError('recorder_unavailable', message, { cause });
    }
    if (source.width > 0 && source.height > 0) recorder.resized(recorder.#clock.now());
    return recorder;
  }

  private constructor(options: SessionRecorderOptions, source: FrameSource, ffmpeg: Ffmpeg) {
    this.#options = options;
    this.#folder = new RecordingFolder(options.directory, options.sessionId, options.key);
    this.#source = source;
    this.#desktop = new DesktopPicture(source, (width, height) => this.#resizing(width, height));
    this.#ffmpeg = ffmpeg;
    this.#clock = options.clock ?? systemClock;
    this.#log = options.log ?? SILENT;
    this.#encoders = options.encoders ?? UNLIMITED_ENCODERS;
    this.#leaveEncoders = this.#encoders.enter();
    this.#policy = new FramePolicy(options.policy ?? DEFAULT_FRAME_POLICY);
    this.#manifest = {
      format: 'oriel-recording',
      version: 2,
      sessionId: options.sessionId,
      state: 'recording',
      codec: { name: 'h264', encoder: 'libx264, constant QP', ffmpeg: ffmpeg.version },
      segments: [],
      owner: { pid: process.pid },
    };
    this.#segments = new RecordingSegments({
      folder: this.#folder,
      manifest: this.#manifest,
      ffmpeg,
      encoders: this.#encoders,
      clock: this.#clock,
      log: this.#log,
      qp: options.qp ?? DEFAULT_QP,
      stallMs: options.stallMs ?? STALL_MS,
      isWatched: () => this.#clock.now() < this.#watchedUntil,
      isFinishing: () => this.#finishing !== undefined,
      save: () => this.#saveManifest(),
      onEvent: (type, fields, at) => this.event(type, fields, at),
      onClosed: (writer) => this.#account(this.#clock.now(), writer),
      onLost: () => this.#act({ kind: 'capture' }),
      onTrouble: (problem) => this.#troubled(problem),
      onFailure: (message) => this.#fail(message),
    });
    this.#watchWallClock();
    this.#heartbeat = setInterval(() => this.#beat(), CHECKPOINT_MS);
    this.#heartbeat.unref();
  }

  /**
   * After updates were received. `rects` may be empty when the source decodes lazily: its `prepare` will say.
   * Cheap; call it as often as you like.
   */
  damaged(rects: readonly Rect[], at: number): void {
    this.#desktop.damaged(rects);
    this.#changed(at);
  }

  /** After the source has a new size, also its first. */
  resized(at: number): void {
    this.#changed(at);
  }

  /** The pointer moved or changed; `x` and `y` in desktop pixels, `pointer` is what `Compositor.pointer` is. */
  pointer(x: number, y: number, pointer: RecordedPointer, at: number): void {
    if (this.#desktop.pointer(x, y, pointer)) this.#changed(at);
  }

  /**
   * Writes a line into the event log, with the video's clock as it is now. Cheap, never throws, never waits.
   * @param at milliseconds since the epoch, of when it happened
   */
  event(type: string, fields: Readonly<Record<string, unknown>>, at = this.#clock.now()): void {
    const { startedAt } = this.#manifest;
    const t = startedAt === undefined ? null : Math.max(0, this.#clock.now() - startedAt);
    this.#events?.append(type, fields, { at, t });
  }

  /** How it is doing at `now`. */
  health(now: number = this.#clock.now()): RecordingHealth {
    const { segments } = this.#manifest;
    const { writers, bytes } = this.#segments;
    const waiting = [this.#policy.unseenSince, ...writers.map(({ waitingSince }) => waitingSince)];
    const oldest = Math.min(now, ...waiting.filter((since) => since !== undefined));
    return {
      segments: segments.length,
      segmentStartedAt: segments.at(-1)?.startedAt,
      bytes,
      behindMs: now - oldest,
      savedAt: this.#savedAt,
    };
  }

  /** Somebody watches the recording: for a while it should not be far behind. */
  watched(): void {
    const now = this.#clock.now();
    this.#watchedUntil = now + WATCHED_MS;
    this.#encoders.notice();
    this.#act(this.#policy.step({ kind: 'watched', until: this.#watchedUntil }, now));
  }

  /** The gateway is gone: what it had written down and never sent any more is written down here. */
  async gatewayLost(at: number): Promise<void> {
    await this.#events?.appendLost(this.#manifest.startedAt);
    this.event('gateway-lost', {}, at);
  }

  /** Resolves when no capture is under way: for tests whose clock runs faster than the encoder. */
  async drained(): Promise<void> {
    while (this.#busy !== undefined) await this.#busy;
    for (const writer of this.#segments.writers) await writer.drained();
  }

  /** The running encoder's process, for tests and diagnosis. */
  get encoderPid(): number | undefined {
    return this.#segments.encoderPid;
  }

  /**
   * Ends the recording at `at` and joins it. `undefined` when there never was a picture; the folder is then removed.
   * Rejects with `recording_failed` when nothing of it can be played, or nothing can be written (`isLeft`). Safe to call twice.
   */
  finish(at: number): Promise<RecordingSummary | undefined> {
    this.#finishing ??= this.#finish(at);
    return this.#finishing;
  }

  /** Whether what `finish` could not do is still to be done, by `recoverInterrupted` when there is room, say. */
  get isLeft(): boolean {
    return isUnfinished(this.#manifest);
  }

  /** What `recoverInterrupted` cannot find on a disk that `finish` could not write to; only once that has rejected, and is left. */
  get ending(): Ending | undefined {
    if (this.#end === undefined || !this.isLeft) return undefined;
    const { at, problems, hadFailed } = this.#end;
    const manifest = { ...this.#manifest, problems: [...problems] };
    const problem = hadFailed ? undefined : this.#failure?.message;
    return { manifest, endedAt: at, changedAt: this.#changedAt, problem };
  }

  #changed(at: number): void {
    if (this.#failure !== undefined || this.#finishing !== undefined || this.#source.width === 0) return;
    this.#decide({ kind: 'changed' }, at);
  }

  /** By what has been spent until now, too. */
  #decide(event: FrameEvent, now: number): void {
    this.#account(now);
    this.#act(this.#policy.step(event, now));
  }

  #act(decision: FrameDecision): void {
    if (this.#busy !== undefined || this.#failure !== undefined || this.#finishing !== undefined) return;
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    const now = this.#clock.now();
    // A dead encoder's successor begins with the picture as it is, whether or not anything changes.
    const { isOrphaned: orphaned, retryAt } = this.#segments;
    if (!orphaned && decision.kind === 'wait') this.#wakeAt(decision.until, now);
    else if (orphaned && now < retryAt) this.#wakeAt(retryAt, now);
    else if (!orphaned && decision.kind === 'repeat') this.#run(this.#repeat(now));
    else if (!orphaned && decision.kind === 'keep') this.#run(this.#keep(now));
    else this.#run(this.#capture(now));
  }

  #wakeAt(until: number | undefined, now: number): void {
    if (until === undefined) return;
    this.#cancelTimer = this.#clock.after(Math.max(1, until - now), () => {
      this.#cancelTimer = undefined;
      this.#decide({ kind: 'timer' }, this.#clock.now());
    });
  }

  #run(work: Promise<void>): void {
    this.#busy = work
      .catch((cause) => this.#fail(`capture failed: ${(cause as Error).message}`, cause))
      .then(() => {
        this.#busy = undefined;
        this.#act(this.#policy.step({ kind: 'timer' }, this.#clock.now()));
      });
  }

  /**
   * Brings the picture up to date and writes it, if any sample of it differs from the last frame. Everything up to
   * the first `await` sees one state of the desktop; what changes later counts as not seen yet.
   */
  async #capture(now: number): Promise<void> {
    const picture = this.#desktop.update();
    const emit = picture !== undefined && (picture.changed || this.#segments.isBeginning);
    const lateMs = Math.round(now - (this.#policy.unseenSince ?? now));
    if (emit && lateMs >= LATE_MS) this.event('late', { ms: lateMs }, now);
    this.#policy.step({ kind: 'load', pressure: this.#encoders.pressure }, now);
    this.#policy.step({ kind: 'captured', emitted: emit, share: picture?.share ?? 0 }, now);
    if (!emit) return;
    if (picture.changed) {
      this.#changedAt = now;
      this.#calm.see(picture.areas, now);
      if (this.#isSegmentOver(now)) this.#segments.close();
    }
    if (this.#segments.writer === undefined) await this.#beginSegment(picture.image, now);
    await this.#segments.writer?.write(picture.image, picture.areas, now);
    this.#thumbnails.see(picture.image, now - (this.#manifest.startedAt ?? now));
    this.#account(now);
  }

  /** It has lasted long enough, or a film or a rest has begun or ended: those are encoded otherwise. */
  #isSegmentOver(now: number): boolean {
    const { writer } = this.#segments;
    if (writer === undefined) return false;
    const { startedAt, settings } = writer;
    const isLong = now - startedAt >= (this.#options.segmentMs ?? SEGMENT_MS);
    return isLong || settings.film !== this.#policy.isFilm || settings.calm !== this.#calm.isCalm;
  }

  /** The last picture once more: whoever watches sees the one before it. */
  async #repeat(now: number): Promise<void> {
    const { image } = this.#desktop;
    if (image !== undefined) await this.#segments.writer?.write(image, [], now);
    this.#policy.step({ kind: 'repeated' }, now);
    this.#account(now);
  }

  /** The picture as it is, for after a crash only: its frame is not due yet, and that may be for seconds. */
  async #keep(now: number): Promise<void> {
    const { writer } = this.#segments;
    if (writer === undefined || this.#desktop.isResized) return this.#capture(now);
    const picture = this.#desktop.update();
    this.#desktop.leaveUnwritten(picture?.areas ?? []);
    this.#policy.step({ kind: 'kept' }, now);
    if (picture?.changed) await writer.keep(picture.image, now);
  }

  #account(now: number, writer = this.#segments.writer): void {
    const bytes = writer?.takeWritten() ?? 0;
    if (bytes > 0) this.#policy.step({ kind: 'spent', bytes }, now);
  }

  /**
   * A new desktop size is a new segment. A desktop that fits into the canvas so far is centred in it, so that segments
   * stay joinable as they are; a larger one makes the canvas larger, and `finish` puts earlier segments on it.
   */
  #resizing(width: number, height: number): void {
    this.#calm.resized(width, height, this.#clock.now());
    this.#segments.close();
    this.event('desktop', { width, height });
  }

  #beginSegment(picture: I420Picture, at: number): Promise<void> {
    const { isFilm } = this.#policy;
    return this.#segments.begin(picture, at, { desktop: this.#desktop.size, film: isFilm, calm: this.#calm.isCalm });
  }

  #troubled(problem: string): void {
    this.#log.warn({ sessionId: this.#manifest.sessionId, problem }, 'recording is in trouble');
    if (this.#failure === undefined && this.#finishing === undefined) this.#options.onTrouble?.(problem);
  }

  #fail(message: string, cause?: unknown): void {
    if (this.#failure !== undefined) return;
    this.#failure = new RecorderError('recording_failed', message, cause === undefined ? {} : { cause });
    this.#cancelTimer?.();
    this.#manifest.problems = [...(this.#manifest.problems ?? []), message];
    this.#log.error({ sessionId: this.#manifest.sessionId, err: this.#failure }, 'recording failed');
    this.#segments.close();
    this.#leaveEncoders();
    this.#saveManifest().catch(nothing);
    this.#options.onFailure?.(this.#failure);
  }

  async #finish(at: number): Promise<RecordingSummary | undefined> {
    this.#cancelTimer?.();
    this.#end = { at, problems: this.#manifest.problems ?? [], hadFailed: this.#failure !== undefined };
    const { directory } = this.#options;
    clearInterval(this.#heartbeat);
    // The one that remains: finishing says by itself that it lives.
    const alive = setInterval(() => this.#touch(), HEARTBEAT_MS);
    try {
      await this.#checkpointing;
      await this.#busy;
      if (this.#failure === undefined) await this.#writeEnd(at);
      this.#segments.close();
      this.#leaveEncoders();
      await this.#segments.closed();
      const left = await this.#encoders.run(() => encodeSpools(this.#folder, this.#manifest, this.#ffmpeg));
      for (const rest of left) this.#segments.logged(rest);
      this.event('finished', {}, at);
      await this.#events?.close().catch((cause) => this.#fail(`events are missing: ${cause.message}`, cause));
      await this.#checkpoints?.close();
      if (this.#manifest.segments.length === 0) {
        await rm(directory, { recursive: true, force: true });
        return undefined;
      }
      this.#manifest.state = 'finishing';
      this.#manifest.endedAt = at;
      await this.#saveManifest();
      const { signingKeyFile } = this.#options;
      const sealing =
        signingKeyFile === undefined
          ? undefined
          : { signingKeyFile, log: this.#events?.state, now: () => this.#clock.now() };
      // Where nothing has changed since its last turn, no frame says how long the last picture was there.
      const untilMs = this.#segments.isTurnOver ? at - (this.#manifest.startedAt ?? at) : 0;
      const { image } = this.#desktop;
      const thumbnail = image && (await this.#thumbnails.jpeg(image).catch(() => undefined));
      return await this.#encoders.run(() =>
        finishRecording(this.#folder, this.#manifest, this.#ffmpeg, { log: this.#log, sealing, untilMs, thumbnail }),
      );
    } catch (cause) {
      if (cause instanceof RecorderError) throw cause;
      throw new RecorderError('recording_failed', `the recording cannot be finished: ${(cause as Error).message}`, {
        cause,
      });
    } finally {
      clearInterval(alive);
      await this.#events?.close().catch(nothing);
      await this.#checkpoints?.close();
    }
  }

  /** What was not seen yet, and a last frame that holds the picture to the session's end. */
  async #writeEnd(at: number): Promise<void> {
    try {
      // A second time when the encoder dies under us: its successor takes the same picture.
      for (let attempt = 0; attempt < 2; attempt++) {
        const picture = this.#desktop.update();
        if (picture === undefined || (this.#segments.isTurnOver && !picture.changed)) return;
        if (this.#segments.writer === undefined) await this.#beginSegment(picture.image, at - FRAME_GRID_MS);
        const { writer } = this.#segments;
        const shown = !picture.changed && (writer?.lastTimestamp ?? -1) >= 0;
        if (picture.changed) this.#changedAt = at - FRAME_GRID_MS;
        if (!shown) await writer?.write(picture.image, picture.areas, at - FRAME_GRID_MS);
        if (await writer?.write(picture.image, [], at)) return;
        this.#segments.close();
      }
      throw new Error('the encoder died');
    } catch (cause) {
      this.#fail(`the end was not recorded: ${(cause as Error).message}`, cause);
    }
  }

  /** Saves are queued, so that an older state never overwrites a newer one. */
  #saveManifest(): Promise<void> {
    const save = this.#savedManifest.then(() => writeManifest(this.#folder, this.#manifest));
    this.#savedManifest = save.catch(() => {});
    return save;
  }

  #beat(): void {
    this.#touch();
    this.#watchWallClock();
    // A disk that takes longer than a beat gets the next one when it is ready.
    this.#checkpointing ??= this.#checkpoint()
      .catch((error: Error) => this.#log.warn({ sessionId: this.#manifest.sessionId, err: error }, 'no checkpoint'))
      .finally(() => {
        this.#checkpointing = undefined;
      });
  }

  /** The recording's times do not move with it: whoever holds them against others' has to know. */
  #watchWallClock(): void {
    const now = this.#clock.now();
    const offset = Math.round((this.#clock.wall?.() ?? now) - now);
    this.#wallOffset ??= offset;
    const byMs = offset - this.#wallOffset;
    if (Math.abs(byMs) < CLOCK_MOVED_MS) return;
    this.#wallOffset = offset;
    this.event('clock-moved', { byMs, wallClockAheadMs: offset }, now);
  }

  /** Makes everything durable and signs what it is: a crash costs no more than what came after. */
  async #checkpoint(): Promise<void> {
    const { startedAt, sessionId } = this.#manifest;
    if (startedAt === undefined || this.#finishing !== undefined || this.#events === undefined) return;
    const at = this.#clock.now();
    const events = this.#events.state;
    const { file, writer } = this.#segments;
    const state = await writer?.sync();
    await this.#events.flush();
    const segment = file === undefined || state === undefined ? undefined : { file, ...state };
    const t = Math.max(0, Math.round(at - startedAt));
    await this.#checkpoints?.write({ session: sessionId, at: Math.round(at), t, events, segment });
    this.#savedAt = at;
  }

  /** Tells `recoverInterrupted` of another process that this recording is alive. */
  #touch(): void {
    const now = new Date();
    utimes(this.#folder.pathOf(MANIFEST_FILE), now, now).catch(() => {});
  }
}

/** How often the manifest's modification time is renewed, at least, while its owner lives. */
export const HEARTBEAT_MS = 5000;
/** A power cut costs what came after the last checkpoint. */
const CHECKPOINT_MS = 2000;

/** Corrections that are smaller come to this some time, or to nothing. */
const CLOCK_MOVED_MS = 1000;

/** A frame is never so late for its encoder's sake or a little debt: the budget is overdrawn, and what was seen meanwhile is missing. */
const LATE_MS = 9000;

/** [docs/recording.md] has the measurements behind these. */
const DEFAULT_QP = 37;
const SEGMENT_MS = 10 * 60_000;
const STALL_MS = 15_000;
/** Whoever watches asks every second. */
const WATCHED_MS = 10_000;

const nothing = (): void => {};
const SILENT: RecorderLog = { debug: nothing, info: nothing, warn: nothing, error: nothing };
