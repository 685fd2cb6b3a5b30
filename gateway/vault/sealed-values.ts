import { type RawBuilder, sql } from 'kysely';
import type { Store } from '../store/store.ts';
import { Turns } from '../turns.ts';
import { PREFIX_SIZE, prefixOf, type Vault, VaultError } from './vault.ts';

/**
 * Finds what is sealed wherever it is: every sealed value begins with the id of its master key, so nobody has to keep
 * a list of columns, from which one could be missing. Blobs of every table, and base64 within the settings.
 */
export async function countSealed(store: Store, keyId: Uint8Array): Promise<number> {
  let found = 0;
  for (const { table, column } of await blobColumns(store)) {
    const { rows } = await sql<{ found: number }>`
      select count(*) as found from ${sql.table(table)} where ${beginsWith(column, keyId)}`.execute(store);
    found += rows[0]?.found ?? 0;
  }
  const { rows } = await settingsWith(store, keyId);
  return found + rows.length;
}

/** Values of one transaction: others wait for the store meanwhile, and for the process. */
const STEP = 100;

/**
 * Wraps every value that is sealed with that key anew, with the one that the vault seals with now. Each is exchanged
 * only if it is still what was read. What does not open is left as it is.
 * @param progress called between transactions; throws to stop
 * @returns where what does not open is
 */
export async function rewrapAll(
  store: Store,
  vault: Vault,
  keyId: Uint8Array,
  progress: () => void,
): Promise<string[]> {
  const unreadable: string[] = [];
  const turns = new Turns();
  for (const { table, column } of await blobColumns(store)) {
    let after = -1;
    for (;;) {
      const { rows } = await sql<{ rowid: number; value: Uint8Array }>`
        select rowid, ${sql.ref(column)} as value from ${sql.table(table)}
        where rowid > ${after} and ${beginsWith(column, keyId)} order by rowid limit ${STEP}`.execute(store);
      if (rows.length === 0) break;
      await store.transaction().execute(async (transaction) => {
        for (const { rowid, value } of rows) {
          after = rowid;
          const wrapped = rewrapped(vault, Uint8Array.from(value));
          if (wrapped === undefined) {
            unreadable.push(`${table}.${column} ${rowid}`);
            continue;
          }
          await sql`update ${sql.table(table)} set ${sql.ref(column)} = ${wrapped}
            where rowid = ${rowid} and ${sql.ref(column)} = ${value}`.execute(transaction);
        }
      });
      progress();
      if (turns.isOver) await turns.pass();
    }
  }
  unreadable.push(...(await rewrapSettings(store, vault, keyId)));
  return unreadable;
}

function rewrapped(vault: Vault, sealed: Uint8Array): Uint8Array | undefined {
  try {
    return vault.rewrap(sealed);
  } catch (error) {
    if (error instanceof VaultError) return undefined;
    throw error;
  }
}

async function rewrapSettings(store: Store, vault: Vault, keyId: Uint8Array): Promise<string[]> {
  const unreadable: string[] = [];
  const { rows } = await settingsWith(store, keyId);
  const sealed = new RegExp(`"(${textPrefix(keyId).replaceAll(/[+/]/g, '\\$&')}[A-Za-z0-9+/]*={0,2})"`, 'g');
  for (const { name, value_json } of rows) {
    const after = value_json.replaceAll(sealed, (whole, text: string) => {
      const wrapped = rewrapped(vault, Uint8Array.from(Buffer.from(text, 'base64')));
      if (wrapped === undefined) unreadable.push(`settings ${name}`);
      return wrapped === undefined ? whole : `"${Buffer.from(wrapped).toString('base64')}"`;
    });
    await store
      .updateTable('settings')
      .set({ value_json: after })
      .where('name', '=', name)
      .where('value_json', '=', value_json)
      .execute();
  }
  return unreadable;
}

function settingsWith(store: Store, keyId: Uint8Array) {
  return sql<{ name: string; value_json: string }>`
    select name, value_json from settings where instr(value_json, ${`"${textPrefix(keyId)}`}) > 0`.execute(store);
}

/** 9 bytes are 12 characters of base64, whatever comes after them. */
function textPrefix(keyId: Uint8Array): string {
  return Buffer.from(prefixOf(keyId)).toString('base64');
}

function beginsWith(column: string, keyId: Uint8Array): RawBuilder<boolean> {
  return sql`substr(${sql.ref(column)}, 1, ${PREFIX_SIZE}) = ${prefixOf(keyId)}`;
}

async function blobColumns(store: Store): Promise<{ table: string; column: string }[]> {
  const { rows } = await sql<{ table: string; column: string }>`
    select t.name as "table", c.name as "column" from pragma_table_list t join pragma_table_info(t.name) c
    where t.schema = 'main' and t.type = 'table' and t.wr = 0 and lower(c.type) = 'blob'
    order by t.name, c.name`.execute(store);
  return rows;
}
