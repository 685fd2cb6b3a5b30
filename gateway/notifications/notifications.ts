import type { User } from '../access/users.ts';
import { newId } from '../ids.ts';
import type { NotificationRow } from '../store/notification-schema.ts';
import type { Store } from '../store/store.ts';
import {
  type Audience,
  audiences,
  type Channel,
  type Happening,
  type NotificationKind,
  type Notifier,
} from './kinds.ts';
import type { Mail, MailBody } from './mail.ts';
import type { MailPreferences } from './mail-preferences.ts';
import type { Outbox } from './outbox.ts';
import { adminRolesFor, type NotificationRulesStore } from './rules.ts';
import type { Webhooks } from './webhooks.ts';

/** One line under the bell. */
export interface Notification {
  readonly id: string;
  readonly kind: NotificationKind;
  readonly title: string;
  readonly text: string;
  readonly path: string;
  readonly createdAt: string;
  readonly read: boolean;
}

export interface NotificationsParts {
  readonly store: Store;
  readonly rules: NotificationRulesStore;
  readonly mail: Mail;
  readonly mailPreferences: MailPreferences;
  readonly webhooks: Webhooks;
  readonly outbox: Outbox;
  publicUrl(): string;
}

/** Of one person; the oldest are forgotten first. */
const MAX_KEPT = 500;

/** Tells people and programs what happened, by the rules that an administrator has set. */
export class Notifications implements Notifier {
  readonly #parts: NotificationsParts;

  constructor(parts: NotificationsParts) {
    this.#parts = parts;
  }

  /** INVARIANT: uses no other handle than `store`, for within a transaction any other would wait for it for ever. */
  async publish(happening: Happening, store: Store = this.#parts.store): Promise<void> {
    const { rules, mail, mailPreferences, webhooks, outbox, publicUrl } = this.#parts;
    const base = publicUrl();
    const at = Date.now();
    const people = await this.#recipients(happening, (await rules.read(store))[happening.kind], store);
    const onPage = people.filter(({ channels }) => channels.has('page'));
    if (onPage.length > 0) {
      const rows = onPage.map(({ id }) => ({ ...rowOf(happening), id: newId(), user_id: id, created_at: at }));
      // In parts: SQLite takes only so many values in one statement.
      for (let i = 0; i < rows.length; i += 500) {
        await store
          .insertInto('notifications')
          .values(rows.slice(i, i + 500))
          .execute();
      }
    }
    const mailEnabled = (await mail.read(store)).enabled;
    const declined = await mailPreferences.declinedBy(happening.kind, store);
    const mails = people
      .filter(({ id, channels, email }) => mailEnabled && channels.has('mail') && email !== null && !declined.has(id))
      .map(({ id, email }) => ({
        channel: 'mail' as const,
        recipient: email ?? '',
        kind: happening.kind,
        body: mailOf(happening, id, base),
      }));
    const hooks = (await webhooks.list(store))
      .filter(({ enabled, kinds }) => enabled && kinds.includes(happening.kind))
      .map(({ id }) => ({
        channel: 'webhook' as const,
        recipient: id,
        kind: happening.kind,
        body: eventOf(happening, at, base),
      }));
    await outbox.add(store, [...mails, ...hooks]);
  }

  /** The newest first. `before` is the id to go on from. */
  async list(userId: string, options: { limit: number; before?: string; unread?: boolean }): Promise<Notification[]> {
    const { store } = this.#parts;
    let query = store.selectFrom('notifications').selectAll().where('user_id', '=', userId);
    if (options.unread === true) query = query.where('read_at', 'is', null);
    if (options.before !== undefined) {
      const last = await store
        .selectFrom('notifications')
        .select(['created_at', 'id'])
        .where('id', '=', options.before)
        .where('user_id', '=', userId)
        .executeTakeFirst();
      if (last === undefined) return [];
      query = query.where((where) =>
        where.or([
          where('created_at', '<', last.created_at),
          where.and([where('created_at', '=', last.created_at), where('id', '<', last.id)]),
        ]),
      );
    }
    const rows = await query.orderBy('created_at', 'desc').orderBy('id', 'desc').limit(options.limit).execute();
    return rows.map(toNotification);
  }

  async unread(userId: string): Promise<number> {
    const { count } = await this.#parts.store
      .selectFrom('notifications')
      .select(({ fn }) => fn.countAll<number>().as('count'))
      .where('user_id', '=', userId)
      .where('read_at', 'is', null)
      .executeTakeFirstOrThrow();
    return count;
  }

  /** Marks these as read, or all. */
  async read(userId: string, ids?: readonly string[]): Promise<void> {
    if (ids?.length === 0) return;
    const { store } = this.#parts;
    let query = store
      .updateTable('notifications')
      .set({ read_at: Date.now() })
      .where('user_id', '=', userId)
      .where('read_at', 'is', null);
    if (ids !== undefined) query = query.where('id', 'in', ids);
    await query.execute();
    await this.#forget(userId);
  }

  async #forget(userId: string): Promise<void> {
    const { store } = this.#parts;
    const oldest = await store
      .selectFrom('notifications')
      .select('created_at')
      .where('user_id', '=', userId)
      .orderBy('created_at', 'desc')
      .offset(MAX_KEPT)
      .limit(1)
      .executeTakeFirst();
    if (oldest === undefined) return;
    await store
      .deleteFrom('notifications')
      .where('user_id', '=', userId)
      .where('created_at', '<=', oldest.created_at)
      .execute();
  }

  /** Each person once, with every channel that one of her audiences is told by. */
  async #recipients(
    happening: Happening,
    rule: Readonly<Record<Audience, readonly Channel[]>>,
    store: Store,
  ): Promise<{ id: string; email: string | null; channels: Set<Channel> }[]> {
    const { kind, audience, byUserId } = happening;
    const rows = await store
      .selectFrom('users')
      .select(['id', 'email', 'roles_json'])
      .where('disabled', '=', 0)
      .execute();
    const adminRoles: readonly string[] = adminRolesFor(kind);
    const isAdmin = (row: { roles_json: string }) =>
      (JSON.parse(row.roles_json) as User['roles']).some((role) => adminRoles.includes(role));
    const found = [];
    for (const row of rows) {
      if (row.id === byUserId) continue;
      const channels = new Set(
        audiences
          .filter((name) => (name === 'admins' ? isAdmin(row) : audience[name]?.includes(row.id) === true))
          .flatMap((name) => rule[name]),
      );
      if (channels.size > 0) found.push({ id: row.id, email: row.email, channels });
    }
    return found;
  }
}

function rowOf({ kind, title, text, path }: Happening): Omit<NotificationRow, 'id' | 'user_id' | 'created_at'> {
  return { kind, title, text, path, read_at: null };
}

function mailOf(happening: Happening, userId: string, base: string): MailBody {
  const links = happening.links?.(userId) ?? [];
  const lines = [
    happening.title,
    ...(happening.text === '' ? [] : ['', happening.text]),
    ...links.flatMap(({ label, path }) => ['', `${label}:`, `${base}${path}`]),
    '',
    'In Oriel:',
    `${base}${happening.path}`,
    '',
    ...(links.length === 0 ? [] : ['The links above act in your name: do not pass this mail on.', '']),
  ];
  return { subject: `Oriel: ${happening.title}`.replaceAll(/\s+/g, ' ').slice(0, 200), text: lines.join('\n') };
}

function eventOf({ kind, title, text, path, facts }: Happening, at: number, base: string): Record<string, unknown> {
  return { type: kind, timestamp: new Date(at).toISOString(), data: { title, text, url: `${base}${path}`, ...facts } };
}

function toNotification(row: NotificationRow): Notification {
  return {
    id: row.id,
    kind: row.kind as NotificationKind,
    title: row.title,
    text: row.text,
    path: row.path,
    createdAt: new Date(row.created_at).toISOString(),
    read: row.read_at !== null,
  };
}
