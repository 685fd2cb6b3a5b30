import { resolve } from 'node:path';
import { readConfig } from '../config.ts';
import { backUp, restore } from './backup.ts';

/** `npm run backup -- FILE` and `npm run restore -- FILE`, for the data folder that ORIEL_DATA names. */
const [command, file, ...rest] = process.argv.slice(2);
try {
  if ((command !== 'backup' && command !== 'restore') || file === undefined || rest.length > 0) {
    throw new Error('usage: npm run backup -- FILE, or npm run restore -- FILE');
  }
  const { dataDirectory } = readConfig(process.env, process.cwd());
  const path = resolve(file);
  if (command === 'backup') {
    const bytes = await backUp(dataDirectory, path);
    process.stdout.write(
      `The database is backed up: ${path}, ${bytes} bytes.\n` +
        'It holds the passwords of accounts encrypted; the key file that opens them belongs in another place.\n',
    );
  } else {
    const kept = await restore(dataDirectory, path);
    process.stdout.write(
      `The database is restored from ${path}.\n${kept === undefined ? '' : `What was there is kept as ${kept}.\n`}`,
    );
  }
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
