import { resolve } from 'node:path';
import { readConfig } from '../config.ts';
import { backUp, restore } from './backup.ts';

/** `npm run backup -- FILE` and `npm run restore -- FILE`, for the data folder that ORIEL_DATA names. */
const USAGE = `usage: npm run backup -- FILE, or npm run restore -- FILE

  backup    writes the database of the data folder (ORIEL_DATA, ./data) into a file; the gateway may run
  restore   puts such a file in its place; the gateway must not run. What was there is kept beside it

The key file and the recordings are not in it.`;

const [command, file, ...rest] = process.argv.slice(2);
if (file === '--help') {
  process.stdout.write(`${USAGE}\n`);
  process.exit();
}
try {
  // A file with such a name is an option that there is not.
  const isUsable = file !== undefined && !file.startsWith('-') && rest.length === 0;
  if ((command !== 'backup' && command !== 'restore') || !isUsable) throw new Error(USAGE);
  const { dataDirectory, auditHeadsFile } = readConfig(process.env, process.cwd());
  const path = resolve(file);
  if (command === 'backup') {
    const bytes = await backUp(dataDirectory, path);
    process.stdout.write(
      `The database is backed up: ${path}, ${bytes} bytes.\n` +
        'It holds the passwords of accounts encrypted; the key file that opens them belongs in another place.\n',
    );
  } else {
    const kept = await restore(dataDirectory, path, auditHeadsFile);
    process.stdout.write(
      `The database is restored from ${path}.\n${kept.length === 0 ? '' : `What was there is kept as ${kept.join(' and ')}.\n`}`,
    );
  }
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
