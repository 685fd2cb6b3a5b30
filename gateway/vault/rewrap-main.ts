import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { readSigningKey, readTrustedKeys } from '../../recorder/evidence/signing-key.ts';
import { Audit } from '../audit/audit.ts';
import { HeadKeeper } from '../audit/head-keeper.ts';
import { trailSignerOf } from '../audit/signatures.ts';
import { type Config, readConfig } from '../config.ts';
import { hardenProcess } from '../hardening.ts';
import { createLogger, type Logger } from '../log.ts';
import { DATABASE_FILE } from '../store/backup.ts';
import { lockFolder } from '../store/lock.ts';
import { openStore, type Store } from '../store/store.ts';
import { askPassphrase } from './ask-passphrase.ts';
import { type NewKey, Rewrap } from './rewrap.ts';
import { unlock } from './unlock.ts';

/**
 * `npm run rewrap -- file`, `environment` (the new key in ORIEL_NEXT_MASTER_KEY) or `passphrase` (typed): moves every
 * secret of the data folder that ORIEL_DATA names to a new master key. For a gateway that does not run; one that does,
 * moves them itself, on the page of the master key.
 */
const USAGE = `usage: npm run rewrap -- file | environment | passphrase

Moves every secret of the data folder (ORIEL_DATA, ./data) to a new master key. The gateway must not run.

  file         a new key in the key file; the old one stays beside it
  environment  the new key is in ORIEL_NEXT_MASTER_KEY: 32 bytes in base64
  passphrase   typed at the terminal`;

try {
  const { positionals, values } = parseArgs({ allowPositionals: true, options: { help: { type: 'boolean' } } });
  if (values.help) {
    process.stdout.write(`${USAGE}\n`);
    process.exit();
  }
  const newKey = process.env.ORIEL_NEXT_MASTER_KEY;
  const config = readConfig(process.env, process.cwd());
  hardenProcess();
  const lock = lockFolder(join(config.dataDirectory, 'lock.sqlite'));
  const store = await openStore(join(config.dataDirectory, DATABASE_FILE));
  try {
    const log = createLogger('warn');
    const ask = process.stdin.isTTY ? askPassphrase : undefined;
    const unlocked = await unlock({ store, config: config.masterKey, log, ask });
    const audit = new Audit(store, log);
    const rewrap = new Rewrap({
      store,
      unlocked,
      keyFile: config.masterKey.file,
      log,
      finished: (from, to) => audit.record({ action: 'vault.rewrapped', details: { from, to } }),
      settleMs: 0,
    });
    // What was cut short is gone on with; otherwise a new move begins.
    rewrap.start();
    if (unlocked.next === undefined) await rewrap.begin(await wanted(positionals, newKey));
    await rewrap.settled();
    const { id, source, lastError } = await rewrap.state();
    await signTrail(store, config, log);
    process.stdout.write(`Everything is sealed with master key ${id} (${source}).\n`);
    if (lastError !== null) throw new Error(lastError);
  } finally {
    await store.destroy();
    lock.release();
  }
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}

/** Nobody else does before the next start. Without a key nothing was ever signed. */
async function signTrail(store: Store, { evidenceKeyFile, auditHeadsFile }: Config, log: Logger): Promise<void> {
  const key = await readSigningKey(evidenceKeyFile).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
  });
  if (key === undefined) return;
  const signer = trailSignerOf(key, () => readTrustedKeys(evidenceKeyFile));
  await new HeadKeeper({ store, signer, file: auditHeadsFile, log }).sign();
}

async function wanted([source, ...rest]: readonly string[], key: string | undefined): Promise<NewKey> {
  if (source === 'file' && rest.length === 0) return { source };
  if (source === 'environment' && rest.length === 0 && key !== undefined) return { source, key };
  if (source === 'passphrase' && rest.length === 0 && process.stdin.isTTY) {
    const typed = await askPassphrase(true);
    const passphrase = Buffer.from(typed).toString('utf8');
    typed.fill(0);
    return { source, passphrase };
  }
  throw new Error(USAGE);
}
