import { createHash, sign } from 'node:crypto';
import { SegmentDigest, type SegmentState } from '../encoding/segment-digest.ts';
import type { SegmentFrame } from '../mp4/fragmented-mp4.ts';
import { type ByteSource, piecesOf } from '../storage/byte-source.ts';
import type { SignedCheckpoint } from './checkpoint.ts';
import { checkLog, type EventLogState, type RecordedEvent, sha256 } from './event-log.ts';
import { encodeEvidenceBox } from './evidence-box.ts';
import { type EvidenceIndex, encodeIndexBox } from './evidence-index.ts';
import { chainOf, type EvidenceManifest, type EvidenceRange, type EvidenceSegment } from './evidence-manifest.ts';
import type { SigningKey } from './signing-key.ts';

/** What sealing needs besides the files. */
export interface Sealing {
  /** PKCS #8 PEM. */
  readonly signingKeyFile: string;
  /** The log as the process that wrote it left it; nothing after a crash. */
  readonly log?: EventLogState | undefined;
  /** Of a recording that was interrupted: the last thing that its writer signed. */
  readonly checkpoint?: SignedCheckpoint | undefined;
  readonly now: () => number;
}

/** One segment on its way into the video. */
export interface SealedPart {
  readonly file: string;
  readonly encodedAgain: boolean;
  open(): Promise<ByteSource>;
  readonly frames: readonly SegmentFrame[];
  /** When each of its frames is shown in the video, ms. */
  readonly times: readonly number[];
}

/** The frames of a video in hashes; all places count from the first frame's first byte. */
export interface FramesDigest {
  readonly bytes: number;
  /** Of all of them. */
  readonly sha256: string;
  readonly frames: number;
  readonly ranges: readonly { readonly end: number; readonly untilMs: number; readonly sha256: string }[];
  readonly segments: readonly EvidenceSegment[];
}

export interface SealRequest {
  readonly sessionId: string;
  readonly startedAt: number;
  readonly endedAt: number;
  readonly problems: readonly string[];
  readonly digest: FramesDigest;
  /** The event log, whole. */
  readonly events: Buffer;
}

/**
 * The evidence of one video. Segments or events that are not as they were written become problems of the recording,
 * and so part of what is signed.
 */
export class VideoSeal {
  readonly problems: readonly string[];
  readonly chain: string;
  readonly #request: SealRequest;
  readonly #sealing: Sealing;
  readonly #key: SigningKey;
  readonly #log: { readonly lines: number; readonly head: string };

  constructor(request: SealRequest, sealing: Sealing, key: SigningKey) {
    const { events, digest } = request;
    const log = checkLog(events);
    const problems = [...request.problems];
    for (const { message } of log.breaks) problems.push(`event log: ${message}`);
    if (sealing.log !== undefined && (sealing.log.head !== log.head || sealing.log.bytes !== events.length)) {
      problems.push('event log: it is not as it was written');
    }
    problems.push(...differencesFromLog(digest.segments, log.events), ...missingSegments(digest.segments, log.events));
    this.problems = problems;
    this.chain = chainOf(log.head, digest.segments);
    this.#log = { lines: log.events.length, head: log.head };
    this.#request = request;
    this.#sealing = sealing;
    this.#key = key;
  }

  get keyId(): string {
    return this.#key.publicKey.id;
  }

  /** The box between header and frames; its length depends on neither's bytes. */
  index(header: Uint8Array): Buffer {
    const { sessionId, startedAt, endedAt, digest } = this.#request;
    const index: EvidenceIndex = {
      format: 'oriel-evidence-index',
      version: 1,
      session: sessionId,
      startedAt,
      endedAt,
      key: { algorithm: 'Ed25519', id: this.keyId },
      header: { bytes: header.length, sha256: sha256(header) },
      bytes: digest.bytes,
      frames: digest.frames,
      ranges: digest.ranges,
    };
    return encodeIndexBox(index, this.#key);
  }

  /**
   * The box at the end.
   * @param head everything before the first frame
   * @param video SHA-256 of everything before this box
   */
  evidence(head: Uint8Array, video: string): Buffer {
    const { sessionId, startedAt, endedAt, digest, events } = this.#request;
    const { checkpoint } = this.#sealing;
    const first = head.length;
    const ranges: EvidenceRange[] = [
      { end: first, untilMs: null, sha256: sha256(head) },
      ...digest.ranges.map(({ end, ...range }) => ({ end: end + first, ...range })),
    ];
    const manifest: EvidenceManifest = {
      format: 'oriel-evidence',
      version: 1,
      session: sessionId,
      state: this.problems.length === 0 ? 'complete' : 'incomplete',
      problems: this.problems,
      startedAt,
      endedAt,
      sealedAt: Math.round(this.#sealing.now()),
      key: { algorithm: 'Ed25519', id: this.keyId },
      video: { bytes: first + digest.bytes, sha256: video, frames: digest.frames, ranges },
      segments: digest.segments.map(({ start, end, ...rest }) => ({ ...rest, start: start + first, end: end + first })),
      events: { bytes: events.length, ...this.#log, sha256: sha256(events) },
      chain: this.chain,
      ...(checkpoint === undefined ? {} : { checkpoint }),
    };
    const bytes = Buffer.from(`${JSON.stringify(manifest)}\n`);
    const signature = sign(null, bytes, this.#key.privateKey);
    return encodeEvidenceBox({ manifest: bytes, signature, publicKey: this.#key.publicKey.der, events });
  }
}

/** Hashes the frames, cut at frames: fine enough to say where something was altered, coarse enough to stay small. */
export async function digestFrames(parts: readonly SealedPart[]): Promise<FramesDigest> {
  const whole = createHash('sha256');
  const ranges: { end: number; untilMs: number; sha256: string }[] = [];
  const segments: EvidenceSegment[] = [];
  let start = 0;
  let frames = 0;
  for (const part of parts) {
    const segment = createHash('sha256');
    let end = start;
    const source = await part.open();
    try {
      for (const range of rangesOf(part)) {
        const hash = createHash('sha256');
        for (const { offset, size } of part.frames.slice(range.first, range.last + 1)) {
          const frame = await source.read(offset, size);
          if (frame.length !== size) throw new Error(`segment ${part.file} changed while it was sealed`);
          for (const one of [whole, segment, hash]) one.update(frame);
          end += frame.length;
        }
        ranges.push({ end, untilMs: range.untilMs, sha256: hash.digest('hex') });
      }
    } finally {
      await source.close();
    }
    segments.push({
      file: part.file,
      fromMs: part.times[0] ?? 0,
      start,
      end,
      frames: part.frames.length,
      sha256: segment.digest('hex'),
      ...(part.encodedAgain ? { encodedAgain: true } : {}),
    });
    frames += part.frames.length;
    start = end;
  }
  return { bytes: start, sha256: whole.digest('hex'), frames, ranges, segments };
}

/** First and last frame of each range of a segment. */
function rangesOf({ frames, times }: SealedPart): { first: number; last: number; untilMs: number }[] {
  const ranges: { first: number; last: number; untilMs: number }[] = [];
  let first = 0;
  let bytes = 0;
  frames.forEach(({ size }, i) => {
    bytes += size;
    const untilMs = times[i] as number;
    const full = bytes >= RANGE_BYTES || untilMs - (times[first] as number) >= RANGE_MS;
    if (!full && i + 1 < frames.length) return;
    ranges.push({ first, last: i, untilMs });
    first = i + 1;
    bytes = 0;
  });
  return ranges;
}

/**
 * SHA-256 over a segment's frames, the same bytes that the joined video holds; `undefined` when it has none.
 * @param bytes of frames that count, which end where a fragment ends
 */
export async function hashSegment(
  source: ByteSource,
  bytes = Number.POSITIVE_INFINITY,
): Promise<SegmentState | undefined> {
  const digest = new SegmentDigest(bytes);
  for await (const piece of piecesOf(source)) digest.push(piece);
  return digest.state.bytes === 0 ? undefined : digest.state;
}

/** Segments that are not what they were when the event log wrote them down. */
export function differencesFromLog(segments: readonly EvidenceSegment[], events: readonly RecordedEvent[]): string[] {
  const logged = new Map(events.filter(({ type }) => type === 'segment').map((event) => [event.file, event.sha256]));
  return segments.flatMap(({ file, sha256: hash, encodedAgain }) => {
    if (!logged.has(file)) return [`segment ${file} is not in the event log`];
    return encodedAgain === true || logged.get(file) === hash ? [] : [`segment ${file} is not as it was written`];
  });
}

/**
 * Segments that the event log has and the video has not: an older manifest, put back after a crash, does not know them.
 * Only where it is sealed: recordings of before did not say so.
 */
function missingSegments(segments: readonly EvidenceSegment[], events: readonly RecordedEvent[]): string[] {
  const joined = new Set<unknown>(segments.map(({ file }) => file));
  const logged = events.flatMap(({ type, file }) => (type === 'segment' && !joined.has(file) ? [file] : []));
  return [...new Set(logged)].map((file) => `segment ${file} is in the event log, and not in the video`);
}

const RANGE_BYTES = 256 * 1024;
const RANGE_MS = 60_000;
