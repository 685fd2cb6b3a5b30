/**
 * Import boundaries: who may import whom. `findViolations` is what `npm run check` runs over the tree.
 *
 * Biome's `noRestrictedImports` compares the specifier as it is written, so `../../x` from a deeper folder passes it; here every
 * specifier is resolved to a file first.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { dirname, join, posix, relative, sep } from 'node:path';

export interface Violation {
  /** Path of the importing file, relative to the root, with slashes. */
  readonly file: string;
  readonly line: number;
  readonly specifier: string;
  /** Which rule it breaks, as a sentence without a full stop. */
  readonly rule: string;
}

/** Folders of `protocol/`, each of which may import only itself and those before it. */
export const PROTOCOL_LAYERS = [
  'core',
  'pdu',
  'security',
  'codecs',
  'channels',
  'graphics',
  'connector',
  'session',
  'tunnel',
] as const;

/** Where the parts are put together: these gateway files, programs of their own, may import the recorder. */
export const COMPOSITION_ROOTS = [
  'gateway/main.ts',
  'gateway/workers/main.ts',
  'gateway/pixels/host.ts',
  'gateway/audit/main.ts',
  'gateway/vault/rewrap-main.ts',
] as const;

const PARTS = ['protocol', 'gateway', 'recorder', 'web-client'];
const OUTER = ['bench', 'test', 'scripts'];
/** Node's crypto is the reference that the protocol's own is held against, and the tests' CryptoProvider. */
const PROTOCOL_TEST_PACKAGES = ['node:test', 'node:assert', 'node:crypto', 'fast-check'];

/** Every import below `root` that breaks a rule, in order of file and line. */
export function findViolations(root: string): Violation[] {
  return sourceFiles(root).flatMap((file) => violationsIn(file, readFileSync(join(root, file), 'utf8')));
}

/** The violations of one file, given its path relative to the root. */
export function violationsIn(file: string, source: string): Violation[] {
  return importsOf(source).flatMap(({ specifier, line }) => {
    const rule = brokenRule(file, specifier);
    return rule === undefined ? [] : [{ file, line, specifier, rule }];
  });
}

function brokenRule(file: string, specifier: string): string | undefined {
  const from = partOf(file);
  if (OUTER.includes(from)) return undefined;
  const target = resolve(file, specifier);
  if (target === undefined) return packageRule(file, specifier);
  const to = partOf(target);
  if (OUTER.includes(to)) return `nothing imports ${to}/`;
  if (from === to) return from === 'protocol' ? (testingRule(file, target) ?? layerRule(file, target)) : undefined;
  if (!PARTS.includes(to)) return undefined;
  if (from === 'protocol') return `protocol/ imports nothing outside protocol/`;
  if (to === 'protocol') return undefined;
  if (to === 'recorder' && (COMPOSITION_ROOTS as readonly string[]).includes(file)) return undefined;
  return `${from}/ imports only protocol/ and itself, not ${to}/`;
}

function packageRule(file: string, specifier: string): string | undefined {
  if (!specifier.startsWith('node:') && builtinModules.includes(specifier))
    return `Node's modules are imported with the node: prefix`;
  if (partOf(file) !== 'protocol') return undefined;
  if (
    isTest(file) &&
    PROTOCOL_TEST_PACKAGES.some((allowed) => specifier === allowed || specifier.startsWith(`${allowed}/`))
  )
    return undefined;
  return `protocol/ imports no npm package and no Node module`;
}

function layerRule(file: string, target: string): string | undefined {
  const from = layerOf(file);
  const to = layerOf(target);
  if (from === to) return undefined;
  // Files directly in protocol/ (ambient types) belong to no layer and import nothing of it.
  if (from === -1 || to === -1) return `protocol/ modules live in one of its folders (${PROTOCOL_LAYERS.join(', ')})`;
  // A test may reach for a later layer to build its input; the order binds what ships.
  if (isTest(file)) return undefined;
  return to < from
    ? undefined
    : `protocol/${PROTOCOL_LAYERS[from]}/ comes before protocol/${PROTOCOL_LAYERS[to]}/ and cannot import it`;
}

function testingRule(file: string, target: string): string | undefined {
  return isTest(target) && !isTest(file) ? 'only tests import what is for tests' : undefined;
}

function layerOf(file: string): number {
  return PROTOCOL_LAYERS.findIndex((layer) => file.startsWith(`protocol/${layer}/`));
}

function partOf(file: string): string {
  return file.split('/')[0] ?? '';
}

/** A test, or what tests share. */
function isTest(file: string): boolean {
  return /\.test\.tsx?$|^protocol\/[^/]+\/testing\//.test(file);
}

/** Path of what a specifier names, relative to the root, or undefined for a package. */
function resolve(file: string, specifier: string): string | undefined {
  if (specifier.startsWith('.')) return posix.normalize(posix.join(posix.dirname(file), specifier));
  if (specifier.startsWith('#protocol/')) return posix.normalize(`protocol/${specifier.slice('#protocol/'.length)}`);
  return undefined;
}

const IMPORT_FORMS = [
  /\b(?:import|export)\s+(?:type\s+)?[\w$*{][^'";]*?\bfrom\s*(['"])([^'"\n]+)\1/g,
  /\bimport\s*(['"])([^'"\n]+)\1/g,
  /\bimport\s*\(\s*(['"])([^'"\n]+)\1/g,
  /\bnew\s+URL\(\s*(['"])(\.[^'"\n]+\.tsx?)\1\s*,\s*import\.meta\.url/g,
];

function importsOf(source: string): { specifier: string; line: number }[] {
  const code = blankComments(source);
  const found = IMPORT_FORMS.flatMap((form) =>
    [...code.matchAll(form)].map((match) => ({ specifier: match[2] ?? '', at: match.index + match[0].length })),
  );
  return found
    .sort((a, b) => a.at - b.at)
    .map(({ specifier, at }) => ({ specifier, line: code.slice(0, at).split('\n').length }));
}

/** Replaces comments by spaces and keeps the lines, so that an import quoted in a docblock does not count. */
function blankComments(source: string): string {
  const pattern = /("(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')|\/\*[\s\S]*?\*\/|(?<!:)\/\/[^\n]*/g;
  return source.replace(pattern, (match, quoted) => (quoted ? match : match.replace(/[^\n]/g, ' ')));
}

function sourceFiles(root: string): string[] {
  return [...PARTS, ...OUTER]
    .flatMap((part) => walk(join(root, part)))
    .map((file) => relative(root, file).split(sep).join('/'))
    .sort();
}

function walk(folder: string): string[] {
  let entries: import('node:fs').Dirent[];
  try {
    entries = readdirSync(folder, { withFileTypes: true });
  } catch {
    return [];
  }
  return entries.flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return entry.name === 'dist' || entry.name === 'node_modules' ? [] : walk(path);
    return /\.tsx?$/.test(entry.name) ? [path] : [];
  });
}

if (import.meta.main) {
  const violations = findViolations(dirname(import.meta.dirname));
  for (const { file, line, specifier, rule } of violations)
    console.error(`${file}:${line} imports '${specifier}': ${rule}`);
  process.exitCode = violations.length === 0 ? 0 : 1;
}
