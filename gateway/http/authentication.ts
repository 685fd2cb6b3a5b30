import type { Context } from 'koa';
import type { Actor } from '../access/can.ts';
import type { LoginSessions } from '../access/login-sessions.ts';
import { toActor, type User } from '../access/users.ts';
import { GatewayError } from '../errors.ts';
import { SESSION_COOKIE } from './openapi.ts';

const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS']);

/** Who a request comes from. */
export interface Identity {
  readonly actor: Actor;
  readonly user: User;
  readonly token: string;
}

/** Finds out who is asking, by `Authorization: Bearer` or by cookie. A bad Bearer token does not fall back to the cookie. */
export async function identify(context: Context, logins: LoginSessions): Promise<Identity | undefined> {
  const header = context.get('Authorization');
  const bearer = /^Bearer ([A-Za-z0-9_-]{1,256})$/i.exec(header)?.[1];
  const token = header !== '' ? bearer : context.cookies.get(SESSION_COOKIE);
  if (token === undefined) return undefined;
  const user = await logins.find(token);
  return user === undefined ? undefined : { actor: toActor(user), user, token };
}

/**
 * Refuses a request that changes something and comes from another site's page: every browser says so in `Origin`, or
 * in `Sec-Fetch-Site`. Stands behind the cookie's SameSite=Strict, and also guards the sign-in itself.
 * Programs that send neither are no browsers and carry no cookie they did not get themselves.
 */
export function refuseForeignOrigin(context: Context, origins: readonly string[]): void {
  if (SAFE_METHODS.has(context.method)) return;
  const origin = context.get('Origin');
  if (origin !== '') {
    if (!isOwnOrigin(origin, context.get('Host'), origins)) throw new GatewayError('origin_refused');
    return;
  }
  const site = context.get('Sec-Fetch-Site');
  if (site !== '' && site !== 'same-origin' && site !== 'none') throw new GatewayError('origin_refused');
}

/** Whether an `Origin` header is this gateway's own, as the browser addressed it, or one that the settings name. */
export function isOwnOrigin(origin: string, host: string, origins: readonly string[]): boolean {
  const url = URL.parse(origin);
  if (url === null || url.origin === 'null') return false;
  return (url.protocol === 'https:' && url.host === normalisedHost(host)) || origins.includes(url.origin);
}

/** The cookie that keeps a browser signed in. `__Host-` has the browser hold it to this host, this path and TLS. */
export function setSessionCookie(context: Context, token: string | undefined): void {
  // Koa's cookie jar asks the socket whether it is secure; this server has no other kind.
  context.cookies.secure = true;
  context.cookies.set(SESSION_COOKIE, token ?? null, {
    httpOnly: true,
    secure: true,
    sameSite: 'strict',
    path: '/',
    overwrite: true,
  });
}

function normalisedHost(host: string): string {
  return URL.parse(`https://${host}`)?.host ?? '';
}
