import type { NewFavourite } from '../../requests/favourites.ts';
import type { NewRequest } from '../../requests/new-request.ts';
import type { RequestFilter } from '../../requests/request-queries.ts';
import type { RequestState } from '../../requests/request-state.ts';
import type { Decision } from '../../requests/requests.ts';
import { color, comment, moment, newRequest, state } from '../access-schemas.ts';
import { type Route, route } from '../route.ts';
import { array, count, flag, id, name, object, ref, text } from '../schemas.ts';
import type { Services } from '../services.ts';

const word = { type: 'string', minLength: 1, maxLength: 128 } as const;

/** Access that is asked for, decided on, taken back, given back and looked at afterwards. */
export function requestRoutes(services: Services): Route[] {
  return [
    ...askingRoutes(services),
    ...decidingRoutes(services),
    ...linkRoutes(services),
    ...favouriteRoutes(services),
  ];
}

function askingRoutes({ requests, requestQueries }: Services): Route[] {
  return [
    route<NewRequest>({
      method: 'post',
      path: '/api/requests',
      id: 'createRequest',
      tag: 'requests',
      summary: 'Ask for access to up to 50 accounts, now or later',
      access: 'request.make',
      body: newRequest,
      status: 201,
      response: object({ id, state }),
      errors: ['not_entitled', 'policy_refused', 'outside_hours', 'too_many_requests'],
      handle: ({ actor, address, body }) => requests.create(actor, address, body),
    }),
    route<undefined, RequestFilter>({
      method: 'get',
      path: '/api/requests',
      id: 'listRequests',
      tag: 'requests',
      summary: 'Requests, the newest first: the own ones, those to decide on, or all that the caller may see',
      access: 'request.view',
      query: object(
        {
          limit: { type: 'integer', minimum: 1, maximum: 200, default: 50 },
          after: { ...id, description: 'the last one seen: the next page' },
          scope: { enum: ['own', 'to-decide', 'to-review', 'all'], default: 'all' },
          state,
          search: { ...word, description: 'words of user, account, target, reason, comment or ticket' },
          user: { ...word, description: 'id or name' },
          accountId: id,
          emergency: flag,
          automatic: { ...flag, description: 'made by opening a session, or asked for' },
          from: moment,
          to: moment,
        },
        ['limit', 'after', 'scope', 'state', 'search', 'user', 'accountId', 'emergency', 'automatic', 'from', 'to'],
      ),
      status: 200,
      response: array(ref('Request')),
      errors: ['not_found'],
      handle: ({ actor, query }) => requestQueries.list(actor, query),
    }),
    route({
      method: 'get',
      path: '/api/request-counts',
      id: 'countRequests',
      tag: 'requests',
      summary: 'How many requests wait for the caller, and how many of the own are open',
      access: 'request.view',
      status: 200,
      response: object({ toDecide: count, toReview: count, pending: count, available: count }),
      errors: [],
      handle: ({ actor }) => requestQueries.counts(actor),
    }),
    route({
      method: 'get',
      path: '/api/requests/:id',
      id: 'getRequest',
      tag: 'requests',
      summary: 'One request: approvals, history, sessions, and what the caller may do with it',
      access: 'request.view',
      status: 200,
      response: ref('RequestDetails'),
      errors: [],
      handle: ({ actor, parameter }) => requestQueries.details(actor, parameter('id')),
    }),
  ];
}

function decidingRoutes({ requests }: Services): Route[] {
  const decision = (
    verb: string,
    summary: string,
    access: Route['access'],
    decide: (id: string, decision: Decision) => Promise<RequestState>,
  ) =>
    route<{ comment?: string }>({
      method: 'post',
      path: `/api/requests/:id/${verb}`,
      id: `${verb.replace('-i', 'I')}Request`,
      tag: 'requests',
      summary,
      access,
      body: object({ comment }, ['comment']),
      status: 200,
      response: object({ id, state }),
      errors: ['forbidden', 'conflict'],
      async handle({ actor, address, parameter, body }) {
        const changed = await decide(parameter('id'), { actor, address, comment: body.comment });
        return { id: parameter('id'), state: changed };
      },
    });
  return [
    decision('approve', 'Say yes; nobody does to a request of their own', 'request.decide', (of, by) =>
      requests.approve(of, by),
    ),
    decision('deny', 'Say no', 'request.decide', (of, by) => requests.deny(of, by)),
    decision('revoke', 'Take access back; its sessions end at once', 'request.revoke', (of, by) =>
      requests.revoke(of, by),
    ),
    decision('check-in', 'Give the own access back before its time; its sessions end', 'request.make', (of, by) =>
      requests.checkIn(of, by),
    ),
    decision('review', 'Sign off what was done with access that is over', 'request.review', (of, by) =>
      requests.review(of, by),
    ),
  ];
}

/** For a mail's links: whoever holds one is its approver, for one decision. */
function linkRoutes({ decisionLinks, requestQueries }: Services): Route[] {
  const token = { type: 'string', minLength: 1, maxLength: 2048, writeOnly: true } as const;
  return [
    route<{ token: string }>({
      method: 'post',
      path: '/api/decision-links/look',
      id: 'lookAtDecisionLink',
      tag: 'requests',
      summary: 'What a link from a mail would do, and to which request; uses nothing up',
      access: 'anyone',
      body: object({ token }),
      status: 200,
      response: object({ decision: { enum: ['approve', 'deny'] }, approver: text, request: ref('RequestDetails') }),
      errors: ['ticket_invalid', 'not_found'],
      async handle({ body }) {
        const { link, actor } = await decisionLinks.look(body.token);
        const request = await requestQueries.details(actor, link.requestId);
        return { decision: link.decision, approver: actor.username, request };
      },
    }),
    route<{ token: string; comment?: string }>({
      method: 'post',
      path: '/api/decision-links/use',
      id: 'useDecisionLink',
      tag: 'requests',
      summary: 'Approve or deny by a link from a mail, once',
      access: 'anyone',
      body: object({ token, comment }, ['comment']),
      status: 200,
      response: object({ id, state }),
      errors: ['ticket_invalid', 'not_found', 'forbidden', 'conflict', 'directory_unavailable'],
      handle: ({ body, address }) => decisionLinks.use(body.token, address, body.comment),
    }),
  ];
}

function favouriteRoutes({ favourites }: Services): Route[] {
  const fields = { name, color, request: newRequest };
  return [
    route({
      method: 'get',
      path: '/api/request-favourites',
      id: 'listFavourites',
      tag: 'requests',
      summary: 'The requests that the caller keeps for the next time',
      access: 'request.make',
      status: 200,
      response: array(ref('Favourite')),
      errors: [],
      handle: ({ actor }) => favourites.list(actor.id),
    }),
    route<NewFavourite>({
      method: 'post',
      path: '/api/request-favourites',
      id: 'createFavourite',
      tag: 'requests',
      summary: 'Keep a request for the next time',
      access: 'request.make',
      body: object(fields),
      status: 201,
      response: ref('Favourite'),
      errors: ['conflict'],
      handle: ({ actor, body }) => favourites.create(actor.id, body),
    }),
    route<Partial<NewFavourite>>({
      method: 'patch',
      path: '/api/request-favourites/:id',
      id: 'changeFavourite',
      tag: 'requests',
      summary: 'Change what is kept',
      access: 'request.make',
      body: object(fields, Object.keys(fields)),
      status: 200,
      response: ref('Favourite'),
      errors: [],
      handle: ({ actor, body, parameter }) => favourites.change(actor.id, parameter('id'), body),
    }),
    route({
      method: 'delete',
      path: '/api/request-favourites/:id',
      id: 'deleteFavourite',
      tag: 'requests',
      summary: 'Forget what is kept',
      access: 'request.make',
      status: 204,
      errors: [],
      handle: ({ actor, parameter }) => favourites.remove(actor.id, parameter('id')),
    }),
  ];
}
