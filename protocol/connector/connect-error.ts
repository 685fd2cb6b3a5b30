/** Why a connection sequence did not reach its end. */
import type { CredSspError } from '../security/credssp-error.ts';
import type { CredSspErrorCode } from '../security/nt-status.ts';

export type ConnectErrorCode =
  /** What answered is no RDP server. */
  | 'not_rdp'
  /** The server insists on NLA, the policy forbids it. */
  | 'nla_required'
  /** The policy insists on NLA, the server (or what the two could agree on) did not have it. */
  | 'nla_refused'
  /** The policy insists on Restricted Admin mode, the server does not offer it. */
  | 'restricted_admin_refused'
  /** The server does not do TLS, or not for us. */
  | 'tls_refused'
  /** Wrong user name or password, or nobody there to check them. */
  | 'logon_failed'
  /** The account is known, but may not log on now or here. */
  | 'account_restricted'
  /** The user name, domain or password has no room in the message that they go in where there is no NLA. */
  | 'credentials_too_long'
  | 'licensing_failed'
  /** The server refused the connection or ended the sequence, and said so; `errorInfo` where it said why. */
  | 'server_closed'
  /** The transport ended in the midst of the sequence, and the server had said nothing of it. */
  | 'closed_silently';

export interface ConnectErrorDetails {
  /** [MS-RDPBCGR] 2.2.5.1.1 errorInfo. */
  readonly errorInfo?: number;
  /** What CredSSP made of the server's answer: tells an expired password from a locked account. */
  readonly reason?: CredSspErrorCode;
  /** NTSTATUS behind `reason`. */
  readonly status?: number;
  readonly cause?: unknown;
}

/** The connection cannot be made; the peer did nothing against the protocol. Never holds a secret. */
export class ConnectError extends Error {
  override readonly name = 'ConnectError';
  readonly code: ConnectErrorCode;
  readonly errorInfo: number | undefined;
  readonly reason: CredSspErrorCode | undefined;
  readonly status: number | undefined;

  constructor(code: ConnectErrorCode, message: string, details: ConnectErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.errorInfo = details.errorInfo;
    this.reason = details.reason;
    this.status = details.status;
  }
}

/** A failed authentication as the connection's failure. */
export function connectErrorOf(error: CredSspError): ConnectError {
  const details = { reason: error.code, cause: error, ...(error.status !== 0 && { status: error.status }) };
  return new ConnectError(CODE_OF_REASON[error.code], error.message, details);
}

const CODE_OF_REASON: Readonly<Record<CredSspErrorCode, ConnectErrorCode>> = {
  logon_failed: 'logon_failed',
  account_locked: 'account_restricted',
  account_disabled: 'account_restricted',
  account_expired: 'account_restricted',
  password_expired: 'account_restricted',
  password_must_change: 'account_restricted',
  logon_type_not_granted: 'account_restricted',
  account_restriction: 'account_restricted',
  logon_hours: 'account_restricted',
  workstation_restriction: 'account_restricted',
  no_logon_servers: 'logon_failed',
  domain_trust: 'logon_failed',
  time_skew: 'logon_failed',
  ntlm_blocked: 'nla_refused',
  smartcard_required: 'account_restricted',
  delegation_refused: 'nla_refused',
  channel_binding_mismatch: 'tls_refused',
  public_key_mismatch: 'tls_refused',
  version_refused: 'nla_refused',
  refused: 'logon_failed',
};
