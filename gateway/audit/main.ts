import { readFile, stat, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { parsePublicKeys, readTrustedKeys } from '../../recorder/evidence/signing-key.ts';
import { HEADS_FILE, readConfig } from '../config.ts';
import { DATABASE_FILE } from '../store/backup.ts';
import { readHeads } from './head-keeper.ts';
import type { TrustedKey } from './signatures.ts';
import { verifyDatabase } from './trail-file.ts';
import { describeTrailReport, type TrailReport, type TrailVerdict } from './verify.ts';
import { verifyExport } from './verify-export.ts';

/**
 * `npm run audit -- verify`: says whether the audit trail, or an export or archive of it, is as it was written.
 * Exit code 0: whole; 1: altered; 2: the end is missing; 3: it cannot be checked.
 */
const USAGE = `Usage: npm run audit -- verify [--database FILE | --export FILE] [--public-key FILE] [--heads FILE]... [--json FILE]

  --database FILE    the database; without it the one in the data folder (ORIEL_DATA, ./data)
  --export FILE      an export or an archive (JSON lines or CSV) instead
  --public-key FILE  PEM file with the key (or keys) that may have signed it; without it the key of the gateway
                     whose data folder is here, if there is one
  --heads FILE       signed heads that were kept elsewhere, such as what a syslog server has; may be given again.
                     The file beside the database is read without being told
  --json FILE        write the report to a file, "-" for standard output

Exit code: 0 whole, 1 altered, 2 cut short, 3 not to be checked (no key, no such file, wrong usage)`;

const EXIT_CODE: Readonly<Record<TrailVerdict, number>> = { whole: 0, altered: 1, 'cut-short': 2, 'not-checkable': 3 };

process.exitCode = await main().catch((error: Error) => {
  process.stderr.write(`${error.message}\n`);
  return 3;
});

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      database: { type: 'string' },
      export: { type: 'string' },
      'public-key': { type: 'string' },
      heads: { type: 'string', multiple: true, default: [] },
      json: { type: 'string' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  const both = values.database !== undefined && values.export !== undefined;
  if (values.help === true || both || positionals.length !== 1 || positionals[0] !== 'verify') {
    process.stderr.write(`${USAGE}\n`);
    return values.help === true ? 0 : 3;
  }
  const config = readConfig(process.env, process.cwd());
  const keys = await trustedKeys(values['public-key'], config.evidenceKeyFile);
  const headFiles = values.heads.map(fromCaller);
  for (const file of headFiles) await stat(file);
  let report: TrailReport;
  if (values.export !== undefined) {
    const heads = (await Promise.all(headFiles.map(readHeads))).flat();
    report = await verifyExport(fromCaller(values.export), keys, heads);
  } else {
    const database = values.database && fromCaller(values.database);
    const beside = database === undefined ? config.auditHeadsFile : join(dirname(database), HEADS_FILE);
    const path = database ?? join(config.dataDirectory, DATABASE_FILE);
    await stat(path);
    report = await verifyDatabase(path, keys, [beside, ...headFiles]);
  }
  const json = `${JSON.stringify(report, undefined, 2)}\n`;
  if (values.json === '-') process.stdout.write(json);
  else {
    if (values.json !== undefined) await writeFile(fromCaller(values.json), json);
    process.stdout.write(describeTrailReport(report));
  }
  return EXIT_CODE[report.verdict];
}

/** npm runs scripts in the project's folder, wherever it was called. */
function fromCaller(path: string): string {
  const { npm_lifecycle_event: script, INIT_CWD: folder } = process.env;
  return script === 'audit' && folder !== undefined ? resolve(folder, path) : resolve(path);
}

async function trustedKeys(file: string | undefined, signingKeyFile: string): Promise<readonly TrustedKey[]> {
  if (file === undefined) return readTrustedKeys(signingKeyFile);
  const text = await readFile(fromCaller(file), 'utf8');
  try {
    return parsePublicKeys(text);
  } catch (cause) {
    throw new Error(`${file} is not a PEM file with an Ed25519 public key`, { cause });
  }
}
