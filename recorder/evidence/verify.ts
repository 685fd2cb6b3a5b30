import { createHash, type Hash, verify as verifySignature } from 'node:crypto';
import { type BoxPlace, readBox, topLevelBoxes } from '../mp4/fragmented-mp4.ts';
import { type ByteSource, openFile, piecesOf } from '../storage/byte-source.ts';
import {
  type Checkpoint,
  differencesFromCheckpoint,
  FOREIGN_CHECKPOINT,
  isSignedBy,
  parseCheckpoint,
} from './checkpoint.ts';
import { checkLog, type RecordedEvent, sha256 } from './event-log.ts';
import {
  EVIDENCE_MARK,
  findEvidenceBox,
  hasEvidenceEnd,
  isEvidenceBeginning,
  type OpenedBox,
  openEvidenceBox,
} from './evidence-box.ts';
import { type FoundIndex, findIndex } from './evidence-index.ts';
import { chainOf, type EvidenceManifest, parseEvidenceManifest } from './evidence-manifest.ts';
import { readSampleTable } from './mp4-samples.ts';
import { differencesFromLog } from './seal.ts';
import { type PublicKey, parsePublicKeyDer } from './signing-key.ts';

/**
 * `whole`: every byte is as it was signed. `altered`: it is not, and `findings` says where. `cut-short`: the file's end
 * is missing. `no-evidence`: a file in which nothing says that it ever was sealed; that proves nothing, least of all
 * that it is whole.
 */
export type Verdict = 'whole' | 'altered' | 'cut-short' | 'no-evidence';

export interface VerificationReport {
  readonly format: 'oriel-verification';
  readonly version: 1;
  readonly verdict: Verdict;
  readonly bytes: number;
  readonly findings: readonly Finding[];
  /**
   * The key that the file names. `trusted`: it is one of those asked for; `null`: none was asked for, so that the
   * file vouches for itself only.
   */
  readonly key: { readonly id: string; readonly trusted: boolean | null } | null;
  /** Of a file that is cut short and else as it was signed: the video time up to which that is sure. */
  readonly untilMs?: number;
  /** What was signed; only where the signature holds. */
  readonly recording: VerifiedRecording | null;
}

export interface VerifiedRecording {
  readonly session: string;
  readonly state: 'complete' | 'incomplete';
  readonly problems: readonly string[];
  readonly startedAt: number;
  readonly endedAt: number;
  readonly sealedAt: number;
  readonly frames: number;
  readonly segments: number;
  readonly events: number;
  readonly chain: string;
  /** Of a recording that was interrupted: the video time up to which its own writer had signed it. */
  readonly attestedUntilMs?: number;
}

export interface Finding {
  /** `storage`: what is around the file where a gateway keeps it. */
  readonly part:
    | 'storage'
    | 'file'
    | 'header'
    | 'video'
    | 'segment'
    | 'events'
    | 'manifest'
    | 'signature'
    | 'key'
    | 'box';
  /** A sentence without full stop. */
  readonly message: string;
  /** Bytes of the file, the end not included. */
  readonly start?: number;
  readonly end?: number;
  /** Video time in milliseconds. */
  readonly fromMs?: number;
  readonly untilMs?: number;
  readonly segment?: string;
  /** The event, counted from 0. */
  readonly event?: number;
}

/**
 * Checks a sealed recording, from the file alone and the keys that may have signed it. Never rejects for what is in
 * the file, only when it cannot be read.
 *
 * @param trusted keys of the gateway; without any, the signature is checked against the file's own key
 */
export async function verifyRecording(path: string, trusted: readonly PublicKey[] = []): Promise<VerificationReport> {
  const file = await openFile(path);
  try {
    return await verifySource(file, trusted);
  } finally {
    await file.close();
  }
}

/** As `verifyRecording`, wherever the video is. */
export async function verifySource(file: ByteSource, trusted: readonly PublicKey[] = []): Promise<VerificationReport> {
  const walked = await walk(file);
  const place = await findEvidenceBox(file, walked.boxes);
  if (place === undefined) return withoutEvidence(file, walked, trusted);

  const findings: Finding[] = [];
  const box = await openEvidenceBox(file, place);
  for (const fault of box.faults) findings.push({ part: 'box', ...fault });
  if (place.end < file.size) {
    const message = `${file.size - place.end} bytes were appended after the evidence`;
    findings.push({ part: 'file', message, start: place.end, end: file.size });
  }
  const manifest = parseEvidenceManifest(box.manifest.bytes);
  const key = checkSignature(box, manifest, trusted, findings);
  let checkpoint: Checkpoint | undefined;
  if (manifest !== undefined) {
    await checkVideo(file, place.start, manifest, findings);
    checkEvents(box, manifest, findings);
    checkpoint = await checkCheckpoint(file, box, manifest, trusted, findings);
  }
  return {
    format: 'oriel-verification',
    version: 1,
    verdict: findings.length === 0 ? 'whole' : 'altered',
    bytes: file.size,
    findings,
    key: key.id === undefined ? null : { id: key.id, trusted: key.trusted },
    recording: manifest !== undefined && key.holds ? describe(manifest, checkpoint) : null,
  };
}

/** Everything that the evidence in a video holds, as it stands there. `undefined` when there is none. Checks nothing. */
export async function readEvidence(file: ByteSource): Promise<OpenedBox | undefined> {
  const { boxes } = await walk(file);
  const place = await findEvidenceBox(file, boxes);
  return place && (await openEvidenceBox(file, place));
}

interface Walk {
  readonly boxes: readonly WalkedBox[];
  /** Where the boxes end that can be followed. */
  readonly end: number;
}

interface WalkedBox extends BoxPlace {
  readonly offset: number;
}

/** The boxes of a file, as far as they can be followed. */
async function walk(file: ByteSource): Promise<Walk> {
  const boxes: WalkedBox[] = [];
  let offset = 0;
  for await (const box of topLevelBoxes(file)) {
    boxes.push({ ...box, offset });
    offset = box.end;
    if (boxes.length >= MAX_BOXES) break;
  }
  return { boxes, end: offset };
}

/** No box at the end: lost with the end of the file, or never there. */
async function withoutEvidence(
  file: ByteSource,
  walked: Walk,
  trusted: readonly PublicKey[],
): Promise<VerificationReport> {
  const { size } = file;
  const report = (verdict: Verdict, ...findings: Finding[]): VerificationReport => ({
    format: 'oriel-verification',
    version: 1,
    verdict,
    bytes: size,
    findings,
    key: null,
    recording: null,
  });
  const moov = walked.boxes.find(({ type }) => type === 'moov');
  const index = await findIndex(file, trusted);
  if (await hasEvidenceEnd(file)) {
    const message = 'the evidence is broken: its end is there, and not what is before';
    return report('altered', { part: 'box', message, start: Math.min(walked.end, size), end: size });
  }
  const sealed = index !== undefined || (moov !== undefined && (await contains(file, moov, EVIDENCE_MARK)));
  const mp4 = walked.boxes[0]?.type === 'ftyp' || size < 8 || (await file.read(4, 4)).toString('latin1') === 'ftyp';
  if (!mp4 || (moov !== undefined && !sealed)) {
    return report('no-evidence', {
      part: 'file',
      message: 'there is no evidence in this file: it was never sealed, or all of it was taken out',
    });
  }
  const left = await playableMs(file, moov);
  const until = left === undefined ? {} : { fromMs: left };
  const message = `the file ends at byte ${size}; what came after, with the evidence, is missing`;
  const cut: Finding = { part: 'file', message, start: size, ...until };
  if (index === undefined) return report('cut-short', cut);
  if (!('index' in index)) {
    return report('altered', { part: 'header', message: 'the index before the pictures is altered', ...index }, cut);
  }
  const isTrusted = trusted.length === 0 ? null : trusted.some(({ id }) => id === index.key.id);
  const { findings, untilMs } = await checkWhatIsLeft(file, index, isTrusted);
  return {
    ...report(findings.length === 0 ? 'cut-short' : 'altered', ...findings, cut),
    key: { id: index.key.id, trusted: isTrusted },
    ...(findings.length === 0 ? { untilMs } : {}),
  };
}

/** The frames that are there, against the hashes that stand before them. */
async function checkWhatIsLeft(
  file: ByteSource,
  { index, firstFrame, holds }: FoundIndex,
  isTrusted: boolean | null,
): Promise<{ findings: Finding[]; untilMs: number }> {
  const findings: Finding[] = [];
  if (!holds)
    findings.push({
      part: 'header',
      message: 'the header or the index behind it is altered',
      start: 0,
      end: firstFrame,
    });
  if (isTrusted === false) {
    findings.push({ part: 'key', message: 'it is signed with another key than the one that was asked for' });
  }
  let start = 0;
  let untilMs = 0;
  for (const range of index.ranges) {
    if (range.end < start || firstFrame + range.end > file.size) break;
    const hash = createHash('sha256');
    await hashBytes(file, firstFrame + start, firstFrame + range.end, [hash]);
    if (hash.digest('hex') !== range.sha256) {
      const place = { start: firstFrame + start, end: firstFrame + range.end };
      findings.push({
        part: 'video',
        message: 'pictures are altered',
        ...place,
        fromMs: untilMs,
        untilMs: range.untilMs,
      });
    }
    start = range.end;
    untilMs = range.untilMs;
  }
  const end = firstFrame + index.bytes;
  if (file.size > end && !(await isEvidenceBeginning(file, end))) {
    const message = 'something stands behind the pictures that is not the evidence';
    findings.push({ part: 'file', message, start: end, end: file.size });
  }
  return { findings, untilMs };
}

/** Video time up to which a file still has frames. */
async function playableMs(file: ByteSource, moov: BoxPlace | undefined): Promise<number | undefined> {
  try {
    const samples = moov && (await readSampleTable(file, moov));
    if (samples === undefined) return undefined;
    const missing = samples.offsets.subarray(1).findIndex((end) => end > file.size);
    return missing < 0 ? undefined : Math.round(samples.times[missing] ?? 0);
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

function checkSignature(
  box: OpenedBox,
  manifest: EvidenceManifest | undefined,
  trusted: readonly PublicKey[],
  findings: Finding[],
): { id: string | undefined; trusted: boolean | null; holds: boolean } {
  const own = parsePublicKeyDer(box.publicKey.bytes);
  const keyPlace = placeOf(box.publicKey);
  if (manifest === undefined) {
    findings.push({ part: 'manifest', message: 'the manifest is not readable', ...placeOf(box.manifest) });
  }
  if (own === undefined) findings.push({ part: 'key', message: 'the public key in the file is altered', ...keyPlace });
  else if (manifest !== undefined && own.id !== manifest.key.id) {
    findings.push({ part: 'key', message: 'the public key in the file is not the one that signed', ...keyPlace });
  }
  const id = manifest?.key.id ?? own?.id;
  const known = trusted.find((key) => key.id === id);
  const isTrusted = trusted.length === 0 ? null : known !== undefined;
  if (isTrusted === false) {
    findings.push({
      part: 'key',
      message: 'it is signed with another key than the one that was asked for',
      ...keyPlace,
    });
  }
  const key = known ?? own;
  let holds = false;
  if (key !== undefined) {
    holds = verifySignature(null, box.manifest.bytes, key.key, box.signature.bytes);
    if (!holds) {
      const start = box.manifest.start;
      const end = box.signature.start + box.signature.bytes.length;
      findings.push({ part: 'signature', message: 'the manifest or its signature is altered', start, end });
    }
  }
  return { id, trusted: isTrusted, holds: holds && isTrusted !== false };
}

async function checkVideo(
  file: ByteSource,
  videoEnd: number,
  manifest: EvidenceManifest,
  findings: Finding[],
): Promise<void> {
  const { video, segments } = manifest;
  if (videoEnd !== video.bytes) {
    const difference = videoEnd - video.bytes;
    const message =
      difference < 0 ? `${-difference} bytes are missing before the evidence` : `${difference} bytes were put in`;
    findings.push({ part: 'video', message, start: Math.min(videoEnd, video.bytes), end: videoEnd });
  }
  const whole = createHash('sha256');
  let start = 0;
  let fromMs = 0;
  for (const { end, untilMs, sha256: wanted } of video.ranges) {
    if (end < start || end > MAX_FILE_BYTES) {
      findings.push({ part: 'manifest', message: 'the ranges in the manifest are not in order' });
      return;
    }
    const hash = createHash('sha256');
    await hashBytes(file, start, Math.min(end, videoEnd), [whole, hash]);
    if (hash.digest('hex') !== wanted) {
      const segment = segments.find((candidate) => start >= candidate.start && start < candidate.end)?.file;
      const times = untilMs === null ? {} : { fromMs, untilMs };
      const message = segment === undefined ? "the video's header is altered" : 'pictures are altered';
      const part = segment === undefined ? 'header' : 'video';
      findings.push({ part, message, start, end, ...times, ...(segment === undefined ? {} : { segment }) });
    }
    start = end;
    fromMs = untilMs ?? fromMs;
  }
  // A manifest whose ranges leave something out, or contradict each other, was not made by us.
  const covered = start === video.bytes && (findings.length > 0 || whole.digest('hex') === video.sha256);
  if (!covered) findings.push({ part: 'manifest', message: 'the manifest does not cover the whole video' });
}

function checkEvents(box: OpenedBox, manifest: EvidenceManifest, findings: Finding[]): void {
  const { bytes, start } = box.events;
  const { events, segments, chain } = manifest;
  if (bytes.length !== events.bytes || sha256(bytes) !== events.sha256) {
    const log = checkLog(bytes);
    for (const { line, message } of log.breaks) findings.push({ part: 'events', message, event: line });
    if (log.head !== events.head && log.breaks.length === 0) {
      const last = Math.max(0, log.events.length - 1);
      findings.push({ part: 'events', message: 'the last event is altered, or events are missing', event: last });
    }
    findings.push({ part: 'events', message: 'the events are altered', start, end: start + bytes.length });
    return;
  }
  // From here on the events are those that were signed; what is wrong now was wrong before.
  const log = checkLog(bytes);
  const problems = [
    ...log.breaks.map(({ message }) => `event log: ${message}`),
    ...differencesFromLog(segments, log.events),
  ].filter((problem) => !manifest.problems.includes(problem));
  for (const message of problems) findings.push({ part: 'segment', message });
  if (chainOf(log.head, segments) !== chain) {
    findings.push({
      part: 'manifest',
      message: 'the chain over events and segments does not end as the manifest says',
    });
  }
}

/**
 * Of an interrupted recording: whether it is still what its own writer signed last. What whoever finished it found, it has
 * signed as a problem. The writer's key may be one that is not at hand, where it was changed before the recording was
 * finished: then the manifest's word for it is all there is.
 */
async function checkCheckpoint(
  file: ByteSource,
  box: OpenedBox,
  { checkpoint: signed, segments, session, problems: known }: EvidenceManifest,
  trusted: readonly PublicKey[],
  findings: Finding[],
): Promise<Checkpoint | undefined> {
  const checkpoint = signed && parseCheckpoint(signed);
  if (signed === undefined || checkpoint === undefined) return undefined;
  if (known.includes(FOREIGN_CHECKPOINT)) return undefined;
  const key = [...trusted, parsePublicKeyDer(box.publicKey.bytes)].find((one) => one?.id === checkpoint.key?.id);
  if (checkpoint.session !== session || (key !== undefined && !isSignedBy(signed, key))) {
    findings.push({ part: 'manifest', message: "the interrupted recorder's last checkpoint is not genuine" });
    return undefined;
  }
  const problems = await differencesFromCheckpoint(checkpoint, box.events.bytes, async (name, bytes) => {
    const segment = segments.find((candidate) => candidate.file === name);
    // Encoded again for a larger desktop: these are not the bytes that the recorder saw.
    if (segment === undefined || segment.encodedAgain === true) return checkpoint.segment?.sha256;
    const hash = createHash('sha256');
    const end = Math.min(segment.end, segment.start + bytes);
    await hashBytes(file, segment.start, end, [hash]);
    return hash.digest('hex');
  });
  for (const message of problems) if (!known.includes(message)) findings.push({ part: 'segment', message });
  return key === undefined ? undefined : checkpoint;
}

/** The events in a sealed file. */
export function eventsOf(box: OpenedBox): RecordedEvent[] {
  return [...checkLog(box.events.bytes).events];
}

function describe(manifest: EvidenceManifest, checkpoint: Checkpoint | undefined): VerifiedRecording {
  const { session, state, problems, startedAt, endedAt, sealedAt, chain, video, segments, events } = manifest;
  return {
    session,
    state,
    problems,
    startedAt,
    endedAt,
    sealedAt,
    frames: video.frames,
    segments: segments.length,
    events: events.lines,
    chain,
    ...(checkpoint === undefined ? {} : { attestedUntilMs: checkpoint.t }),
  };
}

function placeOf(part: { readonly bytes: Uint8Array; readonly start: number }): { start: number; end: number } {
  return { start: part.start, end: part.start + part.bytes.length };
}

async function contains(file: ByteSource, place: BoxPlace, text: string): Promise<boolean> {
  const box = await readBox(file, place);
  return box !== undefined && Buffer.from(box.buffer, box.byteOffset, box.byteLength).includes(text, 0, 'latin1');
}

/** Feeds `start`…`end` of a file, as far as it is there, to all hashes. */
async function hashBytes(file: ByteSource, start: number, end: number, hashes: readonly Hash[]): Promise<void> {
  for await (const piece of piecesOf(file, start, Math.min(end, file.size))) {
    for (const hash of hashes) hash.update(piece);
  }
}

/** Ours have five or six. */
const MAX_BOXES = 10_000;
const MAX_FILE_BYTES = 2 ** 50;
