import { hkdfSync, randomBytes } from 'node:crypto';
import type { Store } from '../store/store.ts';
import { KEY_SIZE } from './master-key.ts';
import type { Vault } from './vault.ts';

/** Keys that the gateway uses itself. */
export const ownKeys = ['typed words', 'decision links'] as const;
export type OwnKey = (typeof ownKeys)[number];

/**
 * A key of the gateway's own that stays the same when the master key changes: it is kept sealed as any other secret.
 * @param legacy the master key of a store from before these were kept, which derived them from it
 */
export async function ownKey(store: Store, vault: Vault, name: OwnKey, legacy?: Uint8Array): Promise<Uint8Array> {
  const owner = `own key ${name}`;
  const row = await store.selectFrom('vault_secrets').select('secret').where('name', '=', name).executeTakeFirst();
  if (row !== undefined) return vault.openBytes(Uint8Array.from(row.secret), owner);
  const key =
    legacy === undefined
      ? Uint8Array.from(randomBytes(KEY_SIZE))
      : new Uint8Array(hkdfSync('sha256', legacy, '', `oriel ${name}`, KEY_SIZE));
  await store
    .insertInto('vault_secrets')
    .values({ name, secret: vault.seal(key, owner) })
    .execute();
  return key;
}
