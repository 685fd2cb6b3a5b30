/** Which security protocols the policy asks for, and what it makes of the server's choice. A downgrade is never silent. */
import { type ConnectionConfirm, NegotiationFailureCode, SecurityProtocol } from '../pdu/nego.ts';
import { ConnectError } from './connect-error.ts';
import type { NlaPolicy } from './types.ts';

/** TLS is asked for along with CredSSP, which builds on it ([MS-RDPBCGR] 2.2.1.1.1); the answer is held to the policy. */
export function requestedProtocols(nla: NlaPolicy): number {
  if (nla === 'never') return SecurityProtocol.ssl;
  return SecurityProtocol.ssl | SecurityProtocol.hybrid | SecurityProtocol.hybridEx;
}

/** One of SSL, HYBRID and HYBRID_EX. Throws `ConnectError` where the server and the policy cannot agree. */
export function selectedProtocol(confirm: ConnectionConfirm, nla: NlaPolicy): number {
  if (confirm.kind === 'failure') throw negotiationFailure(confirm.code, nla);
  // Without a negotiation response the server wants standard RDP security, which has no server authentication.
  const protocol = confirm.kind === 'response' ? confirm.protocol : SecurityProtocol.rdp;
  if (protocol === SecurityProtocol.rdp) throw standardSecurityOnly(nla);
  if (protocol === SecurityProtocol.ssl && nla === 'required') {
    throw new ConnectError('nla_refused', 'the server does not offer network level authentication');
  }
  const isSingle = (protocol & (protocol - 1)) === 0;
  if (!isSingle || (protocol & requestedProtocols(nla)) === 0) {
    throw new ConnectError('tls_refused', `the server selected security protocol ${protocol}, which was not offered`);
  }
  return protocol;
}

function negotiationFailure(code: number, nla: NlaPolicy): ConnectError {
  switch (code) {
    case NegotiationFailureCode.hybridRequiredByServer:
      return new ConnectError('nla_required', 'the server requires network level authentication');
    case NegotiationFailureCode.sslWithUserAuthRequiredByServer:
      return new ConnectError('nla_required', 'the server requires tls with user authentication');
    case NegotiationFailureCode.sslNotAllowedByServer:
      // A server limited to standard RDP security gives this answer to an offer of NLA, too.
      return standardSecurityOnly(nla);
    case NegotiationFailureCode.sslCertNotOnServer:
      return new ConnectError('tls_refused', 'the server has no certificate for tls');
    default:
      return new ConnectError('tls_refused', `the server refused the security protocols with failure code ${code}`);
  }
}

function standardSecurityOnly(nla: NlaPolicy): ConnectError {
  const code = nla === 'required' ? 'nla_refused' : 'tls_refused';
  return new ConnectError(code, 'the server offers standard rdp security only');
}
