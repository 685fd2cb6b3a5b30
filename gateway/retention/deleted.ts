import type { Store } from '../store/store.ts';

/**
 * Whether a recording is deleted, or about to be. Asked for in the transaction that writes down something of it: what
 * deletes it claims it first, and then has all forgotten that is known of it.
 */
export async function isDeleted(store: Store, id: string): Promise<boolean> {
  const row = await store.selectFrom('sessions').select('recording').where('id', '=', id).executeTakeFirst();
  return row?.recording === 'deleting' || row?.recording === 'deleted';
}
