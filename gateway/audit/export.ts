import { createHash } from 'node:crypto';
import type { ChainedRow } from './chain.ts';
import { csvLine, parseCsvRecord } from './csv.ts';
import {
  checkText,
  type Head,
  type SignatureCheck,
  type Signed,
  signText,
  type TrailSigner,
  type TrustedKey,
} from './signatures.ts';

export const exportFormats = ['jsonl', 'csv'] as const;
export type ExportFormat = (typeof exportFormats)[number];

/** A row as it is exported: with the hash of the one before it, so that each can be checked by itself. */
export interface ExportedRow extends ChainedRow {
  readonly previous: string;
}

/** The last line of an export, signed: what is in it, and how far the trail had come. */
export interface ExportStatement extends Signed {
  readonly at: string;
  readonly by: string;
  /** What was looked for; empty: everything. */
  readonly filter: Readonly<Record<string, unknown>>;
  readonly rows: number;
  readonly first: number | null;
  readonly last: number | null;
  /** Whether each row follows the one before it in the trail, too. */
  readonly contiguous: boolean;
  /** SHA-256 of everything before this line, hex. */
  readonly digest: string;
  readonly head: Head | null;
}

export interface ExportParts {
  readonly format: ExportFormat;
  readonly rows: AsyncIterable<ExportedRow>;
  readonly by: string;
  readonly filter: ExportStatement['filter'];
  readonly head: Head | undefined;
  readonly signer: TrailSigner;
  readonly now?: () => number;
}

const COLUMNS = [
  ...(['number', 'at', 'actor', 'actorId', 'address', 'action', 'subject', 'sessionId', 'details'] as const),
  ...(['previous', 'hash'] as const),
];
/** How much is handed on at a time. */
const CHUNK_CHARACTERS = 64 * 1024;

/** The text of an export, in pieces; ends with the signed statement. */
export async function* exportTrail(parts: ExportParts): AsyncGenerator<string> {
  const { format, by, filter, head, signer, now = Date.now } = parts;
  const digest = createHash('sha256');
  let piece = format === 'csv' ? csvLine(COLUMNS) : '';
  let rows = 0;
  let first: number | null = null;
  let before: ExportedRow | undefined;
  let contiguous = true;
  for await (const row of parts.rows) {
    rows++;
    first ??= row.number;
    contiguous &&= before === undefined || before.hash === row.previous;
    before = row;
    piece += format === 'csv' ? csvRow(row) : jsonRow(row);
    if (piece.length >= CHUNK_CHARACTERS) {
      digest.update(piece);
      yield piece;
      piece = '';
    }
  }
  digest.update(piece);
  const facts = {
    at: new Date(now()).toISOString(),
    by,
    filter,
    rows,
    first,
    last: before?.number ?? null,
    contiguous,
    digest: digest.digest('hex'),
    head: head ?? null,
  };
  const statement: ExportStatement = { ...facts, ...signText(signer, statementText(facts)) };
  yield piece + statementLine(format, statement);
}

/** The statement as it stands in the file, to the last byte. */
export function statementLine(format: ExportFormat, statement: ExportStatement): string {
  return format === 'csv' ? csvStatement(statement) : `${JSON.stringify({ statement })}\n`;
}

export function checkStatement(statement: ExportStatement, keys: readonly TrustedKey[]): SignatureCheck {
  return checkText(statementText(statement), statement, keys);
}

/** One record of an export: a row, or the statement at its end. Nothing: it is neither. */
export function parseRecord(
  format: ExportFormat,
  record: string,
): { readonly row: ExportedRow } | { readonly statement: ExportStatement } | undefined {
  try {
    return format === 'csv' ? parseCsv(record) : parseJson(record);
  } catch {
    return undefined;
  }
}

export function isCsvHeader(record: string): boolean {
  return record === csvLine(COLUMNS).trimEnd();
}

function statementText(statement: Omit<ExportStatement, keyof Signed>): string {
  const { at, by, filter, rows, first, last, contiguous, digest, head } = statement;
  return `oriel-audit-export-1\n${JSON.stringify([at, by, filter, rows, first, last, contiguous, digest, head])}`;
}

/** A line of JSON, with its end. */
export function jsonRow(row: ExportedRow): string {
  const { number, at, actor, actorId, address, action, subject, sessionId, details, previous, hash } = row;
  const who = { number, at: new Date(at).toISOString(), actor, actorId, address, action, subject, sessionId };
  // The details as they were written: it is this text that was hashed.
  return `${JSON.stringify(who).slice(0, -1)},"details":${details},"previous":"${previous}","hash":"${hash}"}\n`;
}

function csvRow(row: ExportedRow): string {
  return csvLine(COLUMNS.map((column) => (column === 'at' ? new Date(row.at).toISOString() : row[column])));
}

function csvStatement(statement: ExportStatement): string {
  const cells = { at: statement.at, actor: statement.by, action: 'statement', details: JSON.stringify(statement) };
  return csvLine(COLUMNS.map((column) => (column in cells ? cells[column as keyof typeof cells] : '')));
}

function parseJson(record: string) {
  const { statement, ...row } = JSON.parse(record) as Record<string, unknown>;
  if (statement !== undefined) return { statement: statement as ExportStatement };
  const details = JSON.stringify(row.details);
  return typeof row.at === 'string' && details !== undefined
    ? { row: { ...(row as unknown as ExportedRow), at: Date.parse(row.at), details } }
    : undefined;
}

function parseCsv(record: string) {
  const values = parseCsvRecord(record);
  if (values?.length !== COLUMNS.length) return undefined;
  const cells = Object.fromEntries(COLUMNS.map((column, i) => [column, values[i] ?? ''])) as Record<
    (typeof COLUMNS)[number],
    string
  >;
  if (cells.number === '') return { statement: JSON.parse(cells.details) as ExportStatement };
  const { number, at, actorId, sessionId } = cells;
  const ids = { actorId: actorId === '' ? null : actorId, sessionId: sessionId === '' ? null : sessionId };
  return { row: { ...cells, ...ids, number: Number(number), at: Date.parse(at) } };
}
