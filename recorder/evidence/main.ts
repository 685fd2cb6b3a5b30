import { readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { describeReport } from './describe-report.ts';
import { type PublicKey, parsePublicKeys, readTrustedKeys } from './signing-key.ts';
import { type Verdict, verifyRecording } from './verify.ts';

/**
 * `npm run verify -- FILE.mp4 [--public-key FILE] [--json FILE]`: says whether a recording is whole, from the file
 * alone and the public key. Exit code 0: whole; 1: altered; 2: cut short; 3: it cannot be checked.
 */
const USAGE = `Usage: npm run verify -- FILE.mp4 [--public-key FILE] [--json FILE]

  --public-key FILE  PEM file with the key (or keys) that may have signed it; without it the key of the gateway
                     whose data folder is here (ORIEL_DATA, ./data), if there is one
  --json FILE        write the report to a file, "-" for standard output

Exit code: 0 whole, 1 altered, 2 cut short, 3 not to be checked (no evidence in it, no such file, wrong usage)`;

const EXIT_CODE: Readonly<Record<Verdict, number>> = { whole: 0, altered: 1, 'cut-short': 2, 'no-evidence': 3 };

process.exitCode = await main().catch((error: Error) => {
  process.stderr.write(`${error.message}\n`);
  return 3;
});

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { 'public-key': { type: 'string' }, json: { type: 'string' }, help: { type: 'boolean', short: 'h' } },
  });
  const [path] = positionals;
  if (values.help === true || path === undefined || positionals.length > 1) {
    process.stderr.write(`${USAGE}\n`);
    return values.help === true ? 0 : 3;
  }
  const keys = await trustedKeys(values['public-key'] && fromCaller(values['public-key']));
  const report = await verifyRecording(fromCaller(path), keys);
  const json = `${JSON.stringify(report, undefined, 2)}\n`;
  if (values.json === '-') process.stdout.write(json);
  else {
    if (values.json !== undefined) await writeFile(fromCaller(values.json), json);
    process.stdout.write(describeReport(report));
  }
  return EXIT_CODE[report.verdict];
}

/** npm runs scripts in the project's folder, wherever it was called. */
function fromCaller(path: string): string {
  const { npm_lifecycle_event: script, INIT_CWD: folder } = process.env;
  return script === 'verify' && folder !== undefined ? resolve(folder, path) : path;
}

async function trustedKeys(file: string | undefined): Promise<PublicKey[]> {
  if (file !== undefined) {
    const text = await readFile(file, 'utf8');
    try {
      return parsePublicKeys(text);
    } catch (cause) {
      throw new Error(`${file} is not a PEM file with an Ed25519 public key`, { cause });
    }
  }
  const data = process.env.ORIEL_DATA ?? 'data';
  const keyFile = process.env.ORIEL_EVIDENCE_KEY_FILE ?? join(data, 'keys', 'evidence-ed25519.key');
  return readTrustedKeys(resolve(keyFile));
}
