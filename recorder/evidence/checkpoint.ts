import { sign, verify as verifySignature } from 'node:crypto';
import type { FileWriter } from '../storage/file-writer.ts';
import type { RecordingFolder } from '../storage/recording-folder.ts';
import { sha256 } from './event-log.ts';
import type { PublicKey, SigningKey } from './signing-key.ts';

/**
 * What a recording was, signed every few seconds while it was made. When its writer dies, the last checkpoint proves
 * what was there until then, and says how long the last picture was on the screen.
 */
export const CHECKPOINTS_FILE = 'checkpoints.jsonl';

export interface Checkpoint {
  readonly format: 'oriel-checkpoint';
  readonly version: 1;
  readonly session: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** The video's clock: milliseconds since its first frame. */
  readonly t: number;
  readonly events: { readonly bytes: number; readonly lines: number; readonly head: string };
  /** The segment that is being written: what of its frames is durable, and their hash. */
  readonly segment?: { readonly file: string; readonly bytes: number; readonly sha256: string } | undefined;
  /** What signed it; nothing where recordings are not signed. */
  readonly key: { readonly algorithm: 'Ed25519'; readonly id: string } | null;
}

/** As it stands in the file: the checkpoint's JSON, and the signature over exactly these bytes, base64; empty where there is no key. */
export interface SignedCheckpoint {
  readonly checkpoint: string;
  readonly signature: string;
}

/** Appends signed checkpoints to a recording's folder. */
export class CheckpointLog {
  readonly #writer: FileWriter;
  readonly #key: SigningKey | undefined;

  static async open(folder: RecordingFolder, key: SigningKey | undefined): Promise<CheckpointLog> {
    const { writer } = await folder.appendTo(CHECKPOINTS_FILE, (content) => content.lastIndexOf(LINE_FEED) + 1);
    return new CheckpointLog(writer, key);
  }

  private constructor(writer: FileWriter, key: SigningKey | undefined) {
    this.#writer = writer;
    this.#key = key;
  }

  /** Durable when it resolves. Calls must not overlap. */
  async write(facts: Omit<Checkpoint, 'format' | 'version' | 'key'>): Promise<void> {
    const key = this.#key === undefined ? null : ({ algorithm: 'Ed25519', id: this.#key.publicKey.id } as const);
    const checkpoint = JSON.stringify({ format: 'oriel-checkpoint', version: 1, ...facts, key } satisfies Checkpoint);
    const signature =
      this.#key === undefined ? '' : sign(null, Buffer.from(checkpoint), this.#key.privateKey).toString('base64');
    await this.#writer.append(Buffer.from(`${JSON.stringify({ checkpoint, signature } satisfies SignedCheckpoint)}\n`));
    await this.#writer.sync();
  }

  /** Closes the file as it is. Never rejects. */
  close(): Promise<void> {
    return this.#writer.abandon();
  }
}

/** The last one that was written whole; `undefined` when there is none. Whether it is genuine is not looked at. */
export async function lastCheckpoint(folder: RecordingFolder): Promise<SignedCheckpoint | undefined> {
  const source = await folder.openLog(CHECKPOINTS_FILE);
  if (source === undefined) return undefined;
  try {
    const tail = await source.read(Math.max(0, source.size - TAIL), TAIL);
    for (const line of tail.toString('utf8').split('\n').reverse()) {
      const signed = parseSigned(line);
      if (signed !== undefined && parseCheckpoint(signed) !== undefined) return signed;
    }
    return undefined;
  } finally {
    await source.close();
  }
}

/** `undefined` when it is none of a version that this build knows. */
export function parseCheckpoint(signed: SignedCheckpoint): Checkpoint | undefined {
  try {
    const value = JSON.parse(signed.checkpoint) as Checkpoint | null;
    const { events, segment } = value ?? {};
    const valid =
      value?.format === 'oriel-checkpoint' &&
      value.version === 1 &&
      [value.at, value.t, events?.bytes, events?.lines].every((number) => typeof number === 'number') &&
      typeof value.session === 'string' &&
      (value.key === null || typeof value.key.id === 'string') &&
      typeof events?.head === 'string' &&
      (segment === undefined || (typeof segment.file === 'string' && typeof segment.bytes === 'number'));
    return valid ? value : undefined;
  } catch {
    return undefined;
  }
}

export function isSignedBy(signed: SignedCheckpoint, key: PublicKey): boolean {
  return verifySignature(null, Buffer.from(signed.checkpoint), key.key, Buffer.from(signed.signature, 'base64'));
}

/** What whoever finishes a recording says of a last checkpoint that is none of its gateway's. */
export const FOREIGN_CHECKPOINT = 'the last checkpoint is not signed by this gateway';

/**
 * What of a recording is not as it was when the checkpoint was written, in words.
 * @param hashFrames SHA-256 of a segment's first so many bytes of frames; nothing where it has fewer
 */
export async function differencesFromCheckpoint(
  { events, segment }: Checkpoint,
  log: Uint8Array,
  hashFrames: (file: string, bytes: number) => Promise<string | undefined>,
): Promise<string[]> {
  const problems: string[] = [];
  const before = log.subarray(0, events.bytes);
  const lastLine = before.subarray(before.subarray(0, -1).lastIndexOf(LINE_FEED) + 1);
  if (before.length < events.bytes || sha256(lastLine) !== events.head) {
    problems.push('event log: it is not as it was when the last checkpoint was signed');
  }
  if (segment !== undefined && segment.bytes > 0) {
    const hash = await hashFrames(segment.file, segment.bytes);
    if (hash !== segment.sha256) {
      problems.push(`segment ${segment.file} is not as it was when the last checkpoint was signed`);
    }
  }
  return problems;
}

function parseSigned(line: string): SignedCheckpoint | undefined {
  try {
    const value = JSON.parse(line) as SignedCheckpoint | null;
    return typeof value?.checkpoint === 'string' && typeof value.signature === 'string' ? value : undefined;
  } catch {
    return undefined;
  }
}

const LINE_FEED = 10;
/** Of the file: several of the last checkpoints, each less than 1 KB. */
const TAIL = 16 * 1024;
