import type { Actor } from '../access/can.ts';
import { GatewayError } from '../errors.ts';
import type { Notifier } from '../notifications/kinds.ts';
import type { Admission, RevealAsk } from '../requests/admission.ts';
import { type Sessions, useOf } from '../sessions/sessions.ts';
import type { Credentials } from '../targets/targets.ts';
import type { AccountCredentials, AskUser } from './account-credentials.ts';
import type { Secret } from './secret.ts';

export interface SecretUsesParts {
  readonly credentials: AccountCredentials;
  readonly admission: Admission;
  readonly sessions: Sessions;
  readonly notifier: Notifier;
  /** A secret was seen by somebody. */
  revealed(accountId: string): Promise<void>;
}

/** What is done with a secret besides connecting: it is shown, or typed into a session. Both where a policy permits. */
export class SecretUses {
  readonly #parts: SecretUsesParts;

  constructor(parts: SecretUsesParts) {
    this.#parts = parts;
  }

  /** For the caller to wipe. It is written down before it is given away. */
  async reveal(
    actor: Actor,
    address: string,
    ask: RevealAsk,
    masterPassword: Secret | undefined,
  ): Promise<Credentials> {
    const { admission, credentials } = this.#parts;
    const rules = await admission.reveal(actor, address, ask, false);
    const use = { user: actor, address, purpose: 'reveal', ...ask, masterPassword: rules.masterPassword } as const;
    const found = await credentials.read(use, answerWith(masterPassword));
    try {
      // First, so that access that ends in this moment finds it: a password that was seen is changed then, as the account says.
      await this.#parts.revealed(ask.accountId);
      await admission.reveal(actor, address, ask, true);
      if (rules.secretNotice) await this.#tell('secret.revealed', actor, found.username, ask.requestId);
      return found;
    } catch (error) {
      found.password.wipe();
      throw error;
    }
  }

  /** Types it into a live session of one's own. */
  async type(
    actor: Actor,
    address: string,
    ask: { readonly sessionId: string; readonly enter: boolean },
    masterPassword: Secret | undefined,
  ): Promise<void> {
    const { admission, credentials, sessions } = this.#parts;
    const session = sessions.get(ask.sessionId);
    const { facts } = session;
    if (facts.user.id !== actor.id) throw new GatewayError('not_found', 'there is no such live session');
    if (!facts.terms.typeSecret) {
      throw new GatewayError('forbidden', `policy "${facts.terms.policy.name}" does not have passwords typed`);
    }
    if (session.state.name !== 'active') throw new GatewayError('not_ready');
    const found = await credentials.read({ ...useOf(facts, 'type'), address }, answerWith(masterPassword));
    const keys = Buffer.from(found.password.text(), 'utf16le');
    try {
      await admission.typed(actor, address, facts.terms.requestId, facts.id);
      session.typeSecret(keys, ask.enter);
    } finally {
      keys.fill(0);
      found.password.wipe();
    }
    if (facts.terms.secretNotice) {
      await this.#tell(
        'secret.typed',
        actor,
        `${facts.account.username} on ${facts.target.name}`,
        facts.terms.requestId,
      );
    }
  }

  #tell(kind: 'secret.revealed' | 'secret.typed', actor: Actor, account: string, requestId: string): Promise<void> {
    const what = kind === 'secret.revealed' ? 'was shown the password of' : 'had typed the password of';
    return this.#parts.notifier.publish({
      kind,
      title: `${actor.username} ${what} ${account}`,
      text: '',
      path: `/requests/${requestId}`,
      audience: {},
      byUserId: actor.id,
      facts: { user: actor.username, account, requestId },
    });
  }
}

/** There is nobody to be asked: all that she says is there. */
function answerWith(masterPassword: Secret | undefined): AskUser {
  return async ({ wants, again }) => {
    if (wants.includes('password')) throw new GatewayError('nothing_stored');
    if (again === 'master_password_wrong') throw new GatewayError('master_password_wrong');
    return masterPassword === undefined ? {} : { masterPassword };
  };
}
