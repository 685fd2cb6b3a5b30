import { type ReadCursor, WriteCursor } from '../core/cursor.ts';
import { UsageError } from '../core/errors.ts';
import { decodeUtf8, encodeUtf8 } from '../core/text.ts';
import { readJson, textField, writeJson } from './fields.ts';
import type { FileOffer, FileWanted } from './file-records.ts';
import { TunnelLimits } from './limits.ts';

/** What may pass between the user's clipboard and the desktop's, in either direction. */
export interface ClipboardTerms {
  /** Whether the desktop has a clipboard that can be talked to. */
  readonly available: boolean;
  readonly textToDesktop: boolean;
  readonly textFromDesktop: boolean;
  readonly filesToDesktop: boolean;
  readonly filesFromDesktop: boolean;
}

/** What kinds of things the desktop's clipboard holds. */
export interface CopiedKinds {
  readonly text: boolean;
  readonly files: boolean;
  /** Anything else: pictures, parts of documents. */
  readonly other: boolean;
}

/** What the gateway tells of the desktop's clipboard; to the owner only. */
export type ClipboardNews =
  | ({ readonly type: 'clipboard-terms' } & ClipboardTerms)
  /** Something was copied in the desktop: what was offered to it before is gone from its clipboard. */
  | ({ readonly type: 'clipboard-copied' } & CopiedKinds)
  /** The text that was copied; lines end in LF. */
  | { readonly type: 'clipboard-text'; readonly text: string }
  /** The files that were copied; `GET /api/sessions/:id/files/:list/:index` has them. */
  | ({ readonly type: 'clipboard-files' } & FileOffer)
  /** The desktop pastes a file of the browser's, and wants this part of it. */
  | ({ readonly type: 'file-wanted' } & FileWanted)
  | ({ readonly type: 'file-transfer' } & TransferProgress);

/** How far a file has come on its way. */
export interface TransferProgress {
  readonly id: number;
  readonly direction: 'to-desktop' | 'from-desktop';
  readonly name: string;
  readonly size: number;
  readonly done: number;
  readonly state: 'running' | 'done' | 'failed' | 'cancelled';
}

/** A part of a text for the desktop's clipboard, in UTF-8 that a part may end in the middle of. */
export interface ClipboardPart {
  /** Whether further parts follow. */
  readonly more: boolean;
  readonly part: Uint8Array;
}

const TERMS = ['available', 'textToDesktop', 'textFromDesktop', 'filesToDesktop', 'filesFromDesktop'] as const;
const KINDS = ['text', 'files', 'other'] as const;

export function encodeTerms(type: number, terms: ClipboardTerms): Uint8Array<ArrayBuffer> {
  return encodeFlags(type, TERMS, terms);
}

export function readTerms(cursor: ReadCursor): ClipboardTerms {
  return readFlags(cursor, TERMS);
}

export function encodeCopied(type: number, kinds: CopiedKinds): Uint8Array<ArrayBuffer> {
  return encodeFlags(type, KINDS, kinds);
}

export function readCopied(cursor: ReadCursor): CopiedKinds {
  return readFlags(cursor, KINDS);
}

export function encodeText(type: number, text: string): Uint8Array<ArrayBuffer> {
  const bytes = encodeUtf8(text);
  if (bytes.length > TunnelLimits.clipboardTextBytes) throw new UsageError(`clipboard text of ${bytes.length} bytes`);
  const cursor = new WriteCursor(1 + bytes.length); // type, text
  cursor.u8(type);
  cursor.bytes(bytes);
  return cursor.finish();
}

export function readText(cursor: ReadCursor): string {
  if (cursor.remaining > TunnelLimits.clipboardTextBytes) throw cursor.error('limit_exceeded', 'text');
  return decodeUtf8(cursor.rest());
}

export function encodePart(type: number, { more, part }: ClipboardPart): Uint8Array<ArrayBuffer> {
  const cursor = new WriteCursor(1 + 1 + part.length); // type, more, part
  cursor.u8(type);
  cursor.u8(more ? 1 : 0);
  cursor.bytes(part);
  return cursor.finish();
}

export function readPart(cursor: ReadCursor): ClipboardPart {
  const more = cursor.u8('more');
  if (more > 1) throw cursor.error('invalid_value', 'more', `${more}`);
  return { more: more === 1, part: cursor.rest() };
}

export function encodeTransfer(type: number, { id, direction, name, size, done, state }: TransferProgress) {
  return writeJson(type, { id, direction, name, size, done, state });
}

export function readTransfer(cursor: ReadCursor): TransferProgress {
  const body = readJson(cursor);
  const count = (field: string): number => {
    const value = body[field];
    if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) {
      throw cursor.error('invalid_value', field, 'not a count');
    }
    return value;
  };
  const oneOf = <T extends string>(field: string, values: readonly T[]): T => {
    const found = values.find((value) => value === body[field]);
    if (found === undefined) throw cursor.error('invalid_value', field);
    return found;
  };
  return {
    id: count('id'),
    direction: oneOf('direction', ['to-desktop', 'from-desktop']),
    name: textField(cursor, body, 'name'),
    size: count('size'),
    done: count('done'),
    state: oneOf('state', ['running', 'done', 'failed', 'cancelled']),
  };
}

/** A text in parts that each fit a message to the gateway. */
export function partsOfText(text: string): ClipboardPart[] {
  const bytes = encodeUtf8(text);
  const size = TunnelLimits.clipboardPartBytes;
  const parts: ClipboardPart[] = [];
  for (let at = 0; at === 0 || at < bytes.length; at += size) {
    parts.push({ more: at + size < bytes.length, part: bytes.subarray(at, at + size) });
  }
  return parts;
}

/** One byte: a bit for each name, the first one lowest. */
function encodeFlags<Name extends string>(
  type: number,
  names: readonly Name[],
  values: Readonly<Record<Name, boolean>>,
): Uint8Array<ArrayBuffer> {
  const cursor = new WriteCursor(1 + 1); // type, flags
  cursor.u8(type);
  cursor.u8(names.reduce((flags, name, bit) => flags | (values[name] ? 1 << bit : 0), 0));
  return cursor.finish();
}

function readFlags<Name extends string>(cursor: ReadCursor, names: readonly Name[]): Record<Name, boolean> {
  const flags = cursor.u8('flags');
  cursor.expectEnd();
  return Object.fromEntries(names.map((name, bit) => [name, (flags & (1 << bit)) !== 0])) as Record<Name, boolean>;
}
