import type { Entitlements } from '../access/entitlements.ts';
import type { Requests } from '../requests/requests.ts';
import type { Sessions } from './sessions.ts';

/** Ends what nobody is entitled to any more, when users, groups, accounts or entitlements have changed. */
export class AccessGuard {
  readonly #sessions: Sessions;
  readonly #requests: Requests;
  readonly #entitlements: Entitlements;

  constructor(sessions: Sessions, requests: Requests, entitlements: Entitlements) {
    this.#sessions = sessions;
    this.#requests = requests;
    this.#entitlements = entitlements;
  }

  async recheck(): Promise<void> {
    // The sessions first: they are what somebody is using.
    for (const session of this.#sessions.list()) {
      const { user, account, terms } = session.facts;
      const filter = { accountId: account.id, entitlementId: terms.entitlementId };
      const grants = await this.#entitlements.grantsOf(user.id, filter);
      if (grants.length === 0) session.end('access_revoked', 'no longer entitled');
    }
    await this.#requests.withdrawUnentitled();
  }
}
