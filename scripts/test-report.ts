import { relative } from 'node:path';
import { inspect } from 'node:util';

/** One event of node:test's stream, as far as the report reads it. */
export interface TestEvent {
  readonly type: string;
  readonly data: unknown;
}

interface TestData {
  readonly name?: string;
  readonly file?: string;
  readonly nesting?: number;
  readonly skip?: string | boolean;
  readonly todo?: string | boolean;
  readonly message?: string;
  readonly details?: { readonly type?: string; readonly duration_ms?: number; readonly error?: unknown };
}

/** Characters of a test file's own output that are kept for the case that it fails. */
const OUTPUT_KEPT = 16_000;
/** Of each failure, once more at the end. */
const LINES_AT_THE_END = 12;

interface Failure {
  /** The test file; a check has none. */
  readonly path?: string;
  readonly name: string;
  readonly why: string;
}

/**
 * Counts tests and checks and prints as they end: one line a file, each failure in full, and each again at the end with its first
 * lines, so that a long run's outcome can be read from its last lines. A file may run once more: the second run counts, and what
 * failed in the first only is named at the end as well.
 */
export class TestReport {
  passed = 0;
  readonly #options: { root: string; verbose: boolean; ci: boolean };
  #failures: Failure[] = [];
  /** Of files that ran once more: what failed in the first run. */
  readonly #firstFailures: Failure[] = [];
  /** Tests of each file, for the case that it runs once more. */
  readonly #passedOf = new Map<string, number>();
  readonly #files = new Map<string, { passed: number; failed: number; milliseconds: number }>();
  readonly #output = new Map<string, string>();
  readonly #print: (line: string) => void;

  constructor(
    options: { root: string; verbose: boolean; ci?: boolean },
    print: (line: string) => void = (line) => console.log(line),
  ) {
    this.#options = { ...options, ci: options.ci ?? process.env.CI === 'true' };
    this.#print = print;
  }

  get failed(): number {
    return this.#failures.length;
  }

  /** Begins a group of tests. */
  group(name: string, files?: number): void {
    this.#closeFiles();
    this.#print(`\n== ${name}${files === undefined ? '' : ` (${files} files)`}`);
  }

  /** Reports one check: a command that passed or not, with what it printed. */
  check(name: string, ok: boolean, milliseconds: number, output: string): void {
    this.#print(`${ok ? '✔' : '✖'} ${name} (${seconds(milliseconds)})`);
    if (ok) {
      this.passed++;
      return;
    }
    // What a command complains of stands at its end.
    this.#failures.push({ name, why: output.trimEnd().split('\n').slice(-LINES_AT_THE_END).join('\n') });
    this.#print(indent(output.trimEnd()));
  }

  event({ type, data }: TestEvent): void {
    const test = (data ?? {}) as TestData;
    if (type === 'test:stdout' || type === 'test:stderr') {
      // What a test prints matters when its file fails; in a passing run it is noise.
      const text = String(test.message ?? '');
      if (this.#options.verbose) this.#print(indent(text.trimEnd()));
      else this.#output.set(this.#path(test), ((this.#output.get(this.#path(test)) ?? '') + text).slice(-OUTPUT_KEPT));
    } else if (type === 'test:diagnostic' && this.#options.verbose) {
      this.#print(`  # ${test.message}`);
    } else if (type === 'test:pass') {
      this.#pass(test);
    } else if (type === 'test:fail') {
      this.#testFailed(test);
    }
  }

  /** The files of a group in which something failed, in the order in which they ran. @param files of the group, from the root */
  failedFiles(files: readonly string[]): readonly string[] {
    return files.filter((path) => this.#failures.some((failure) => failure.path === path));
  }

  /** These files run once more: what they did before does not count any longer. */
  onceMore(files: readonly string[]): void {
    this.#closeFiles();
    this.#print(`\n== once more, by themselves (${files.length} ${files.length === 1 ? 'file' : 'files'})`);
    for (const path of files) {
      this.passed -= this.#passedOf.get(path) ?? 0;
      this.#passedOf.delete(path);
    }
    const isOfThese = ({ path }: Failure) => path !== undefined && files.includes(path);
    this.#firstFailures.push(...this.#failures.filter(isOfThese));
    this.#failures = this.#failures.filter((failure) => !isOfThese(failure));
  }

  /** Prints what is still open; call once at the end. */
  finish(): void {
    this.#closeFiles();
    const failsAgain = ({ name }: Failure) => this.#failures.some((failure) => failure.name === name);
    this.#list(
      'failed in one run and passed in the next (a fault of the test or of the product, to be looked into):',
      this.#firstFailures.filter((failure) => !failsAgain(failure)),
    );
    this.#list('failed:', this.#failures);
  }

  #list(title: string, failures: readonly Failure[]): void {
    if (failures.length === 0) return;
    this.#print(`\n${title}`);
    for (const { name, why } of failures) {
      const lines = why.trim().split('\n');
      this.#print(`  ✖ ${name}\n${indent(indent(lines.slice(0, LINES_AT_THE_END).join('\n')))}`);
    }
    this.#print('');
  }

  #pass(test: TestData): void {
    if (test.details?.type === 'suite' || this.#isFileItself(test)) return;
    if (test.skip !== undefined && test.skip !== false) {
      if (this.#options.ci)
        this.#testFailed({ ...test, details: { error: new Error('skipped, and in CI no test is skipped') } });
      else this.#print(`- skipped: ${this.#title(test)} ${test.skip === true ? '' : test.skip}`);
      return;
    }
    this.passed++;
    const path = this.#path(test);
    this.#passedOf.set(path, (this.#passedOf.get(path) ?? 0) + 1);
    this.#entry(test).passed++;
    this.#entry(test).milliseconds += test.nesting === 0 ? (test.details?.duration_ms ?? 0) : 0;
    if (this.#options.verbose) this.#print(`✔ ${this.#title(test)} (${seconds(test.details?.duration_ms ?? 0)})`);
  }

  #testFailed(test: TestData): void {
    const error = test.details?.error as { failureType?: string; cause?: unknown } | undefined;
    // A parent fails because of its children: they have been reported already.
    if (error?.failureType === 'subtestsFailed') return;
    this.#entry(test).failed++;
    const cause = error?.cause ?? error;
    const text = cause instanceof Error ? (cause.stack ?? String(cause)) + extra(cause) : inspect(cause);
    this.#failures.push({ path: this.#path(test), name: this.#title(test), why: text });
    this.#print(`✖ ${this.#title(test)}`);
    this.#print(indent(text));
  }

  /** A file's own pass event repeats its tests. A file that fails to load has only this event, and it is a failure. */
  #isFileItself(test: TestData): boolean {
    return test.nesting === 0 && test.file !== undefined && test.name === test.file;
  }

  #title(test: TestData): string {
    return `${this.#path(test)}: ${test.name ?? '?'}`;
  }

  #path(test: TestData): string {
    return test.file === undefined ? '?' : relative(this.#options.root, test.file);
  }

  #entry(test: TestData): { passed: number; failed: number; milliseconds: number } {
    const path = this.#path(test);
    let entry = this.#files.get(path);
    if (entry === undefined) {
      // Events come file by file, so a new file means that the one before is complete.
      this.#closeFiles();
      entry = { passed: 0, failed: 0, milliseconds: 0 };
      this.#files.set(path, entry);
    }
    return entry;
  }

  #closeFiles(): void {
    for (const [path, { passed, failed, milliseconds }] of this.#files) {
      const outcome = failed === 0 ? `✔ ${path}: ${passed} passed` : `✖ ${path}: ${passed} passed, ${failed} failed`;
      const output = this.#output.get(path)?.trimEnd();
      if (failed > 0 && output) this.#print(`  what it printed:\n${indent(output)}`);
      this.#print(`${outcome} (${seconds(milliseconds)})`);
      this.#output.delete(path);
    }
    this.#files.clear();
  }
}

function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(1)} s`;
}

function extra(error: Error): string {
  const rest = Object.entries(error).filter(([key]) =>
    ['actual', 'expected', 'code', 'context', 'field', 'offset'].includes(key),
  );
  const cause = error.cause === undefined ? '' : `\ncause: ${inspect(error.cause)}`;
  return rest.length === 0
    ? cause
    : `\n${inspect(Object.fromEntries(rest), { depth: 4, maxStringLength: 2000 })}${cause}`;
}

function indent(text: string): string {
  return text
    .split('\n')
    .map((line) => `    ${line}`)
    .join('\n');
}
