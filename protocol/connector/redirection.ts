/** What a Server Redirection Packet means for the next connection ([MS-RDPBCGR] 3.2.5.3.1, 2.2.13). */
import { ReadCursor } from '../core/cursor.ts';
import { decodeUtf8, decodeUtf16le, encodeUtf16le } from '../core/text.ts';
import { MAX_ROUTING_BYTES } from '../pdu/nego.ts';
import { RedirectionFlags, type ServerRedirection } from '../pdu/server-redirection.ts';
import type { ClientConfig, RedirectedLogon } from './types.ts';

/** Where to connect next, and as what. Holds secrets. */
export interface Redirection {
  /** Names and addresses to try, the best first; the same host again where there are none. */
  readonly hosts: readonly string[];
  /** How the next client's configuration differs from this one's. */
  readonly changes: Partial<ClientConfig>;
  /** The next server's certificate, DER, where this server vouches for it. */
  readonly certificate?: Uint8Array;
}

/** `undefined`: the packet only informs. Throws `DecodeError`. */
export function redirectionOf(packet: ServerRedirection): Redirection | undefined {
  if (packet.flags & RedirectionFlags.noRedirect) return undefined;
  const { loadBalanceInfo, targetCertificate } = packet;
  const changes: { -readonly [K in keyof ClientConfig]?: ClientConfig[K] } = { redirected: redirectedLogon(packet) };
  if (packet.userName !== undefined) {
    changes.username = packet.userName;
    changes.domain = packet.domain ?? '';
  }
  const password = passwordText(packet);
  if (password !== undefined) changes.password = password;
  // With a token the next server is behind the load balancer where we are now; with an address it is there, and the
  // token is for nobody ([MS-RDPBCGR] 2.2.13.1).
  const token = packet.targetNetAddress === undefined ? loadBalanceInfo : undefined;
  if (token !== undefined) changes.routing = { kind: 'token', value: tokenText(token) };
  const certificate = targetCertificate === undefined ? undefined : targetCertificateOf(targetCertificate);
  return {
    hosts: token === undefined ? hostsOf(packet) : [],
    changes,
    ...(certificate !== undefined && { certificate }),
  };
}

/**
 * The certificate in a TARGET_CERTIFICATE_CONTAINER, DER: [MS-RDPBCGR] 2.2.13.1.2, 2.2.13.1.2.1. `undefined` where there is none.
 * @param container base64 in UTF-16LE
 */
export function targetCertificateOf(container: Uint8Array): Uint8Array | undefined {
  const bytes = decodeBase64(decodeUtf16le(container));
  const cursor = new ReadCursor(bytes, 'TARGET_CERTIFICATE_CONTAINER');
  while (cursor.remaining > 0) {
    const type = cursor.u32('elementType');
    const encoding = cursor.u32('encodingType');
    const data = cursor.bytes(cursor.u32('elementSize'), 'elementData');
    if (type === ELEMENT_CERTIFICATE && encoding === ENCODING_DER) return data;
  }
  return undefined;
}

const ELEMENT_CERTIFICATE = 32;
const ENCODING_DER = 1;

function redirectedLogon(packet: ServerRedirection): RedirectedLogon {
  const { sessionId, redirectionGuid, password, userName = '', domain = '' } = packet;
  const encrypted = (packet.flags & RedirectionFlags.passwordIsPkEncrypted) !== 0;
  if (!encrypted || password === undefined) return { sessionId };
  return {
    sessionId,
    rdstls: {
      kind: 'password',
      redirectionGuid: redirectionGuid ?? new Uint8Array(0),
      userName: encodeUtf16le(`${userName}\0`),
      domain: encodeUtf16le(`${domain}\0`),
      password,
    },
  };
}

/** The password, where it is one and no cookie for other eyes. */
function passwordText({ flags, password }: ServerRedirection): string | undefined {
  if (password === undefined || flags & RedirectionFlags.passwordIsPkEncrypted || password.length % 2 !== 0)
    return undefined;
  const text = decodeUtf16le(password);
  const end = text.indexOf('\0');
  return end >= 0 && end === text.length - 1 ? text.slice(0, end) : undefined;
}

function hostsOf(packet: ServerRedirection): string[] {
  const { targetFqdn, targetNetAddress, targetNetAddresses = [], targetNetBiosName } = packet;
  const all = [targetFqdn, targetNetAddress, ...targetNetAddresses, targetNetBiosName];
  return [...new Set(all.filter((host): host is string => host !== undefined && host !== ''))];
}

/** The line of the next Connection Request, without its CR LF. */
function tokenText(info: Uint8Array): string {
  const cursor = new ReadCursor(info, 'LoadBalanceInfo');
  if (info.length > MAX_ROUTING_BYTES) throw cursor.error('limit_exceeded', 'LoadBalanceInfo', `${info.length} bytes`);
  const text = decodeUtf8(info).replace(/\r\n$/u, '');
  if (/[\p{Cc}\uFFFD]/u.test(text)) throw cursor.error('invalid_value', 'LoadBalanceInfo', 'not a line of text');
  return text;
}

/** Whatever is no base64 digit is passed over, as decoders of the time did. */
function decodeBase64(text: string): Uint8Array {
  const bytes: number[] = [];
  let bits = 0;
  let count = 0;
  for (const character of text) {
    const digit = BASE64_DIGITS.indexOf(character);
    if (digit < 0) continue;
    bits = ((bits << 6) | digit) & 0xffff;
    count += 6;
    if (count < 8) continue;
    count -= 8;
    bytes.push((bits >> count) & 0xff);
  }
  return Uint8Array.from(bytes);
}

const BASE64_DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
