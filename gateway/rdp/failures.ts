import { ConnectError, type ConnectErrorCode } from '#protocol/connector/connect-error.ts';
import { DecodeError, UnsupportedError } from '#protocol/core/errors.ts';
import { describeErrorInfo } from '#protocol/pdu/error-info.ts';
import { CredSspError } from '#protocol/security/credssp-error.ts';
import { type CredSspErrorCode, formatStatus } from '#protocol/security/nt-status.ts';
import { type ErrorCode, errorRow } from '../errors.ts';

/** How far a connection had come: what a failure means depends on it. */
export type Stage =
  /** TCP is not there yet. */
  | 'tcp'
  /** X.224: the server has not said which security it wants. */
  | 'negotiation'
  | 'tls'
  /** CredSSP. */
  | 'nla'
  /** The rest of the connection sequence. */
  | 'sequence'
  /** The desktop is there. */
  | 'active';

/** Why a connection is over, told three times: to programs, to users, to administrators. Never holds a secret. */
export interface ConnectionEnd {
  readonly code: ErrorCode;
  /** One sentence that a user understands. */
  readonly message: string;
  /** What an administrator can do about it. */
  readonly hint?: string;
  /** For the log. */
  readonly detail: string;
  /** The server, or the network, gave no reason at all. */
  readonly silent?: true;
}

/** The end for a code, with the table's sentences where there are no better ones. */
export function endOf(
  code: ErrorCode,
  detail: string,
  words: { readonly message?: string; readonly hint?: string } = {},
): ConnectionEnd {
  const row = errorRow(code);
  const hint = words.hint ?? (words.message === undefined ? row.hint : undefined);
  return { code, message: words.message ?? row.message, detail, ...(hint !== undefined && { hint }) };
}

/** What an error of the socket, of TLS or of the protocol means. */
export function describeFailure(error: unknown, stage: Stage): ConnectionEnd {
  const cause = error instanceof AggregateError && error.errors.length > 0 ? error.errors[0] : error;
  if (cause instanceof CredSspError) return nlaEnd(cause);
  if (cause instanceof DecodeError) {
    return stage === 'negotiation' ? endOf('target_not_rdp', cause.message) : endOf('protocol_error', cause.message);
  }
  if (cause instanceof UnsupportedError) return endOf('protocol_error', cause.message);
  if (cause instanceof ConnectError) return connectErrorEnd(cause, stage);
  const code = systemCode(cause);
  if (code === undefined) return endOf('internal_error', describe(cause));
  if (stage === 'tcp') return endOf(TCP_CODES[code] ?? 'target_timeout', describe(cause));
  if (stage === 'tls' || code.startsWith('ERR_SSL') || code === 'EPROTO') return endOf('tls_failed', describe(cause));
  return closedEnd(stage, describe(cause));
}

/** The server closed the connection, or it broke, and said nothing before. */
export function closedEnd(stage: Stage, detail: string): ConnectionEnd {
  switch (stage) {
    case 'negotiation':
      return endOf('connection_lost', `closed before the X.224 Connection Confirm: ${detail}`, {
        message: 'The host closed the connection before it answered as a remote desktop.',
        hint: 'Check the port of the target, and whether the server has reached its number of connections.',
      });
    case 'tls':
      return endOf('tls_failed', detail);
    case 'nla':
      // Servers that do not know errorCode (CredSSP 2 and 5, and FreeRDP's) just hang up on a wrong password.
      return endOf('logon_failed', `closed during NLA: ${detail}`);
    default:
      return endOf('connection_lost', detail);
  }
}

/** No answer in time. */
export function timeoutEnd(stage: Stage, milliseconds: number): ConnectionEnd {
  return endOf('target_timeout', `no answer within ${milliseconds} ms (${stage})`);
}

const TCP_CODES: Readonly<Record<string, ErrorCode>> = {
  ENOTFOUND: 'target_unresolved',
  EAI_AGAIN: 'target_unresolved',
  EAI_FAIL: 'target_unresolved',
  EAI_NODATA: 'target_unresolved',
  EAI_NONAME: 'target_unresolved',
  EINVAL: 'target_unresolved',
  ECONNREFUSED: 'target_refused',
  ECONNRESET: 'target_refused',
  EACCES: 'target_refused',
  EPERM: 'target_refused',
  ETIMEDOUT: 'target_timeout',
  EHOSTUNREACH: 'target_timeout',
  EHOSTDOWN: 'target_timeout',
  ENETUNREACH: 'target_timeout',
  EADDRNOTAVAIL: 'target_timeout',
};

interface NlaWords {
  readonly code: ErrorCode;
  readonly message?: string;
  readonly hint?: string;
}

/** What CredSSP's findings mean to a user, and what its administrator can do. */
const NLA_WORDS: Readonly<Record<CredSspErrorCode, NlaWords>> = {
  logon_failed: { code: 'logon_failed' },
  account_locked: {
    code: 'account_restricted',
    message: 'The account is locked on the remote desktop.',
    hint: 'Unlock it, and correct its password here first: wrong ones lock it again.',
  },
  account_disabled: {
    code: 'account_restricted',
    message: 'The account is disabled on the remote desktop.',
    hint: 'Enable the account, or give this target another one.',
  },
  account_expired: {
    code: 'account_restricted',
    message: 'The account has expired on the remote desktop.',
    hint: 'Extend the account, or give this target another one.',
  },
  password_expired: {
    code: 'account_restricted',
    message: 'The password of the account has expired.',
    hint: 'Change the password at the server, then enter the new one for the account of this target.',
  },
  password_must_change: {
    code: 'account_restricted',
    message: 'The password of the account must be changed before it can be used.',
    hint: 'Change the password at the server, then enter the new one for the account of this target.',
  },
  logon_type_not_granted: {
    code: 'account_restricted',
    message: 'The account may not sign in to this server by Remote Desktop.',
    hint: 'Add it to the group "Remote Desktop Users" of the server.',
  },
  account_restriction: {
    code: 'account_restricted',
    message: 'A restriction of the account keeps it from signing in to this server.',
    hint: 'Windows refuses empty passwords from afar, accounts in "Protected Users", and Restricted Admin mode where it is off.',
  },
  logon_hours: {
    code: 'account_restricted',
    message: 'The account may not sign in at this time of day.',
    hint: 'Check the logon hours of the account.',
  },
  workstation_restriction: {
    code: 'account_restricted',
    message: 'The account may not sign in to this server.',
    hint: 'Check "Log On To" of the account and selective authentication of the trust between the domains.',
  },
  no_logon_servers: {
    code: 'account_restricted',
    message: 'The server cannot reach the domain that the account belongs to.',
    hint: 'Check the domain name of the account, and the connection from the server to its domain controllers.',
  },
  domain_trust: {
    code: 'account_restricted',
    message: 'The server is not trusted by the domain that the account belongs to.',
    hint: 'Repair the trust between the server and its domain (Test-ComputerSecureChannel -Repair).',
  },
  time_skew: {
    code: 'account_restricted',
    message: 'The clock of the server differs too much from that of its domain.',
    hint: 'Set the clocks of the server and its domain controller by the same source.',
  },
  ntlm_blocked: {
    code: 'account_restricted',
    message: 'The server does not let this account sign in in the way that this gateway supports.',
    hint: 'A policy blocks NTLM. Allow it for this server, or take the account out of "Protected Users".',
  },
  smartcard_required: {
    code: 'account_restricted',
    message: 'The account may only sign in with a smart card.',
    hint: 'Give this target an account that may sign in with a password.',
  },
  delegation_refused: {
    code: 'account_restricted',
    message: 'The server does not accept the credentials of this account.',
    hint: 'Check the policies for delegating credentials ("CredSSP encryption oracle remediation").',
  },
  channel_binding_mismatch: {
    code: 'tls_failed',
    message: 'The secure connection does not end at the server that asked for the sign-in.',
    hint: 'Something between the gateway and the server opens TLS (a proxy or a firewall).',
  },
  public_key_mismatch: {
    code: 'tls_failed',
    message: 'The secure connection does not end at the server that asked for the sign-in.',
    hint: 'Something between the gateway and the server opens TLS (a proxy or a firewall).',
  },
  version_refused: {
    code: 'nla_refused',
    message: 'The server only offers an outdated form of Network Level Authentication.',
    hint: 'Install the updates of the server (CVE-2018-0886), or lower the oldest version of CredSSP that the target takes.',
  },
  refused: {
    code: 'logon_failed',
    message: 'The server refused the sign-in.',
    hint: 'Look up the status in the gateway log.',
  },
};

function nlaEnd(error: CredSspError): ConnectionEnd {
  const { code, ...words } = NLA_WORDS[error.code];
  return endOf(code, error.status === 0 ? error.message : `${error.code} (${formatStatus(error.status)})`, words);
}

function connectErrorEnd(error: ConnectError, stage: Stage): ConnectionEnd {
  if (error.cause instanceof CredSspError) return nlaEnd(error.cause);
  if (error.errorInfo !== undefined && error.errorInfo !== 0) {
    const { code, name, message } = describeErrorInfo(error.errorInfo);
    return endOf(code, `${name} (${error.errorInfo}, ${stage})`, { message });
  }
  // What has no status of CredSSP's has a reason all the same: early user authorization, RDSTLS.
  if (error.reason !== undefined && error.reason !== 'refused') {
    const { code, ...words } = NLA_WORDS[error.reason];
    return endOf(code, error.message, words);
  }
  if (error.code === 'tls_refused' && stage === 'negotiation') {
    return endOf('tls_failed', error.message, {
      message: 'The server offers no TLS to protect the connection.',
      hint: 'Let it use TLS for Remote Desktop, with a certificate; an old server without it needs standard RDP security to be accepted in the settings of the target.',
    });
  }
  if (error.code === 'credentials_too_long') return endOf('account_restricted', error.message, TOO_LONG);
  if (error.code === 'server_closed') return endOf('disconnected_by_server', error.message, REFUSED);
  const end = endOf(CONNECT_CODES[error.code], error.message);
  return error.code === 'closed_silently' ? { ...end, silent: true } : end;
}

const TOO_LONG = {
  message: 'The user name or password of the account is longer than this server takes: 255 characters.',
  hint: 'Turn on Network Level Authentication at the server and for this target, which takes longer ones, or give the account shorter ones.',
};

const REFUSED = {
  message: 'The server refused the connection.',
  hint: 'It may have as many connections as it takes, or take none at present. The log of its Remote Desktop service may say more.',
};

const CONNECT_CODES: Readonly<Record<ConnectErrorCode, ErrorCode>> = {
  not_rdp: 'target_not_rdp',
  nla_required: 'nla_required',
  nla_refused: 'nla_refused',
  restricted_admin_refused: 'restricted_admin_refused',
  tls_refused: 'tls_failed',
  logon_failed: 'logon_failed',
  account_restricted: 'account_restricted',
  credentials_too_long: 'account_restricted',
  licensing_failed: 'licensing_failed',
  server_closed: 'disconnected_by_server',
  closed_silently: 'disconnected_by_server',
};

/** `ECONNREFUSED` and the like; Node's own `ERR_…` too. */
function systemCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

/** An error's first line: no stack, no inspected objects. */
function describe(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message.split('\n', 1)[0]}` : 'a value was thrown';
}
