import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { sql } from 'kysely';
import { GatewayError } from '../errors.ts';
import type { Logger } from '../log.ts';
import type { Store } from '../store/store.ts';
import { replaceKeyFile, retireKeyFile } from './key-file.ts';
import {
  KEY_SIZE,
  type KeySource,
  keyOfPassphrase,
  type MasterKey,
  MasterKeyError,
  masterKey,
  nameOfKey,
  type PassphraseParameters,
  parseMasterKey,
} from './master-key.ts';
import { countSealed, rewrapAll } from './sealed-values.ts';
import { BRIDGE, newPassphraseParameters, type Unlocked } from './unlock.ts';
import { encrypt, type Vault } from './vault.ts';

/** What secrets are to move to: a new key in the key file, or one that is brought. */
export type NewKey =
  | { readonly source: 'file' }
  | { readonly source: 'environment'; readonly key: string }
  | { readonly source: 'passphrase'; readonly passphrase: string };

export interface KeyState {
  readonly id: string;
  readonly source: KeySource;
  readonly since: string;
  readonly secrets: number;
  /** A move to another key that goes on. */
  readonly moving: { readonly to: string; readonly source: KeySource; readonly left: number } | null;
  readonly lastError: string | null;
}

export interface RewrapParts {
  readonly store: Store;
  readonly unlocked: Unlocked;
  readonly keyFile: string;
  readonly log: Logger;
  /** Called once everything has moved. */
  finished?(from: string, to: string): Promise<void>;
  /** What was sealed with the old key just before the move, is in the store after this at the latest. */
  readonly settleMs?: number;
}

const SETTLE_MS = 1000;

/**
 * Moves everything that is sealed to a new master key while the gateway goes on: data keys are wrapped anew, a few at a
 * time. Whatever is cut short is gone on with at the next start, for which either key will do: until the move is done,
 * the store has each encrypted with the other.
 */
export class Rewrap {
  readonly #parts: RewrapParts;
  readonly #vault: Vault;
  #current: MasterKey;
  #moving: { readonly key: MasterKey; readonly source: KeySource; readonly done: Promise<void> } | undefined;
  #lastError: string | null = null;
  #stopped = false;

  constructor(parts: RewrapParts) {
    this.#parts = parts;
    this.#vault = parts.unlocked.vault;
    this.#current = parts.unlocked.current;
  }

  /** Goes on with what the last run left. */
  start(): void {
    const { next } = this.#parts.unlocked;
    if (next !== undefined && this.#moving === undefined) this.#move(next.key, next.source);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#moving?.done;
  }

  async state(): Promise<KeyState> {
    const { store } = this.#parts;
    const row = await store
      .selectFrom('vault_keys')
      .selectAll()
      .where('id', '=', nameOfKey(this.#current.id))
      .executeTakeFirstOrThrow();
    const moving = this.#moving;
    const left = await countSealed(store, this.#current.id);
    return {
      id: row.id,
      source: row.source as KeySource,
      since: new Date(row.created_at).toISOString(),
      secrets: moving === undefined ? left : left + (await countSealed(store, moving.key.id)),
      moving: moving === undefined ? null : { to: nameOfKey(moving.key.id), source: moving.source, left },
      lastError: this.#lastError,
    };
  }

  /** Begins to move. Throws `conflict` while a move goes on. @returns the name of the new key */
  async begin(to: NewKey): Promise<string> {
    if (this.#moving !== undefined) throw new GatewayError('conflict', 'secrets are moving to a new key already');
    const { key, parameters } = await newKey(to);
    if (nameOfKey(key.id) === nameOfKey(this.#current.id)) throw new GatewayError('conflict', 'it is the present key');
    const { store } = this.#parts;
    await store.transaction().execute(async (transaction) => {
      const { numUpdatedRows } = await transaction
        .updateTable('vault_keys')
        .set({ bridge: Uint8Array.from(encrypt(this.#current.bytes, key.bytes, BRIDGE)) })
        .where('id', '=', nameOfKey(this.#current.id))
        .where('bridge', 'is', null)
        .executeTakeFirstOrThrow();
      if (numUpdatedRows === 0n) throw new GatewayError('conflict', 'secrets are moving to a new key already');
      await transaction
        .insertInto('vault_keys')
        .values({
          id: nameOfKey(key.id),
          state: 'next',
          source: to.source,
          parameters_json: parameters === undefined ? null : JSON.stringify(parameters),
          bridge: Uint8Array.from(encrypt(key.bytes, this.#current.bytes, BRIDGE)),
          created_at: Date.now(),
        })
        .execute();
    });
    this.#move(key, to.source);
    return nameOfKey(key.id);
  }

  /** Settles when the move that goes on is done, or has stopped. */
  async settled(): Promise<void> {
    await this.#moving?.done;
  }

  #move(key: MasterKey, source: KeySource): void {
    this.#lastError = null;
    // From here on nothing more is sealed with the old key.
    this.#vault.sealWith(key);
    const done = this.#run(key, source).then(
      () => undefined,
      (error: unknown) => {
        if (error === STOPPED) return;
        this.#lastError = error instanceof Error ? error.message : String(error);
        this.#parts.log.error(
          { err: error },
          'secrets did not all move to the new master key; goes on at the next start',
        );
      },
    );
    this.#moving = { key, source, done };
  }

  async #run(key: MasterKey, source: KeySource): Promise<void> {
    const { store, keyFile, log, settleMs = SETTLE_MS } = this.#parts;
    const old = this.#current;
    let unreadable: string[] = [];
    for (let pass = 0; pass < 2 || (await countSealed(store, old.id)) > unreadable.length; pass++) {
      unreadable = await rewrapAll(store, this.#vault, old.id, () => {
        if (this.#stopped) throw STOPPED;
      });
      // Some may have been sealed before the move began, and not been written yet.
      await sleep(settleMs);
      if (this.#stopped) throw STOPPED;
    }
    const { source: oldSource } = await store
      .selectFrom('vault_keys')
      .select('source')
      .where('id', '=', nameOfKey(old.id))
      .executeTakeFirstOrThrow();
    // The file first: were it last, a crash between would leave a store whose key is nowhere.
    if (source === 'file') await replaceKeyFile(keyFile, key);
    await store.transaction().execute(async (transaction) => {
      await transaction.deleteFrom('vault_keys').where('id', '=', nameOfKey(old.id)).execute();
      await transaction.updateTable('vault_keys').set({ state: 'current', bridge: null }).execute();
    });
    // The bridge between the keys must not be left in the file, nor in its write-ahead log.
    await sql`pragma wal_checkpoint(truncate)`.execute(store);
    if (source !== 'file' && oldSource === 'file') await retireKeyFile(keyFile, old);
    this.#current = key;
    this.#moving = undefined;
    if (unreadable.length > 0) {
      log.error({ unreadable }, 'stored secrets do not open, and stay behind');
      this.#lastError = `${unreadable.length} secrets do not open: ${unreadable.slice(0, 10).join(', ')}`;
    }
    log.info({ from: nameOfKey(old.id), to: nameOfKey(key.id) }, 'all secrets have moved to the new master key');
    await this.#parts.finished?.(nameOfKey(old.id), nameOfKey(key.id));
  }
}

const STOPPED = Symbol('stopped');

async function newKey(to: NewKey): Promise<{ key: MasterKey; parameters?: PassphraseParameters }> {
  switch (to.source) {
    case 'file':
      return { key: masterKey(randomBytes(KEY_SIZE)) };
    case 'environment':
      try {
        return { key: parseMasterKey(to.key, 'the new key') };
      } catch (cause) {
        if (!(cause instanceof MasterKeyError)) throw cause;
        throw new GatewayError('bad_request', cause.message, { cause });
      }
    case 'passphrase': {
      const parameters = newPassphraseParameters();
      const passphrase = Buffer.from(to.passphrase, 'utf8');
      const key = await keyOfPassphrase(passphrase, parameters);
      passphrase.fill(0);
      return { key, parameters };
    }
  }
}
