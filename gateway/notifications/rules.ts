import { type Role, Role as Roles } from '../access/can.ts';
import { SettingsDocument } from '../settings/document.ts';
import type { Store } from '../store/store.ts';
import { type Audience, audiences, type Channel, type NotificationKind, notificationKinds } from './kinds.ts';

/** For one kind: by which channels each audience is told. */
export type NotificationRule = Readonly<Record<Audience, readonly Channel[]>>;
export type NotificationRules = Readonly<Record<NotificationKind, NotificationRule>>;

const both: readonly Channel[] = ['page', 'mail'];
const page: readonly Channel[] = ['page'];

/** What is so until an administrator says otherwise. */
export const defaultRules: NotificationRules = {
  'request.submitted': rule({ approvers: both }),
  'request.emergency': rule({ approvers: both, reviewers: page, admins: both }),
  'request.approved': rule({ requester: both }),
  'request.denied': rule({ requester: both }),
  'request.available': rule({ requester: both }),
  'request.revoked': rule({ requester: both }),
  'request.expired': rule({ requester: page }),
  'request.completed': rule({}),
  'review.due': rule({ reviewers: both }),
  'session.alert': rule({ admins: both }),
  'sign_in.new_device': rule({ requester: both }),
  'sign_in.guessing': rule({ admins: page }),
  'account.changed': rule({ requester: both }),
  'storage.space': rule({ admins: both }),
  'storage.clock': rule({ admins: both }),
  'trail.broken': rule({ admins: both }),
  'trail.behind': rule({ admins: both }),
  'secret.revealed': rule({ admins: page }),
  'secret.typed': rule({ admins: page }),
  'vault.alert': rule({ admins: both }),
};

export class NotificationRulesStore {
  readonly #document: SettingsDocument<NotificationRules>;

  constructor(store: Store) {
    this.#document = new SettingsDocument(store, 'notifications', defaultRules);
  }

  read(store?: Store): Promise<NotificationRules> {
    return this.#document.read(store);
  }

  async change(change: Partial<Record<NotificationKind, Partial<NotificationRule>>>): Promise<NotificationRules> {
    const present = await this.read();
    // Others stay as they are by then: somebody else may be changing them.
    const changed = notificationKinds.filter((kind) => change[kind] !== undefined);
    const next = changed.map((kind) => [kind, { ...present[kind], ...change[kind] }]);
    return this.#document.change(Object.fromEntries(next));
  }
}

/** Who is meant by `admins`: whoever can do something about it. */
export function adminRolesFor(kind: NotificationKind): readonly Role[] {
  const system = kind.startsWith('sign_in.') || kind.startsWith('storage.') || kind.startsWith('trail.');
  if (kind.startsWith('secret.') || kind.startsWith('vault.')) return [Roles.admin, Roles.vaultAdmin];
  return [Roles.admin, system ? Roles.systemAdmin : Roles.sessionAdmin];
}

function rule(channels: Partial<NotificationRule>): NotificationRule {
  const none = audiences.map((audience): [Audience, readonly Channel[]] => [audience, []]);
  return { ...(Object.fromEntries(none) as Record<Audience, readonly Channel[]>), ...channels };
}
