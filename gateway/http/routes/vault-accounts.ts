import type { AuditAction, AuditEvent } from '../../audit/audit.ts';
import { MAX_LENGTH, MIN_LENGTH } from '../../vault/rotation/new-password.ts';
import { changers, type RotationSettings, rotationReasons, rotationStates } from '../../vault/rotation/rotation.ts';
import { type Call, type JsonSchema, type Route, route } from '../route.ts';
import { accountType, array, count, flag, id, nullable, object, port, text, time } from '../schemas.ts';
import type { Services } from '../services.ts';
import { accountLookup } from './targets.ts';

const settings = {
  changer: { enum: [...changers] },
  host: {
    type: 'string',
    maxLength: 253,
    pattern: '^[^\\s/@\\u0000-\\u001f\\u007f]*$',
    description: "empty: the target's",
  },
  port,
  everyDays: { type: 'integer', minimum: 0, maximum: 3650, description: '0: not by the calendar' },
  onCheckIn: { ...flag, description: 'when access to it is given back or over' },
  afterReveal: { ...flag, description: 'the same, where it was shown to somebody' },
  length: { type: 'integer', minimum: MIN_LENGTH, maximum: MAX_LENGTH },
  privilegedAccountId: nullable({ ...id, description: 'the account that changes it; null: it changes its own' }),
} as const satisfies Record<string, JsonSchema>;

const hostKey: JsonSchema = {
  type: 'string',
  pattern: '^SHA256:[A-Za-z0-9+/]{43}$',
  description: 'of the SSH server, as `ssh-keygen -l` prints it',
};

const rotation = object({
  settings: object(settings),
  state: { enum: [...rotationStates] },
  lastAt: nullable(time),
  nextAt: { ...nullable(time), description: 'when it is due, or tried again' },
  attempts: { ...count, description: 'that failed in a row' },
  error: nullable(object({ code: text, detail: text })),
  hostKey: nullable(text),
  offeredKey: { ...nullable(text), description: 'another key that the computer came with since' },
});

const account = {
  id,
  username: text,
  domain: text,
  type: accountType,
  masterPassword: flag,
  target: object({ id, name: text, host: text }),
  provider: nullable(object({ id, name: text })),
  lookup: accountLookup,
  createdAt: time,
  rotation: nullable(rotation),
};

/** Accounts as vault administrators look after them. */
export function vaultAccountRoutes({ vaultAccounts, rotations, audit }: Services): Route[] {
  /** @returns what writes into the trail that something was done with the account. Throws `not_found` */
  const recorderOf = async ({ parameter, actor, address }: Call) => {
    const { id: accountId, username, target } = await vaultAccounts.get(parameter('id'));
    const subject = `${username} on ${target.name}`;
    return (action: AuditAction, details: AuditEvent['details'] = {}) =>
      audit.record({ action, actor, address, subject, details: { accountId, ...details } });
  };

  return [
    route({
      method: 'get',
      path: '/api/vault/accounts',
      id: 'listVaultAccounts',
      tag: 'vault',
      summary: 'All accounts: where their passwords come from, and how changing them goes',
      access: 'vault.manage',
      status: 200,
      response: array(object(account)),
      errors: [],
      handle: () => vaultAccounts.list(),
    }),
    route({
      method: 'get',
      path: '/api/vault/accounts/:id',
      id: 'getVaultAccount',
      tag: 'vault',
      summary: 'One account, with the history of its password',
      access: 'vault.manage',
      status: 200,
      response: object({
        ...account,
        history: array(
          object({
            at: time,
            reason: { enum: [...rotationReasons] },
            outcome: { enum: ['succeeded', 'reconciled', 'failed'] },
            detail: text,
          }),
        ),
      }),
      errors: [],
      handle: ({ parameter }) => vaultAccounts.get(parameter('id')),
    }),
    route<Partial<RotationSettings> & { hostKey?: string | null }>({
      method: 'patch',
      path: '/api/vault/accounts/:id/rotation',
      id: 'changeRotation',
      tag: 'vault',
      summary: 'Say when and how the password of an account is changed',
      access: 'vault.manage',
      body: object({ ...settings, hostKey: nullable(hostKey) }, [...Object.keys(settings), 'hostKey']),
      status: 200,
      response: rotation,
      errors: ['nothing_stored'],
      async handle(call) {
        const record = await recorderOf(call);
        const changed = await rotations.change(call.parameter('id'), call.body);
        await record('rotation.changed', call.body);
        return changed;
      },
    }),
    route({
      method: 'delete',
      path: '/api/vault/accounts/:id/rotation',
      id: 'removeRotation',
      tag: 'vault',
      summary: 'Do not change the password of an account any more',
      access: 'vault.manage',
      status: 204,
      errors: ['conflict'],
      async handle(call) {
        const record = await recorderOf(call);
        await rotations.remove(call.parameter('id'));
        await record('rotation.removed');
      },
    }),
    route({
      method: 'post',
      path: '/api/vault/accounts/:id/rotate',
      id: 'rotateNow',
      tag: 'vault',
      summary: 'Change the password of an account now, and wait for what comes of it',
      access: 'vault.manage',
      status: 200,
      response: rotation,
      errors: ['rotation_failed', 'host_key_changed', 'conflict'],
      async handle(call) {
        const record = await recorderOf(call);
        await record('rotation.asked');
        return rotations.rotateNow(call.parameter('id'));
      },
    }),
    route<{ hostKey: string | null }>({
      method: 'post',
      path: '/api/vault/accounts/:id/host-key',
      id: 'acceptHostKey',
      tag: 'vault',
      summary: 'Say which SSH key the computer has; null: the one that it comes with next',
      access: 'vault.manage',
      body: object({ hostKey: nullable(hostKey) }),
      status: 200,
      response: rotation,
      errors: ['nothing_stored'],
      async handle(call) {
        const record = await recorderOf(call);
        const changed = await rotations.change(call.parameter('id'), call.body);
        await record('rotation.host_key', { hostKey: call.body.hostKey, firstUse: false });
        return changed;
      },
    }),
  ];
}
