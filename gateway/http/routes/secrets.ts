import { GatewayError } from '../../errors.ts';
import type { SuppliedCredential } from '../../vault/account-credentials.ts';
import { MIN_MASTER_PASSWORD } from '../../vault/master-passwords.ts';
import { Secret } from '../../vault/secret.ts';
import { type Call, type Route, route } from '../route.ts';
import { accountPassword, count, domain, flag, id, nullable, object, text, time } from '../schemas.ts';
import type { Services } from '../services.ts';

/** How long a page shows a secret. */
export const SHOWN_SECONDS = 30;

const masterPassword = { type: 'string', minLength: 1, maxLength: 1024, writeOnly: true } as const;
const newMasterPassword = { ...masterPassword, minLength: MIN_MASTER_PASSWORD };

/** What somebody says who opens a session, or is asked while it connects. */
export const credentialFields = { username: domain, domain, password: accountPassword, masterPassword };

export interface CredentialBody {
  readonly username?: string;
  readonly domain?: string;
  readonly password?: string;
  readonly masterPassword?: string;
}

export function suppliedOf({ username, domain, password, masterPassword }: CredentialBody): SuppliedCredential {
  return {
    ...(username === undefined ? {} : { username }),
    ...(domain === undefined ? {} : { domain }),
    ...(password === undefined ? {} : { password: new Secret(password) }),
    ...(masterPassword === undefined ? {} : { masterPassword: new Secret(masterPassword) }),
  };
}

/** Secrets as their users have to do with them. */
export function secretRoutes(services: Services): Route[] {
  return [...useRoutes(services), ...masterPasswordRoutes(services)];
}

const masterErrors = [
  ...(['master_password_required', 'master_password_wrong', 'master_password_locked'] as const),
  'master_password_missing',
] as const;
const providerErrors = [
  ...(['provider_denied', 'provider_unavailable', 'provider_timeout', 'provider_invalid'] as const),
  ...(['secret_altered', 'nothing_stored'] as const),
] as const;

function useRoutes({ sessions, secretUses }: Services): Route[] {
  return [
    route<CredentialBody>({
      method: 'post',
      path: '/api/sessions/:id/credential',
      id: 'supplyCredential',
      tag: 'sessions',
      summary: 'Say what a session of one’s own asks for; kept in memory until it is connected, and nowhere else',
      access: 'session.open',
      body: object(credentialFields, Object.keys(credentialFields)),
      status: 204,
      errors: ['conflict'],
      handle({ parameter, body, actor }) {
        const session = sessions.get(parameter('id'));
        if (session.facts.user.id !== actor.id) throw new GatewayError('not_found', 'there is no such live session');
        session.supply(suppliedOf(body));
      },
    }),
    route<{ enter?: boolean; masterPassword?: string }>({
      method: 'post',
      path: '/api/sessions/:id/type-secret',
      id: 'typeSecret',
      tag: 'sessions',
      summary: 'Have the password of the account typed into a session of one’s own, where the caret is',
      access: 'session.open',
      body: object({ enter: { ...flag, description: 'press Enter after it' }, masterPassword }, [
        'enter',
        'masterPassword',
      ]),
      status: 204,
      errors: ['forbidden', 'not_ready', 'conflict', ...masterErrors, ...providerErrors],
      handle: ({ parameter, body, actor, address }) =>
        withSecret(body.masterPassword, (given) =>
          secretUses.type(actor, address, { sessionId: parameter('id'), enter: body.enter === true }, given),
        ),
    }),
    route<{ accountId: string; masterPassword?: string }>({
      method: 'post',
      path: '/api/requests/:id/reveal',
      id: 'revealSecret',
      tag: 'requests',
      summary: 'See the password of an account, where the policy of a request of one’s own permits it',
      access: 'session.open',
      body: object({ accountId: id, masterPassword }, ['masterPassword']),
      status: 200,
      response: object({
        username: text,
        domain: text,
        password: text,
        hideAfterSeconds: { ...count, description: 'whoever shows it, hides it then' },
      }),
      errors: [
        ...(['forbidden', 'request_not_available', 'not_entitled', 'outside_hours', 'step_up_required'] as const),
        ...(['account_in_use', 'sessions_stopped'] as const),
        ...masterErrors,
        ...providerErrors,
      ],
      handle: ({ parameter, body, actor, address, signedIn }) =>
        withSecret(body.masterPassword, async (given) => {
          const ask = {
            requestId: parameter('id'),
            accountId: body.accountId,
            confirmedAt: signedIn.confirmedAt,
          };
          const { username, domain, password } = await secretUses.reveal(actor, address, ask, given);
          const shown = { username, domain, password: password.text(), hideAfterSeconds: SHOWN_SECONDS };
          password.wipe();
          return shown;
        }),
    }),
  ];
}

function masterPasswordRoutes({ masterPasswords, signIn }: Services): Route[] {
  const state = object({
    set: flag,
    since: nullable(time),
    checkedOut: { ...count, description: 'credentials that are checked out under it' },
    lockedUntil: nullable(time),
  });
  /** Who one is, once more, before what is checked out goes. */
  const prove = async ({ signedIn, body, client }: Call<{ password?: string; code?: string }>) => {
    const { user } = signedIn;
    if (user.hasPassword) await signIn.checkPassword(user, body.password ?? '', client);
    else await signIn.confirm(signedIn, { code: body.code ?? '' }, client);
  };
  return [
    route({
      method: 'get',
      path: '/api/me/master-password',
      id: 'getMasterPassword',
      tag: 'account',
      summary: 'Whether one has a master password, and what is checked out under it',
      access: 'signed-in',
      status: 200,
      response: state,
      errors: [],
      handle: ({ actor }) => masterPasswords.state(actor.id),
    }),
    route<{ masterPassword: string }>({
      method: 'post',
      path: '/api/me/master-password',
      id: 'setMasterPassword',
      tag: 'account',
      summary: 'Set a master password, where there is none',
      access: 'signed-in',
      body: object({ masterPassword: newMasterPassword }),
      status: 204,
      errors: ['conflict'],
      handle: ({ actor, address, body }) =>
        withSecret(body.masterPassword, (given) => masterPasswords.set(actor, required(given), address)),
    }),
    route<{ present: string; masterPassword: string }>({
      method: 'patch',
      path: '/api/me/master-password',
      id: 'changeMasterPassword',
      tag: 'account',
      summary: 'Change the master password; what is checked out stays',
      access: 'signed-in',
      body: object({ present: masterPassword, masterPassword: newMasterPassword }),
      status: 204,
      errors: [...masterErrors],
      handle: ({ actor, address, body }) =>
        withSecret(body.present, (present) =>
          withSecret(body.masterPassword, (next) =>
            masterPasswords.change(actor, required(present), required(next), address),
          ),
        ),
    }),
    route<{ password?: string; code?: string }>({
      method: 'delete',
      path: '/api/me/master-password',
      id: 'resetMasterPassword',
      tag: 'account',
      summary:
        'Give up a master password that was forgotten: what is checked out under it is lost, and how much says the answer',
      access: 'signed-in',
      body: object({ password: { ...masterPassword, minLength: 0 }, code: { ...text, maxLength: 64 } }, [
        'password',
        'code',
      ]),
      status: 200,
      response: object({ lost: count }),
      errors: ['login_failed', 'code_wrong', 'too_many_requests', 'master_password_missing', 'second_factor_missing'],
      async handle(call) {
        await prove(call);
        return { lost: await masterPasswords.reset(call.actor, call.address) };
      },
    }),
  ];
}

async function withSecret<T>(text: string | undefined, use: (secret: Secret | undefined) => Promise<T>): Promise<T> {
  const secret = text === undefined ? undefined : new Secret(text);
  try {
    return await use(secret);
  } finally {
    secret?.wipe();
  }
}

function required(secret: Secret | undefined): Secret {
  if (secret === undefined) throw new GatewayError('bad_request', 'there is no password in it');
  return secret;
}
