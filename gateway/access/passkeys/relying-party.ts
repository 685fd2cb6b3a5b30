import { isIP } from 'node:net';
import { GatewayError } from '../../errors.ts';

/** For whom passkeys are made ([WebAuthn] 5.1.2): a host name, and the origins whose pages may ask for them. */
export interface RelyingParty {
  readonly id: string;
  readonly origins: readonly string[];
}

/**
 * The relying party of a gateway that people reach at `publicUrl`. Throws `passkeys_unavailable` where browsers would
 * make no passkey for that address.
 *
 * @param others further origins that the gateway serves; of use are those under the same host name
 */
export function relyingParty(publicUrl: string, others: readonly string[]): RelyingParty {
  const { hostname, origin, protocol } = new URL(publicUrl);
  if (isIP(hostname.replace(/^\[|\]$/g, '')) !== 0) {
    throw new GatewayError('passkeys_unavailable', `they belong to a host name, and the address is ${origin}`);
  }
  if (protocol !== 'https:') throw new GatewayError('passkeys_unavailable', `they need https, and it is ${origin}`);
  const origins = others.filter((other) => isWithin(new URL(other).hostname, hostname) && other.startsWith('https:'));
  return { id: hostname, origins: [...new Set([origin, ...origins])] };
}

/**
 * Says so where a page of another address asks: its browser would refuse, and say little.
 *
 * @param origin the `Origin` header; empty from whoever is no browser
 */
export function requireOwnOrigin({ id, origins }: RelyingParty, origin: string): void {
  if (origin === '' || origins.includes(origin)) return;
  throw new GatewayError(
    'passkeys_unavailable',
    `the page is at ${origin.slice(0, 200)}, and passkeys are for ${id}: open ${origins[0]}`,
  );
}

function isWithin(host: string, parent: string): boolean {
  return host === parent || host.endsWith(`.${parent}`);
}
