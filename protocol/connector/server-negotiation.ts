/** Which security protocol our server answers a client's offer with. */
import {
  type ConnectionConfirm,
  NegotiationFailureCode,
  NegotiationResponseFlags,
  SecurityProtocol,
} from '../pdu/nego.ts';
import type { ServerConfig } from './server-types.ts';

/** The strongest protocol that both ends allow. @param requested [MS-RDPBCGR] 2.2.1.1.1 requestedProtocols */
export function chooseProtocol(requested: number, { nla, tls, legacy, rdstls }: ServerConfig): ConnectionConfirm {
  const response = (protocol: number): ConnectionConfirm => {
    const { extendedClientDataSupported, restrictedAdminModeSupported } = NegotiationResponseFlags;
    const restricted = nla?.restrictedAdmin === true ? restrictedAdminModeSupported : 0;
    return { kind: 'response', flags: extendedClientDataSupported | restricted, protocol };
  };
  if (rdstls !== undefined && requested & SecurityProtocol.rdstls) return response(SecurityProtocol.rdstls);
  if (nla !== undefined && requested & SecurityProtocol.hybridEx) return response(SecurityProtocol.hybridEx);
  if (nla !== undefined && requested & SecurityProtocol.hybrid) return response(SecurityProtocol.hybrid);
  if (tls !== undefined && requested & SecurityProtocol.ssl) return response(SecurityProtocol.ssl);
  if (legacy !== undefined && requested === SecurityProtocol.rdp) return response(SecurityProtocol.rdp);
  const { hybridRequiredByServer, sslRequiredByServer, sslNotAllowedByServer } = NegotiationFailureCode;
  if (nla === undefined && tls === undefined) return { kind: 'failure', code: sslNotAllowedByServer };
  return {
    kind: 'failure',
    code: nla !== undefined && tls === undefined ? hybridRequiredByServer : sslRequiredByServer,
  };
}
