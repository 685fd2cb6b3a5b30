import type { Store } from '../store/store.ts';

/** What people are told of. Grows; a name is never given another meaning. */
export const notificationKinds = [
  'request.submitted',
  'request.emergency',
  'request.approved',
  'request.denied',
  'request.available',
  'request.revoked',
  'request.expired',
  'request.completed',
  'review.due',
  'session.alert',
  'sign_in.new_device',
  'sign_in.guessing',
  'account.changed',
  'storage.space',
  'storage.clock',
  'trail.broken',
  'trail.behind',
  'secret.revealed',
  'secret.typed',
  'vault.alert',
] as const;
export type NotificationKind = (typeof notificationKinds)[number];

/** Why somebody is told. The settings say, kind by kind, who is told by which channel. */
export const audiences = ['approvers', 'requester', 'reviewers', 'admins'] as const;
export type Audience = (typeof audiences)[number];

/** Ways to tell a person. Webhooks tell systems; each says for itself which kinds it wants. */
export const channels = ['page', 'mail'] as const;
export type Channel = (typeof channels)[number];

/** Something that happened, for whoever should know. */
export interface Happening {
  readonly kind: NotificationKind;
  /** One line, such as `jane asks for Administrator on Payroll`. */
  readonly title: string;
  /** More, in plain words; may be empty. Never a secret. */
  readonly text: string;
  /** Where in the pages it is looked at and acted on, `/requests/…`. */
  readonly path: string;
  /**
   * Who would be told, by why, as user ids. `requester` is whoever it is about: of a sign-in, who signed in. The system
   * administrators need not be named.
   */
  readonly audience: Partial<Readonly<Record<Exclude<Audience, 'admins'>, readonly string[]>>>;
  /** Who did it: is not told of the own doing. */
  readonly byUserId?: string;
  /** For programs that read the webhook. */
  readonly facts: Readonly<Record<string, string | number | boolean | null>>;
  /** Links for one recipient's mail only, such as signed ones to approve or deny; paths of this gateway. */
  links?(userId: string): readonly NotificationLink[];
}

export interface NotificationLink {
  readonly label: string;
  readonly path: string;
}

/** Where the rest of the gateway says that something happened. */
export interface Notifier {
  /**
   * Writes it down for everybody who should know; telling follows by itself, and survives a restart.
   *
   * @param store the transaction that the happening is part of, so that either both are kept or neither
   */
  publish(happening: Happening, store?: Store): Promise<void>;
}
