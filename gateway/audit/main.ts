import { stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { callersPaths, exitWith, trustedKeys, writeReport } from '../../recorder/evidence/command-line.ts';
import { HEADS_FILE, readConfig } from '../config.ts';
import { DATABASE_FILE } from '../store/backup.ts';
import { readHeads } from './head-keeper.ts';
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

const callersPath = callersPaths('audit');

await exitWith(main);

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
    (values.help === true ? process.stdout : process.stderr).write(`${USAGE}\n`);
    return values.help === true ? 0 : 3;
  }
  const config = readConfig(process.env, process.cwd());
  const keys = await trustedKeys(values['public-key'] && callersPath(values['public-key']), config.evidenceKeyFile);
  const headFiles = values.heads.map(callersPath);
  for (const file of headFiles) await stat(file);
  let report: TrailReport;
  if (values.export !== undefined) {
    const heads = (await Promise.all(headFiles.map(readHeads))).flat();
    report = await verifyExport(callersPath(values.export), keys, heads);
  } else {
    const database = values.database && callersPath(values.database);
    const beside = database === undefined ? config.auditHeadsFile : join(dirname(database), HEADS_FILE);
    const path = database ?? join(config.dataDirectory, DATABASE_FILE);
    await stat(path);
    report = await verifyDatabase(path, keys, [beside, ...headFiles]);
  }
  await writeReport(report, describeTrailReport(report), values.json && callersPath(values.json));
  return EXIT_CODE[report.verdict];
}
