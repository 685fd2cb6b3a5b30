/** Which security protocols the policy asks for, and what it makes of the server's choice. A downgrade is never silent. */
import type { ServerCoreData } from '../pdu/gcc-server-data.ts';
import {
  type ConnectionConfirm,
  NegotiationFailureCode,
  NegotiationRequestFlags,
  NegotiationResponseFlags,
  SecurityProtocol,
} from '../pdu/nego.ts';
import { ConnectError } from './connect-error.ts';
import type { ClientConfig, NlaPolicy } from './types.ts';

type SecurityPolicy = Pick<ClientConfig, 'nla' | 'restrictedAdmin' | 'legacySecurity' | 'redirected'>;

/** TLS is asked for along with CredSSP, which builds on it ([MS-RDPBCGR] 2.2.1.1.1); the answer is held to the policy. */
export function requestedProtocols({ nla, legacySecurity, redirected }: SecurityPolicy): number {
  if (legacySecurity === 'required') return SecurityProtocol.rdp;
  // What the redirection brought is good for RDSTLS only, and the user's own password is not for that server's eyes.
  if (redirected?.rdstls !== undefined) return SecurityProtocol.ssl | SecurityProtocol.rdstls;
  if (nla === 'never') return SecurityProtocol.ssl;
  return SecurityProtocol.ssl | SecurityProtocol.hybrid | SecurityProtocol.hybridEx;
}

/** [MS-RDPBCGR] 2.2.1.1.1 flags. */
export function requestFlags(policy: SecurityPolicy): number {
  return policy.restrictedAdmin === true && policy.redirected?.rdstls === undefined
    ? NegotiationRequestFlags.restrictedAdminModeRequired
    : 0;
}

/** One of SSL, HYBRID, HYBRID_EX, RDSTLS and, where the policy accepts it, standard RDP security. Throws `ConnectError` where the server and the policy cannot agree. */
export function selectedProtocol(confirm: ConnectionConfirm, policy: SecurityPolicy): number {
  const { nla } = policy;
  if (confirm.kind === 'failure') throw negotiationFailure(confirm.code, policy);
  // Without a negotiation response the server wants standard RDP security, which has no server authentication.
  const protocol = confirm.kind === 'response' ? confirm.protocol : SecurityProtocol.rdp;
  if (protocol === SecurityProtocol.rdp) {
    if (acceptsLegacySecurity(policy)) return protocol;
    throw standardSecurityOnly(nla);
  }
  if (policy.redirected?.rdstls !== undefined && protocol !== SecurityProtocol.rdstls) {
    throw new ConnectError('nla_refused', 'the server does not offer the redirected logon');
  }
  if (protocol === SecurityProtocol.ssl && nla === 'required') {
    throw new ConnectError('nla_refused', 'the server does not offer network level authentication');
  }
  // By RDSTLS the server gets no password either.
  if (policy.restrictedAdmin === true && protocol !== SecurityProtocol.rdstls)
    requireRestrictedAdmin(confirm, protocol);
  const isSingle = (protocol & (protocol - 1)) === 0;
  if (!isSingle || (protocol & requestedProtocols(policy)) === 0) {
    throw new ConnectError('tls_refused', `the server selected security protocol ${protocol}, which was not offered`);
  }
  return protocol;
}

/** TLS alone would hand the server the password that this mode keeps from it. */
function requireRestrictedAdmin(confirm: ConnectionConfirm, protocol: number): void {
  const { restrictedAdminModeSupported } = NegotiationResponseFlags;
  const supported = confirm.kind === 'response' && (confirm.flags & restrictedAdminModeSupported) !== 0;
  if (supported && protocol !== SecurityProtocol.ssl) return;
  throw new ConnectError('restricted_admin_refused', 'the server does not offer restricted admin mode');
}

/** Required NLA or Restricted Admin mode rule it out. */
export function acceptsLegacySecurity({ nla, legacySecurity, restrictedAdmin, redirected }: SecurityPolicy): boolean {
  if (legacySecurity === 'required') return true;
  const needsMore = nla === 'required' || restrictedAdmin === true || redirected?.rdstls !== undefined;
  return legacySecurity === 'accepted' && !needsMore;
}

/** The server has no TLS, and the policy takes less: ask again, on a new connection, for standard RDP security. */
export function wantsLegacyAnew(confirm: ConnectionConfirm, policy: SecurityPolicy): boolean {
  const refused = confirm.kind === 'failure' && confirm.code === NegotiationFailureCode.sslNotAllowedByServer;
  return refused && policy.legacySecurity !== 'required' && acceptsLegacySecurity(policy);
}

/** [MS-RDPBCGR] 2.2.1.3: without this flag the blocks from Monitor Data on must not be sent. */
export function takesExtendedClientData(confirm: ConnectionConfirm): boolean {
  return confirm.kind === 'response' && (confirm.flags & NegotiationResponseFlags.extendedClientDataSupported) !== 0;
}

/**
 * [MS-RDPBCGR] 3.2.5.3.4: the server repeats, over the connection that is secured by now, what it was asked for in the
 * clear. If that is something else, somebody in between has changed the request. Servers that say nothing of it pass.
 */
export function checkRequestedProtocols(
  core: ServerCoreData,
  confirm: ConnectionConfirm,
  policy: SecurityPolicy,
): void {
  const { clientRequestedProtocols: heard } = core;
  const asked = requestedProtocols(policy);
  if (confirm.kind !== 'response' || heard === undefined || heard === asked) return;
  throw new ConnectError('tls_refused', `the server was asked for security protocols ${heard}, not for our ${asked}`);
}

function negotiationFailure(code: number, policy: SecurityPolicy): ConnectError {
  const { nla } = policy;
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
