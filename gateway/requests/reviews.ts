import { type PolicyRules, readRules } from '../access/policy-rules.ts';
import type { RequestRow } from '../store/access-schema.ts';
import type { Store } from '../store/store.ts';

/**
 * The groups that review a request, one after the other. A policy that asks for no review has no say in who does, but in an
 * emergency each has; one that names no group is content with anybody's.
 */
export function reviewGroupsOf(rules: readonly PolicyRules[], emergency: boolean): string[] {
  const asking = rules.filter(({ review }) => emergency || review);
  return [...new Set(asking.flatMap(({ reviewGroup }) => reviewGroup ?? []))];
}

/** Of the groups of a request, those whose turn comes after a review by somebody in these groups. */
export async function groupsToReviewAfter(
  store: Store,
  { id, emergency, review_group_id: present }: RequestRow,
  groups: ReadonlySet<string>,
): Promise<string[]> {
  const items = await store
    .selectFrom('request_items')
    .select('rules_json')
    .where('request_id', '=', id)
    .orderBy('position')
    .execute();
  const all = reviewGroupsOf(
    items.map(({ rules_json }) => readRules(rules_json)),
    emergency !== 0,
  );
  const rest = all.slice(all.indexOf(present ?? '') + 1).filter((group) => !groups.has(group));
  if (rest.length === 0) return [];
  // One that is gone since reviews nothing.
  const there = await store.selectFrom('groups').select('id').where('id', 'in', rest).execute();
  return rest.filter((group) => there.some((row) => row.id === group));
}
