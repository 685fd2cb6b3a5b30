import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { hashRow } from './chain.ts';
import {
  checkStatement,
  type ExportedRow,
  type ExportFormat,
  type ExportStatement,
  isCsvHeader,
  parseRecord,
  statementLine,
} from './export.ts';
import type { Head, TrustedKey } from './signatures.ts';
import { Problems, type TrailReport, verifyTrail } from './verify.ts';

/**
 * Checks an export or an archive, from the file alone: that it is, byte for byte, what the gateway signed, that every row
 * goes with its hash, and where no row was left out, that they follow each other as in the trail.
 *
 * @param heads from elsewhere, which the rows have to go with as well
 */
export async function verifyExport(
  path: string,
  keys: readonly TrustedKey[],
  heads: readonly Head[] = [],
): Promise<TrailReport> {
  const problems = new Problems();
  const digest = createHash('sha256');
  const rows: ExportedRow[] = [];
  let statement: ExportStatement | undefined;
  let format: ExportFormat | undefined;
  let line = 0;
  for await (const { record, text, whole } of recordsOf(path)) {
    line++;
    if (format === undefined) {
      format = record.startsWith('{') ? 'jsonl' : 'csv';
      if (format === 'csv') {
        if (!whole) problems.add('cut', null, 'the first line is cut off');
        else if (!isCsvHeader(record))
          problems.add('file_altered', null, 'the first line does not name the columns of an export');
        digest.update(text);
        continue;
      }
    }
    const parsed = parseRecord(format, record);
    if (statement !== undefined) problems.add('file_altered', null, `line ${line} stands after the statement`);
    else if (!whole) problems.add('cut', null, `line ${line} is cut off`);
    else if (parsed === undefined) problems.add('file_altered', null, `line ${line} is no row of an export`);
    else if ('statement' in parsed) {
      statement = parsed.statement;
      if (text !== safely(() => statementLine(format as ExportFormat, parsed.statement))) {
        problems.add('file_altered', null, 'the statement at its end is not as it was written');
      }
    } else rows.push(parsed.row);
    if (statement === undefined) digest.update(text);
  }
  if (line === 0) throw new Error(`${path} is empty`);
  const signed = statement === undefined ? undefined : safely(() => checkStatement(statement as ExportStatement, keys));
  if (statement === undefined) problems.add('cut', null, 'the signed statement at its end is missing');
  else if (signed === 'bad' || signed === undefined)
    problems.add('file_altered', null, 'the statement at its end is not genuine');
  else if (statement.digest !== digest.digest('hex'))
    problems.add('file_altered', null, 'it is not, byte for byte, what was signed');

  // Of nothing, nothing is missing: that nothing was found is what was signed.
  const contiguous =
    rows.length === 0 ? false : signed === 'good' ? (statement as ExportStatement).contiguous : isContiguous(rows);
  if (!contiguous) checkSingly(rows, problems);
  const trusted = signed === 'good' ? statement : undefined;
  const report = await verifyTrail(
    {
      rows: contiguous ? rows : [],
      heads: contiguous ? [...heads, ...(trusted?.head ? [trusted.head] : [])] : [],
      archives: [],
      keys,
      previous: rows[0]?.previous ?? '',
      until: contiguous ? (trusted?.last ?? rows.at(-1)?.number) : undefined,
    },
    problems,
  );
  const [first, last] = [rows[0]?.number ?? null, rows.at(-1)?.number ?? null];
  const range = { rows: rows.length, first, last };
  if (problems.count > 0) return { ...report, ...range };
  if (trusted === undefined) {
    const notes = ['the statement at its end is signed by a key that is not known here'];
    return { ...report, ...range, verdict: 'not-checkable', notes };
  }
  const notes = contiguous ? [] : ['it holds what was looked for: other rows stand between these'];
  return { ...report, ...range, verdict: 'whole', signedUpTo: last, notes };
}

function checkSingly(rows: readonly ExportedRow[], problems: Problems): void {
  let before = 0;
  for (const row of rows) {
    if (hashRow(row.previous, row) !== row.hash) {
      problems.add('altered', row.number, `row ${row.number} does not go with its hash`);
    }
    if (row.number <= before) problems.add('out_of_order', row.number, `row ${row.number} stands after row ${before}`);
    before = row.number;
  }
}

function isContiguous(rows: readonly ExportedRow[]): boolean {
  return rows.every((row, i) => i === 0 || row.number === (rows[i - 1]?.number ?? 0) + 1);
}

function safely<T>(check: () => T): T | undefined {
  try {
    return check();
  } catch {
    return undefined;
  }
}

interface FileRecord {
  /** Without its line end. */
  readonly record: string;
  readonly text: string;
  /** Whether it has a line end. */
  readonly whole: boolean;
}

/** The records of a file: lines, or several of them where a line end stands between quotes. */
async function* recordsOf(path: string): AsyncGenerator<FileRecord> {
  let rest = '';
  let quoted = false;
  let csv: boolean | undefined;
  let pending = '';
  for await (const chunk of createReadStream(path, { encoding: 'utf8', highWaterMark: 256 * 1024 })) {
    rest += chunk as string;
    csv ??= !rest.startsWith('{');
    let start = 0;
    for (let end = rest.indexOf('\n'); end >= 0; end = rest.indexOf('\n', start)) {
      const line = rest.slice(start, end + 1);
      start = end + 1;
      if (csv && (line.split('"').length - 1) % 2 === 1) quoted = !quoted;
      pending += line;
      if (quoted) continue;
      yield { record: pending.replace(/\r?\n$/, ''), text: pending, whole: true };
      pending = '';
    }
    rest = rest.slice(start);
  }
  const last = pending + rest;
  if (last !== '') yield { record: last, text: last, whole: false };
}
