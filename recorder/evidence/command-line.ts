import { readFile, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { type PublicKey, parsePublicKeys, readTrustedKeys } from './signing-key.ts';

/** What the checks on the command line have in common: `npm run verify` and `npm run audit`. */

/**
 * Finds paths that the caller gave: npm runs scripts in the project's folder, wherever it was called. `-` stays.
 * @param script the name that npm knows it by
 */
export function callersPaths(script: 'verify' | 'audit'): (path: string) => string {
  const { npm_lifecycle_event: running, INIT_CWD: folder } = process.env;
  const base = running === script && folder !== undefined ? folder : process.cwd();
  return (path) => (path === '-' ? path : resolve(base, path));
}

/** @param file of PEM with the keys to trust; without it those of the gateway that signs with the other */
export async function trustedKeys(file: string | undefined, signingKeyFile: string): Promise<readonly PublicKey[]> {
  if (file === undefined) return readTrustedKeys(signingKeyFile);
  const text = await readFile(file, 'utf8');
  try {
    return parsePublicKeys(text);
  } catch (cause) {
    throw new Error(`${file} is not a PEM file with an Ed25519 public key`, { cause });
  }
}

/**
 * Prints what was found, and writes the report where it was asked for.
 * @param file for its JSON; `-` is standard output, instead of the text
 */
export async function writeReport(report: object, text: string, file: string | undefined): Promise<void> {
  const json = `${JSON.stringify(report, undefined, 2)}\n`;
  if (file !== undefined && file !== '-') await writeFile(file, json);
  process.stdout.write(file === '-' ? json : text);
}

/** Runs it, and exits with the code that it gives; with 3, and the reason, where it throws. */
export async function exitWith(main: () => Promise<number>): Promise<void> {
  process.exitCode = await main().catch((error: Error) => {
    process.stderr.write(`${error.message}\n`);
    return 3;
  });
}
