/**
 * Writes docs/protocol-coverage.md: which sections of Microsoft's protocol documents the code in protocol/ implements,
 * and that tests really run it.
 *
 *     node scripts/protocol-coverage.ts            runs the protocol's tests and writes the table
 *     node scripts/protocol-coverage.ts --check    fails when the table in the repository is another one
 *
 * A row comes from a docblock that cites a section, `[MS-RDPEGFX] 2.2.2.1`, above a declaration. It is listed only if
 * V8's coverage of the test run says that a function of that declaration has run.
 */
import { spawnSync } from 'node:child_process';
import { globSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

/** A section that a declaration cites. */
export interface Citation {
  readonly document: string;
  readonly section: string;
  /** The declaration's own name; empty for a file's opening comment. */
  readonly name: string;
  readonly file: string;
  /** Where the declaration's code is; functions inside tell whether it ran. */
  readonly start: number;
  readonly end: number;
}

/** A range of one function in a source file, and how often it ran. */
interface RanRange {
  readonly start: number;
  readonly end: number;
  readonly count: number;
  readonly name: string;
}

const root = join(import.meta.dirname, '..');
const output = join(root, 'docs', 'protocol-coverage.md');
const TESTS = ['protocol/**/*.test.ts', 'test/{security,specification,replay}/*.test.ts'];

/** All citations in one file's docblocks, each with the extent of the declaration below it. */
export function findCitations(file: string, source: string): Citation[] {
  const citations: Citation[] = [];
  for (const block of source.matchAll(/\/\*\*[\s\S]*?\*\//g)) {
    const after = block.index + block[0].length;
    const declaration = /^\s*(?:export\s+)?(?:async\s+)?(?:function|class|const|interface|type)\s+(\w+)/.exec(
      source.slice(after, after + 300),
    );
    const method = /^\s*(?:static\s+|readonly\s+)?(#?\w+)\s*[(<]/.exec(source.slice(after, after + 300));
    const name = declaration?.[1] ?? (method?.[1] === 'import' ? undefined : method?.[1]) ?? '';
    const [start, end] = name === '' ? [0, source.length] : [after, endOfDeclaration(source, after)];
    for (const [, document = '', text = ''] of block[0].matchAll(/\[(MS-[A-Z]+)\]([^[]*)/g)) {
      for (const section of sectionsIn(text)) citations.push({ document, section, name, file, start, end });
    }
  }
  return citations;
}

/**
 * The sections that stand behind a document's name: the one that comes first, and all of three numbers and more in that
 * sentence, as a list or as a range, `2.2.1.5 to 2.2.1.9`.
 */
function sectionsIn(text: string): string[] {
  const sentence = text.replaceAll(/\s*\n\s*\*?\s*/g, ' ').split(/\.(?:\s|$)/)[0] ?? '';
  const first = /^\s*(?:section\s+)?(\d+(?:\.\d+)+)/.exec(sentence);
  if (first === null) return [];
  const sections = new Set([first[1] ?? '']);
  for (const [section] of sentence.matchAll(/\b\d+(?:\.\d+){2,}/g)) sections.add(section);
  for (const [, parent = '', from, to] of sentence.matchAll(/\b((?:\d+\.)+)(\d+) to \1(\d+)\b/g)) {
    for (let last = Number(from); last <= Number(to); last++) sections.add(`${parent}${last}`);
  }
  return [...sections];
}

/** A declaration ends with the line that closes it at its own indentation, or with its line. */
function endOfDeclaration(source: string, from: number): number {
  const start = source.indexOf('\n', source.slice(from).search(/\S/) + from);
  const line = source.slice(source.lastIndexOf('\n', start - 1) + 1, start < 0 ? source.length : start);
  if (start < 0 || /[;}]\s*$/.test(line)) return start < 0 ? source.length : start;
  const indent = /^\s*/.exec(line)?.[0] ?? '';
  const close = new RegExp(`\\n${indent}[})\\]][^\\n]*`, 'g');
  close.lastIndex = start;
  const match = close.exec(source);
  return match === null ? source.length : match.index + match[0].length;
}

/**
 * Whether tests ran what a citation stands above: a function inside it, or, where it has none of its own (an
 * interface, a table of constants), a function of the file that is named for it or any that is.
 */
export function isExercised(citation: Citation, ranges: readonly RanRange[]): boolean {
  const inside = ranges.filter(({ start, end, name }) => start >= citation.start && end <= citation.end && name !== '');
  if (citation.name !== '' && inside.length > 0) return inside.some(({ count }) => count > 0);
  const stem = citation.name.replace(/^(?:decode|encode|sizeOf)/, '');
  const named = ranges.filter(({ name }) => stem.length > 3 && name.includes(stem));
  const candidates = named.length > 0 ? named : ranges.filter(({ name }) => name !== '');
  // A file of constants has no function at all: the module itself counts.
  return candidates.length > 0 ? candidates.some(({ count }) => count > 0) : ranges.some(({ count }) => count > 0);
}

function runTests(): Map<string, RanRange[]> {
  const folder = mkdtempSync(join(tmpdir(), 'oriel-coverage-'));
  try {
    const files = globSync(TESTS, { cwd: root });
    const { status, stdout } = spawnSync(process.execPath, ['--test', ...files], {
      cwd: root,
      env: { ...process.env, NODE_V8_COVERAGE: folder },
      encoding: 'utf8',
      maxBuffer: 1 << 28,
    });
    if (status !== 0) throw new Error(`the protocol's tests fail:\n${stdout.slice(-3000)}`);
    return readCoverage(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Adds up what all test processes ran, by file. Type stripping keeps offsets, so they are those of the source. */
function readCoverage(folder: string): Map<string, RanRange[]> {
  const byFile = new Map<string, Map<string, RanRange>>();
  for (const name of readdirSync(folder)) {
    const { result } = JSON.parse(readFileSync(join(folder, name), 'utf8')) as {
      result: {
        url: string;
        functions: { functionName: string; ranges: [{ startOffset: number; endOffset: number; count: number }] }[];
      }[];
    };
    for (const { url, functions } of result) {
      if (!url.startsWith('file:')) continue;
      const file = relative(root, fileURLToPath(url));
      if (!file.startsWith('protocol/') || file.endsWith('.test.ts')) continue;
      const ranges = byFile.get(file) ?? new Map<string, RanRange>();
      byFile.set(file, ranges);
      for (const {
        functionName,
        ranges: [{ startOffset, endOffset, count }],
      } of functions) {
        const key = `${startOffset}-${endOffset}`;
        const before = ranges.get(key)?.count ?? 0;
        ranges.set(key, { start: startOffset, end: endOffset, count: before + count, name: functionName });
      }
    }
  }
  return new Map([...byFile].map(([file, ranges]) => [file, [...ranges.values()]]));
}

/** The table, and the citations that no test exercises. */
export function makeTable(citations: readonly Citation[], ran: ReadonlyMap<string, readonly RanRange[]>) {
  const rows = new Map<string, { document: string; section: string; places: Set<string> }>();
  const idle: Citation[] = [];
  for (const citation of citations) {
    if (!isExercised(citation, ran.get(citation.file) ?? [])) {
      idle.push(citation);
      continue;
    }
    const key = `${citation.document} ${citation.section}`;
    const row = rows.get(key) ?? { document: citation.document, section: citation.section, places: new Set() };
    const name = citation.name === '' ? '' : ` \`${citation.name}\``;
    row.places.add(`[${citation.file.slice('protocol/'.length)}](../${citation.file})${name}`);
    rows.set(key, row);
  }
  const documents = Map.groupBy([...rows.values()].sort(inOrder), ({ document }) => document);
  const parts = [...documents].map(([document, sections]) => {
    const lines = sections.map(({ section, places }) => `| ${section} | ${[...places].sort().join(', ')} |`);
    return `## [${document}]\n\n| Section | Where |\n|---|---|\n${lines.join('\n')}\n`;
  });
  const text = `# Protocol coverage

Made by \`npm run coverage\`; do not edit. Sections of Microsoft's protocol documents that the code cites as what it implements.
A section is listed only if the tests run that code, as V8's coverage sees it.

${parts.join('\n')}`;
  return { text, idle };
}

function inOrder(a: { document: string; section: string }, b: { document: string; section: string }): number {
  if (a.document !== b.document) return a.document < b.document ? -1 : 1;
  const [left, right] = [a.section.split('.').map(Number), b.section.split('.').map(Number)];
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    if (left[i] !== right[i]) return (left[i] ?? 0) - (right[i] ?? 0);
  }
  return 0;
}

if (import.meta.main) {
  const sources = globSync('protocol/**/*.ts', { cwd: root })
    .filter((file) => !file.endsWith('.test.ts') && !file.endsWith('.d.ts'))
    .sort();
  const citations = sources.flatMap((file) => findCitations(file, readFileSync(join(root, file), 'utf8')));
  const { text, idle } = makeTable(citations, runTests());
  for (const { document, section, file, name } of idle) {
    console.error(`not exercised by any test, so not listed: [${document}] ${section} at ${file} ${name}`);
  }
  if (!process.argv.includes('--check')) writeFileSync(output, text);
  else if (readFileSync(output, 'utf8') !== text) {
    console.error('docs/protocol-coverage.md is out of date: run `npm run coverage`');
    process.exitCode = 1;
  }
}
