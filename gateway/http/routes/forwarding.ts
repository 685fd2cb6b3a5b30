import { changesOf } from '../../audit/changes.ts';
import { confirmations, type Receiver, type ReceiverChange, transports } from '../../audit/forwarding/receivers.ts';
import { syslogFormats } from '../../audit/forwarding/syslog.ts';
import { GatewayError } from '../../errors.ts';
import { type Route, route } from '../route.ts';
import { array, count, flag, host, id, name, nullable, object, port, text, time } from '../schemas.ts';
import type { Services } from '../services.ts';

/** A chain of certificates has a few kilobytes. */
const pem = { type: 'string', maxLength: 32_768 };
const required = {
  name,
  host,
  port,
  format: { enum: [...syslogFormats], description: 'rfc5424: the row as JSON; cef: Common Event Format' },
  transport: { enum: [...transports] },
};
const optional = {
  enabled: flag,
  authorities: { ...pem, description: 'PEM; empty: the authorities of this machine' },
  clientCertificate: { ...pem, description: 'PEM; empty: none' },
  confirmation: {
    enum: [...confirmations],
    description: 'close: it closes the connection once it has read everything; none: it cannot be told what arrived',
  },
};
const clientKey = nullable({ ...pem, writeOnly: true, description: 'PEM; never shown again' });

const view = object({
  id,
  ...required,
  ...optional,
  hasClientKey: flag,
  cursor: { ...count, description: 'the last row that arrived' },
  behind: { ...count, description: 'rows that it does not have yet' },
  behindSince: nullable(time),
  sentAt: nullable(time),
  failedAt: nullable(time),
  lastError: text,
});

const defaults = { enabled: true, authorities: '', clientCertificate: '', confirmation: 'close' } as const;

type NewReceiver = Parameters<Services['receivers']['create']>[0] & {
  readonly clientKey?: string | null;
  readonly everything?: boolean;
};

/** Where the trail is forwarded to. */
export function forwardingRoutes({ receivers, forwarder, trail, audit }: Services): Route[] {
  const show = async (receiver: Receiver) => {
    const { maybe: _, head: __, told: ___, ...shown } = receiver;
    return { ...shown, ...(await forwarder.stateOf(receiver)) };
  };
  return [
    route({
      method: 'get',
      path: '/api/audit/receivers',
      id: 'listReceivers',
      tag: 'audit',
      summary: 'Where the trail is forwarded to, and how far each has come',
      access: 'setting.manage',
      status: 200,
      response: array(view),
      errors: [],
      handle: async () => Promise.all((await receivers.list()).map(show)),
    }),
    route<NewReceiver>({
      method: 'post',
      path: '/api/audit/receivers',
      id: 'createReceiver',
      tag: 'audit',
      summary: 'Forward the trail to one more receiver',
      access: 'setting.manage',
      body: object(
        {
          ...required,
          ...optional,
          clientKey,
          everything: { ...flag, description: 'from the first row that is here on; otherwise from now on' },
        },
        [...Object.keys(optional), 'clientKey', 'everything'],
      ),
      status: 201,
      response: view,
      errors: ['conflict'],
      async handle({ body: { clientKey: key = null, everything, ...fields }, actor, address }) {
        const cursor = everything === true ? 0 : ((await trail.search.last())?.id ?? 0);
        const made = await receivers.create({ ...defaults, ...fields }, key, cursor);
        const details = { ...factsOf(made), everything: everything === true };
        await audit.record({ action: 'receiver.created', actor, address, subject: made.name, details });
        await forwarder.reload();
        return show(made);
      },
    }),
    route<ReceiverChange>({
      method: 'patch',
      path: '/api/audit/receivers/:id',
      id: 'changeReceiver',
      tag: 'audit',
      summary: 'Change a receiver of the trail',
      access: 'setting.manage',
      body: object({ ...required, ...optional, clientKey }, [
        ...Object.keys(required),
        ...Object.keys(optional),
        'clientKey',
      ]),
      status: 200,
      response: view,
      errors: ['conflict'],
      async handle({ parameter, body, actor, address }) {
        const before = await receivers.get(parameter('id'));
        const changed = await receivers.change(before.id, body);
        const details = {
          ...changesOf(factsOf(before), factsOf(changed)),
          ...(body.clientKey === undefined ? {} : { clientKeyChanged: true }),
        };
        await audit.record({ action: 'receiver.changed', actor, address, subject: changed.name, details });
        await forwarder.reload();
        return show(changed);
      },
    }),
    route({
      method: 'delete',
      path: '/api/audit/receivers/:id',
      id: 'deleteReceiver',
      tag: 'audit',
      summary: 'Forward the trail to this receiver no more',
      access: 'setting.manage',
      status: 204,
      errors: [],
      async handle({ parameter, actor, address }) {
        const removed = await receivers.remove(parameter('id'));
        const details = factsOf(removed);
        await audit.record({ action: 'receiver.deleted', actor, address, subject: removed.name, details });
        await forwarder.reload();
      },
    }),
    route({
      method: 'post',
      path: '/api/audit/receivers/:id/test',
      id: 'testReceiver',
      tag: 'audit',
      summary: 'Sends a message of its own now, and says whether it arrived',
      access: 'setting.manage',
      status: 204,
      errors: ['delivery_failed'],
      async handle({ parameter, actor, address }) {
        const { id, name } = await receivers.get(parameter('id'));
        const error = await forwarder.test(id, actor.username).then(
          () => undefined,
          (cause: unknown) => cause,
        );
        const details = error instanceof GatewayError ? { error: error.detail ?? error.code } : {};
        await audit.record({ action: 'receiver.tested', actor, address, subject: name, details });
        if (error !== undefined) throw error;
      },
    }),
    route<{ number: number }>({
      method: 'post',
      path: '/api/audit/receivers/:id/rewind',
      id: 'rewindReceiver',
      tag: 'audit',
      summary: 'Send everything from a row on again, marked as sent again: for a receiver that lost what it had',
      access: 'setting.manage',
      body: object({ number: { type: 'integer', minimum: 1, maximum: Number.MAX_SAFE_INTEGER } }),
      status: 200,
      response: view,
      errors: ['conflict'],
      async handle({ parameter, body: { number }, actor, address }) {
        const rewound = await forwarder.rewind(parameter('id'), number);
        const details = { from: number };
        await audit.record({ action: 'receiver.rewound', actor, address, subject: rewound.name, details });
        return show(rewound);
      },
    }),
  ];
}

/** For the trail: what it is, without certificates and keys. */
function factsOf({ name, enabled, host, port, transport, format, confirmation }: Receiver) {
  return { name, enabled, host, port, transport, format, confirmation };
}
