import { createHash, type Hash, sign } from 'node:crypto';
import { type FileHandle, open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type BoxPlace, topLevelBoxes } from '../fragmented-mp4.ts';
import type { EventLogState } from './event-log.ts';
import { checkLog, EVENTS_FILE, type RecordedEvent, sha256 } from './event-log.ts';
import { encodeEvidenceBox } from './evidence-box.ts';
import { chainOf, type EvidenceManifest, type EvidenceRange, type EvidenceSegment } from './evidence-manifest.ts';
import { readSampleTable, type SampleTable } from './mp4-samples.ts';
import { readSigningKey } from './signing-key.ts';

/** What sealing needs besides the files. */
export interface Sealing {
  /** PKCS #8 PEM. */
  readonly signingKeyFile: string;
  /** The log as the process that wrote it left it; nothing after a crash. */
  readonly log?: EventLogState | undefined;
  readonly now: () => number;
}

export interface SealedPart {
  readonly file: string;
  readonly startedAt: number;
  readonly frames: number;
  readonly encodedAgain: boolean;
}

export interface SealRequest {
  /** The joined video, not yet in its place; the evidence is appended to it. */
  readonly path: string;
  /** The recording's folder, with its event log. */
  readonly directory: string;
  readonly sessionId: string;
  readonly parts: readonly SealedPart[];
  readonly durationMs: number;
  readonly problems: readonly string[];
}

/** What sealing found; `problems` are those that the evidence itself names too. */
export interface Seal {
  readonly keyId: string;
  readonly chain: string;
  readonly problems: readonly string[];
}

/**
 * Appends the evidence to a joined video: hashes it, ties it to the event log, signs. Segments or events that are not
 * as they were written become problems of the recording, and so part of what is signed.
 */
export async function sealVideo(request: SealRequest, sealing: Sealing): Promise<Seal> {
  const key = await readSigningKey(sealing.signingKeyFile);
  const events = await readFile(join(request.directory, EVENTS_FILE));
  const log = checkLog(events);
  const problems = [...request.problems];
  for (const { message } of log.breaks) problems.push(`event log: ${message}`);
  if (sealing.log !== undefined && (sealing.log.head !== log.head || sealing.log.bytes !== events.length)) {
    problems.push('event log: it is not as it was written');
  }
  const file = await open(request.path, 'r+');
  try {
    const { size } = await file.stat();
    const samples = await sampleTableOf(file, size);
    const plan = planRanges(samples, request.parts, size);
    const { whole, ranges, segments } = await hashVideo(file, size, plan);
    problems.push(...differencesFromLog(segments, log.events));
    const startedAt = request.parts[0]?.startedAt ?? 0;
    const chain = chainOf(log.head, segments);
    const manifest: EvidenceManifest = {
      format: 'oriel-evidence',
      version: 1,
      session: request.sessionId,
      state: problems.length === 0 ? 'complete' : 'incomplete',
      problems,
      startedAt,
      endedAt: startedAt + request.durationMs,
      sealedAt: Math.round(sealing.now()),
      key: { algorithm: 'Ed25519', id: key.publicKey.id },
      video: { bytes: size, sha256: whole, frames: samples.count, ranges },
      segments,
      events: { bytes: events.length, lines: log.events.length, sha256: sha256(events), head: log.head },
      chain,
    };
    const bytes = Buffer.from(`${JSON.stringify(manifest)}\n`);
    const signature = sign(null, bytes, key.privateKey);
    const box = encodeEvidenceBox({ manifest: bytes, signature, publicKey: key.publicKey.der, events });
    await file.write(box, 0, box.length, size);
    return { keyId: key.publicKey.id, chain, problems };
  } finally {
    await file.close();
  }
}

/**
 * SHA-256 over the frames of a closed segment, the same bytes that the joined video holds; `undefined` when it has none.
 */
export async function hashSegment(path: string): Promise<{ sha256: string; bytes: number } | undefined> {
  const file = await open(path, 'r').catch(() => undefined);
  if (file === undefined) return undefined;
  try {
    const { size } = await file.stat();
    const hash = createHash('sha256');
    let bytes = 0;
    let described = false;
    for await (const box of topLevelBoxes(file, size)) {
      if (box.type === 'moof') described = true;
      else if (box.type === 'mdat' && described) {
        await hashBytes(file, box.start, box.end, [hash]);
        bytes += box.end - box.start;
        described = false;
      }
    }
    return bytes === 0 ? undefined : { sha256: hash.digest('hex'), bytes };
  } finally {
    await file.close();
  }
}

/** Feeds `start`…`end` of a file to all hashes. Returns how many bytes there were. */
export async function hashBytes(
  file: FileHandle,
  start: number,
  end: number,
  hashes: readonly Hash[],
): Promise<number> {
  const buffer = Buffer.allocUnsafe(Math.max(1, Math.min(READ_STEP, end - start)));
  let at = start;
  while (at < end) {
    const { bytesRead } = await file.read(buffer, 0, Math.min(buffer.length, end - at), at);
    if (bytesRead === 0) break;
    for (const hash of hashes) hash.update(buffer.subarray(0, bytesRead));
    at += bytesRead;
  }
  return at - start;
}

interface RangePlan {
  readonly ranges: readonly { readonly end: number; readonly untilMs: number | null }[];
  readonly segments: readonly Omit<EvidenceSegment, 'sha256'>[];
}

async function sampleTableOf(file: FileHandle, size: number): Promise<SampleTable> {
  let moov: BoxPlace | undefined;
  for await (const box of topLevelBoxes(file, size)) if (box.type === 'moov') moov = box;
  const samples = moov && (await readSampleTable(file, moov));
  if (samples === undefined) throw new Error('the joined video has no sample table');
  return samples;
}

/** Cuts the file at frames: fine enough to say where something was altered, coarse enough to stay small. */
function planRanges(samples: SampleTable, parts: readonly SealedPart[], size: number): RangePlan {
  const { count, offsets, times } = samples;
  const total = parts.reduce((sum, { frames }) => sum + frames, 0);
  if (total !== count) throw new Error(`the joined video has ${count} frames, its segments ${total}`);
  const offsetOf = (sample: number) => offsets[sample] as number;
  const timeOf = (sample: number) => Math.round(times[sample] as number);
  const ranges: { end: number; untilMs: number | null }[] = [{ end: offsetOf(0), untilMs: null }];
  const segments: Omit<EvidenceSegment, 'sha256'>[] = [];
  let first = 0;
  for (const { file, frames, encodedAgain } of parts) {
    const next = first + frames;
    segments.push({
      file,
      fromMs: timeOf(first),
      start: offsetOf(first),
      end: offsetOf(next),
      frames,
      ...(encodedAgain ? { encodedAgain } : {}),
    });
    let begin = first;
    for (let sample = first; sample < next; sample++) {
      const full = offsetOf(sample + 1) - offsetOf(begin) >= RANGE_BYTES || timeOf(sample) - timeOf(begin) >= RANGE_MS;
      if (!full && sample + 1 < next) continue;
      ranges.push({ end: offsetOf(sample + 1), untilMs: timeOf(sample) });
      begin = sample + 1;
    }
    first = next;
  }
  // Whatever a muxer may put behind the last frame.
  if (offsetOf(count) < size) ranges.push({ end: size, untilMs: null });
  return { ranges, segments };
}

async function hashVideo(file: FileHandle, size: number, plan: RangePlan) {
  const whole = createHash('sha256');
  const ranges: EvidenceRange[] = [];
  const segments: EvidenceSegment[] = [];
  let open = createHash('sha256');
  let start = 0;
  for (const { end, untilMs } of plan.ranges) {
    const hash = createHash('sha256');
    const segment = plan.segments[segments.length];
    const inside = segment !== undefined && start >= segment.start && end <= segment.end;
    const read = await hashBytes(file, start, end, inside ? [whole, hash, open] : [whole, hash]);
    if (read !== end - start) throw new Error('the joined video changed while it was sealed');
    ranges.push({ end, untilMs, sha256: hash.digest('hex') });
    if (inside && end === segment.end) {
      segments.push({ ...segment, sha256: open.digest('hex') });
      open = createHash('sha256');
    }
    start = end;
  }
  if (start !== size || segments.length !== plan.segments.length) throw new Error('the ranges do not cover the video');
  return { whole: whole.digest('hex'), ranges, segments };
}

/** Segments that are not what they were when the event log wrote them down. */
export function differencesFromLog(segments: readonly EvidenceSegment[], events: readonly RecordedEvent[]): string[] {
  const logged = new Map(events.filter(({ type }) => type === 'segment').map((event) => [event.file, event.sha256]));
  return segments.flatMap(({ file, sha256: hash, encodedAgain }) => {
    if (!logged.has(file)) return [`segment ${file} is not in the event log`];
    return encodedAgain === true || logged.get(file) === hash ? [] : [`segment ${file} is not as it was written`];
  });
}

const READ_STEP = 1024 * 1024;
const RANGE_BYTES = 256 * 1024;
const RANGE_MS = 60_000;
