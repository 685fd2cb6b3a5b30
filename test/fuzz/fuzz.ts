import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ConnectError } from '../../protocol/connector/connect-error.ts';
import { DecodeError } from '../../protocol/core/errors.ts';
import { CredSspError } from '../../protocol/security/credssp-error.ts';
import { mutate, Random } from './mutate.ts';

/** Something that takes bytes from a peer. */
export interface FuzzTarget {
  readonly name: string;
  /** Valid messages, which the changes start from. */
  readonly seeds: readonly Uint8Array[];
  /** Takes one message or stream. May throw `DecodeError`, `ConnectError` and `CredSspError`, nothing else. */
  run(bytes: Uint8Array): void;
}

export interface FuzzResult {
  readonly runs: number;
  /** How many were taken as valid: at zero the seeds are wrong, or nothing behind the first check is reached. */
  readonly accepted: number;
}

/** Inputs that once went wrong, played again by `fuzz.test.ts` for good. */
export const crashFolder = join(import.meta.dirname, 'crashes');

/** Memory that one target may come to hold: none of them keeps what it was given. */
const MEMORY_LIMIT = 1.5 * 1024 ** 3;
/** A whole input, however long its lengths claim to be. */
const HANG_MS = 20_000;

/** Runs changed inputs against a target until the time is over. Throws on the first that goes wrong, and keeps it. */
export function fuzz(
  target: FuzzTarget,
  options: { readonly milliseconds: number; readonly seed: number },
): FuzzResult {
  const random = new Random(options.seed);
  for (const seed of target.seeds) attempt(target, seed);
  const end = performance.now() + options.milliseconds;
  let runs = 0;
  let accepted = 0;
  while (performance.now() < end) {
    const bytes = random.next(20) === 0 ? noise(random) : mutate(random, target.seeds);
    const started = performance.now();
    try {
      if (attempt(target, bytes)) accepted++;
      const took = performance.now() - started;
      if (took > HANG_MS) throw new Error(`took ${Math.round(took)} ms`);
      if (runs % 64 === 0 && process.memoryUsage().rss > MEMORY_LIMIT) throw new Error('holds too much memory');
    } catch (error) {
      const file = keep(target, bytes);
      throw new Error(`${target.name} went wrong after ${runs} runs; the input is in ${file}`, { cause: error });
    }
    runs++;
  }
  return { runs, accepted };
}

/** @returns whether the input was taken as valid */
export function attempt(target: FuzzTarget, bytes: Uint8Array): boolean {
  try {
    target.run(bytes.slice());
    return true;
  } catch (error) {
    if (error instanceof DecodeError || error instanceof ConnectError || error instanceof CredSspError) return false;
    throw error;
  }
}

function noise(random: Random): Uint8Array {
  return Uint8Array.from({ length: random.next(400) }, () => random.next(256));
}

function keep(target: FuzzTarget, bytes: Uint8Array): string {
  mkdirSync(crashFolder, { recursive: true });
  const hash = createHash('sha256').update(bytes).digest('hex').slice(0, 12);
  const file = join(crashFolder, `${target.name}.${hash}.bin`);
  writeFileSync(file, bytes);
  return file;
}
