import { type Context, createContext, Script } from 'node:vm';
import { GatewayError } from '../errors.ts';

export const MAX_TEXT_PATTERN = 300;
/** A pattern that takes longer than this on a line or two is of the kind that never ends. */
const MATCH_WITHIN_MS = 25;

/** Throws `bad_request` unless this is a regular expression that does not match where nothing was typed. */
export function requireTextPattern(pattern: string): void {
  let found: boolean;
  try {
    found = new RegExp(pattern, 'm').test('');
  } catch (error) {
    throw new GatewayError('bad_request', 'the pattern is no regular expression', { cause: error });
  }
  if (found) throw new GatewayError('bad_request', 'the pattern matches everything: nothing has to be typed for it');
}

/**
 * A regular expression that is tried with every key. It can be written so that matching takes for ever: it is given a
 * moment, and what cannot be decided within it counts as a match, for nobody shall get past a rule by keeping it busy.
 */
export class TextPattern {
  readonly #context: Context;

  constructor(pattern: string, matchCase: boolean) {
    this.#context = createContext({ source: pattern, flags: matchCase ? 'm' : 'im', text: '' });
    compile.runInContext(this.#context);
  }

  /** @returns what matched; all of it where it took too long */
  find(text: string, withinMs: number = MATCH_WITHIN_MS): string | undefined {
    this.#context.text = text;
    try {
      const found = this.#match(withinMs);
      return typeof found === 'string' && found !== '' ? found : undefined;
    } catch {
      return text;
    } finally {
      // What was typed is not kept.
      this.#context.text = '';
    }
  }

  /** The limit that Node knows is of the clock; on a busy machine it passes with hardly anything tried, and that is no match. */
  #match(withinMs: number): unknown {
    const before = process.threadCpuUsage();
    for (let timeout = withinMs; ; timeout *= 2) {
      try {
        return match.runInContext(this.#context, { timeout });
      } catch (error) {
        const { user, system } = process.threadCpuUsage(before);
        if ((user + system) / 1000 > withinMs / 2 || !isTimeout(error)) throw error;
      }
    }
  }
}

function isTimeout(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ERR_SCRIPT_EXECUTION_TIMEOUT';
}

const compile = new Script('const expression = new RegExp(source, flags);');
const match = new Script('expression.exec(text)?.[0]');
