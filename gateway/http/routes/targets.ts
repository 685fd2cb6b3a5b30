import { type Actor, seesAllTargets } from '../../access/can.ts';
import { changesOf } from '../../audit/changes.ts';
import { GatewayError } from '../../errors.ts';
import type { NewAccount, NewTarget, Target, TargetChange } from '../../targets/targets.ts';
import { type Route, route } from '../route.ts';
import {
  accountPassword,
  accountType,
  array,
  domain,
  fingerprint,
  flag,
  host,
  id,
  inputLog,
  name,
  nla,
  nullable,
  object,
  port,
  ref,
  security,
  text,
} from '../schemas.ts';
import type { Services } from '../services.ts';

const SECURITY_FIELDS = Object.keys(security);

const lookupText = { ...text, maxLength: 512 };
/** What of a provider an account is. */
export const accountLookup = {
  ...object({ reference: lookupText, path: lookupText, passwordField: lookupText, usernameField: lookupText }, [
    'reference',
    'path',
    'passwordField',
    'usernameField',
  ]),
  description: 'what of the provider it is',
};
const accountFields = {
  username: {
    ...domain,
    description: 'not needed where whoever connects says it, or is it',
  },
  password: { ...accountPassword, description: 'of an account whose password is kept here' },
  domain,
  type: accountType,
  providerId: nullable(id),
  lookup: accountLookup,
  masterPassword: flag,
};

export function targetRoutes({ targets, entitlements, audit, accessGuard }: Services): Route[] {
  /** Of these targets what an actor may see: all, or only the accounts that it is entitled to. */
  const visible = async (actor: Actor, all: readonly Target[]) => {
    if (seesAllTargets(actor)) return all;
    const held = new Set((await entitlements.grantsOf(actor.id)).map(({ account }) => account.id));
    return all
      .map((target) => ({ ...target, accounts: target.accounts.filter(({ id }) => held.has(id)) }))
      .filter(({ accounts }) => accounts.length > 0);
  };
  return [
    route({
      method: 'get',
      path: '/api/targets',
      id: 'listTargets',
      tag: 'targets',
      summary: 'Targets, each with its accounts: those that the caller may use; all for whoever manages them',
      access: 'target.list',
      status: 200,
      response: array(ref('Target')),
      errors: [],
      handle: async ({ actor }) => visible(actor, await targets.list()),
    }),
    route<NewTarget>({
      method: 'post',
      path: '/api/targets',
      id: 'createTarget',
      tag: 'targets',
      summary: 'Add a target',
      access: 'target.manage',
      body: object(
        {
          name,
          host,
          port: { ...port, default: 3389 },
          ...security,
          nla: { ...nla, default: 'preferred' },
          inputLog: { ...inputLog, default: 'counts' },
        },
        ['port', 'inputLog', ...SECURITY_FIELDS],
      ),
      status: 201,
      response: ref('Target'),
      errors: ['conflict'],
      async handle({ body, actor, address }) {
        const target = await targets.create(body);
        await audit.record({
          action: 'target.created',
          actor,
          address,
          subject: target.name,
          details: { targetId: target.id, host: target.host, port: target.port },
        });
        return target;
      },
    }),
    route({
      method: 'get',
      path: '/api/targets/:id',
      id: 'getTarget',
      tag: 'targets',
      summary: 'One target',
      access: 'target.list',
      status: 200,
      response: ref('Target'),
      errors: [],
      async handle({ actor, parameter }) {
        const [target] = await visible(actor, [await targets.get(parameter('id'))]);
        if (target === undefined) throw new GatewayError('not_found', 'there is no such target');
        return target;
      },
    }),
    route<TargetChange>({
      method: 'patch',
      path: '/api/targets/:id',
      id: 'changeTarget',
      tag: 'targets',
      summary: 'Change a target',
      access: 'target.manage',
      body: object({ name, host, port, inputLog, ...security }, [
        'name',
        'host',
        'port',
        'inputLog',
        ...SECURITY_FIELDS,
      ]),
      status: 200,
      response: ref('Target'),
      errors: ['conflict'],
      async handle({ parameter, body, actor, address }) {
        const before = await targets.get(parameter('id'));
        const target = await targets.change(before.id, body);
        const details = { targetId: target.id, ...changesOf(before, target) };
        await audit.record({ action: 'target.changed', actor, address, subject: target.name, details });
        return target;
      },
    }),
    route({
      method: 'delete',
      path: '/api/targets/:id',
      id: 'deleteTarget',
      tag: 'targets',
      summary: 'Remove a target and its accounts; its recordings stay',
      access: 'target.manage',
      status: 204,
      errors: [],
      async handle({ parameter, actor, address }) {
        const target = await targets.get(parameter('id'));
        await targets.remove(target.id);
        await audit.record({
          action: 'target.deleted',
          actor,
          address,
          subject: target.name,
          details: { targetId: target.id },
        });
        await accessGuard.recheck();
      },
    }),
    route<{ fingerprint?: string }>({
      method: 'post',
      path: '/api/targets/:id/trust',
      id: 'trustCertificate',
      tag: 'targets',
      summary: 'Accept the certificate that the target came with last, or the one named; with neither, the next one',
      access: 'target.manage',
      body: object({ fingerprint }, ['fingerprint']),
      status: 200,
      response: ref('Target'),
      errors: [],
      async handle({ parameter, body, actor, address }) {
        const target = await targets.trust(parameter('id'), body.fingerprint);
        await audit.record({
          action: 'target.certificate_trusted',
          actor,
          address,
          subject: target.name,
          details: { targetId: target.id, fingerprint: target.certificate.trusted },
        });
        return target;
      },
    }),
    route<NewAccount>({
      method: 'post',
      path: '/api/targets/:id/accounts',
      id: 'createAccount',
      tag: 'targets',
      summary: 'Add an account; its password goes into the vault and never comes back out',
      access: 'account.manage',
      body: object(accountFields, Object.keys(accountFields)),
      status: 201,
      response: ref('Account'),
      errors: [],
      async handle({ parameter, body, actor, address }) {
        const target = await targets.get(parameter('id'));
        const account = await targets.addAccount(target.id, body);
        await audit.record({
          action: 'account.created',
          actor,
          address,
          subject: target.name,
          details: { targetId: target.id, accountId: account.id, account: account.username, type: account.type },
        });
        return account;
      },
    }),
    route<NewAccount>({
      method: 'patch',
      path: '/api/targets/:id/accounts/:accountId',
      id: 'changeAccount',
      tag: 'targets',
      summary: 'Change an account',
      access: 'account.manage',
      body: object(accountFields, Object.keys(accountFields)),
      status: 200,
      response: ref('Account'),
      errors: [],
      async handle({ parameter, body, actor, address }) {
        const target = await targets.get(parameter('id'));
        const account = await targets.changeAccount(target.id, parameter('accountId'), body);
        await audit.record({
          action: 'account.changed',
          actor,
          address,
          subject: target.name,
          details: { accountId: account.id, account: account.username, passwordChanged: body.password !== undefined },
        });
        return account;
      },
    }),
    route({
      method: 'delete',
      path: '/api/targets/:id/accounts/:accountId',
      id: 'deleteAccount',
      tag: 'targets',
      summary: 'Remove an account',
      access: 'account.manage',
      status: 204,
      errors: [],
      async handle({ parameter, actor, address }) {
        const target = await targets.get(parameter('id'));
        const account = await targets.account(target.id, parameter('accountId'));
        await targets.removeAccount(target.id, account.id);
        await audit.record({
          action: 'account.deleted',
          actor,
          address,
          subject: target.name,
          details: { accountId: account.id, account: account.username },
        });
        await accessGuard.recheck();
      },
    }),
  ];
}
