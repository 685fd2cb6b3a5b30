import { SecurityProtocol } from '#protocol/pdu/nego.ts';
import type { TlsVersion } from './tls-peer.ts';

/** What a connection came to, for the session's information and the audit. */
export interface ConnectionSecurity {
  readonly protocol: ProtocolName;
  /** Null without TLS, here and below. */
  readonly tls: TlsVersion | null;
  readonly cipher: string | null;
  /** SHA-256 of the server's certificate. */
  readonly certificate: string | null;
}

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
