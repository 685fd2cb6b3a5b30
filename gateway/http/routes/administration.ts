import { type Action, can, type Role } from '../../access/can.ts';
import { toActor, type User, type UserChange } from '../../access/users.ts';
import { auditActions } from '../../audit/audit.ts';
import { GatewayError } from '../../errors.ts';
import type { Settings } from '../../settings/settings.ts';
import { type Route, route } from '../route.ts';
import { array, components, flag, newPassword, object, ref, username, userRoles } from '../schemas.ts';
import type { Services } from '../services.ts';

export function administrationRoutes(services: Services): Route[] {
  return [...userRoutes(services), ...auditRoutes(services), ...settingRoutes(services)];
}

function userRoutes({ users, audit, sessions }: Services): Route[] {
  /** Ends what a user has open and may no longer have; without the user, all of it. */
  const withdraw = (userId: string, user?: User) => {
    const may = (action: Action) => user !== undefined && !user.disabled && can(toActor(user), action);
    for (const session of sessions.list()) {
      if (session.facts.user.id === userId && !may('session.open')) {
        session.end('ended_by_admin', 'the user may no longer use the gateway');
      }
      if (!may('session.watch')) session.dismissViewers(userId, 'forbidden');
    }
  };
  return [
    route({
      method: 'get',
      path: '/api/users',
      id: 'listUsers',
      tag: 'users',
      summary: 'All users',
      access: 'user.manage',
      status: 200,
      response: array(ref('User')),
      errors: [],
      handle: () => users.list(),
    }),
    route<{ username: string; password: string; roles: readonly Role[] }>({
      method: 'post',
      path: '/api/users',
      id: 'createUser',
      tag: 'users',
      summary: 'Add a user',
      access: 'user.manage',
      body: object({ username, password: newPassword, roles: userRoles }),
      status: 201,
      response: ref('User'),
      errors: ['conflict'],
      async handle({ body, actor, address }) {
        const user = await users.create(body.username, body.password, body.roles);
        await audit.record({
          action: 'user.created',
          actor,
          address,
          subject: user.username,
          details: { userId: user.id, roles: user.roles.join(' ') },
        });
        return user;
      },
    }),
    route<UserChange>({
      method: 'patch',
      path: '/api/users/:id',
      id: 'changeUser',
      tag: 'users',
      summary: 'Change a user; ends its sign-ins with the password, and whatever it has open and may no longer have',
      access: 'user.manage',
      body: object({ password: newPassword, roles: userRoles, disabled: flag }, ['password', 'roles', 'disabled']),
      status: 200,
      response: ref('User'),
      errors: ['conflict'],
      async handle({ parameter, body, actor, address }) {
        const user = await users.change(parameter('id'), body);
        withdraw(user.id, user);
        await audit.record({
          action: 'user.changed',
          actor,
          address,
          subject: user.username,
          details: {
            userId: user.id,
            passwordChanged: body.password !== undefined,
            roles: user.roles.join(' '),
            disabled: user.disabled,
          },
        });
        return user;
      },
    }),
    route({
      method: 'delete',
      path: '/api/users/:id',
      id: 'deleteUser',
      tag: 'users',
      summary: 'Remove a user and end its sessions; its recordings stay',
      access: 'user.manage',
      status: 204,
      errors: ['conflict'],
      async handle({ parameter, actor, address }) {
        const user = await users.find(parameter('id'));
        if (user === undefined) throw new GatewayError('not_found', 'there is no such user');
        await users.remove(user.id);
        withdraw(user.id);
        await audit.record({
          action: 'user.deleted',
          actor,
          address,
          subject: user.username,
          details: { userId: user.id },
        });
      },
    }),
  ];
}

function auditRoutes({ audit }: Services): Route[] {
  return [
    route<undefined, { limit: number; before?: number; action?: string; sessionId?: string }>({
      method: 'get',
      path: '/api/audit',
      id: 'listAudit',
      tag: 'audit',
      summary: 'Who did what, the newest first',
      access: 'audit.view',
      query: object(
        {
          limit: { type: 'integer', minimum: 1, maximum: 1000, default: 200 },
          before: { type: 'integer', minimum: 1, description: 'id of the last entry seen' },
          action: { enum: [...auditActions] },
          sessionId: { type: 'string', maxLength: 32 },
        },
        ['limit', 'before', 'action', 'sessionId'],
      ),
      status: 200,
      response: array(ref('AuditEntry')),
      errors: [],
      handle: ({ query }) => audit.list(query),
    }),
  ];
}

function settingRoutes({ settings, audit }: Services): Route[] {
  return [
    route({
      method: 'get',
      path: '/api/settings',
      id: 'getSettings',
      tag: 'settings',
      summary: 'The settings',
      access: 'setting.manage',
      status: 200,
      response: ref('Settings'),
      errors: [],
      handle: () => settings.read(),
    }),
    route<Partial<Settings>>({
      method: 'patch',
      path: '/api/settings',
      id: 'changeSettings',
      tag: 'settings',
      summary: 'Change settings',
      access: 'setting.manage',
      body: object(components.Settings.properties as never, Object.keys(components.Settings.properties as object)),
      status: 200,
      response: ref('Settings'),
      errors: [],
      async handle({ body, actor, address }) {
        const changed = await settings.change(body);
        await audit.record({ action: 'setting.changed', actor, address, details: { ...body } });
        return changed;
      },
    }),
  ];
}
