import { createHash, sign, verify as verifySignature } from 'node:crypto';
import { type BoxPlace, topLevelBoxes } from '../mp4/fragmented-mp4.ts';
import { encodeDataHeader } from '../mp4/joined-mp4.ts';
import type { ByteSource } from '../storage/byte-source.ts';
import { PUBLIC_KEY_SIZE, type PublicKey, parsePublicKeyDer, SIGNATURE_SIZE, type SigningKey } from './signing-key.ts';

/**
 * The `uuid` box between `moov` and `mdat` of a sealed recording: the hashes of the frames to come, signed. With it, what
 * is left of a file that lost its end (and the evidence there) still verifies, up to the cut. Big-endian:
 *
 * ```
 * u32 size, 'uuid', u8[16] user type
 * u32 version = 1
 * u32 length, index (JSON)
 * u32 length = 64, Ed25519 signature of the index's bytes
 * u32 length = 44, public key (SubjectPublicKeyInfo)
 * ```
 */
export interface EvidenceIndex {
  readonly format: 'oriel-evidence-index';
  readonly version: 1;
  readonly session: string;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  readonly endedAt: number;
  readonly key: { readonly algorithm: 'Ed25519'; readonly id: string };
  /** Everything before this box. */
  readonly header: { readonly bytes: number; readonly sha256: string };
  /** Bytes and number of the frames. */
  readonly bytes: number;
  readonly frames: number;
  /** Of the frames, `end` counted from the first one's first byte; each begins where the one before ended. */
  readonly ranges: readonly { readonly end: number; readonly untilMs: number; readonly sha256: string }[];
}

/** What was found of an index in a file whose end is missing. */
export interface FoundIndex {
  readonly index: EvidenceIndex;
  readonly key: PublicKey;
  /** Where the first frame would be. */
  readonly firstFrame: number;
  /** The signature holds for `key`, the header is as it was signed, and the frames are where the header says. */
  readonly holds: boolean;
}

/** Length of the box, which stands before its contents are known: they name the hash of a header that names its length. */
export function sizeOfIndexBox(index: EvidenceIndex): number {
  return HEADER_SIZE + 4 + encodeIndex(index).length + 4 + SIGNATURE_SIZE + 4 + PUBLIC_KEY_SIZE;
}

export function encodeIndexBox(index: EvidenceIndex, key: SigningKey): Buffer {
  const bytes = encodeIndex(index);
  const pieces = [bytes, sign(null, bytes, key.privateKey), key.publicKey.der];
  const box = Buffer.alloc(sizeOfIndexBox(index));
  box.writeUInt32BE(box.length, 0);
  box.write('uuid', 4, 'latin1');
  box.set(USER_TYPE, 8);
  box.writeUInt32BE(VERSION, 24);
  let at = HEADER_SIZE;
  for (const piece of pieces) {
    at = box.writeUInt32BE(piece.length, at);
    box.set(piece, at);
    at += piece.length;
  }
  return box;
}

/** Where an index is that nobody can read any more. */
export interface DamagedIndex {
  readonly start: number;
  readonly end: number;
}

/** `undefined` when there is none. */
export async function findIndex(
  file: ByteSource,
  trusted: readonly PublicKey[],
): Promise<FoundIndex | DamagedIndex | undefined> {
  let boxes = 0;
  for await (const box of topLevelBoxes(file)) {
    const isIndex = box.type === 'uuid' && USER_TYPE.equals(await file.read(box.start, USER_TYPE.length));
    if (isIndex) {
      const damaged = { start: box.start - BOX_HEADER, end: box.end };
      return (await openIndex(file, box, trusted)) ?? damaged;
    }
    if (++boxes >= MAX_BOXES) return undefined;
  }
  return undefined;
}

async function openIndex(
  file: ByteSource,
  box: BoxPlace,
  trusted: readonly PublicKey[],
): Promise<FoundIndex | undefined> {
  if (box.end - box.start > MAX_INDEX_BYTES) return undefined;
  const content = await file.read(box.start, box.end - box.start);
  const parts = readParts(content);
  const index = parts && parseIndex(parts[0]);
  const own = parts && parsePublicKeyDer(parts[2]);
  if (parts === undefined || index === undefined) return undefined;
  const key = trusted.find(({ id }) => id === index.key.id) ?? own;
  if (key === undefined) return undefined;
  const signed = verifySignature(null, parts[0], key.key, parts[1]);
  const start = box.start - (HEADER_SIZE - 4 - 16);
  const header = createHash('sha256').update(await file.read(0, start));
  const signedHeader = index.header.bytes === start && header.digest('hex') === index.header.sha256;
  // No signature is over this one: what it says follows from what was signed.
  const dataHeader = encodeDataHeader(index.bytes);
  const found = await file.read(box.end, dataHeader.length);
  const holds = signed && signedHeader && dataHeader.subarray(0, found.length).equals(found);
  return { index, key, firstFrame: box.end + dataHeader.length, holds };
}

/**
 * `undefined` where they are not as long as they have to be, and nothing else in the box: the header says at which bytes of
 * the file a player finds the frames, and what is longer here would put other bytes there.
 */
function readParts(content: Buffer): [Buffer, Buffer, Buffer] | undefined {
  const version = HEADER_SIZE - 4 - 8;
  if (content.length < version + 4 || !USER_TYPE.equals(content.subarray(0, 16))) return undefined;
  if (content.readUInt32BE(version) !== VERSION) return undefined;
  const parts: Buffer[] = [];
  let at = version + 4;
  while (parts.length < 3) {
    if (at + 4 > content.length) return undefined;
    const length = content.readUInt32BE(at);
    if (length > content.length - at - 4) return undefined;
    parts.push(content.subarray(at + 4, at + 4 + length));
    at += 4 + length;
  }
  const [, signature, publicKey] = parts;
  const exact = signature?.length === SIGNATURE_SIZE && publicKey?.length === PUBLIC_KEY_SIZE && at === content.length;
  return exact ? (parts as [Buffer, Buffer, Buffer]) : undefined;
}

function encodeIndex(index: EvidenceIndex): Buffer {
  return Buffer.from(`${JSON.stringify(index)}\n`);
}

function parseIndex(bytes: Buffer): EvidenceIndex | undefined {
  try {
    const value = JSON.parse(bytes.toString('utf8')) as EvidenceIndex | null;
    const numbers = [value?.header.bytes, value?.bytes, value?.frames, value?.startedAt, value?.endedAt];
    const valid =
      value?.format === 'oriel-evidence-index' &&
      value.version === 1 &&
      typeof value.session === 'string' &&
      typeof value.key.id === 'string' &&
      typeof value.header.sha256 === 'string' &&
      numbers.every((number) => Number.isSafeInteger(number) && (number as number) >= 0) &&
      Array.isArray(value.ranges) &&
      value.ranges.every(({ end, untilMs }) => Number.isSafeInteger(end) && typeof untilMs === 'number');
    return valid ? value : undefined;
  } catch {
    return undefined;
  }
}

const VERSION = 1;
/** As the evidence box's, with a 2 at its end. */
const USER_TYPE = Buffer.from('7d1a0c526f0e4e1b9c4a4f7269656c02', 'hex');
/** size, type, user type, version */
const HEADER_SIZE = 4 + 4 + 16 + 4;
/** size, type */
const BOX_HEADER = 4 + 4;
const MAX_INDEX_BYTES = 64 * 1024 * 1024;
/** It is the fourth. */
const MAX_BOXES = 100;
