import type { IncomingMessage } from 'node:http';
import { BlockList, isIP, isIPv6 } from 'node:net';

/** A peer's address as people write it: a socket that listens on `::` shows IPv4 peers as `::ffff:192.0.2.1`. */
export function plainAddress(address: string | undefined): string {
  return address?.replace(/^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/i, '') ?? '';
}

/** The network that counts as one place: an IPv6 subscriber has a whole /64 to call from. */
export function networkOf(address: string): string {
  if (!isIPv6(address)) return address;
  const [head = '', tail] = address.split('%')[0]?.split('::') ?? [];
  const groups = head === '' ? [] : head.split(':');
  const rest = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = tail === undefined ? 0 : 8 - groups.length - rest.length;
  return [...groups, ...Array<string>(Math.max(0, zeros)).fill('0'), ...rest].slice(0, 4).join(':');
}

/** Addresses whose word about where a request came from is taken. */
export interface TrustedProxies {
  /** The list as it was read. */
  readonly text: string;
  includes(address: string): boolean;
}

/**
 * Reads a comma-separated list of addresses and networks (`10.0.0.0/8`, `2001:db8::7`), or `loopback`. Throws with the
 * part that is neither.
 */
export function trustedProxies(text: string): TrustedProxies {
  const list = new BlockList();
  for (const part of text.split(',').map((word) => word.trim())) {
    if (part === '') continue;
    const networks = part === 'loopback' ? ['127.0.0.0/8', '::1/128'] : [part];
    for (const network of networks) addNetwork(list, network);
  }
  return { text, includes: (address) => isIP(address) !== 0 && list.check(address, isIPv6(address) ? 'ipv6' : 'ipv4') };
}

const passedOn = new WeakMap<object, string>();

/** A request comes from another process of this gateway, which had it from this peer. */
export function passedOnFrom(request: Pick<IncomingMessage, 'headers' | 'socket'>, peer: string): void {
  passedOn.set(request, peer);
}

/**
 * Where a request came from. A trusted proxy says so in `X-Forwarded-For`, each behind the address that it saw; read
 * from its end, the first that is no trusted proxy's is the client's. What stands before it anybody may have written.
 */
export function clientAddress(
  request: Pick<IncomingMessage, 'headers' | 'socket'>,
  proxies: TrustedProxies | undefined,
): string {
  const peer = plainAddress(passedOn.get(request) ?? request.socket.remoteAddress);
  if (proxies === undefined || !proxies.includes(peer)) return peer;
  const header = request.headers['x-forwarded-for'];
  const said = (Array.isArray(header) ? header.join(',') : (header ?? '')).split(',').map((part) => part.trim());
  let client = peer;
  for (const part of said.reverse()) {
    const address = plainAddress(withoutPort(part));
    if (isIP(address) === 0) break;
    client = address;
    if (!proxies.includes(address)) break;
  }
  return client;
}

/** Some proxies write the port too: `192.0.2.1:4711`, `[2001:db8::1]:4711`. */
function withoutPort(text: string): string {
  return /^\[([^\]]+)\](?::\d+)?$/.exec(text)?.[1] ?? /^([\d.]+):\d+$/.exec(text)?.[1] ?? text;
}

function addNetwork(list: BlockList, network: string): void {
  const [address = '', prefix, ...more] = network.split('/');
  const version = isIP(address);
  const bits = version === 6 ? 128 : 32;
  const length = prefix === undefined ? bits : Number(prefix);
  if (version === 0 || more.length > 0 || (prefix !== undefined && !/^\d{1,3}$/.test(prefix)) || length > bits) {
    throw new Error(`"${network}" is no address or network`);
  }
  list.addSubnet(address, length, version === 6 ? 'ipv6' : 'ipv4');
}
