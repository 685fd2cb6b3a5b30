import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { concatBytes } from '#protocol/core/bytes.ts';
import { DecodeError } from '#protocol/core/errors.ts';
import {
  decodeFromHost,
  decodeToHost,
  encodeFromHost,
  encodeToHost,
  type FromHost,
  IpcFrameReader,
  MAX_IPC_PAYLOAD,
  type ToHost,
} from './ipc.ts';

const at = 1_700_000_000_123.25;

const toHost: ToHost[] = [
  { kind: 'open', session: 1, at, options: { sessionId: 'abc', directory: '/recordings/abc', ffmpegPath: 'ffmpeg' } },
  { kind: 'open', session: 2, at, options: { sessionId: 'ü' } },
  { kind: 'update', session: 0xffffffff, at, update: { code: 0x40, data: Uint8Array.of(1, 2, 3, 4), work: 3e9 } },
  { kind: 'pointer-moved', session: 1, at, x: 65535, y: 3 },
  { kind: 'attach-viewer', session: 1, at, viewer: 7, isOwner: true, updates: 70_000 },
  { kind: 'take-state', session: 1, at, viewer: 7, limit: 0xffffffff },
  { kind: 'viewer-ack', session: 1, at, viewer: 7, seq: 9 },
  { kind: 'detach-viewer', session: 1, at, viewer: 7 },
  { kind: 'finish', session: 1, at },
  { kind: 'start-thread', session: 0, at, thread: 3 },
  { kind: 'recover', session: 2, at, options: { sessionId: 'abc', directory: '/r/abc', signingKeyFile: '/keys/k' } },
  { kind: 'event', session: 3, at, event: { type: 'request', fields: { user: 'jane', keys: [1, 2] } } },
  { kind: 'recording-watched', session: 3, at },
];

const fromHost: FromHost[] = [
  { kind: 'opened', session: 1, at },
  { kind: 'viewer-message', session: 1, at, viewer: 7, message: Uint8Array.of(0x11, 0), updates: 12 },
  { kind: 'viewer-shows', session: 1, at, viewer: 7, updates: 13 },
  { kind: 'viewer-state', session: 1, at, viewer: 7, state: { size: 99, state: Uint8Array.of(1, 2) } },
  { kind: 'viewer-state', session: 1, at, viewer: 7, state: undefined },
  { kind: 'progress', session: 1, at, bytes: 123 },
  {
    kind: 'health',
    session: 1,
    at,
    health: { segments: 2, segmentStartedAt: at - 99, bytes: 1e9, behindMs: 0.5, savedAt: undefined },
  },
  { kind: 'failed', session: 1, at, failure: { code: 'protocol_error', detail: 'TS_BITMAP_DATA' } },
  { kind: 'finished', session: 1, at, recording: { durationMs: 12.5, bytes: 99 } },
  { kind: 'finished', session: 1, at, recording: undefined },
  { kind: 'finished', session: 1, at, recording: 'left' },
];

describe('pixel host messages', () => {
  it('come out as they went in', () => {
    for (const message of toHost) assert.deepEqual(decodeToHost(encodeToHost(message)), message);
    for (const message of fromHost) assert.deepEqual(decodeFromHost(encodeFromHost(message)), message);
  });

  it('have the layout that the document says', () => {
    const frame = encodeToHost({ kind: 'pointer-moved', session: 2, at: 1, x: 3, y: 4 });
    assert.deepEqual([...frame], [17, 0, 0, 0, 3, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 240, 63, 3, 0, 4, 0]);
  });

  it('of the other side and of nobody are refused', () => {
    assert.throws(() => decodeToHost(encodeFromHost(fromHost[0]!)), { code: 'unexpected_message' });
    assert.throws(() => decodeFromHost(encodeToHost(toHost[7]!)), { code: 'unexpected_message' });
    assert.throws(() => decodeToHost(encodeToHost(toHost[3]!).subarray(0, 20)), { code: 'truncated', field: 'y' });
  });
});

describe('IpcFrameReader', () => {
  const frames = toHost.map(encodeToHost);
  const stream = concatBytes(...frames);

  it('finds frames whole, byte by byte, and with a tail', () => {
    assert.deepEqual(new IpcFrameReader().push(stream), frames);

    const bytewise = new IpcFrameReader();
    const found: Uint8Array[] = [];
    for (const byte of stream) found.push(...bytewise.push(Uint8Array.of(byte)));
    assert.deepEqual(
      found.map((frame) => [...frame]),
      frames.map((frame) => [...frame]),
    );
    assert.equal(bytewise.partial, false);

    const reader = new IpcFrameReader();
    const cut = stream.length - 5;
    assert.equal(reader.push(stream.subarray(0, cut)).length, frames.length - 1);
    assert.equal(reader.partial, true);
    assert.equal(reader.push(stream.subarray(cut)).length, 1);
  });

  it('refuses lengths that cannot be', () => {
    const length = (value: number) =>
      Uint8Array.of(value & 255, (value >>> 8) & 255, (value >>> 16) & 255, value >>> 24);
    assert.throws(() => new IpcFrameReader().push(length(12)), DecodeError);
    assert.throws(() => new IpcFrameReader().push(length(13 + MAX_IPC_PAYLOAD + 1)), { code: 'limit_exceeded' });
    assert.deepEqual(new IpcFrameReader().push(length(13 + MAX_IPC_PAYLOAD)), []);
  });
});
