import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { callersPaths, exitWith, trustedKeys, writeReport } from './command-line.ts';
import { describeReport } from './describe-report.ts';
import { type Verdict, verifyRecording } from './verify.ts';

/**
 * `npm run verify -- FILE.mp4 [--public-key FILE] [--json FILE]`: says whether a recording is whole, from the file
 * alone and the public key. Exit code 0: whole; 1: altered; 2: cut short; 3: nothing is proven.
 */
const USAGE = `Usage: npm run verify -- FILE.mp4 [--public-key FILE] [--json FILE]

  --public-key FILE  PEM file with the key (or keys) that may have signed it; without it the key of the gateway
                     whose data folder is here (ORIEL_DATA, ./data), if there is one
  --json FILE        write the report to a file, "-" for standard output

Exit code: 0 whole, 1 altered, 2 cut short, 3 nothing is proven (no evidence in it, no such file, wrong usage)`;

const EXIT_CODE: Readonly<Record<Verdict, number>> = { whole: 0, altered: 1, 'cut-short': 2, 'no-evidence': 3 };

const callersPath = callersPaths('verify');

await exitWith(main);

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { 'public-key': { type: 'string' }, json: { type: 'string' }, help: { type: 'boolean', short: 'h' } },
  });
  const [path] = positionals;
  if (values.help === true || path === undefined || positionals.length > 1) {
    (values.help === true ? process.stdout : process.stderr).write(`${USAGE}\n`);
    return values.help === true ? 0 : 3;
  }
  const keys = await trustedKeys(values['public-key'] && callersPath(values['public-key']), signingKeyFile());
  const report = await verifyRecording(callersPath(path), keys);
  await writeReport(report, describeReport(report), values.json && callersPath(values.json));
  return EXIT_CODE[report.verdict];
}

/** Of the gateway whose data folder is here. */
function signingKeyFile(): string {
  const { ORIEL_DATA: data = 'data', ORIEL_EVIDENCE_KEY_FILE: file } = process.env;
  return resolve(file ?? join(data, 'keys', 'evidence-ed25519.key'));
}
