import type { ByteSource } from '../storage/byte-source.ts';
import { PUBLIC_KEY_SIZE, SIGNATURE_SIZE } from './signing-key.ts';

/**
 * The `uuid` box (ISO/IEC 14496-12 section 11.1) at the end of a sealed recording. Players skip boxes that they do not
 * know. Big-endian, as all of MP4:
 *
 * ```
 * u32 size, 'uuid', u8[16] user type
 * u32 version = 1
 * u32 length, manifest (JSON)
 * u32 length = 64, Ed25519 signature of the manifest's bytes
 * u32 length = 44, public key (SubjectPublicKeyInfo)
 * u32 length, events (JSON lines)
 * u32 size of the whole box, 'OrielEv1'
 * ```
 *
 * The end of the box repeats its size, so that it is found from the end of the file, whatever became of what is before.
 */
export interface EvidenceParts {
  readonly manifest: Uint8Array;
  readonly signature: Uint8Array;
  readonly publicKey: Uint8Array;
  readonly events: Uint8Array;
}

/** A box found in a file; offsets count from the file's start. */
export interface EvidencePlace {
  readonly start: number;
  readonly end: number;
}

/** A part of the box: what it holds and where it is in the file. */
export interface PlacedPart {
  readonly bytes: Uint8Array;
  readonly start: number;
}

export interface OpenedBox {
  readonly manifest: PlacedPart;
  readonly signature: PlacedPart;
  readonly publicKey: PlacedPart;
  readonly events: PlacedPart;
  /** What is wrong with the box itself, each with the place in the file. */
  readonly faults: readonly { readonly start: number; readonly end: number; readonly message: string }[];
}

/** Written into `moov` as the file's comment: a file that has it and no box has lost its end. */
export const EVIDENCE_MARK = 'oriel-evidence-1';

/** Of events and manifest together; twelve hours of typing without a pause are a tenth of it. */
export const MAX_EVIDENCE_BYTES = 512 * 1024 * 1024;

export function encodeEvidenceBox(parts: EvidenceParts): Buffer {
  const pieces = [parts.manifest, parts.signature, parts.publicKey, parts.events];
  const size = HEADER_SIZE + pieces.reduce((sum, piece) => sum + 4 + piece.length, 0) + FOOTER_SIZE;
  if (size > MAX_EVIDENCE_BYTES) throw new Error(`the evidence is ${size} bytes long`);
  const box = Buffer.alloc(size);
  box.writeUInt32BE(size, 0);
  box.write('uuid', 4, 'latin1');
  box.set(USER_TYPE, 8);
  box.writeUInt32BE(VERSION, 24);
  let at = HEADER_SIZE;
  for (const piece of pieces) {
    at = box.writeUInt32BE(piece.length, at);
    box.set(piece, at);
    at += piece.length;
  }
  box.writeUInt32BE(size, at);
  box.write(FOOTER_MAGIC, at + 4, 'latin1');
  return box;
}

/**
 * Finds the box although any one field that marks it may be damaged, and although something may have been appended.
 * @param boxes the file's top-level boxes, as far as they can be followed
 */
export async function findEvidenceBox(
  file: ByteSource,
  boxes: readonly { readonly offset: number; readonly end: number }[],
): Promise<EvidencePlace | undefined> {
  const fileBytes = file.size;
  const footer = await read(file, fileBytes - FOOTER_SIZE, FOOTER_SIZE);
  if (footer?.toString('latin1', 4) === FOOTER_MAGIC) {
    const place = { start: fileBytes - footer.readUInt32BE(0), end: fileBytes };
    if ((await likeness(file, place)) >= LIKELY) return place;
  }
  for (const { offset, end } of boxes.toReversed()) {
    const place = { start: offset, end };
    if ((await likeness(file, place)) >= LIKELY) return place;
  }
  const start = await lastIndexOf(file, USER_TYPE);
  if (start === undefined) return undefined;
  const size = (await read(file, start - 8, 4))?.readUInt32BE(0) ?? 0;
  const place = { start: start - 8, end: start - 8 + size };
  return place.start >= 0 && (await likeness(file, place)) >= LIKELY ? place : undefined;
}

/** Whether a file ends as one that carries evidence does, whatever became of the rest of the box. */
export async function hasEvidenceEnd(file: ByteSource): Promise<boolean> {
  const end = await read(file, file.size - FOOTER_MAGIC.length, FOOTER_MAGIC.length);
  return end?.toString('latin1') === FOOTER_MAGIC;
}

/** Whether the rest of a file from `start` on can be what is left of a box that lost its end. */
export async function isEvidenceBeginning(file: ByteSource, start: number): Promise<boolean> {
  const left = file.size - start;
  const found = await file.read(start, 4 + MARKS.length);
  const marks = found.subarray(4);
  return MARKS.subarray(0, marks.length).equals(marks) && (found.length < 4 || found.readUInt32BE(0) > left);
}

/** Reads a box; lengths that contradict each other or the box are faults, and the parts are then what can be had. */
export async function openEvidenceBox(file: ByteSource, { start, end }: EvidencePlace): Promise<OpenedBox> {
  const faults: { start: number; end: number; message: string }[] = [];
  const fault = (from: number, to: number, message: string) =>
    faults.push({ start: start + from, end: start + to, message });
  const size = end - start;
  if (size > MAX_EVIDENCE_BYTES || size < HEADER_SIZE + FOOTER_SIZE) {
    fault(0, 4, `the evidence box is ${size} bytes long`);
    return { ...EMPTY, faults };
  }
  const box = (await read(file, start, size)) ?? Buffer.alloc(0);
  if (box.length !== size) return { ...EMPTY, faults: [{ start, end, message: 'the evidence box cannot be read' }] };
  if (box.readUInt32BE(0) !== size) fault(0, 4, "the evidence box's size is altered");
  if (box.toString('latin1', 4, 8) !== 'uuid') fault(4, 8, "the evidence box's type is altered");
  if (!USER_TYPE.equals(box.subarray(8, 24))) fault(8, 24, "the evidence box's user type is altered");
  if (box.readUInt32BE(24) !== VERSION) fault(24, 28, `the evidence box has version ${box.readUInt32BE(24)}`);
  const footer = size - FOOTER_SIZE;
  if (box.readUInt32BE(footer) !== size) fault(footer, footer + 4, "the size at the evidence box's end is altered");
  if (box.toString('latin1', footer + 4) !== FOOTER_MAGIC) fault(footer + 4, size, "the evidence box's end is altered");
  let at = HEADER_SIZE;
  const part = (name: string, wanted?: number): PlacedPart => {
    if (at + 4 > footer) {
      fault(at, footer, `there is no room for the ${name}`);
      return { bytes: new Uint8Array(), start: start + at };
    }
    const length = box.readUInt32BE(at);
    const from = at + 4;
    const possible = length <= footer - from && (wanted === undefined || length === wanted);
    if (!possible) fault(at, from, `the length of the ${name} is altered`);
    const to = possible ? from + length : Math.min(footer, from + (wanted ?? 0));
    at = to;
    return { bytes: box.subarray(from, to), start: start + from };
  };
  const manifest = part('manifest');
  const signature = part('signature', SIGNATURE_SIZE);
  const publicKey = part('public key', PUBLIC_KEY_SIZE);
  const events = part('events');
  if (at !== footer) fault(at, footer, 'the lengths in the evidence box do not add up');
  return { manifest, signature, publicKey, events, faults };
}

async function likeness(file: ByteSource, { start, end }: EvidencePlace): Promise<number> {
  if (start < 0 || end - start < HEADER_SIZE + FOOTER_SIZE) return 0;
  const header = await read(file, start, 24);
  const footer = await read(file, end - FOOTER_SIZE, FOOTER_SIZE);
  if (header === undefined || footer === undefined) return 0;
  const marks = [
    header.readUInt32BE(0) === end - start,
    header.toString('latin1', 4, 8) === 'uuid',
    USER_TYPE.equals(header.subarray(8)),
    footer.readUInt32BE(0) === end - start,
    footer.toString('latin1', 4) === FOOTER_MAGIC,
  ];
  return marks.filter((mark) => mark).length;
}

async function lastIndexOf(file: ByteSource, wanted: Buffer): Promise<number | undefined> {
  for (let end = file.size; end > 0; end -= SCAN_STEP) {
    const start = Math.max(0, end - SCAN_STEP);
    const window = await read(file, start, Math.min(file.size, end + wanted.length) - start);
    const at = window?.lastIndexOf(wanted) ?? -1;
    if (at >= 0) return start + at;
  }
  return undefined;
}

/** `undefined` when the file does not have all of them. */
async function read(file: ByteSource, position: number, length: number): Promise<Buffer | undefined> {
  if (position < 0) return undefined;
  const bytes = await file.read(position, length);
  return bytes.length === length ? bytes : undefined;
}

const VERSION = 1;
/** Ours alone: 7d1a0c52-6f0e-4e1b-9c4a-4f7269656c01, whose last six bytes say "Oriel" and 1. */
const USER_TYPE = Buffer.from('7d1a0c526f0e4e1b9c4a4f7269656c01', 'hex');
/** What stands behind a box's size. */
const MARKS = Buffer.concat([Buffer.from('uuid', 'latin1'), USER_TYPE]);
const FOOTER_MAGIC = 'OrielEv1';
/** size, type, user type, version */
const HEADER_SIZE = 4 + 4 + 16 + 4;
/** size, magic */
const FOOTER_SIZE = 4 + 8;
/** Of five marks; random bytes have none. */
const LIKELY = 3;
const SCAN_STEP = 1024 * 1024;
const NOTHING: PlacedPart = { bytes: new Uint8Array(), start: 0 };
const EMPTY = { manifest: NOTHING, signature: NOTHING, publicKey: NOTHING, events: NOTHING };
