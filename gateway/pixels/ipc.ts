import { ReadCursor, WriteCursor } from '#protocol/core/cursor.ts';
import { DecodeError } from '#protocol/core/errors.ts';
import { decodeUtf8, encodeUtf8 } from '#protocol/core/text.ts';
import type { GraphicsUpdate } from '#protocol/graphics/update.ts';
import type { DeflatedState } from '#protocol/tunnel/messages.ts';
import type { RecordingHealth } from '../sessions/ports.ts';

/**
 * What the gateway and its pixel host say to each other over a socket pair:
 * `[u32 length][u8 kind][u32 session][f64 at][payload]`, little-endian; the length counts what follows it. `session`
 * is a number that the gateway gives out, `at` milliseconds since the epoch from the gateway's clock.
 */
export type ToHost =
  | { readonly kind: 'open'; readonly session: number; readonly at: number; readonly options: OpenOptions }
  | { readonly kind: 'update'; readonly session: number; readonly at: number; readonly update: GraphicsUpdate }
  | {
      readonly kind: 'pointer-moved';
      readonly session: number;
      readonly at: number;
      readonly x: number;
      readonly y: number;
    }
  /** A line for the recording's event log. */
  | { readonly kind: 'event'; readonly session: number; readonly at: number; readonly event: SessionEvent }
  | {
      readonly kind: 'attach-viewer';
      readonly session: number;
      readonly at: number;
      readonly viewer: number;
      /** It has drawn all updates so far itself, and hears of nothing that it does on its own. */
      readonly isOwner: boolean;
      /** So many of the session's updates came before it, whatever of them was worth forwarding. */
      readonly updates: number;
    }
  /** The viewer would like to draw the updates from here on itself. Answered with `viewer-state`. */
  | {
      readonly kind: 'take-state';
      readonly session: number;
      readonly at: number;
      readonly viewer: number;
      /** Bytes, deflated. */
      readonly limit: number;
    }
  | {
      readonly kind: 'viewer-ack';
      readonly session: number;
      readonly at: number;
      readonly viewer: number;
      readonly seq: number;
    }
  | { readonly kind: 'detach-viewer'; readonly session: number; readonly at: number; readonly viewer: number }
  /** Somebody watches the recording while it goes on. */
  | { readonly kind: 'recording-watched'; readonly session: number; readonly at: number }
  /** The session is over: finish its recording and forget it. */
  | { readonly kind: 'finish'; readonly session: number; readonly at: number }
  /** Another thread of the host, by number, is to be started: it has a socket of its own. `session` says nothing. */
  | { readonly kind: 'start-thread'; readonly session: number; readonly at: number; readonly thread: number }
  /** The host before this one died with this session's recording open: finish that. Answered with `finished`. */
  | { readonly kind: 'recover'; readonly session: number; readonly at: number; readonly options: OpenOptions };

export type FromHost =
  | { readonly kind: 'opened'; readonly session: number; readonly at: number }
  | {
      readonly kind: 'viewer-message';
      readonly session: number;
      readonly at: number;
      readonly viewer: number;
      /** A tunnel message, ready to send. A view when decoded. */
      readonly message: Uint8Array;
      /** Who has drawn it has seen so many of the session's updates. */
      readonly updates: number;
    }
  /** An owner that has drawn what it was sent has seen so many of the session's updates. */
  | {
      readonly kind: 'viewer-shows';
      readonly session: number;
      readonly at: number;
      readonly viewer: number;
      readonly updates: number;
    }
  /** What it asked for, and the last for this viewer; nothing where there is too much of it: then pictures go on as before. */
  | {
      readonly kind: 'viewer-state';
      readonly session: number;
      readonly at: number;
      readonly viewer: number;
      readonly state: DeflatedState | undefined;
    }
  /** This many bytes of updates have been taken from the session's backlog. */
  | { readonly kind: 'progress'; readonly session: number; readonly at: number; readonly bytes: number }
  /** Of each session that is recorded, every few seconds. */
  | { readonly kind: 'health'; readonly session: number; readonly at: number; readonly health: RecordingHealth }
  /** Recording is in trouble that may pass. */
  | { readonly kind: 'troubled'; readonly session: number; readonly at: number; readonly detail: string }
  /** The session cannot go on. The gateway is expected to answer with `finish`. */
  | { readonly kind: 'failed'; readonly session: number; readonly at: number; readonly failure: HostFailure }
  | {
      readonly kind: 'finished';
      readonly session: number;
      readonly at: number;
      /** What was recorded; nothing where there is no video. `left`: there may be one when it is tried again. */
      readonly recording: { readonly durationMs: number; readonly bytes: number } | 'left' | undefined;
    };

/** Something that happened in a session, as its recording's event log has it. docs/recording.md lists the types. */
export interface SessionEvent {
  readonly type: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

export interface OpenOptions {
  readonly sessionId: string;
  /** Folder of this session's recording; without it the session is not recorded. */
  readonly directory?: string;
  readonly ffmpegPath?: string;
  /** The key that the recording is signed with. */
  readonly signingKeyFile?: string;
  /** What the recording is encrypted with: 32 bytes, base64. */
  readonly key?: string;
}

export type HostFailureCode = 'recorder_unavailable' | 'recording_failed' | 'protocol_error';

export interface HostFailure {
  readonly code: HostFailureCode;
  /** For the log. */
  readonly detail: string;
}

/** Longest payload: an update as large as the tunnel carries, with what is in front of it. */
export const MAX_IPC_PAYLOAD = 64 * 1024 * 1024 + 5;

/** In front of an update's data: code, work. */
const UPDATE_HEADER_SIZE = 1 + 4;

/** Bytes of a frame before its payload: length, kind, session, at. */
export const IPC_HEADER_SIZE = 4 + 1 + 4 + 8;

const ToHostKind = {
  open: 1,
  update: 2,
  'pointer-moved': 3,
  'attach-viewer': 4,
  'viewer-ack': 5,
  'detach-viewer': 6,
  finish: 7,
  recover: 8,
  event: 9,
  'take-state': 10,
  'recording-watched': 11,
  'start-thread': 12,
} as const;

const FromHostKind = {
  opened: 0x41,
  'viewer-message': 0x42,
  progress: 0x43,
  failed: 0x44,
  finished: 0x45,
  troubled: 0x46,
  health: 0x47,
  'viewer-shows': 0x48,
  'viewer-state': 0x49,
} as const;

export function encodeToHost(message: ToHost): Uint8Array<ArrayBuffer> {
  const kind = ToHostKind[message.kind];
  switch (message.kind) {
    case 'open':
    case 'recover':
      return jsonFrame(kind, message, message.options);
    case 'event':
      return jsonFrame(kind, message, message.event);
    case 'update': {
      const frame = new Uint8Array(sizeOfUpdateFrame(message));
      writeUpdateFrame(message, Buffer.from(frame.buffer), 0);
      return frame;
    }
    case 'pointer-moved': {
      const cursor = openFrame(kind, message, 2 + 2); // x, y
      cursor.u16(message.x);
      cursor.u16(message.y);
      return cursor.finish();
    }
    case 'attach-viewer': {
      const cursor = openFrame(kind, message, 4 + 1 + 4); // viewer, isOwner, updates
      cursor.u32(message.viewer);
      cursor.u8(message.isOwner ? 1 : 0);
      cursor.u32(message.updates);
      return cursor.finish();
    }
    case 'take-state': {
      const cursor = openFrame(kind, message, 4 + 4); // viewer, limit
      cursor.u32(message.viewer);
      cursor.u32(message.limit);
      return cursor.finish();
    }
    case 'detach-viewer': {
      const cursor = openFrame(kind, message, 4); // viewer
      cursor.u32(message.viewer);
      return cursor.finish();
    }
    case 'viewer-ack': {
      const cursor = openFrame(kind, message, 4 + 4); // viewer, seq
      cursor.u32(message.viewer);
      cursor.u32(message.seq);
      return cursor.finish();
    }
    case 'start-thread': {
      const cursor = openFrame(kind, message, 1); // thread
      cursor.u8(message.thread);
      return cursor.finish();
    }
    case 'recording-watched':
    case 'finish':
      return openFrame(kind, message, 0).finish();
  }
}

type UpdateMessage = Extract<ToHost, { kind: 'update' }>;

export function sizeOfUpdateFrame({ update }: UpdateMessage): number {
  return IPC_HEADER_SIZE + UPDATE_HEADER_SIZE + update.data.length;
}

/** Writes an update's frame into a buffer that has room for it: most of what goes to the host is this. */
export function writeUpdateFrame({ session, at, update }: UpdateMessage, buffer: Buffer, offset: number): void {
  buffer.writeUInt32LE(IPC_HEADER_SIZE - 4 + UPDATE_HEADER_SIZE + update.data.length, offset);
  buffer[offset + 4] = ToHostKind.update;
  buffer.writeUInt32LE(session, offset + 5);
  buffer.writeDoubleLE(at, offset + 9);
  buffer[offset + IPC_HEADER_SIZE] = update.code;
  buffer.writeUInt32LE(Math.min(update.work ?? 0, 0xffff_ffff), offset + IPC_HEADER_SIZE + 1);
  buffer.set(update.data, offset + IPC_HEADER_SIZE + UPDATE_HEADER_SIZE);
}

/** @throws {DecodeError} when the frame is none of the gateway's */
export function decodeToHost(frame: Uint8Array): ToHost {
  const { cursor, kind, session, at } = readHeader(frame);
  switch (kind) {
    case ToHostKind.open:
      return { kind: 'open', session, at, options: readOpenOptions(cursor) };
    case ToHostKind.update: {
      const [code, work] = [cursor.u8('code'), cursor.u32('work')];
      const data = cursor.rest();
      return { kind: 'update', session, at, update: work === 0 ? { code, data } : { code, data, work } };
    }
    case ToHostKind['pointer-moved']:
      return { kind: 'pointer-moved', session, at, x: cursor.u16('x'), y: cursor.u16('y') };
    case ToHostKind['attach-viewer']: {
      const [viewer, isOwner] = [cursor.u32('viewer'), cursor.u8('isOwner') === 1];
      return { kind: 'attach-viewer', session, at, viewer, isOwner, updates: cursor.u32('updates') };
    }
    case ToHostKind['take-state']:
      return { kind: 'take-state', session, at, viewer: cursor.u32('viewer'), limit: cursor.u32('limit') };
    case ToHostKind['viewer-ack']:
      return { kind: 'viewer-ack', session, at, viewer: cursor.u32('viewer'), seq: cursor.u32('seq') };
    case ToHostKind['detach-viewer']:
      return { kind: 'detach-viewer', session, at, viewer: cursor.u32('viewer') };
    case ToHostKind['recording-watched']:
      return { kind: 'recording-watched', session, at };
    case ToHostKind.finish:
      return { kind: 'finish', session, at };
    case ToHostKind['start-thread']:
      return { kind: 'start-thread', session, at, thread: cursor.u8('thread') };
    case ToHostKind.recover:
      return { kind: 'recover', session, at, options: readOpenOptions(cursor) };
    case ToHostKind.event:
      return { kind: 'event', session, at, event: readEvent(cursor) };
    default:
      throw cursor.error('unexpected_message', 'kind', `${kind} is nothing that the gateway says`);
  }
}

export function encodeFromHost(message: FromHost): Uint8Array<ArrayBuffer> {
  const kind = FromHostKind[message.kind];
  switch (message.kind) {
    case 'opened':
      return openFrame(kind, message, 0).finish();
    case 'viewer-message': {
      const cursor = openFrame(kind, message, 4 + 4 + message.message.length); // viewer, updates, message
      cursor.u32(message.viewer);
      cursor.u32(message.updates);
      cursor.bytes(message.message);
      return cursor.finish();
    }
    case 'viewer-shows': {
      const cursor = openFrame(kind, message, 4 + 4); // viewer, updates
      cursor.u32(message.viewer);
      cursor.u32(message.updates);
      return cursor.finish();
    }
    case 'viewer-state': {
      const { size, state } = message.state ?? { size: 0, state: new Uint8Array() };
      const cursor = openFrame(kind, message, 4 + 4 + state.length); // viewer, size, state
      cursor.u32(message.viewer);
      cursor.u32(size);
      cursor.bytes(state);
      return cursor.finish();
    }
    case 'progress': {
      const cursor = openFrame(kind, message, 4); // bytes
      cursor.u32(message.bytes);
      return cursor.finish();
    }
    case 'health':
      return jsonFrame(kind, message, message.health);
    case 'troubled':
      return jsonFrame(kind, message, { detail: message.detail });
    case 'failed':
      return jsonFrame(kind, message, message.failure);
    case 'finished':
      return jsonFrame(kind, message, message.recording === 'left' ? { left: true } : (message.recording ?? null));
  }
}

/** @throws {DecodeError} when the frame is none of the host's */
export function decodeFromHost(frame: Uint8Array): FromHost {
  const { cursor, kind, session, at } = readHeader(frame);
  switch (kind) {
    case FromHostKind.opened:
      return { kind: 'opened', session, at };
    case FromHostKind['viewer-message']: {
      const [viewer, updates] = [cursor.u32('viewer'), cursor.u32('updates')];
      return { kind: 'viewer-message', session, at, viewer, updates, message: cursor.rest() };
    }
    case FromHostKind['viewer-shows']:
      return { kind: 'viewer-shows', session, at, viewer: cursor.u32('viewer'), updates: cursor.u32('updates') };
    case FromHostKind['viewer-state']: {
      const [viewer, size] = [cursor.u32('viewer'), cursor.u32('size')];
      const state = size === 0 ? undefined : { size, state: cursor.rest() };
      return { kind: 'viewer-state', session, at, viewer, state };
    }
    case FromHostKind.progress:
      return { kind: 'progress', session, at, bytes: cursor.u32('bytes') };
    case FromHostKind.health:
      return { kind: 'health', session, at, health: readHealth(cursor) };
    case FromHostKind.troubled:
      return { kind: 'troubled', session, at, detail: String(readJson(cursor)?.detail) };
    case FromHostKind.failed:
      return { kind: 'failed', session, at, failure: readFailure(cursor) };
    case FromHostKind.finished:
      return { kind: 'finished', session, at, recording: readRecording(cursor) };
    default:
      throw cursor.error('unexpected_message', 'kind', `${kind} is nothing that the pixel host says`);
  }
}

/** Cuts a byte stream into frames. A frame is a view of what was pushed, or of a copy where it came in pieces. */
export class IpcFrameReader {
  #parts: Uint8Array[] = [];
  #size = 0;

  /** @throws {DecodeError} when a frame's length is impossible; the stream is lost then */
  push(chunk: Uint8Array): Uint8Array[] {
    this.#parts.push(chunk);
    this.#size += chunk.length;
    const frames: Uint8Array[] = [];
    for (;;) {
      const wanted = this.#nextFrameSize();
      if (wanted === undefined || this.#size < wanted) return frames;
      const bytes = this.#joined();
      let at = 0;
      for (;;) {
        const size = frameSize(bytes, at);
        if (size === undefined || at + size > bytes.length) break;
        frames.push(bytes.subarray(at, at + size));
        at += size;
      }
      this.#parts = at < bytes.length ? [bytes.subarray(at)] : [];
      this.#size = bytes.length - at;
    }
  }

  /** Whether the stream ended inside a frame. */
  get partial(): boolean {
    return this.#size > 0;
  }

  #nextFrameSize(): number | undefined {
    if (this.#size < 4) return undefined;
    if ((this.#parts[0]?.length ?? 0) < 4) this.#joined();
    return frameSize(this.#parts[0]!, 0);
  }

  #joined(): Uint8Array {
    if (this.#parts.length > 1) this.#parts = [Buffer.concat(this.#parts, this.#size)];
    return this.#parts[0]!;
  }
}

const CONTEXT = 'pixel host frame';

function frameSize(bytes: Uint8Array, at: number): number | undefined {
  if (bytes.length - at < 4) return undefined;
  const length = (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0;
  if (length < IPC_HEADER_SIZE - 4 || length > IPC_HEADER_SIZE - 4 + MAX_IPC_PAYLOAD) {
    throw new DecodeError('limit_exceeded', CONTEXT, 'length', at, `${length} bytes`);
  }
  return 4 + length;
}

function openFrame(kind: number, message: { session: number; at: number }, payloadSize: number): WriteCursor {
  const cursor = new WriteCursor(IPC_HEADER_SIZE + payloadSize);
  cursor.u32(IPC_HEADER_SIZE - 4 + payloadSize);
  cursor.u8(kind);
  cursor.u32(message.session);
  cursor.f64(message.at);
  return cursor;
}

function jsonFrame(kind: number, message: { session: number; at: number }, body: unknown): Uint8Array<ArrayBuffer> {
  const bytes = encodeUtf8(JSON.stringify(body));
  const cursor = openFrame(kind, message, bytes.length);
  cursor.bytes(bytes);
  return cursor.finish();
}

function readHeader(frame: Uint8Array): { cursor: ReadCursor; kind: number; session: number; at: number } {
  const cursor = new ReadCursor(frame, CONTEXT);
  cursor.skip(4, 'length');
  return { cursor, kind: cursor.u8('kind'), session: cursor.u32('session'), at: cursor.f64('at') };
}

function readJson(cursor: ReadCursor): Record<string, unknown> | null {
  const text = decodeUtf8(cursor.rest());
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new DecodeError('invalid_value', CONTEXT, 'json', cursor.position, 'not JSON', { cause: error });
  }
  if (typeof value !== 'object' || Array.isArray(value)) throw cursor.error('invalid_value', 'json', 'not an object');
  return value as Record<string, unknown> | null;
}

function readOpenOptions(cursor: ReadCursor): OpenOptions {
  const body = readJson(cursor) ?? {};
  const { sessionId, directory, ffmpegPath, signingKeyFile, key } = body;
  if (typeof sessionId !== 'string') throw cursor.error('invalid_value', 'sessionId');
  return {
    sessionId,
    ...(typeof directory === 'string' ? { directory } : {}),
    ...(typeof ffmpegPath === 'string' ? { ffmpegPath } : {}),
    ...(typeof signingKeyFile === 'string' ? { signingKeyFile } : {}),
    ...(typeof key === 'string' ? { key } : {}),
  };
}

function readEvent(cursor: ReadCursor): SessionEvent {
  const { type, fields } = readJson(cursor) ?? {};
  if (typeof type !== 'string') throw cursor.error('invalid_value', 'type');
  if (typeof fields !== 'object' || fields === null) throw cursor.error('invalid_value', 'fields');
  return { type, fields: fields as Record<string, unknown> };
}

function readHealth(cursor: ReadCursor): RecordingHealth {
  const { segments, segmentStartedAt, bytes, behindMs, savedAt } = readJson(cursor) ?? {};
  if (typeof segments !== 'number' || typeof bytes !== 'number' || typeof behindMs !== 'number') {
    throw cursor.error('invalid_value', 'health');
  }
  const time = (value: unknown) => (typeof value === 'number' ? value : undefined);
  return { segments, segmentStartedAt: time(segmentStartedAt), bytes, behindMs, savedAt: time(savedAt) };
}

function readFailure(cursor: ReadCursor): HostFailure {
  const { code, detail } = readJson(cursor) ?? {};
  if (code !== 'recorder_unavailable' && code !== 'recording_failed' && code !== 'protocol_error') {
    throw cursor.error('invalid_value', 'code', String(code));
  }
  return { code, detail: String(detail) };
}

function readRecording(cursor: ReadCursor): { durationMs: number; bytes: number } | 'left' | undefined {
  const body = readJson(cursor);
  if (body === null) return undefined;
  if (body.left === true) return 'left';
  const { durationMs, bytes } = body;
  if (typeof durationMs !== 'number' || typeof bytes !== 'number') throw cursor.error('invalid_value', 'durationMs');
  return { durationMs, bytes };
}
