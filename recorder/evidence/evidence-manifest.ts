import type { SignedCheckpoint } from './checkpoint.ts';
import { sha256 } from './event-log.ts';

/**
 * What is signed: everything that a sealed file is made of, by hash. Versioned, and only ever added to.
 * docs/recording.md describes it.
 */
export interface EvidenceManifest {
  readonly format: 'oriel-evidence';
  readonly version: 1;
  readonly session: string;
  /** `incomplete`: a part was lost while it was recorded, `problems` says which. */
  readonly state: 'complete' | 'incomplete';
  readonly problems: readonly string[];
  /** Milliseconds since the epoch: the video's first frame, its end, and when this was signed. */
  readonly startedAt: number;
  readonly endedAt: number;
  readonly sealedAt: number;
  readonly key: { readonly algorithm: 'Ed25519' /** SHA-256 of the SubjectPublicKeyInfo, hex. */; readonly id: string };
  readonly video: {
    /** Everything before the evidence box, to the byte. */
    readonly bytes: number;
    readonly sha256: string;
    readonly frames: number;
    /** Without a gap from byte 0 to `bytes`; each begins where the one before ended. The first holds no picture. */
    readonly ranges: readonly EvidenceRange[];
  };
  readonly segments: readonly EvidenceSegment[];
  readonly events: { readonly bytes: number; readonly lines: number; readonly sha256: string; readonly head: string };
  /** The end of the chain over the last event and all segments: one value that stands for the whole recording. */
  readonly chain: string;
  /** Of a recording that was interrupted: what its writer had signed last, before it was finished by another. */
  readonly checkpoint?: SignedCheckpoint | undefined;
}

export interface EvidenceRange {
  readonly end: number;
  /** Video time at which the range's last frame is shown, ms; `null` for the header. */
  readonly untilMs: number | null;
  readonly sha256: string;
}

/** The frames of one segment, which are `start`…`end` of the file. */
export interface EvidenceSegment {
  readonly file: string;
  /** Video time of its first frame, ms. */
  readonly fromMs: number;
  readonly start: number;
  readonly end: number;
  readonly frames: number;
  /** Of these bytes; the event log has the same value from the moment when the segment was closed. */
  readonly sha256: string;
  /** It was encoded once more onto a larger picture: the event log then has another value, that of the original. */
  readonly encodedAgain?: boolean;
}

/** @param head SHA-256 of the last event, hex */
export function chainOf(head: string, segments: readonly { readonly sha256: string }[]): string {
  return segments.reduce((link, segment) => sha256(link, segment.sha256), head);
}

/** `undefined` when the bytes are no manifest of a version that this build knows. */
export function parseEvidenceManifest(bytes: Uint8Array): EvidenceManifest | undefined {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    return undefined;
  }
  if (!isRecord(value) || value.format !== 'oriel-evidence' || value.version !== 1) return undefined;
  const { video, segments, events, key, problems } = value;
  const valid =
    isText(value.session, value.chain) &&
    (value.state === 'complete' || value.state === 'incomplete') &&
    isCount(value.startedAt, value.endedAt, value.sealedAt) &&
    isRecord(key) &&
    isText(key.id) &&
    isRecord(events) &&
    isCount(events.bytes, events.lines) &&
    isText(events.sha256, events.head) &&
    isRecord(video) &&
    isPlace(video.bytes) &&
    isCount(video.frames) &&
    isText(video.sha256) &&
    Array.isArray(problems) &&
    problems.every((problem) => isText(problem)) &&
    Array.isArray(video.ranges) &&
    video.ranges.every(isRange) &&
    Array.isArray(segments) &&
    segments.every(isSegment) &&
    (value.checkpoint === undefined ||
      (isRecord(value.checkpoint) && isText(value.checkpoint.checkpoint, value.checkpoint.signature)));
  return valid ? (value as unknown as EvidenceManifest) : undefined;
}

function isRange(value: unknown): boolean {
  return (
    isRecord(value) && isPlace(value.end) && isText(value.sha256) && (value.untilMs === null || isCount(value.untilMs))
  );
}

function isSegment(value: unknown): boolean {
  return (
    isRecord(value) &&
    isText(value.file, value.sha256) &&
    isPlace(value.start, value.end) &&
    isCount(value.frames) &&
    isCount(value.fromMs)
  );
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isText(...values: unknown[]): boolean {
  return values.every((value) => typeof value === 'string');
}

function isCount(...values: unknown[]): boolean {
  return values.every((value) => typeof value === 'number' && value >= 0 && value <= MAX_NUMBER);
}

/** Of bytes in a file: half of one is nowhere. */
function isPlace(...values: unknown[]): boolean {
  return isCount(...values) && values.every(Number.isSafeInteger);
}

/** The latest time that a `Date` holds, in milliseconds; no file is as long. */
const MAX_NUMBER = 8.64e15;
