import { Turns } from '../turns.ts';
import { type ArchiveStatement, checkArchive } from './archive.ts';
import { type ChainedRow, GENESIS, hashRow } from './chain.ts';
import { checkHead, type Head, type TrustedKey } from './signatures.ts';

export type TrailVerdict = 'whole' | 'altered' | 'cut-short' | 'not-checkable';

/** Something that is not as it was written. */
export interface TrailProblem {
  readonly kind:
    | 'altered'
    | 'missing'
    | 'out_of_order'
    | 'rewritten'
    | 'cut'
    | 'archive_altered'
    | 'head_forged'
    | 'file_altered'
    | 'unguarded';
  /** The row that it is about, or the first of them; none: the file as a whole. */
  readonly number: number | null;
  readonly text: string;
}

export interface TrailReport {
  readonly verdict: TrailVerdict;
  readonly rows: number;
  readonly first: number | null;
  readonly last: number | null;
  /** The last row that a good signature commits to. */
  readonly signedUpTo: number | null;
  readonly heads: number;
  readonly archives: number;
  /** The first hundred. */
  readonly problems: readonly TrailProblem[];
  /** How many there are in all. */
  readonly problemCount: number;
  /** What is worth knowing and no sign of tampering. */
  readonly notes: readonly string[];
}

export interface TrailMaterial {
  /** In ascending order of where they are kept. */
  readonly rows: AsyncIterable<ChainedRow> | Iterable<ChainedRow>;
  /** From the database, the file beside it and wherever else they are kept; the same one more than once is no harm. */
  readonly heads: readonly Head[];
  /** Ranges that were taken out. */
  readonly archives: readonly ArchiveStatement[];
  readonly keys: readonly TrustedKey[];
  /** What the first row follows, of a part of the trail; without it, the trail is to begin at the beginning. */
  readonly previous?: string | undefined;
  /** Where the part was to end. A head beyond it says nothing about it. */
  readonly until?: number | undefined;
}

export const MAX_PROBLEMS = 100;

/** Collects what is wrong. */
export class Problems {
  readonly list: TrailProblem[] = [];
  count = 0;
  cut = false;
  altered = false;

  add(kind: TrailProblem['kind'], number: number | null, text: string): void {
    this.count++;
    if (kind === 'cut') this.cut = true;
    else this.altered = true;
    if (this.list.length < MAX_PROBLEMS) this.list.push({ kind, number, text });
  }
}

/**
 * Holds a trail against its own chain, the signed heads and the archives' statements. Finds any edit, removal, insertion
 * and reorder up to the last signed head, and an end that was cut off before it.
 */
export async function verifyTrail(material: TrailMaterial, problems = new Problems()): Promise<TrailReport> {
  const { keys, previous, until } = material;
  const notes: string[] = [];
  const archived = checkArchives(material, problems);
  const turns = new Turns();
  const heads = await sortedHeads(material.heads, turns);
  let nextHead = 0;
  let signedUpTo: number | null = null;
  let unknownKeys = 0;
  let lastGood: number | undefined;

  const useHead = (head: Head, row: ChainedRow | undefined): void => {
    const check = checkHead(head, keys);
    if (check === 'unknown') unknownKeys++;
    else if (check === 'bad')
      problems.add('head_forged', head.number, `the signed head of row ${head.number} is not genuine`);
    else if (row === undefined)
      problems.add('missing', head.number, `row ${head.number}, which a signed head names, is missing`);
    else if (row.hash !== head.hash) {
      const since = lastGood === undefined ? 'the beginning' : `row ${lastGood + 1}`;
      problems.add(
        'rewritten',
        head.number,
        `row ${head.number} is not the one that was signed at ${head.at}: something from ${since} to it was rewritten`,
      );
    } else {
      signedUpTo = head.number;
      lastGood = head.number;
    }
  };

  let before: { readonly number: number; readonly hash: string } | undefined =
    archived ?? (previous === undefined ? { number: 0, hash: GENESIS } : undefined);
  let expected = before?.hash ?? previous ?? GENESIS;
  let rows = 0;
  let first: number | null = null;
  let last: number | null = null;
  for await (const row of material.rows) {
    if (turns.isOver) await turns.pass();
    rows++;
    first ??= row.number;
    let gap = false;
    if (hashRow(expected, row) !== row.hash) {
      if (before !== undefined && row.number > before.number + 1) {
        gap = true;
        const named =
          row.number === before.number + 2
            ? `row ${before.number + 1} is`
            : `rows ${before.number + 1} to ${row.number - 1} are`;
        problems.add('missing', before.number + 1, `${named} missing`);
      } else if (before !== undefined && row.number <= before.number) {
        problems.add('out_of_order', row.number, `row ${row.number} stands after row ${before.number}`);
      } else {
        problems.add('altered', row.number, `row ${row.number} is not as it was written after the one before it`);
      }
    }
    while ((heads[nextHead]?.number ?? Infinity) < row.number) {
      const head = heads[nextHead++] as Head;
      // What is archived or before the part is not ours to look at; its own file is.
      if (!gap && head.number > (before?.number ?? row.number - 1)) useHead(head, undefined);
    }
    before = row;
    last = row.number;
    expected = row.hash;
    while (heads[nextHead]?.number === row.number) useHead(heads[nextHead++] as Head, row);
  }

  const end = before?.number ?? 0;
  const beyond = heads.slice(nextHead).filter(({ number }) => number > end && number <= (until ?? Infinity));
  const genuine = beyond.filter((head) => checkHead(head, keys) === 'good').at(-1);
  for (const head of beyond) if (checkHead(head, keys) === 'bad') useHead(head, undefined);
  if (genuine !== undefined) {
    const missing =
      genuine.number === end + 1 ? `row ${genuine.number} is` : `rows ${end + 1} to ${genuine.number} are`;
    problems.add('cut', end + 1, `the end is cut off: ${missing} missing; the last was signed at ${genuine.at}`);
  }
  if (until !== undefined && until > end)
    problems.add('cut', end + 1, `it ends with row ${end} and was to end with ${until}`);
  if (unknownKeys > 0) notes.push(`${unknownKeys} heads are signed by a key that is not known here`);
  const unsigned = rows === 0 ? 0 : end - (signedUpTo ?? (first ?? 1) - 1);
  if (unsigned > 0 && problems.count === 0 && material.heads.length > 0) {
    notes.push(`no signed head commits to the last ${unsigned === 1 ? 'row' : `${unsigned} rows`} yet`);
  }
  const checkable = signedUpTo !== null || problems.count > 0;
  return {
    verdict: problems.altered ? 'altered' : problems.cut ? 'cut-short' : checkable ? 'whole' : 'not-checkable',
    rows,
    first,
    last,
    signedUpTo,
    heads: heads.length,
    archives: material.archives.length,
    problems: problems.list,
    problemCount: problems.count,
    notes,
  };
}

/** Ranges that were taken out follow each other without a gap. Returns where they end. */
function checkArchives(
  { archives, keys }: TrailMaterial,
  problems: Problems,
): { readonly number: number; readonly hash: string } | undefined {
  let end: { readonly number: number; readonly hash: string } | undefined;
  for (const archive of [...archives].sort((a, b) => a.from - b.from)) {
    const check = checkArchive(archive, keys);
    const { number, hash } = end ?? { number: 0, hash: GENESIS };
    if (check !== 'good') {
      const why = check === 'bad' ? 'is not genuine' : 'is signed by a key that is not known here';
      problems.add('archive_altered', archive.from, `the statement about rows ${archive.from} to ${archive.to} ${why}`);
    } else if (archive.from !== number + 1 || archive.previous !== hash) {
      problems.add(
        'missing',
        number + 1,
        `an archive begins with row ${archive.from}, and the one before ends with ${number}`,
      );
    }
    end = { number: archive.to, hash: archive.last };
  }
  return end;
}

/** By number; each different one once. */
async function sortedHeads(heads: readonly Head[], turns: Turns): Promise<Head[]> {
  const known = new Map<string, Head>();
  for (const head of heads) {
    if (turns.isOver) await turns.pass();
    known.set(`${head.number} ${head.hash} ${head.at} ${head.key} ${head.signature}`, head);
  }
  return [...known.values()].sort((a, b) => a.number - b.number);
}

/** The report in words, several lines. */
export function describeTrailReport(report: TrailReport): string {
  const { verdict, rows, first, last, signedUpTo, problems, problemCount, notes, archives } = report;
  const verdicts: Readonly<Record<TrailVerdict, string>> = {
    whole: 'The trail is whole.',
    altered: 'The trail was altered.',
    'cut-short': 'The end of the trail is missing.',
    'not-checkable': 'The trail cannot be checked: no signature on it is by a key that is known here.',
  };
  const range = rows === 0 ? 'no rows' : `${rows} rows, ${first} to ${last}`;
  const lines = [
    verdicts[verdict],
    `${range}; ${signedUpTo === null ? 'none of them signed by a known key' : `signed up to row ${signedUpTo}`}`,
  ];
  if (archives > 0) lines.push(`${archives} closed ranges before them are in archives, with signed statements`);
  for (const { text } of problems) lines.push(`- ${text}`);
  if (problemCount > problems.length) lines.push(`- and ${problemCount - problems.length} more`);
  return `${[...lines, ...notes].join('\n')}\n`;
}
