import { type ParseArgsConfig, parseArgs } from 'node:util';

/** Something on the command line that is not understood. Its code is stable; the bench ends with 2. */
export class BenchError extends Error {
  override readonly name = 'BenchError';
  readonly code: BenchErrorCode;

  constructor(code: BenchErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

export type BenchErrorCode =
  | 'unknown_bench'
  | 'unknown_option'
  | 'bad_value'
  | 'file_unreadable'
  | 'file_unwritable'
  | 'nothing_to_measure'
  | 'server_missing';

/** One option, for its parsing and for the help at once. */
export interface BenchOption {
  readonly type: 'string' | 'boolean';
  /** What stands for the value in the help. */
  readonly value?: string;
  readonly meaning: string;
  readonly fallback?: string;
}

export interface BenchCommand {
  /** The command line, without `npm run bench --`. */
  readonly usage: string;
  readonly about: string;
  readonly options: Readonly<Record<string, BenchOption>>;
  /** Words that may follow besides options. */
  readonly words?: Readonly<Record<string, string>>;
  readonly examples?: readonly string[];
  run(options: BenchOptions, words: readonly string[]): Promise<number | undefined>;
}

/** The options that were given, and fallbacks of those that were not. */
export class BenchOptions {
  readonly #values: Readonly<Record<string, string | boolean | undefined>>;

  constructor(values: Readonly<Record<string, string | boolean | undefined>>) {
    this.#values = values;
  }

  flag(name: string): boolean {
    return this.#values[name] === true;
  }

  text(name: string): string | undefined {
    const value = this.#values[name];
    return typeof value === 'string' ? value : undefined;
  }

  /** @throws BenchError for anything but a number in these limits */
  number(name: string, least: number, most: number): number {
    return numberOf(name, this.text(name) ?? '', least, most);
  }

  /** `HOST:PORT`. @throws BenchError for anything else */
  address(name: string): string | undefined {
    const text = this.text(name);
    if (text === undefined || /^[^:]+:\d+$/.test(text)) return text;
    throw new BenchError('bad_value', `--${name}: "${text}" is not HOST:PORT`);
  }

  /** Comma-separated numbers; none for an empty text. */
  numbers(name: string, least: number, most: number): number[] {
    return listOf(this.text(name)).map((word) => numberOf(name, word, least, most));
  }

  /** Comma-separated words out of some; `all` for every one. */
  choices<T extends string>(name: string, known: readonly T[]): T[] {
    const words = listOf(this.text(name));
    if (words.includes('all')) return [...known];
    for (const word of words) {
      if (!(known as readonly string[]).includes(word)) {
        throw new BenchError('bad_value', `--${name}: "${word}" is none of ${known.join(', ')}, all`);
      }
    }
    return known.filter((word) => words.includes(word));
  }
}

/** @throws BenchError for what the command does not know */
export function parseCommand(
  command: BenchCommand,
  args: readonly string[],
): { options: BenchOptions; words: string[] } {
  const options: NonNullable<ParseArgsConfig['options']> = { help: { type: 'boolean', short: 'h' } };
  for (const [name, { type, fallback }] of Object.entries(command.options)) {
    options[name] = { type, ...(fallback !== undefined && { default: fallback }) };
  }
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      options,
      allowPositionals: command.words !== undefined,
    });
    return { options: new BenchOptions(values as Record<string, string | boolean>), words: positionals };
  } catch (error) {
    const { message } = error as Error;
    throw new BenchError('unknown_option', `${(message.split('. ')[0] ?? message).trim()}; see --help`, {
      cause: error,
    });
  }
}

export function helpOf(command: BenchCommand): string {
  const lines = [`usage: npm run bench -- ${command.usage}`, '', command.about];
  const rows = (title: string, pairs: readonly (readonly [string, string])[]) => {
    if (pairs.length === 0) return;
    const width = Math.max(...pairs.map(([left]) => left.length)) + 2;
    lines.push('', `${title}:`, ...pairs.map(([left, right]) => `  ${left.padEnd(width)}${right}`));
  };
  rows('commands', Object.entries(command.words ?? {}));
  rows('options', [
    ...Object.entries(command.options).map(([name, { value, meaning, fallback }]) => {
      const left = value === undefined ? `--${name}` : `--${name} ${value}`;
      return [left, fallback === undefined || fallback === '' ? meaning : `${meaning} (${fallback})`] as const;
    }),
    ['--help', 'this text'] as const,
  ]);
  if (command.examples !== undefined) lines.push('', 'examples:', ...command.examples.map((line) => `  ${line}`));
  return `${lines.join('\n')}\n`;
}

/** Says on stderr how far a long run has come. On a terminal, the line is written over. */
export class Progress {
  readonly #total: number;
  readonly #startedAt = performance.now();
  #done = 0;

  constructor(total: number) {
    this.#total = total;
  }

  /** The next step begins. */
  step(what: string): void {
    const seconds = (performance.now() - this.#startedAt) / 1000;
    const left =
      this.#done === 0 ? '' : `, about ${duration((seconds / this.#done) * (this.#total - this.#done))} left`;
    this.#done++;
    this.say(`[${this.#done}/${this.#total}] ${what} (${duration(seconds)}${left})`);
  }

  say(text: string): void {
    process.stderr.write(`${text}\n`);
  }
}

function duration(seconds: number): string {
  return seconds < 90 ? `${Math.round(seconds)} s` : `${Math.round(seconds / 60)} min`;
}

function listOf(text: string | undefined): string[] {
  return (text ?? '')
    .split(',')
    .map((word) => word.trim())
    .filter((word) => word !== '');
}

function numberOf(name: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (text.trim() !== '' && value >= least && value <= most) return value;
  throw new BenchError('bad_value', `--${name}: "${text}" is no number from ${least} to ${most}`);
}
