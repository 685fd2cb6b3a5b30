/** The whole check of the project, and what CI runs; `--help` says more. */
import { spawn } from 'node:child_process';
import { existsSync, globSync } from 'node:fs';
import { join } from 'node:path';
import { run } from 'node:test';
import { parseArgs } from 'node:util';
import { TestReport } from './test-report.ts';

const GROUPS = ['check', 'unit', 'integration', 'browser'] as const;
/** Run only when asked for by name: servers of a newer Debian, which take a download of 200 MB the first time. */
const EXTRA_GROUPS = ['lab'] as const;
type Group = (typeof GROUPS)[number] | (typeof EXTRA_GROUPS)[number];

/**
 * Other programs take part in these: servers, a browser, an encoder. What the test waits for may come too late while two files share a
 * slow machine's processors, and a run takes a quarter of an hour. Unit tests have no such excuse.
 */
const ONCE_MORE = 2;

const HELP = `usage: npm test -- [WORD…] [options]

The whole check of the project, and what CI runs: types, lint and format, import boundaries, unit tests, integration, browser.

  WORD            only test files whose path holds it

options:
  --only GROUPS   some groups, comma-separated: ${[...GROUPS, ...EXTRA_GROUPS].join(', ')}
  --grep PATTERN  only tests whose name matches this regular expression
  --verbose       names every test that passed, not only the files
  --help          this text

examples:
  npm test -- --only unit
  npm test -- gateway/vault --grep rotate
  npm run test:lab                            servers of Debian 13, in a folder of their own (root, debootstrap); players

environment:
  CI=true             a skipped test is a failure
  ORIEL_TEST_LONG=1   simulated hours in full, which cost minutes

Of integration and browser tests, up to ${ONCE_MORE} files that failed run once more by themselves; that run counts, and the report names both.
The last line is "N passed, N failed": every test of node:test and each check counts as one. It ends with 0 if all passed.`;

const root = join(import.meta.dirname, '..');
const bin = (name: string) => join(root, 'node_modules', '.bin', name);

/** Quick, independent of each other, two at a time. */
const CHECKS: readonly { name: string; command: readonly string[] }[] = [
  { name: 'types of protocol (no Node, no DOM)', command: [bin('tsc'), '-p', 'protocol'] },
  { name: 'types of gateway, recorder, test, scripts', command: [bin('tsc'), '-p', '.'] },
  { name: 'types of web-client', command: [bin('tsc'), '-p', 'web-client'] },
  {
    name: "types of web-client's tests (Node beside the DOM)",
    command: [bin('tsc'), '-p', 'web-client/tsconfig.test.json'],
  },
  { name: 'lint and format', command: [bin('biome'), 'check', '--error-on-warnings', '--max-diagnostics=40'] },
  { name: 'import boundaries', command: [process.execPath, 'scripts/boundaries.ts'] },
];

interface TestGroup {
  readonly globs: readonly string[];
  /** Files that run at once: servers and browsers need the two cores for themselves. */
  readonly concurrency: number;
  /** What one test may take on a busy machine. */
  readonly testMinutes: number;
  /** What the group may take: a file full of tests that hang is ended, not waited for. */
  readonly minutes: number;
  /** How many failed files run once more, by themselves. Where more have failed, it was not chance. */
  readonly onceMore?: number;
}

const TEST_GROUPS: Record<Exclude<Group, 'check'>, TestGroup> = {
  unit: {
    globs: [
      'protocol',
      'gateway',
      'recorder',
      'web-client',
      'scripts',
      'bench',
      'test/rdp',
      'test/security',
      'test/specification',
      'test/replay',
      'test/fuzz',
    ].map((part) => `${part}/**/*.test.{ts,tsx}`),
    concurrency: 2,
    testMinutes: 2,
    minutes: 15,
  },
  integration: {
    globs: [
      'test/integration/**/*.test.ts',
      'test/lab/**/*.test.ts',
      'test/goldens/**/*.test.ts',
      'test/kills/**/*.test.ts',
    ],
    concurrency: 2,
    testMinutes: 4,
    minutes: 15,
    onceMore: ONCE_MORE,
  },
  browser: { globs: ['test/e2e/**/*.test.ts'], concurrency: 2, testMinutes: 5, minutes: 20, onceMore: ONCE_MORE },
  lab: {
    globs: ['test/trixie/**/*.test.ts', 'test/players/**/*.test.ts'],
    concurrency: 1,
    testMinutes: 20,
    minutes: 60,
  },
};

/** What a test file and the gateways it starts have compiled is there for the next one: a quarter of a gateway's start. */
process.env.NODE_COMPILE_CACHE ??= join(root, 'node_modules', '.cache', 'compiled');

const { values: options, positionals: words } = readArguments();
if (options.help) {
  console.log(HELP);
  process.exit(0);
}
const groups = chosenGroups(options.only);
const report = new TestReport({ root, verbose: options.verbose });

for (const group of groups) {
  if (group === 'check') await runChecks();
  else await runTests(group);
}

report.finish();
const { passed, failed } = report;
if (passed + failed === 0) console.error('no test matches');
console.log(`${passed} passed, ${failed} failed`);
// Not `process.exitCode`: a handle that a test file's runner left open must not keep a finished run alive.
process.exit(failed === 0 && passed > 0 ? 0 : 1);

function readArguments() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        only: { type: 'string' },
        grep: { type: 'string' },
        verbose: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${HELP}`);
    process.exit(2);
  }
}

function chosenGroups(only: string | undefined): readonly Group[] {
  // A word names test files, so the checks, which have none, are left out.
  if (only === undefined)
    return words.length > 0 || options.grep ? GROUPS.filter((group) => group !== 'check') : GROUPS;
  const names = only.split(',');
  const known: readonly Group[] = [...GROUPS, ...EXTRA_GROUPS];
  const unknown = names.find((name) => !(known as readonly string[]).includes(name));
  if (unknown !== undefined) {
    console.error(`no group of tests is called "${unknown}" (there are: ${known.join(', ')})`);
    process.exit(2);
  }
  return known.filter((group) => names.includes(group));
}

async function runChecks(): Promise<void> {
  report.group('check');
  const waiting = [...CHECKS];
  const worker = async () => {
    for (let check = waiting.shift(); check !== undefined; check = waiting.shift()) {
      const started = performance.now();
      const { code, output } = await runCommand(check.command);
      report.check(check.name, code === 0, performance.now() - started, output);
    }
  };
  await Promise.all([worker(), worker()]);
}

function runCommand(command: readonly string[]): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve) => {
    const [file = '', ...args] = command;
    const child = spawn(file, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    child.stdout.on('data', (chunk) => (output += chunk));
    child.stderr.on('data', (chunk) => (output += chunk));
    child.on('error', (error) => resolve({ code: null, output: String(error) }));
    child.on('close', (code) => resolve({ code, output }));
  });
}

async function runTests(group: Exclude<Group, 'check'>): Promise<void> {
  const { globs, concurrency, onceMore = 0 } = TEST_GROUPS[group];
  const files = globSync([...globs], { cwd: root, exclude: (name) => name === 'node_modules' || name === 'dist' })
    .filter((file) => words.length === 0 || words.some((word) => file.includes(word)))
    .filter((file) => existsSync(join(root, file)))
    .sort();
  if (files.length === 0) return;
  report.group(group, files.length);
  await runFiles(group, files, concurrency);
  const failed = report.failedFiles(files);
  if (failed.length === 0 || failed.length > onceMore) return;
  report.onceMore(failed);
  await runFiles(group, failed, 1);
}

async function runFiles(group: Exclude<Group, 'check'>, files: readonly string[], concurrency: number): Promise<void> {
  const { testMinutes, minutes } = TEST_GROUPS[group];
  const stream = run({
    files: files.map((file) => join(root, file)),
    cwd: root,
    concurrency,
    timeout: testMinutes * 60_000,
    signal: AbortSignal.timeout(minutes * 60_000),
    ...(options.grep ? { testNamePatterns: [new RegExp(options.grep)] } : {}),
  });
  for await (const event of stream) report.event(event);
}
