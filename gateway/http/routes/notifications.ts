import { changesOf } from '../../audit/changes.ts';
import { GatewayError } from '../../errors.ts';
import { audiences, channels, type NotificationKind, notificationKinds } from '../../notifications/kinds.ts';
import { type MailSettings, mailSecurities } from '../../notifications/mail.ts';
import { declinableKinds } from '../../notifications/mail-preferences.ts';
import { outboxChannels } from '../../notifications/outbox.ts';
import type { NotificationRule } from '../../notifications/rules.ts';
import type { WebhookFields } from '../../notifications/webhooks.ts';
import { type Route, route } from '../route.ts';
import { array, count, email, flag, id, name, nullable, object, port, text, time } from '../schemas.ts';
import type { Services } from '../services.ts';
import { tested } from './tested.ts';

export function notificationRoutes(services: Services): Route[] {
  return [
    ...ownNotificationRoutes(services),
    ...ruleRoutes(services),
    ...mailRoutes(services),
    ...webhookRoutes(services),
    ...deliveryRoutes(services),
  ];
}

const kind = { enum: [...notificationKinds] };

const mailPreferences = array(object({ kind, mail: flag }));

function ownNotificationRoutes({ notifications, mailPreferences: preferences }: Services): Route[] {
  return [
    route<undefined, { limit: number; before?: string; unread?: boolean }>({
      method: 'get',
      path: '/api/notifications',
      id: 'listNotifications',
      tag: 'notifications',
      summary: 'What one was told, the newest first, and how much of it is unread',
      access: 'signed-in',
      query: object(
        {
          limit: { type: 'integer', minimum: 1, maximum: 200, default: 50 },
          before: { ...id, description: 'the last one seen' },
          unread: { type: 'boolean', description: 'only those' },
        },
        ['limit', 'before', 'unread'],
      ),
      status: 200,
      response: object({
        unread: count,
        notifications: array(object({ id, kind, title: text, text, path: text, createdAt: time, read: flag })),
      }),
      errors: [],
      handle: async ({ actor, query }) => ({
        unread: await notifications.unread(actor.id),
        notifications: await notifications.list(actor.id, query),
      }),
    }),
    route<{ ids?: readonly string[] }>({
      method: 'post',
      path: '/api/notifications/read',
      id: 'readNotifications',
      tag: 'notifications',
      summary: 'Mark some as read; without ids, all',
      access: 'signed-in',
      body: object({ ids: { ...array(id), maxItems: 200 } }, ['ids']),
      status: 204,
      errors: [],
      handle: ({ actor, body }) => notifications.read(actor.id, body.ids),
    }),
    route({
      method: 'get',
      path: '/api/me/mails',
      id: 'getOwnMails',
      tag: 'notifications',
      summary: 'The mails that one is sent and could decline, and whether one does; nothing while no mail is sent',
      access: 'signed-in',
      status: 200,
      response: mailPreferences,
      errors: [],
      handle: ({ actor }) => preferences.of(actor),
    }),
    route<Partial<Record<NotificationKind, boolean>>>({
      method: 'patch',
      path: '/api/me/mails',
      id: 'changeOwnMails',
      tag: 'notifications',
      summary: 'Say by kind whether one wants mails of it',
      access: 'signed-in',
      body: object(Object.fromEntries(declinableKinds.map((one) => [one, flag])), declinableKinds),
      status: 200,
      response: mailPreferences,
      errors: [],
      async handle({ actor, body }) {
        await preferences.change(actor.id, body);
        return preferences.of(actor);
      },
    }),
  ];
}

const rule = object(
  Object.fromEntries(
    audiences.map((audience) => [audience, { ...array({ enum: [...channels] }), uniqueItems: true, maxItems: 2 }]),
  ),
);
const rules = object(Object.fromEntries(notificationKinds.map((one) => [one, rule])));

function ruleRoutes({ notificationRules, audit }: Services): Route[] {
  return [
    route({
      method: 'get',
      path: '/api/settings/notifications',
      id: 'getNotificationRules',
      tag: 'settings',
      summary: 'Who is told of what, and how',
      access: 'setting.manage',
      status: 200,
      response: rules,
      errors: [],
      handle: () => notificationRules.read(),
    }),
    route<Partial<Record<NotificationKind, NotificationRule>>>({
      method: 'patch',
      path: '/api/settings/notifications',
      id: 'changeNotificationRules',
      tag: 'settings',
      summary: 'Change who is told of what, and how',
      access: 'setting.manage',
      body: { ...rules, required: [] },
      status: 200,
      response: rules,
      errors: [],
      async handle({ body, actor, address }) {
        const before = await notificationRules.read();
        const changed = await notificationRules.change(body);
        const details = { notifications: Object.keys(body).join(' '), ...changesOf(before, changed) };
        await audit.record({ action: 'setting.changed', actor, address, details });
        return changed;
      },
    }),
  ];
}

const mailFields = {
  enabled: flag,
  host: { type: 'string', maxLength: 253, pattern: '^[^\\s/@\\u0000-\\u001f\\u007f]*$' },
  port,
  security: { enum: [...mailSecurities] },
  username: { type: 'string', maxLength: 256 },
  from: { type: 'string', maxLength: 320, pattern: '^[^\\u0000-\\u001f\\u007f]*$' },
};

function mailRoutes({ mail, audit }: Services): Route[] {
  const view = object({ ...mailFields, hasPassword: flag });
  return [
    route({
      method: 'get',
      path: '/api/settings/mail',
      id: 'getMailSettings',
      tag: 'settings',
      summary: 'The mail server',
      access: 'setting.manage',
      status: 200,
      response: view,
      errors: [],
      handle: () => mail.read(),
    }),
    route<Partial<MailSettings> & { password?: string | null }>({
      method: 'patch',
      path: '/api/settings/mail',
      id: 'changeMailSettings',
      tag: 'settings',
      summary: 'Change the mail server',
      access: 'setting.manage',
      body: object({ ...mailFields, password: nullable({ type: 'string', maxLength: 1024, writeOnly: true }) }, [
        ...Object.keys(mailFields),
        'password',
      ]),
      status: 200,
      response: view,
      errors: ['conflict'],
      async handle({ body, actor, address }) {
        const next = { ...(await mail.read()), ...body };
        if (next.enabled && (next.host === '' || next.from === '')) {
          throw new GatewayError('conflict', 'server and sender come first');
        }
        const before = await mail.read();
        const elsewhere = (['host', 'port', 'security'] as const).some(
          (field) => body[field] !== undefined && body[field] !== before[field],
        );
        if (before.hasPassword && body.password === undefined && elsewhere) {
          throw new GatewayError('conflict', 'the password of the mail server would go elsewhere: give it again');
        }
        const changed = await mail.change(body);
        const details = { mail: Object.keys(body).join(' '), ...changesOf(before, changed) };
        await audit.record({ action: 'setting.changed', actor, address, details });
        return changed;
      },
    }),
    route<{ to: string }>({
      method: 'post',
      path: '/api/settings/mail/test',
      id: 'testMail',
      tag: 'settings',
      summary: 'Sends a mail now, and says what the mail server said',
      access: 'setting.manage',
      body: object({ to: email }),
      status: 204,
      errors: ['delivery_failed'],
      async handle({ body, actor, address }) {
        const text = `${actor.username} tries whether mail from Oriel arrives. It does.\n`;
        const parcel = { id: `test-${Date.now()}`, recipient: body.to, kind: 'test' };
        const test = { what: 'mail', subject: body.to };
        await tested(audit, { actor, address }, test, () =>
          tried(mail.send(parcel, { subject: 'Oriel: a test', text })),
        );
      },
    }),
  ];
}

const webhookFields = {
  name,
  url: { type: 'string', maxLength: 2000, pattern: '^https?://[^\\s@]+$' },
  kinds: { ...array(kind), uniqueItems: true, maxItems: notificationKinds.length },
  enabled: flag,
};

function webhookRoutes({ webhooks, audit }: Services): Route[] {
  const view = { id, ...webhookFields, createdAt: time };
  return [
    route({
      method: 'get',
      path: '/api/webhooks',
      id: 'listWebhooks',
      tag: 'webhooks',
      summary: 'Programs that are told',
      access: 'setting.manage',
      status: 200,
      response: array(object(view)),
      errors: [],
      handle: () => webhooks.list(),
    }),
    route<Omit<WebhookFields, 'enabled'> & { enabled?: boolean }>({
      method: 'post',
      path: '/api/webhooks',
      id: 'createWebhook',
      tag: 'webhooks',
      summary: 'Add a program that is told; its signing secret is shown this once',
      access: 'setting.manage',
      body: object(webhookFields, ['enabled']),
      status: 201,
      response: object({ ...view, secret: { type: 'string', description: 'Standard Webhooks: `whsec_` and base64' } }),
      errors: [],
      async handle({ body, actor, address }) {
        const made = await webhooks.create({ enabled: true, ...body });
        const details = { webhookId: made.id, host: new URL(made.url).host };
        await audit.record({ action: 'webhook.created', actor, address, subject: made.name, details });
        return made;
      },
    }),
    route<Partial<WebhookFields>>({
      method: 'patch',
      path: '/api/webhooks/:id',
      id: 'changeWebhook',
      tag: 'webhooks',
      summary: 'Change a program that is told',
      access: 'setting.manage',
      body: object(webhookFields, Object.keys(webhookFields)),
      status: 200,
      response: object(view),
      errors: [],
      async handle({ parameter, body, actor, address }) {
        const changed = await webhooks.change(parameter('id'), body);
        const details = { webhookId: changed.id, host: new URL(changed.url).host, enabled: changed.enabled };
        await audit.record({ action: 'webhook.changed', actor, address, subject: changed.name, details });
        return changed;
      },
    }),
    route({
      method: 'delete',
      path: '/api/webhooks/:id',
      id: 'deleteWebhook',
      tag: 'webhooks',
      summary: 'Remove a program that is told',
      access: 'setting.manage',
      status: 204,
      errors: [],
      async handle({ parameter, actor, address }) {
        const removed = await webhooks.remove(parameter('id'));
        const details = { webhookId: removed.id };
        await audit.record({ action: 'webhook.deleted', actor, address, subject: removed.name, details });
      },
    }),
    route({
      method: 'post',
      path: '/api/webhooks/:id/test',
      id: 'testWebhook',
      tag: 'webhooks',
      summary: 'Sends an event of type `test` now, and says how it was taken',
      access: 'setting.manage',
      status: 204,
      errors: ['delivery_failed'],
      async handle({ parameter, actor, address }) {
        const hook = await webhooks.get(parameter('id'));
        const now = Date.now();
        const body = { type: 'test', timestamp: new Date(now).toISOString(), data: { by: actor.username } };
        const parcel = { id: `test-${now}`, recipient: hook.id, kind: 'test', createdAt: now, body };
        const test = { what: 'webhook', subject: hook.name, webhookId: hook.id };
        await tested(audit, { actor, address }, test, () => tried(webhooks.send(parcel)));
      },
    }),
  ];
}

function deliveryRoutes({ outbox, audit }: Services): Route[] {
  return [
    route<undefined, { limit: number }>({
      method: 'get',
      path: '/api/deliveries',
      id: 'listDeliveries',
      tag: 'webhooks',
      summary: 'What was or is to be sent by mail and webhook, the newest first',
      access: 'setting.manage',
      query: object({ limit: { type: 'integer', minimum: 1, maximum: 500, default: 100 } }, ['limit']),
      status: 200,
      response: array(
        object({
          id,
          channel: { enum: [...outboxChannels] },
          recipient: text,
          kind: text,
          state: { enum: ['waiting', 'sent', 'failed'] },
          attempts: count,
          createdAt: time,
          nextAt: nullable(time),
          doneAt: nullable(time),
          lastError: text,
        }),
      ),
      errors: [],
      handle: ({ query }) => outbox.list(query.limit),
    }),
    route({
      method: 'post',
      path: '/api/deliveries/:id/retry',
      id: 'retryDelivery',
      tag: 'webhooks',
      summary: 'Try again now what waits or was given up',
      access: 'setting.manage',
      status: 204,
      errors: [],
      async handle({ parameter, actor, address }) {
        await outbox.retry(parameter('id'));
        await audit.record({ action: 'delivery.retried', actor, address, subject: parameter('id') });
      },
    }),
  ];
}

async function tried(sending: Promise<void>): Promise<void> {
  try {
    await sending;
  } catch (cause) {
    const { message, cause: deeper } = cause as Error;
    const detail = deeper instanceof Error ? `${message}: ${deeper.message}` : message;
    throw new GatewayError('delivery_failed', detail.slice(0, 300), { cause });
  }
}
