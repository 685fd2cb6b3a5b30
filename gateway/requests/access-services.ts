import { Entitlements } from '../access/entitlements.ts';
import { Groups } from '../access/groups.ts';
import { Policies } from '../access/policies.ts';
import type { Users } from '../access/users.ts';
import type { Audit } from '../audit/audit.ts';
import type { Logger } from '../log.ts';
import type { Notifier } from '../notifications/kinds.ts';
import { SessionSwitch } from '../sessions/session-switch.ts';
import type { Gate } from '../sessions/sessions.ts';
import type { Store } from '../store/store.ts';
import { Admission } from './admission.ts';
import { DecisionLinks, type DecisionLinksParts } from './decision-links.ts';
import { Favourites } from './favourites.ts';
import { RequestBook } from './request-book.ts';
import { RequestClock } from './request-clock.ts';
import { requestNotices } from './request-notices.ts';
import { RequestQueries } from './request-queries.ts';
import { Requests } from './requests.ts';
import { askWebhook } from './ticket-check.ts';

/** Who may use what, and asking for it. */
export interface AccessServices {
  readonly groups: Groups;
  readonly policies: Policies;
  readonly entitlements: Entitlements;
  readonly requestBook: RequestBook;
  readonly requests: Requests;
  readonly admission: Admission;
  readonly requestQueries: RequestQueries;
  readonly decisionLinks: DecisionLinks;
  readonly favourites: Favourites;
  readonly sessionSwitch: SessionSwitch;
  readonly requestClock: RequestClock;
  /** Lets sessions in. */
  readonly gate: Gate;
}

export interface AccessServicesParts {
  readonly store: Store;
  readonly users: Users;
  readonly notifier: Notifier;
  /** Looks up somebody who is from a directory, before she decides. */
  readonly requireCurrent: DecisionLinksParts['requireCurrent'];
  /** What links in mails are signed with. */
  readonly linkKey: Uint8Array;
  readonly audit: Audit;
  readonly log: Logger;
}

/** Puts together who may use what. The clock runs once it is started. */
export function createAccessServices(parts: AccessServicesParts): AccessServices {
  const { store, users, notifier, requireCurrent, linkKey, audit, log } = parts;
  const entitlements = new Entitlements(store);
  const requestBook = new RequestBook(audit);
  const requests = new Requests({ store, entitlements, book: requestBook, askWebhook });
  const decisionLinks = new DecisionLinks({ store, users, requests, requireCurrent, key: linkKey });
  requestBook.listen(requestNotices(notifier, decisionLinks));
  const sessionSwitch = new SessionSwitch(store, audit);
  const admission = new Admission({ store, entitlements, requests, book: requestBook, sessionSwitch });
  return {
    groups: new Groups(store),
    policies: new Policies(store),
    entitlements,
    requestBook,
    requests,
    admission,
    requestQueries: new RequestQueries(store, requests),
    decisionLinks,
    favourites: new Favourites(store, entitlements),
    sessionSwitch,
    requestClock: new RequestClock(requests, log),
    gate: {
      admit: (actor, address, ask, write) => admission.admit(actor, address, ask, write),
      confirm: ({ user, account, terms }) => admission.confirm({ ...terms, userId: user.id, accountId: account.id }),
      sessionEnded: (requestId, sessionId) => requests.sessionEnded(requestId, sessionId),
    },
  };
}
