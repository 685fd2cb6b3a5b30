import type { Role } from '../../access/can.ts';
import { toActor, type UserChange } from '../../access/users.ts';
import { GatewayError } from '../../errors.ts';
import { withdrawFromUser, withdrawSignIns } from '../../sessions/withdraw.ts';
import { type Route, route } from '../route.ts';
import { array, email, flag, newPassword, nullable, object, ref, username, userRoles } from '../schemas.ts';
import type { Services } from '../services.ts';
import { existingUser } from './sign-in.ts';

export function userRoutes(services: Services): Route[] {
  return [...peopleRoutes(services), ...signInsOfUsersRoutes(services)];
}

function peopleRoutes({ users, audit, sessions, accessGuard }: Services): Route[] {
  return [
    route({
      method: 'get',
      path: '/api/users',
      id: 'listUsers',
      tag: 'users',
      summary: 'All users',
      access: 'user.view',
      status: 200,
      response: array(ref('User')),
      errors: [],
      handle: () => users.list(),
    }),
    route<{ username: string; password?: string; roles: readonly Role[]; email?: string | null }>({
      method: 'post',
      path: '/api/users',
      id: 'createUser',
      tag: 'users',
      summary: 'Add a user; without a password, one who can only sign in through single sign-on',
      access: 'user.manage',
      body: object({ username, password: newPassword, roles: userRoles, email: nullable(email) }, [
        'password',
        'email',
      ]),
      status: 201,
      response: ref('User'),
      errors: ['conflict'],
      async handle({ body, actor, address }) {
        const user = await users.create(body.username, body.password, body.roles, body.email ?? null);
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
      body: object({ password: newPassword, roles: userRoles, disabled: flag, email: nullable(email) }, [
        ...['password', 'roles', 'disabled', 'email'],
      ]),
      status: 200,
      response: ref('User'),
      errors: ['conflict'],
      async handle({ parameter, body, actor, address }) {
        if (
          parameter('id') === actor.id &&
          body.roles?.some((role) => !actor.roles.includes(role) && !actor.roles.includes('admin')) === true
        ) {
          throw new GatewayError('forbidden', 'nobody gives themselves roles');
        }
        if (body.password !== undefined && (await users.find(parameter('id')))?.directoryAccount != null) {
          throw new GatewayError('conflict', 'the password is that of the directory: take the user out of it first');
        }
        const user = await users.change(parameter('id'), body);
        withdrawFromUser(sessions, user.id, user);
        if (body.password !== undefined) withdrawSignIns(sessions, user.id);
        await accessGuard.recheck();
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
        const user = await existingUser(users.find(parameter('id')));
        await users.remove(user.id);
        withdrawFromUser(sessions, user.id);
        await accessGuard.recheck();
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

function signInsOfUsersRoutes(services: Services): Route[] {
  const { users, audit, logins, factors, passkeys, devices, signIn, sessions } = services;
  return [
    route({
      method: 'get',
      path: '/api/users/:id/sign-ins',
      id: 'listSignInsOfUser',
      tag: 'users',
      summary: 'Where a user is signed in',
      access: 'user.manage',
      status: 200,
      response: array(ref('SignIn')),
      errors: [],
      handle: async ({ parameter, signedIn }) => {
        const user = await existingUser(users.find(parameter('id')));
        const list = await logins.list(user.id);
        return list.map((entry) => ({ ...entry, current: entry.id === signedIn.reference }));
      },
    }),
    ...(['one', 'all'] as const).map((which) =>
      route({
        method: 'delete',
        path: which === 'one' ? '/api/users/:id/sign-ins/:signIn' : '/api/users/:id/sign-ins',
        id: which === 'one' ? 'endSignInOfUser' : 'endSignInsOfUser',
        tag: 'users',
        summary: `End ${which === 'one' ? 'a sign-in' : 'every sign-in'} of a user, and what was opened in it`,
        access: 'user.manage',
        status: 204,
        errors: [],
        async handle({ parameter, actor, address }) {
          const user = await existingUser(users.find(parameter('id')));
          const ended = await logins.revoke(user.id, which === 'one' ? { only: parameter('signIn') } : {});
          if (which === 'one' && ended.length === 0) throw new GatewayError('not_found');
          // Whoever must be signed out everywhere may have a stolen browser among those that are known.
          if (which === 'all') await devices.forget(user.id);
          withdrawSignIns(sessions, user.id, which === 'one' ? { only: ended } : {});
          const details = { userId: user.id, count: ended.length, references: ended.join(' ') };
          await audit.record({ action: 'sign_in.revoked', actor, address, subject: user.username, details });
        },
      }),
    ),
    route({
      method: 'delete',
      path: '/api/users/:id/second-factor',
      id: 'resetSecondFactorOfUser',
      tag: 'users',
      summary: 'Take away every second factor of a user who lost it, passkeys too, and sign the user out',
      access: 'user.manage',
      status: 204,
      errors: [],
      async handle({ parameter, actor, client }) {
        const user = await existingUser(users.find(parameter('id')));
        const removed = [await factors.remove(user.id), (await passkeys.remove(user.id)) > 0];
        if (!removed.includes(true)) throw new GatewayError('not_found', 'there is no second factor');
        await logins.revoke(user.id);
        withdrawSignIns(sessions, user.id);
        const by = await users.find(actor.id);
        const title = 'Two-step sign-in was turned off by an administrator';
        await signIn.tell(user, client, 'second_factor.removed', title, by && toActor(by));
      },
    }),
  ];
}
