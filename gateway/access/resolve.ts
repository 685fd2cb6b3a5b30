import { GatewayError } from '../errors.ts';
import type { Store } from '../store/store.ts';

/** The column that people know a row by. */
const nameColumns = {
  users: 'username',
  groups: 'name',
  policies: 'name',
  targets: 'name',
  accounts: 'username',
} as const;
type Named = keyof typeof nameColumns;

/**
 * The id of what a request names, by its id or by its name. Throws `bad_request` where there is nothing of the sort, or
 * more than one of that name.
 */
export async function resolve(store: Store, table: Named, reference: string): Promise<string> {
  const what = table.slice(0, -1).replace('policie', 'policy');
  const byId = await store.selectFrom(table).select('id').where('id', '=', reference).executeTakeFirst();
  if (byId !== undefined) return byId.id;
  const column = nameColumns[table];
  const byName = await store
    .selectFrom(table)
    .select('id')
    .where(column as 'id', '=', reference)
    .limit(2)
    .execute();
  const [found, another] = byName;
  if (found === undefined) throw new GatewayError('bad_request', `there is no such ${what}`);
  if (another !== undefined) throw new GatewayError('bad_request', `more than one ${what} has that name; use its id`);
  return found.id;
}
