import { promisify } from 'node:util';
import { deflateRaw } from 'node:zlib';
import { DecodeError } from '#protocol/core/errors.ts';
import { Compositor } from '#protocol/graphics/compositor.ts';
import { DamageList } from '#protocol/graphics/damage.ts';
import type { Rect } from '#protocol/graphics/geometry.ts';
import type { PointerState } from '#protocol/graphics/pointer.ts';
import { createSurfaceCodecs } from '#protocol/graphics/surface-codecs.ts';
import { type GraphicsUpdate, isDrawing, UpdateCode } from '#protocol/graphics/update.ts';
import { UpdateQueue } from '#protocol/graphics/update-queue.ts';
import { type DeflatedState, TunnelLimits } from '#protocol/tunnel/messages.ts';
import { sessionClock } from '../clock.ts';
import type { Logger } from '../log.ts';
import type { RecordingHealth } from '../sessions/ports.ts';
import type { FromHost, HostFailureCode, SessionEvent } from './ipc.ts';
import { RegionsViewer } from './regions-viewer.ts';

/** What the pixel host asks of a recorder. */
export interface FrameRecorder {
  damaged(rects: readonly Rect[], at: number): void;
  resized(at: number): void;
  pointer(x: number, y: number, pointer: PointerState, at: number): void;
  event(type: string, fields: Readonly<Record<string, unknown>>, at: number): void;
  health(now: number): RecordingHealth;
  /** Somebody plays it while it goes on. */
  watched(): void;
  /** Nothing more will come from the gateway. */
  gatewayLost(at: number): Promise<void>;
  /** Nothing: there never was a picture. */
  finish(at: number): Promise<{ readonly durationMs: number; readonly bytes: number } | undefined>;
  /** Once `finish` has rejected: it may still be done later. */
  readonly isLeft: boolean;
}

/** Where a recorder takes its pictures from. */
export interface RecorderSource {
  readonly width: number;
  readonly height: number;
  readonly pixels: Uint8ClampedArray;
  /** Brings `pixels` up to date and tells what changed since the last call. */
  prepare(): readonly Rect[];
}

export type OpenRecorder = (
  source: RecorderSource,
  failed: (detail: string) => void,
  troubled: (detail: string) => void,
) => Promise<FrameRecorder>;

/** Undecoded bytes and updates that a session may hold; past either they are decoded although nobody looks. */
const MAX_UNDECODED_BYTES = 8 * 1024 * 1024;
/** Where nobody will look soon, past this what is hidden goes, and the next time past twice of what was left. */
const COMPACT_BYTES = 2 * 1024 * 1024;
const MAX_UNDECODED_UPDATES = 8192;
/** The same of what decoding takes: whoever looks, and who else is in this thread, waits no longer than a second or two. */
const MAX_UNDECODED_WORK = 1e9;

/** A level at which text and flat colour are almost as small as at the highest, at a third of the time. */
const deflate = (bytes: Uint8Array) => promisify(deflateRaw)(bytes, { level: 3 });

/**
 * One session in the pixel host: one compositor for its recorder and all its viewers. Decodes when one of them needs
 * pixels, once for all. Bytes that break the protocol end this session and nothing else.
 */
export class HostSession {
  readonly #id: number;
  readonly #send: (message: FromHost) => void;
  readonly #log: Logger;
  readonly #compositor = new Compositor(createSurfaceCodecs());
  readonly #queue = new UpdateQueue();
  #compactAt = COMPACT_BYTES;
  readonly #viewers = new Map<number, RegionsViewer>();
  /** Changes that the recorder has not been told of: viewers decode too. */
  readonly #unrecorded = new DamageList();
  #recorder: FrameRecorder | undefined;
  #pointer = { x: 0, y: 0 };
  #failed = false;
  /** Updates so far; good while somebody watches. */
  #updates = 0;
  #finishing: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #timerDueAt = Number.POSITIVE_INFINITY;

  constructor(id: number, send: (message: FromHost) => void, log: Logger) {
    this.#id = id;
    this.#send = send;
    this.#log = log;
  }

  /** Rejects when the session should be recorded and cannot be. */
  async record(open: OpenRecorder): Promise<void> {
    const compositor = this.#compositor;
    const source: RecorderSource = {
      get width() {
        return compositor.width;
      },
      get height() {
        return compositor.height;
      },
      get pixels() {
        return compositor.pixels;
      },
      prepare: () => {
        this.#decode();
        return this.#unrecorded.take();
      },
    };
    this.#recorder = await open(
      source,
      (detail) => this.#fail('recording_failed', detail),
      (detail) => this.#send({ kind: 'troubled', session: this.#id, at: sessionClock(), detail }),
    );
  }

  /** Takes `update.data` over. */
  update(update: GraphicsUpdate, at: number): void {
    this.#updates++;
    if (this.#failed || this.#finishing !== undefined) return;
    if (isDrawing(update)) {
      this.#queue.push(update);
      this.#boundQueue();
      this.#recorder?.damaged([], at);
      for (const viewer of this.#viewers.values()) viewer.changed(sessionClock());
    } else if (update.code === UpdateCode.palette) {
      // It changes how pixels are read that have not been decoded yet.
      this.#decode();
      this.#apply(update);
      for (const viewer of this.#viewers.values()) viewer.changed(sessionClock());
    } else if (update.code === UpdateCode.desktopReset) {
      this.#decode();
      this.#apply(update);
      this.#reset(at);
    } else {
      this.#apply(update);
      this.#pointerChanged(at);
    }
    this.#schedule();
  }

  pointerMoved(x: number, y: number, at: number): void {
    this.#pointer = { x, y };
    this.#recorder?.pointer(x, y, this.#compositor.pointer, at);
    for (const viewer of this.#viewers.values()) if (!viewer.isOwner) viewer.pointerMoved(x, y, sessionClock());
    this.#schedule();
  }

  /** A line for the event log; goes nowhere where nothing is recorded. */
  event({ type, fields }: SessionEvent, at: number): void {
    if (this.#finishing === undefined) this.#recorder?.event(type, fields, at);
  }

  /** Tells the gateway how the recording is doing, where there is one. */
  reportHealth(): void {
    if (this.#recorder === undefined || this.#finishing !== undefined) return;
    const at = sessionClock();
    this.#send({ kind: 'health', session: this.#id, at, health: this.#recorder.health(at) });
  }

  recordingWatched(): void {
    if (this.#finishing === undefined) this.#recorder?.watched();
  }

  /**
   * @param isOwner whether it has drawn all updates so far itself, and hears of nothing that it does on its own
   * @param updates so many have come so far, of which nothing is told that nobody will see
   */
  attachViewer(viewer: number, isOwner: boolean, updates: number): void {
    if (this.#finishing !== undefined) return;
    this.#updates = updates;
    const at = sessionClock();
    const regions = new RegionsViewer({
      send: (message, updates) =>
        this.#send({ kind: 'viewer-message', session: this.#id, at: sessionClock(), viewer, message, updates }),
      ...(isOwner && {
        shows: (updates) =>
          this.#send({ kind: 'viewer-shows', session: this.#id, at: sessionClock(), viewer, updates }),
      }),
    });
    // The others are told of what was drawn before it comes.
    this.#decode();
    this.#viewers.set(viewer, regions);
    if (isOwner && this.#compositor.width > 0) {
      regions.assume(this.#compositor, this.#compositor.pointer);
      return;
    }
    regions.resized(this.#compositor.width, this.#compositor.height, at);
    regions.pointerMoved(this.#pointer.x, this.#pointer.y, at);
    this.#schedule();
  }

  acknowledge(viewer: number, seq: number): void {
    this.#viewers.get(viewer)?.acknowledge(seq, sessionClock());
    this.#schedule();
  }

  detachViewer(viewer: number): void {
    this.#viewers.get(viewer)?.close();
    this.#viewers.delete(viewer);
  }

  /** Lets a viewer have what it takes to draw the updates from here on itself. It is detached then. @param limit bytes, deflated */
  takeState(viewer: number, limit: number): void {
    const regions = this.#viewers.get(viewer);
    if (regions === undefined) return;
    const tell = (state: DeflatedState | undefined) =>
      this.#send({ kind: 'viewer-state', session: this.#id, at: sessionClock(), viewer, state });
    this.#decode();
    const saved = this.#failed ? undefined : this.#compositor.saveState(TunnelLimits.stateBytes);
    if (saved === undefined) {
      tell(undefined);
      return;
    }
    regions.pause();
    deflate(saved).then(
      (state) => {
        if (this.#viewers.get(viewer) !== regions) return;
        const fits = state.length <= limit;
        if (fits) this.detachViewer(viewer);
        else regions.resume();
        tell(fits ? { size: saved.length, state } : undefined);
        this.#schedule();
      },
      (error: unknown) => {
        this.#log.error({ err: error, viewer }, 'the state for a viewer could not be deflated');
        regions.resume();
        tell(undefined);
        this.#schedule();
      },
    );
  }

  /** Ends the recording and reports what came of it. Never rejects; safe to call twice. */
  finish(at: number): Promise<void> {
    this.#finishing ??= this.#finish(at);
    return this.#finishing;
  }

  /** As `finish`, of a session whose gateway is gone in the middle of it. Never rejects. */
  async abandon(at: number): Promise<void> {
    // A session that had ended has been told so.
    if (this.#finishing === undefined) {
      const lost = this.#recorder?.gatewayLost(at);
      await lost?.catch((error: unknown) => this.#log.error({ err: error }, 'the end of the event log is missing'));
    }
    await this.finish(at);
  }

  async #finish(at: number): Promise<void> {
    if (this.#timer !== undefined) clearTimeout(this.#timer);
    for (const viewer of this.#viewers.values()) viewer.close();
    this.#viewers.clear();
    let recording: { durationMs: number; bytes: number } | 'left' | undefined;
    try {
      const summary = await this.#recorder?.finish(at);
      if (summary !== undefined) recording = { durationMs: summary.durationMs, bytes: summary.bytes };
    } catch (error) {
      this.#log.error({ err: error }, 'recording could not be finished');
      if (this.#recorder?.isLeft) recording = 'left';
    }
    this.#send({ kind: 'finished', session: this.#id, at: sessionClock(), recording });
  }

  /** Brings the picture up to date and hands what changed to everybody. */
  #decode(): void {
    if (this.#queue.length > 0 && !this.#failed) this.#guard(() => this.#queue.applyTo(this.#compositor));
    const damage = this.#compositor.takeDamage();
    if (damage.length === 0) return;
    if (this.#recorder !== undefined) for (const rect of damage) this.#unrecorded.add(rect);
    const now = sessionClock();
    for (const viewer of this.#viewers.values()) viewer.damaged(damage, now);
  }

  #boundQueue(): void {
    const queue = this.#queue;
    const isUnseen = this.#recorder === undefined && this.#viewers.size === 0;
    const isLong = (): boolean => queue.length > MAX_UNDECODED_UPDATES || queue.work > MAX_UNDECODED_WORK;
    if (isUnseen && (queue.bytes > this.#compactAt || isLong())) {
      this.#guard(() => queue.compact(this.#compositor));
      this.#compactAt = Math.max(COMPACT_BYTES, 2 * queue.bytes);
    }
    if (queue.bytes > MAX_UNDECODED_BYTES || isLong()) this.#decode();
  }

  #apply(update: GraphicsUpdate): void {
    this.#guard(() => this.#compositor.apply(update));
  }

  #guard(draw: () => void): void {
    try {
      draw();
    } catch (error) {
      if (!(error instanceof DecodeError)) this.#log.error({ err: error }, 'decoding failed');
      this.#fail('protocol_error', error instanceof Error ? error.message : String(error));
    }
  }

  #reset(at: number): void {
    this.#compositor.takeDamage();
    const { width, height } = this.#compositor;
    this.#unrecorded.clear();
    this.#unrecorded.add({ x: 0, y: 0, width, height });
    this.#recorder?.resized(at);
    for (const viewer of this.#viewers.values()) viewer.resized(width, height, sessionClock());
  }

  #pointerChanged(at: number): void {
    const moved = this.#compositor.takePointerPosition();
    if (moved !== undefined) this.#pointer = moved;
    this.#recorder?.pointer(this.#pointer.x, this.#pointer.y, this.#compositor.pointer, at);
    // Viewers live by this process's clock: `at` is the gateway's.
    const now = sessionClock();
    for (const viewer of this.#viewers.values()) {
      if (moved === undefined) viewer.changed(now);
      else viewer.pointerMoved(moved.x, moved.y, now);
    }
  }

  #fail(code: HostFailureCode, detail: string): void {
    if (this.#failed) return;
    this.#failed = true;
    this.#log.warn({ code, detail }, 'session failed in the pixel host');
    this.#send({ kind: 'failed', session: this.#id, at: sessionClock(), failure: { code, detail } });
  }

  /** One timer for the viewer that is due first. */
  #schedule(): void {
    if (this.#finishing !== undefined) return;
    let dueAt = Number.POSITIVE_INFINITY;
    for (const viewer of this.#viewers.values()) dueAt = Math.min(dueAt, viewer.dueAt() ?? Number.POSITIVE_INFINITY);
    if (dueAt >= this.#timerDueAt) return;
    if (this.#timer !== undefined) clearTimeout(this.#timer);
    this.#timerDueAt = dueAt;
    this.#timer = setTimeout(() => this.#flushViewers(), Math.max(0, dueAt - sessionClock()));
  }

  #flushViewers(): void {
    this.#timer = undefined;
    this.#timerDueAt = Number.POSITIVE_INFINITY;
    const now = sessionClock();
    for (const [id, viewer] of this.#viewers) {
      const dueAt = viewer.dueAt();
      // Timers may fire a fraction of a millisecond early.
      if (dueAt === undefined || dueAt > now + 1) continue;
      this.#decode();
      viewer.flush(this.#compositor, this.#compositor.pointer, now, this.#updates).then(
        () => this.#schedule(),
        (error: unknown) => {
          this.#log.error({ err: error, viewer: id }, 'encoding for a viewer failed');
          this.detachViewer(id);
        },
      );
    }
    this.#schedule();
  }
}
