import {
  bindModes,
  type DirectoryChange,
  type DirectorySettings,
  goesElsewhere,
  nestings,
  unreachableRules,
} from '../../access/directory/directory-settings.ts';
import { type ProblemCode, problems } from '../../access/directory/problems.ts';
import { type TryResult, trySteps } from '../../access/directory/try-directory.ts';
import { changesOf } from '../../audit/changes.ts';
import { GatewayError } from '../../errors.ts';
import { type Route, route } from '../route.ts';
import { array, flag, id, nullable, object, ref, text, userRoles } from '../schemas.ts';
import type { Services } from '../services.ts';
import { presentPassword } from '../sign-in-schemas.ts';
import { existingUser } from './sign-in.ts';
import { tested } from './tested.ts';

export function directoryRoutes(services: Services): Route[] {
  return [...settingRoutes(services), ...userRoutes(services)];
}

const server = { type: 'string', pattern: '^ldaps?://[^\\s/@?#]+$', maxLength: 300 };
const attribute = { type: 'string', pattern: '^[A-Za-z][A-Za-z0-9-]*$', maxLength: 64 };
const attributes = { ...array(attribute), minItems: 1, maxItems: 10 };
const printableLine = { type: 'string', maxLength: 1000, pattern: '^[^\\u0000-\\u001f\\u007f]*$' };
const filter = { ...printableLine, minLength: 3, pattern: '^\\([^\\u0000-\\u001f\\u007f]+\\)$' };
const settings = {
  enabled: flag,
  servers: { ...array(server), maxItems: 10, description: 'asked in this order; ldap:// is upgraded by StartTLS' },
  plain: { type: 'boolean', description: 'ldap:// without TLS: everybody on the way reads the passwords' },
  certificateAuthorities: {
    type: 'string',
    maxLength: 49_152,
    pattern: '^(?:\\s*-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\\s]+-----END CERTIFICATE-----\\s*)*$',
    description: 'PEM; empty: those that the system knows',
  },
  bindDn: { ...printableLine, description: 'who looks people up; empty: anonymous' },
  bindMode: { enum: [...bindModes], description: 'as which name the password is proved' },
  bindTemplate: {
    ...printableLine,
    pattern: '^$|^(?=[^\\u0000-\\u001f\\u007f]*\\{username\\})(?=.*[=@\\\\])[^\\u0000-\\u001f\\u007f]+$',
    description: 'a DN or a name such as {username}@example.com',
  },
  userBase: printableLine,
  userFilter: { ...filter, pattern: '^\\((?=.*\\{username\\})[^\\u0000-\\u001f\\u007f]+\\)$' },
  groupBase: { ...printableLine, description: 'empty: as the base of users' },
  groupFilter: { ...filter, pattern: '^\\((?=.*\\{(?:dn|username)\\})[^\\u0000-\\u001f\\u007f]+\\)$' },
  groupNameAttribute: attribute,
  nesting: { enum: [...nestings], description: 'how groups within groups are found' },
  usernameAttributes: attributes,
  displayNameAttributes: attributes,
  mailAttributes: attributes,
  domain: { ...printableLine, maxLength: 255, description: "of people's own accounts; empty: as the directory has it" },
  mapping: {
    ...array(
      object({ group: { ...printableLine, minLength: 1 }, roles: userRoles, groups: { ...array(id), maxItems: 100 } }),
    ),
    maxItems: 200,
    description: 'what a group of the directory gives, by DN or name; what no line names stays as set here',
  },
  defaultRoles: userRoles,
  createUsers: flag,
  linkByName: { type: 'boolean', description: 'a user without a password is whoever has that name there' },
  onlyMapped: { type: 'boolean', description: 'only who is in a group of the mapping may sign in' },
  refreshSeconds: { type: 'integer', minimum: 10, maximum: 600 },
  whenUnreachable: {
    enum: [...unreachableRules],
    description: 'what goes on is kept; `keep` opens nothing new, `trust` does for whoever is signed in',
  },
  timeoutSeconds: { type: 'integer', minimum: 1, maximum: 30 },
} as const;

function settingRoutes({ directorySettings, directory, signIn, audit }: Services): Route[] {
  const view = object({ ...settings, hasBindPassword: flag });
  return [
    route({
      method: 'get',
      path: '/api/settings/directory',
      id: 'getDirectory',
      tag: 'settings',
      summary: 'How people sign in through a directory (LDAP)',
      access: 'setting.manage',
      status: 200,
      response: view,
      errors: [],
      handle: () => directorySettings.read(),
    }),
    route<DirectoryChange>({
      method: 'patch',
      path: '/api/settings/directory',
      id: 'changeDirectory',
      tag: 'settings',
      summary: 'Change how people sign in through a directory (LDAP)',
      access: 'setting.manage',
      body: object({ ...settings, bindPassword: nullable({ ...presentPassword, minLength: 1 }) }, [
        ...Object.keys(settings),
        'bindPassword',
      ]),
      status: 200,
      response: view,
      errors: ['conflict'],
      async handle({ body, actor, address }) {
        const before = await directorySettings.read();
        const wrong = body.servers?.find((one) => !isServer(one));
        if (wrong !== undefined)
          throw new GatewayError('bad_request', `${wrong.slice(0, 100)} is no address of a server`);
        requireWhole({ ...before, ...body });
        if (before.hasBindPassword && body.bindPassword === undefined && goesElsewhere(before, body)) {
          throw new GatewayError('conflict', 'the password of the service account would go elsewhere: give it again');
        }
        await directorySettings.change(body);
        directory.settingsChanged();
        const changed = await directorySettings.read();
        const details = { directory: Object.keys(body).join(' '), ...changesOf(before, changed) };
        await audit.record({ action: 'setting.changed', actor, address, details });
        return changed;
      },
    }),
    route<{ username?: string; password?: string }>({
      method: 'post',
      path: '/api/settings/directory/test',
      id: 'testDirectory',
      tag: 'settings',
      summary: 'Tries out what is saved, step by step; with a user name, that person too. Nobody is signed in',
      access: 'setting.manage',
      body: object({ username: { type: 'string', maxLength: 256 }, password: presentPassword }, [
        ...['username', 'password'],
      ]),
      status: 200,
      response: object({
        steps: array(
          object({
            step: { enum: [...trySteps] },
            server: nullable(text),
            code: nullable({ enum: Object.keys(problems) }),
            problem: nullable(text),
            detail: text,
          }),
        ),
        person: nullable(
          object({
            ...{ dn: text, username: text, domain: text, displayName: nullable(text), email: nullable(text) },
            ...{ state: text, groups: array(object({ dn: text, name: text })), mapped: array(text) },
          }),
        ),
      }),
      errors: ['too_many_requests'],
      handle({ body, client, actor, address }) {
        const { username = '', password = '' } = body;
        const withPassword = password === '' ? 'no' : 'yes';
        const run = async () => {
          if (password === '') return directory.try(body);
          // A password that is tried out is a guess like any other.
          return signIn.bounded(username, client, async () => {
            const value = await directory.try(body);
            return { right: !value.steps.some(({ code }) => isGuess(code)), value };
          });
        };
        const test = { what: 'directory', subject: username, withPassword };
        return tested(
          audit,
          { actor, address },
          test,
          run,
          ({ steps }) => steps.find(({ code }) => code !== null)?.code,
        );
      },
    }),
  ];
}

function userRoutes({ users, directoryIdentities, audit }: Services): Route[] {
  return [
    route({
      method: 'delete',
      path: '/api/users/:id/directory',
      id: 'unlinkUserFromDirectory',
      tag: 'users',
      summary: 'Make a user from the directory one of the gateway: she signs in with a password that is set here',
      access: 'user.manage',
      status: 200,
      response: ref('User'),
      errors: [],
      async handle({ parameter, actor, address }) {
        const user = await existingUser(users.find(parameter('id')));
        if (!(await directoryIdentities.unlink(user))) {
          throw new GatewayError('not_found', 'the user is not from the directory');
        }
        await audit.record({ action: 'identity.unlinked', actor, address, subject: user.username });
        return (await users.find(user.id)) ?? user;
      },
    }),
  ];
}

/** What must be there before people can sign in by it. */
function requireWhole(next: DirectorySettings): void {
  if (!next.enabled) return;
  if (next.servers.length === 0) throw new GatewayError('conflict', 'a server comes first');
  if (next.userBase === '') throw new GatewayError('conflict', 'the base of users comes first');
  if (next.bindMode === 'template' && next.bindTemplate === '') {
    throw new GatewayError('conflict', 'the template comes first');
  }
}

/** Node reads hosts and ports of `https:` more strictly than those of schemes that it does not know. */
function isServer(text: string): boolean {
  const { host = '', pathname } = URL.parse(text.replace(/^ldaps?:/, 'https:')) ?? {};
  return host !== '' && pathname === '/';
}

function isGuess(code: TryResult['code']): boolean {
  const wrong: readonly (ProblemCode | null)[] = ['password_wrong', 'user_not_found'];
  return wrong.includes(code);
}
