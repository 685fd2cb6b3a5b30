import type { Context } from 'koa';
import type { Actor } from '../access/can.ts';
import { type Client, DEVICE_LIFE_MS } from '../access/known-devices.ts';
import type { LoginSessions, SignedIn } from '../access/login-sessions.ts';
import { toActor } from '../access/users.ts';
import { plainAddress } from '../address.ts';
import { GatewayError } from '../errors.ts';
import { SESSION_COOKIE } from './openapi.ts';

/** Says that somebody has signed in with this browser before; opens nothing. */
const DEVICE_COOKIE = '__Host-oriel-device';
const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS']);

/** Who a request comes from. */
export interface Identity {
  readonly actor: Actor;
  readonly signedIn: SignedIn;
  readonly token: string;
}

/** Finds out who is asking, by `Authorization: Bearer` or by cookie. A bad Bearer token does not fall back to the cookie. */
export async function identify(context: Context, logins: LoginSessions): Promise<Identity | undefined> {
  const header = context.get('Authorization');
  const bearer = /^Bearer ([A-Za-z0-9_-]{1,256})$/i.exec(header)?.[1];
  const token = header !== '' ? bearer : context.cookies.get(SESSION_COOKIE);
  if (token === undefined) return undefined;
  const signedIn = await logins.find(token);
  return signedIn === undefined ? undefined : { actor: toActor(signedIn.user), signedIn, token };
}

/** Where a request comes from. */
export function clientOf(context: Context): Client {
  const device = context.cookies.get(DEVICE_COOKIE);
  return {
    address: plainAddress(context.ip),
    userAgent: context.get('User-Agent').slice(0, 512),
    device: device !== undefined && /^[A-Za-z0-9_-]{43}$/.test(device) ? device : undefined,
  };
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
  setCookie(context, SESSION_COOKIE, token, {});
}

export function setDeviceCookie(context: Context, device: string | undefined): void {
  if (device !== undefined) setCookie(context, DEVICE_COOKIE, device, { maxAge: DEVICE_LIFE_MS });
}

/** @param options `sameSite` is strict unless told */
export function setCookie(
  context: Context,
  name: string,
  value: string | undefined,
  options: { readonly maxAge?: number; readonly sameSite?: 'strict' | 'lax' },
): void {
  // Koa's cookie jar asks the socket whether it is secure; this server has no other kind.
  context.cookies.secure = true;
  context.cookies.set(name, value ?? null, {
    httpOnly: true,
    secure: true,
    sameSite: 'strict',
    path: '/',
    overwrite: true,
    ...options,
  });
}

function normalisedHost(host: string): string {
  return URL.parse(`https://${host}`)?.host ?? '';
}
