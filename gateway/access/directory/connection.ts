import { connect as connectTcp, isIP } from 'node:net';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import { Client, PasswordPolicyControl, PasswordPolicyError, ResultCodeError } from 'ldapts';
import type { DirectorySettings } from './directory-settings.ts';
import { connectionProblem, DirectoryProblem, isServerProblem } from './problems.ts';

/** A server that did not answer is asked last for this long. */
const AVOID_MS = 60_000;

type ServerSettings = Pick<
  DirectorySettings,
  'servers' | 'plain' | 'certificateAuthorities' | 'bindDn' | 'timeoutSeconds'
>;

/** Connections to the servers of a directory: TLS first, one after the other until one answers. */
export class DirectoryServers {
  readonly #avoided = new Map<string, number>();

  /**
   * Runs something over a connection that nobody is bound to yet, and closes it. Throws `DirectoryProblem`: of the last
   * server, where none could be reached.
   */
  async connected<T>(settings: ServerSettings, run: (client: Client, server: string) => Promise<T>): Promise<T> {
    let last = new DirectoryProblem('no_servers');
    for (const server of this.#inOrder(settings.servers)) {
      let client: Client | undefined;
      try {
        client = await connect(settings, server);
        const result = await run(client, server);
        this.#avoided.delete(server);
        return result;
      } catch (error) {
        if (!(error instanceof DirectoryProblem) || !isServerProblem(error.code)) throw error;
        this.#avoided.set(server, Date.now() + AVOID_MS);
        last = error;
      } finally {
        await client?.unbind().catch(() => undefined);
      }
    }
    throw last;
  }

  /** The same, bound as the service account. */
  bound<T>(
    settings: ServerSettings,
    password: string | undefined,
    run: (client: Client, server: string) => Promise<T>,
  ): Promise<T> {
    return this.connected(settings, async (client, server) => {
      await bindService(client, settings.bindDn, password);
      return run(client, server);
    });
  }

  #inOrder(servers: readonly string[]): readonly string[] {
    const now = Date.now();
    const isAvoided = (server: string) => (this.#avoided.get(server) ?? 0) > now;
    return [...servers.filter((server) => !isAvoided(server)), ...servers.filter(isAvoided)];
  }
}

/** Opens a connection to one server, with TLS unless the settings do without. Throws `DirectoryProblem`. */
export async function connect(settings: ServerSettings, server: string): Promise<Client> {
  const { protocol, hostname } = new URL(server);
  const host = hostname.replace(/^\[|\]$/g, '');
  const secure = protocol === 'ldaps:';
  const timeout = settings.timeoutSeconds * 1000;
  const tls: ConnectionOptions = {
    host,
    ...(isIP(host) === 0 ? { servername: host } : {}),
    ...(settings.certificateAuthorities === '' ? {} : { ca: settings.certificateAuthorities }),
    minVersion: 'TLSv1.2',
    rejectUnauthorized: true,
  };
  let client: Client | undefined;
  try {
    client = new Client({
      url: server,
      connectTimeout: timeout,
      timeout,
      strictDN: false,
      // A connection that was lost is made again by the client itself, without StartTLS: a password would go in clear.
      createConnection: once(connectTcp),
      createSecureConnection: once(connectTls),
      ...(secure ? { tlsOptions: tls } : {}),
    });
    if (!secure && !settings.plain) await within(timeout, client.startTLS(tls));
    // An anonymous bind shows that the server is there. Servers that forbid it say so, and are there too.
    else await client.bind('', '').catch(ignoreRefusal);
    return client;
  } catch (error) {
    await client?.unbind().catch(() => undefined);
    throw connectionProblem(error);
  }
}

/** Binds as the service account; without one, nobody is bound. Throws `bind_refused`. */
export async function bindService(client: Client, dn: string, password: string | undefined): Promise<void> {
  if (dn === '') return;
  // [RFC 4513] 5.1.2: without a password it would be an anonymous bind that looks like a success.
  if (password === undefined || password === '') throw new DirectoryProblem('bind_refused', 'there is no password');
  try {
    await client.bind(dn, password);
  } catch (error) {
    if (!(error instanceof ResultCodeError)) throw connectionProblem(error);
    throw new DirectoryProblem('bind_refused', error.message, { cause: error });
  }
}

/**
 * Proves a person's password. Throws `password_wrong`, `password_expired`, `account_disabled`, `account_expired`,
 * `account_locked`, or what the connection failed by.
 */
export async function bindPerson(client: Client, name: string, password: string): Promise<void> {
  // [RFC 4513] 5.1.1 and 5.1.2: an empty name or password binds anybody, and proves nothing.
  if (name === '' || password === '') throw new DirectoryProblem('password_wrong');
  const policy = new PasswordPolicyControl();
  try {
    await client.bind(name, password, policy);
  } catch (error) {
    if (!(error instanceof ResultCodeError)) throw connectionProblem(error);
    throw refusal(error, policy);
  }
  if (policy.value?.error === PasswordPolicyError.ChangeAfterReset) throw new DirectoryProblem('password_expired');
}

const INVALID_CREDENTIALS = 49;

/** Active Directory says why in the text of the result: `…, data 532, v1db1`. */
const activeDirectoryCodes: Readonly<
  Record<string, 'password_expired' | `account_${'disabled' | 'expired' | 'locked'}`>
> = {
  '532': 'password_expired',
  '533': 'account_disabled',
  '701': 'account_expired',
  '773': 'password_expired',
  '775': 'account_locked',
};

function refusal(error: ResultCodeError, policy: PasswordPolicyControl): DirectoryProblem {
  const data = /\bdata ([0-9a-f]{3})\b/i.exec(error.message)?.[1] ?? '';
  const known = activeDirectoryCodes[data];
  if (known !== undefined) return new DirectoryProblem(known, '', { cause: error });
  if (policy.value?.error === PasswordPolicyError.PasswordExpired) {
    return new DirectoryProblem('password_expired', '', { cause: error });
  }
  if (policy.value?.error === PasswordPolicyError.AccountLocked) {
    return new DirectoryProblem('account_locked', '', { cause: error });
  }
  if (error.code === 51 || error.code === 52) return new DirectoryProblem('connection_failed', error.message);
  // invalidDNSyntax and noSuchObject too, of a template: that person is not there.
  const detail = error.code === INVALID_CREDENTIALS ? '' : error.message;
  return new DirectoryProblem('password_wrong', detail, { cause: error });
}

function ignoreRefusal(error: unknown): void {
  if (!(error instanceof ResultCodeError)) throw error;
}

function once<T extends (...values: never[]) => unknown>(open: T): T {
  let opened = false;
  return ((...values: Parameters<T>) => {
    if (opened) throw new Error('the connection was lost');
    opened = true;
    return open(...values);
  }) as T;
}

async function within<T>(milliseconds: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('timed out')), milliseconds);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
