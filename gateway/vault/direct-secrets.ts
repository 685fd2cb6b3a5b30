import { sql } from 'kysely';
import type { Logger } from '../log.ts';
import type { Store } from '../store/store.ts';
import { isDirect, type Vault } from './vault.ts';

/**
 * Where secrets were kept before there were data keys, and for which owner each was sealed. Nothing is added to this
 * list: whatever is sealed today has its data key from the first.
 */
const places: readonly { readonly table: string; readonly column: string; readonly owner: string }[] = [
  { table: 'accounts', column: 'secret', owner: 'id' },
  { table: 'recording_keys', column: 'secret', owner: `'recording ' || session_id` },
  { table: 'second_factors', column: 'secret', owner: `'second factor ' || user_id` },
  { table: 'webhooks', column: 'secret', owner: `'webhook ' || id` },
  { table: 'outbox', column: 'body', owner: `'outbox ' || id` },
  { table: 'oidc_sign_ins', column: 'id_token', owner: `'oidc ' || reference` },
  { table: 'oidc_sign_ins', column: 'refresh_token', owner: `'oidc ' || reference` },
];
const settings = [
  { name: 'mail', field: 'sealedPassword', owner: 'smtp password' },
  { name: 'oidc', field: 'sealedSecret', owner: 'oidc client secret' },
] as const;

const STEP = 200;

/** Whether there is anything that was sealed by the master key itself. */
export async function holdsDirect(store: Store): Promise<boolean> {
  for (const { table, column } of places) {
    if ((await directIn(store, table, column, `''`, -1, 1)).length > 0) return true;
  }
  for (const { name, field } of settings) {
    if ((await directSetting(store, name, field)) !== undefined) return true;
  }
  return false;
}

/** Whether any of them opens: or else the vault has another's key. */
export async function opensDirect(store: Store, vault: Vault): Promise<boolean> {
  for (const { table, column, owner } of places) {
    const [found] = await directIn(store, table, column, owner, -1, 1);
    if (found !== undefined && opens(vault, Uint8Array.from(found.value), found.owner_id)) return true;
  }
  for (const { name, field, owner } of settings) {
    const found = await directSetting(store, name, field);
    if (found !== undefined && opens(vault, found.value, owner)) return true;
  }
  return false;
}

function opens(vault: Vault, value: Uint8Array, owner: string): boolean {
  try {
    vault.openBytes(value, owner).fill(0);
    return true;
  } catch {
    return false;
  }
}

/**
 * Puts secrets of older versions into envelopes. Begun anew at each start until there are none left. What does not
 * open is left as it is, for whoever brings it back, and reported.
 * @returns how many there were
 */
export async function sealDirectAnew(store: Store, vault: Vault, log: Logger): Promise<number> {
  let moved = 0;
  for (const { table, column, owner } of places) {
    let after = -1;
    for (;;) {
      const rows = await directIn(store, table, column, owner, after, STEP);
      if (rows.length === 0) break;
      await store.transaction().execute(async (transaction) => {
        for (const { rowid, value, owner_id } of rows) {
          after = rowid;
          const sealed = sealAnew(vault, Uint8Array.from(value), owner_id, log);
          if (sealed === undefined) continue;
          moved++;
          await sql`update ${sql.table(table)} set ${sql.ref(column)} = ${sealed} where rowid = ${rowid}`.execute(
            transaction,
          );
        }
      });
    }
  }
  for (const { name, field, owner } of settings) {
    const found = await directSetting(store, name, field);
    const sealed = found && sealAnew(vault, found.value, owner, log);
    if (sealed === undefined) continue;
    moved++;
    const valueJson = JSON.stringify({ ...found?.document, [field]: Buffer.from(sealed).toString('base64') });
    await store.updateTable('settings').set({ value_json: valueJson }).where('name', '=', name).execute();
  }
  return moved;
}

function sealAnew(vault: Vault, value: Uint8Array, owner: string, log: Logger): Uint8Array | undefined {
  let secret: Uint8Array | undefined;
  try {
    secret = vault.openBytes(value, owner);
    return vault.seal(secret, owner);
  } catch (error) {
    log.error({ err: error, owner }, 'a stored secret does not open');
    return undefined;
  } finally {
    secret?.fill(0);
  }
}

async function directIn(store: Store, table: string, column: string, owner: string, after: number, limit: number) {
  const { rows } = await sql<{ rowid: number; value: Uint8Array; owner_id: string }>`
    select rowid, ${sql.ref(column)} as value, ${sql.raw(owner)} as owner_id from ${sql.table(table)}
    where rowid > ${after} and substr(${sql.ref(column)}, 1, 1) = x'01' order by rowid limit ${limit}`.execute(store);
  return rows;
}

async function directSetting(store: Store, name: string, field: string) {
  const row = await store.selectFrom('settings').select('value_json').where('name', '=', name).executeTakeFirst();
  if (row === undefined) return undefined;
  const document = JSON.parse(row.value_json) as Record<string, unknown>;
  const text = document[field];
  const value = typeof text === 'string' ? Uint8Array.from(Buffer.from(text, 'base64')) : undefined;
  return value !== undefined && isDirect(value) ? { document, value } : undefined;
}
