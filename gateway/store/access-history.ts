import { sql } from 'kysely';
import type { Store } from './store.ts';

/**
 * Tables that decide together who may use which account, with what of them the history keeps: never a secret.
 * Whatever changes them, by whichever code, their triggers write it down.
 */
const TABLES: Readonly<Record<string, { readonly key: readonly string[]; readonly columns: readonly string[] }>> = {
  users: { key: ['id'], columns: ['id', 'username', 'roles_json', 'disabled'] },
  groups: { key: ['id'], columns: ['id', 'name'] },
  group_members: { key: ['group_id', 'user_id'], columns: ['group_id', 'user_id'] },
  policies: { key: ['id'], columns: ['id', 'name', 'rules_json'] },
  entitlements: { key: ['id'], columns: ['id', 'group_id', 'policy_id', 'all_accounts'] },
  entitlement_accounts: { key: ['entitlement_id', 'account_id'], columns: ['entitlement_id', 'account_id'] },
  entitlement_targets: { key: ['entitlement_id', 'target_id'], columns: ['entitlement_id', 'target_id'] },
  accounts: { key: ['id'], columns: ['id', 'target_id', 'username', 'domain'] },
  targets: { key: ['id'], columns: ['id', 'name', 'host'] },
};

const NOW = `cast(unixepoch('subsec') * 1000 as integer)`;

/**
 * Has the database keep the history, from now on. At every start: a later step of the tables' own may have made one anew,
 * and its triggers went with it.
 */
export async function keepAccessHistory(store: Store): Promise<void> {
  for (const [table, { key, columns }] of Object.entries(TABLES)) {
    const keyOf = (row: string) => key.map((column) => `${row}.${column}`).join(` || ' ' || `);
    const jsonOf = (row: string) =>
      `json_object(${columns.map((column) => `'${column}', ${row}.${column}`).join(', ')})`;
    const open = (row: string) => `table_name = '${table}' and row_key = ${keyOf(row)} and valid_to is null`;
    const insert = `insert into access_history (table_name, row_key, row_json, valid_from)`;
    const statements = [
      `create trigger if not exists ${table}_history_insert after insert on "${table}" begin
        ${insert} values ('${table}', ${keyOf('new')}, ${jsonOf('new')}, ${NOW}); end`,
      `create trigger if not exists ${table}_history_update after update on "${table}"
        when ${jsonOf('old')} != ${jsonOf('new')} begin
        update access_history set valid_to = ${NOW} where ${open('old')};
        ${insert} values ('${table}', ${keyOf('new')}, ${jsonOf('new')}, ${NOW}); end`,
      `create trigger if not exists ${table}_history_delete after delete on "${table}" begin
        update access_history set valid_to = ${NOW} where ${open('old')}; end`,
      // What changed while nobody watched: at the first start, and where a table was made anew.
      `update access_history set valid_to = ${NOW} where table_name = '${table}' and valid_to is null
        and not exists (select 1 from "${table}" r where ${keyOf('r')} = row_key and ${jsonOf('r')} = row_json)`,
      `${insert} select '${table}', ${keyOf('r')}, ${jsonOf('r')}, ${NOW} from "${table}" r where not exists
        (select 1 from access_history where ${open('r')})`,
    ];
    for (const statement of statements) await sql.raw(statement).execute(store);
  }
}
