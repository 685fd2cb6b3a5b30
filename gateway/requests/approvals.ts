import type { PolicyRules } from '../access/policy-rules.ts';
import { GatewayError } from '../errors.ts';
import type { RequestStepRow } from '../store/access-schema.ts';
import type { Store } from '../store/store.ts';
import type { PlannedItem } from './new-request.ts';

/** The approvals that these items need: one track for each policy, its steps one after the other. */
export async function stepsFor(
  store: Store,
  requestId: string,
  items: readonly PlannedItem[],
): Promise<RequestStepRow[]> {
  const policies = new Map<string, { name: string; rules: PolicyRules }>();
  for (const { grant } of items) policies.set(grant.policy.id, { name: grant.policy.name, rules: grant.rules });
  const rows: RequestStepRow[] = [];
  let track = 0;
  for (const { name, rules } of policies.values()) {
    for (const [step, { needed, group }] of rules.steps.entries()) {
      const found =
        group === null
          ? undefined
          : await store.selectFrom('groups').select('name').where('id', '=', group).executeTakeFirst();
      rows.push({
        request_id: requestId,
        track,
        step,
        policy_name: name,
        group_id: group,
        group_name: found?.name ?? '',
        needed,
        given: 0,
      });
    }
    if (rules.steps.length > 0) track++;
  }
  return rows;
}

/** The step of each track that is to be taken next. */
export function openSteps(steps: readonly RequestStepRow[]): RequestStepRow[] {
  return [...Map.groupBy(steps, ({ track }) => track).values()].flatMap((track) => {
    const next = track.toSorted((a, b) => a.step - b.step).find(({ given, needed }) => given < needed);
    return next === undefined ? [] : [next];
  });
}

/** Whether a step is one of these groups', or everybody's who approves. */
export function isStepOf(step: Pick<RequestStepRow, 'group_id'>, groups: ReadonlySet<string>): boolean {
  return step.group_id === null || groups.has(step.group_id);
}

/**
 * The steps as they are after one more approval: it counts once in every track whose next step it may count for.
 * Throws `forbidden` where it counts for none at all, and `conflict` where it would later.
 */
export function countApproval(steps: readonly RequestStepRow[], groups: ReadonlySet<string>): RequestStepRow[] {
  const counted = openSteps(steps).filter((step) => isStepOf(step, groups));
  if (counted.length === 0) {
    const later = steps.some((step) => step.given < step.needed && isStepOf(step, groups));
    if (later) throw new GatewayError('conflict', 'other approvals come first');
    throw new GatewayError('forbidden', 'no policy of this request names a group of yours');
  }
  return steps.map((step) => (counted.includes(step) ? { ...step, given: step.given + 1 } : step));
}

export async function readSteps(store: Store, requestId: string): Promise<RequestStepRow[]> {
  return store
    .selectFrom('request_steps')
    .selectAll()
    .where('request_id', '=', requestId)
    .orderBy('track')
    .orderBy('step')
    .execute();
}

/** The groups that a user is in, by id. */
export async function groupsOf(store: Store, userId: string): Promise<Set<string>> {
  const rows = await store.selectFrom('group_members').select('group_id').where('user_id', '=', userId).execute();
  return new Set(rows.map(({ group_id }) => group_id));
}
