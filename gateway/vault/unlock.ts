import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { Logger } from '../log.ts';
import type { Store } from '../store/store.ts';
import type { VaultKeyRow } from '../store/vault-schema.ts';
import { holdsDirect, opensDirect, sealDirectAnew } from './direct-secrets.ts';
import { loadMasterKey } from './key-file.ts';
import {
  type KeySource,
  keyOfPassphrase,
  type MasterKey,
  MasterKeyError,
  MIN_PASSPHRASE,
  masterKey,
  nameOfKey,
  PASSPHRASE_COST,
  type PassphraseParameters,
  parseMasterKey,
} from './master-key.ts';
import { type OwnKey, ownKey, ownKeys } from './own-keys.ts';
import { decrypt, Vault } from './vault.ts';

/** How the configuration says that the master key is got at. */
export interface KeyConfig {
  readonly source: KeySource;
  readonly file: string;
  /** base64, of `environment` */
  readonly value: string | undefined;
  readonly passphraseFile: string | undefined;
}

/** Asks whoever starts the gateway, as bytes that are wiped after. @param first twice, so that no slip becomes the key */
export type AskPassphrase = (first: boolean) => Promise<Uint8Array>;

export interface UnlockParts {
  readonly store: Store;
  readonly config: KeyConfig;
  readonly log: Logger;
  readonly ask?: AskPassphrase | undefined;
}

/** The vault as a start found it. */
export interface Unlocked {
  readonly vault: Vault;
  readonly current: MasterKey;
  /** A move to another key that was begun and is to be gone on with. */
  readonly next: { readonly key: MasterKey; readonly source: KeySource } | undefined;
  ownKey(name: OwnKey): Promise<Uint8Array>;
}

/** Gets at the master key and opens the vault with it. Throws `MasterKeyError`, for whoever starts the gateway. */
export async function unlock(parts: UnlockParts): Promise<Unlocked> {
  const { store } = parts;
  const rows = await store.selectFrom('vault_keys').selectAll().execute();
  if (rows.length === 0) return firstUse(parts);
  const given = await findKey(parts, rows);
  const row = rows.find(({ id }) => id === nameOfKey(given.id));
  if (row === undefined) throw wrongKey(parts, given, rows);
  const other = row.bridge === null ? undefined : masterKey(decrypt(given.bytes, row.bridge, BRIDGE));
  const [current, next] = row.state === 'next' ? [other, given] : [given, other];
  if (current === undefined) throw new MasterKeyError('the store does not say what its secrets were sealed with');
  const vault = new Vault(current);
  if (next !== undefined) vault.sealWith(next);
  await moveOlder(parts, vault);
  const nextRow = rows.find(({ state }) => state === 'next');
  return {
    vault,
    current,
    next: next && { key: next, source: (nextRow?.source ?? 'file') as KeySource },
    ownKey: (name) => ownKey(store, vault, name),
  };
}

/** What a bridge from one key to another is authenticated with. */
export const BRIDGE = 'oriel master key bridge';

export function newPassphraseParameters(): PassphraseParameters {
  return { salt: randomBytes(16).toString('base64'), ...PASSPHRASE_COST };
}

/** Of a store that has no word about its key: a new one, or one of an older version. */
async function firstUse(parts: UnlockParts): Promise<Unlocked> {
  const { store, config } = parts;
  const older = await holdsDirect(store);
  let parameters: PassphraseParameters | undefined;
  let key: MasterKey;
  if (config.source === 'passphrase') {
    if (older) {
      throw new MasterKeyError('this store is sealed with a key file: start with it, and move to a passphrase then');
    }
    parameters = newPassphraseParameters();
    key = await fromPassphrase(parts, parameters, true);
  } else {
    key = config.source === 'file' ? await loadMasterKey(config.file, !older) : fromEnvironment(config);
  }
  const vault = new Vault(key);
  if (older && !(await opensDirect(store, vault))) {
    throw new MasterKeyError(`no secret of this store opens with master key ${nameOfKey(key.id)}: it is another's key`);
  }
  // Before there is a word about the key: whatever is cut short here is begun anew.
  const ranBefore = (await store.selectFrom('users').select('id').limit(1).executeTakeFirst()) !== undefined;
  const legacy = ranBefore && parameters === undefined ? key.bytes : undefined;
  for (const name of ownKeys) await ownKey(store, vault, name, legacy);
  await store
    .insertInto('vault_keys')
    .values({
      id: nameOfKey(key.id),
      state: 'current',
      source: config.source,
      parameters_json: parameters === undefined ? null : JSON.stringify(parameters),
      bridge: null,
      created_at: Date.now(),
    })
    .execute();
  await moveOlder(parts, vault);
  return { vault, current: key, next: undefined, ownKey: (name) => ownKey(store, vault, name) };
}

async function moveOlder({ store, log }: UnlockParts, vault: Vault): Promise<void> {
  const moved = await sealDirectAnew(store, vault, log);
  if (moved > 0) log.info({ secrets: moved }, 'secrets of an older version are in envelopes now');
}

async function findKey(parts: UnlockParts, rows: readonly VaultKeyRow[]): Promise<MasterKey> {
  const { config } = parts;
  if (config.source === 'file') return loadMasterKey(config.file, false);
  if (config.source === 'environment') return fromEnvironment(config);
  const candidates = rows.flatMap(({ id, parameters_json }) =>
    parameters_json === null ? [] : [{ id, parameters: JSON.parse(parameters_json) as PassphraseParameters }],
  );
  if (candidates.length === 0) {
    const source = rows.find(({ state }) => state === 'current')?.source;
    throw new MasterKeyError(`the secrets of this store are not sealed with a passphrase but with a key (${source})`);
  }
  const attempts = config.passphraseFile === undefined ? ATTEMPTS : 1;
  for (let attempt = 1; attempt <= attempts; attempt++) {
    const passphrase = await readPassphrase(parts, false);
    try {
      for (const { id, parameters } of candidates) {
        const key = await keyOfPassphrase(passphrase, parameters);
        if (nameOfKey(key.id) === id) return key;
      }
    } finally {
      passphrase.fill(0);
    }
  }
  throw new MasterKeyError('the passphrase is not the one that the secrets of this store are sealed with');
}

const ATTEMPTS = 3;

function fromEnvironment({ value }: KeyConfig): MasterKey {
  if (value === undefined) throw new MasterKeyError('ORIEL_MASTER_KEY is not set');
  return parseMasterKey(value, 'ORIEL_MASTER_KEY');
}

async function fromPassphrase(parts: UnlockParts, parameters: PassphraseParameters, first: boolean) {
  const passphrase = await readPassphrase(parts, first);
  try {
    if (passphrase.length < MIN_PASSPHRASE) {
      throw new MasterKeyError(`the passphrase is shorter than ${MIN_PASSPHRASE} characters`);
    }
    return await keyOfPassphrase(passphrase, parameters);
  } finally {
    passphrase.fill(0);
  }
}

/** Its line end is none of the passphrase. The file may be a pipe, as `/dev/fd/3` is. */
async function readPassphrase({ config, ask }: UnlockParts, first: boolean): Promise<Uint8Array> {
  if (config.passphraseFile !== undefined) {
    const bytes = await readFile(config.passphraseFile).catch((cause: unknown) => {
      throw new MasterKeyError('the passphrase cannot be read from ORIEL_MASTER_PASSPHRASE_FILE', { cause });
    });
    let end = bytes.length;
    while (end > 0 && (bytes[end - 1] === 0x0a || bytes[end - 1] === 0x0d)) end--;
    return bytes.subarray(0, end);
  }
  if (ask === undefined) {
    throw new MasterKeyError('there is no terminal to type the passphrase at; name ORIEL_MASTER_PASSPHRASE_FILE');
  }
  return ask(first);
}

function wrongKey({ config }: UnlockParts, given: MasterKey, rows: readonly VaultKeyRow[]): MasterKeyError {
  const wanted = rows.map(({ id, source }) => `${id} (${source})`).join(' or ');
  return new MasterKeyError(
    `the master key given (${config.source}) is ${nameOfKey(given.id)}, and the secrets of this store are sealed with ${wanted}`,
  );
}
