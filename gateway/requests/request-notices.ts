import { can, type Role } from '../access/can.ts';
import type { Happening, NotificationKind, NotificationLink, Notifier } from '../notifications/kinds.ts';
import type { Store } from '../store/store.ts';
import { openSteps, readSteps } from './approvals.ts';
import type { DecisionLinks } from './decision-links.ts';
import { type RequestEvent, type RequestHappening, type RequestListener, subjectOf } from './request-book.ts';
import { isFinal, type RequestState } from './request-state.ts';

/** What of a request people are told of, and in which words. */
const kinds: Partial<
  Record<RequestEvent, { readonly kind: NotificationKind; readonly text: (who: string) => string }>
> = {
  created: { kind: 'request.submitted', text: (who) => `${who} asks for access to` },
  emergency: { kind: 'request.emergency', text: (who) => `EMERGENCY: ${who} has taken access to` },
  granted: { kind: 'request.approved', text: () => 'Access was granted to' },
  available: { kind: 'request.available', text: () => 'Access begins now to' },
  denied: { kind: 'request.denied', text: () => 'Access was denied to' },
  revoked: { kind: 'request.revoked', text: () => 'Access was taken back to' },
  expired: { kind: 'request.expired', text: () => 'The time is over for access to' },
  completed: { kind: 'request.completed', text: () => 'Access was given back to' },
};

/** Tells people what happens to requests, in the transaction that it happens in. Approvers get links to decide by. */
export function requestNotices(notifier: Notifier, links: DecisionLinks): RequestListener {
  return async (happening, store) => {
    const { request, event } = happening;
    // Nobody asked for anything, and nobody waits for it.
    if (request.automatic === 0) await tell(notifier, links, happening, store);
    // After a review that was not the last, it is the next group's turn.
    const over = isFinal(request.state as RequestState) && event !== 'session-ended';
    if (over && request.review === 'due') {
      await notifier.publish(
        {
          ...common(happening, 'review.due', `To be reviewed: ${request.username}, ${subjectOf(happening.items)}`),
          audience: { reviewers: await reviewersOf(store, request.review_group_id, request.user_id) },
        },
        store,
      );
    }
  };
}

async function tell(
  notifier: Notifier,
  links: DecisionLinks,
  happening: RequestHappening,
  store: Store,
): Promise<void> {
  const { request, event, actor } = happening;
  // After an approval that was not the last, it is the next step's turn.
  const asks = event === 'created' || (event === 'approved' && request.state === 'pending');
  const wanted = kinds[asks ? 'created' : event];
  if (wanted === undefined) return;
  const title = `${wanted.text(request.username)} ${subjectOf(happening.items)}`;
  const approvers = asks || event === 'emergency' ? await approversOf(store, happening) : [];
  if (event === 'approved' && approvers.length === 0) return;
  const ofApprover = new Map<string, readonly NotificationLink[]>();
  if (asks) {
    for (const approver of approvers) {
      const { approve, deny } = await links.issue(request.id, approver, store);
      ofApprover.set(approver, [
        { label: 'Approve', path: `/decide#${approve}` },
        { label: 'Deny', path: `/decide#${deny}` },
      ]);
    }
  }
  await notifier.publish(
    {
      ...common(happening, wanted.kind, title),
      audience: {
        approvers,
        ...(asks ? {} : { requester: [request.user_id] }),
        ...(event === 'emergency'
          ? { reviewers: await reviewersOf(store, request.review_group_id, request.user_id) }
          : {}),
      },
      ...(actor === undefined ? {} : { byUserId: actor.id }),
      links: (userId) => ofApprover.get(userId) ?? [],
    },
    store,
  );
}

function common(
  { request, comment }: RequestHappening,
  kind: NotificationKind,
  title: string,
): Omit<Happening, 'audience'> {
  // In one line: a mail with links to decide by has others below it, and a comment must not look like one of those.
  const words = [request.reason, comment, request.ticket === '' ? '' : `Ticket ${request.ticket}`].map((word) =>
    word.replaceAll(/\s+/g, ' ').trim(),
  );
  return {
    kind,
    title,
    text: words.filter((word) => word !== '').join('. '),
    path: `/requests/${request.id}`,
    facts: {
      requestId: request.id,
      state: request.state,
      user: request.username,
      emergency: request.emergency !== 0,
      ticket: request.ticket,
    },
  };
}

/** Those who are to be told: whose turn it is at first, whose turn it becomes, and who an emergency went past. */
async function approversOf(store: Store, { request, event }: RequestHappening): Promise<string[]> {
  const steps = await readSteps(store, request.id);
  const concerned =
    event === 'emergency'
      ? steps
      : openSteps(steps).filter(({ step, given }) => event === 'created' || (step > 0 && given === 0));
  const found = new Set<string>();
  for (const group of new Set(concerned.map(({ group_id }) => group_id))) {
    for (const id of await peopleWho(store, 'request.decide', group)) found.add(id);
  }
  const voters = await store
    .selectFrom('request_votes')
    .select('approver_id')
    .where('request_id', '=', request.id)
    .execute();
  for (const { approver_id } of voters) found.delete(approver_id);
  found.delete(request.user_id);
  return [...found];
}

async function reviewersOf(store: Store, group: string | null, except: string): Promise<string[]> {
  return (await peopleWho(store, 'request.review', group)).filter((id) => id !== except);
}

/** Those of a group, or of all, who may do that. */
async function peopleWho(store: Store, action: 'request.decide' | 'request.review', group: string | null) {
  let query = store.selectFrom('users').select(['users.id', 'username', 'roles_json']).where('disabled', '=', 0);
  if (group !== null) {
    query = query.where('users.id', 'in', (eb) =>
      eb.selectFrom('group_members').select('user_id').where('group_id', '=', group),
    );
  }
  const rows = await query.execute();
  return rows
    .filter(({ id, username, roles_json }) => can({ id, username, roles: JSON.parse(roles_json) as Role[] }, action))
    .map(({ id }) => id);
}
