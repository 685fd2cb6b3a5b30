import type { Actor } from '../access/can.ts';
import type { Store } from '../store/store.ts';
import { type Audience, audiences, type NotificationKind, notificationKinds } from './kinds.ts';
import type { Mail } from './mail.ts';
import { adminRolesFor, type NotificationRulesStore } from './rules.ts';

/**
 * Kinds that a person may decline mails of. Emergencies are loud, and whatever is done to the own account must reach its
 * owner: those are not for each to decide.
 */
export const declinableKinds = notificationKinds.filter(
  (kind) => kind !== 'request.emergency' && kind !== 'sign_in.new_device' && kind !== 'account.changed',
);

export interface MailPreference {
  readonly kind: NotificationKind;
  readonly mail: boolean;
}

/** Who is in which audience, as far as roles say. */
const rolesOf: Readonly<Record<Exclude<Audience, 'admins'>, string>> = {
  approvers: 'approver',
  requester: 'user',
  reviewers: 'auditor',
};

/** What of the mails that the settings send, a person would rather not have. The page under the bell has all of it. */
export class MailPreferences {
  readonly #store: Store;
  readonly #rules: NotificationRulesStore;
  readonly #mail: Mail;

  constructor(store: Store, rules: NotificationRulesStore, mail: Mail) {
    this.#store = store;
    this.#rules = rules;
    this.#mail = mail;
  }

  /** The kinds that somebody with these roles is sent mails of, as far as they can be declined. */
  async of({ id, roles }: Pick<Actor, 'id' | 'roles'>): Promise<MailPreference[]> {
    if (!(await this.#mail.read()).enabled) return [];
    const rules = await this.#rules.read();
    const rows = await this.#store.selectFrom('declined_mails').select('kind').where('user_id', '=', id).execute();
    const declined = new Set(rows.map(({ kind }) => kind));
    const has = (role: string) => roles.some((own) => own === role || own === 'admin');
    const isOf = (kind: NotificationKind, audience: Audience) =>
      audience === 'admins' ? adminRolesFor(kind).some(has) : has(rolesOf[audience]);
    return declinableKinds
      .filter((kind) => audiences.some((name) => rules[kind][name].includes('mail') && isOf(kind, name)))
      .map((kind) => ({ kind, mail: !declined.has(kind) }));
  }

  /** @param wanted by kind, whether mails of it are wanted; what is not named stays */
  async change(userId: string, wanted: Partial<Readonly<Record<NotificationKind, boolean>>>): Promise<void> {
    const rows = declinableKinds.map((kind) => ({ user_id: userId, kind, wanted: wanted[kind] }));
    const kept = rows.filter((row) => row.wanted === true).map(({ kind }) => kind);
    const declined = rows.filter((row) => row.wanted === false).map(({ user_id, kind }) => ({ user_id, kind }));
    await this.#store.transaction().execute(async (store) => {
      if (kept.length > 0) {
        await store.deleteFrom('declined_mails').where('user_id', '=', userId).where('kind', 'in', kept).execute();
      }
      if (declined.length > 0) {
        await store
          .insertInto('declined_mails')
          .values(declined)
          .onConflict((conflict) => conflict.doNothing())
          .execute();
      }
    });
  }

  /** Who declines mails of a kind. */
  async declinedBy(kind: NotificationKind, store: Store): Promise<ReadonlySet<string>> {
    const rows = await store.selectFrom('declined_mails').select('user_id').where('kind', '=', kind).execute();
    return new Set(rows.map(({ user_id }) => user_id));
  }
}
