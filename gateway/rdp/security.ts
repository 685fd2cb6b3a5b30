import type { NlaPolicy } from '#protocol/connector/types.ts';
import { SecurityProtocol } from '#protocol/pdu/nego.ts';
import type { TlsVersion } from './tls-peer.ts';

/** What a connection came to, for the session's information and the audit. */
export interface ConnectionSecurity {
  readonly protocol: ProtocolName;
  /** Version of the CredSSP that logged on; null without NLA. */
  readonly credSsp: number | null;
  /** Null without TLS, here and below. */
  readonly tls: TlsVersion | null;
  readonly cipher: string | null;
  /** SHA-256 of the server's certificate. */
  readonly certificate: string | null;
}

/** What a connection can have less of than servers of today do. Each is refused unless the target's settings allow it. */
export const downgrades = {
  nla_missing: 'the server does without Network Level Authentication',
  tls_missing: 'the server has no TLS, so nothing proves who it is',
  tls_outdated: 'the server has no TLS newer than 1.1',
  credssp_outdated: 'the server lacks the CredSSP update of 2018 (CVE-2018-0886)',
} as const;
export type Downgrade = keyof typeof downgrades;

/** In what this connection is less than it could be. A target that never uses NLA has chosen to do without. */
export function downgradesOf(security: ConnectionSecurity, nla: NlaPolicy): Downgrade[] {
  const { protocol, tls, credSsp } = security;
  const found: Downgrade[] = [];
  if (protocol === 'ssl' && nla !== 'never') found.push('nla_missing');
  if (protocol === 'rdp') found.push('tls_missing');
  if (tls === '1.0' || tls === '1.1') found.push('tls_outdated');
  if (credSsp !== null && credSsp < CREDSSP_FIXED_VERSION) found.push('credssp_outdated');
  return found;
}

/** One sentence for the user. */
export function describeDowngrades(found: readonly Downgrade[]): string {
  return `This connection is protected less than usual: ${found.map((kind) => downgrades[kind]).join('; ')}.`;
}

/** [MS-CSSP] 2.2.1: from this version on the server's key is bound to the logon. */
const CREDSSP_FIXED_VERSION = 5;

/** `hybrid_ex` and `hybrid` are Network Level Authentication, `ssl` is TLS alone, `rdp` is standard RDP security. */
export const protocolNames = ['hybrid_ex', 'hybrid', 'ssl', 'rdstls', 'rdp'] as const;
export type ProtocolName = (typeof protocolNames)[number];

/** @param protocol one of `SecurityProtocol` */
export function protocolNameOf(protocol: number): ProtocolName {
  return NAMES.get(protocol) ?? 'rdp';
}

const NAMES: ReadonlyMap<number, ProtocolName> = new Map([
  [SecurityProtocol.hybridEx, 'hybrid_ex'],
  [SecurityProtocol.hybrid, 'hybrid'],
  [SecurityProtocol.ssl, 'ssl'],
  [SecurityProtocol.rdstls, 'rdstls'],
  [SecurityProtocol.rdp, 'rdp'],
]);
