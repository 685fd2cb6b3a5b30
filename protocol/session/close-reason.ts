import { describeErrorInfo, ErrorInfo } from '../pdu/error-info.ts';
import { DisconnectReason } from '../pdu/mcs-domain.ts';

/** Why a session that was up, or on its way up, is over. */
export interface CloseReason {
  /** Stable: a row of docs/errors.md. */
  readonly code: CloseCode;
  /** One sentence that a user understands. */
  readonly message: string;
  /** What the server gave as its reason, [MS-RDPBCGR] 2.2.5.1.1. */
  readonly errorInfo?: number;
  /** The specification's name of `errorInfo`, for logs. */
  readonly errorName?: string;
}

export type CloseCode =
  | 'ended_by_user'
  | 'logged_off'
  | 'disconnected_by_server'
  | 'connection_lost'
  | 'logon_failed'
  | 'account_restricted'
  | 'licensing_failed'
  | 'protocol_error';

/** What is known when the end comes. */
export interface CloseEvidence {
  /** The last Set Error Info's value, 0 if none came. */
  readonly errorInfo: number;
  /** The server said that the logon failed, and nothing better since. */
  readonly logonFailed: boolean;
  readonly how:
    | { readonly kind: 'mcs-disconnect'; readonly reason: number }
    | { readonly kind: 'x224-disconnect' }
    | { readonly kind: 'transport-closed' };
}

/** The server's own words count most, then how the connection ended. */
export function closeReason(evidence: CloseEvidence): CloseReason {
  const { errorInfo, logonFailed, how } = evidence;
  if (errorInfo !== ErrorInfo.none) {
    const { code, name, message } = describeErrorInfo(errorInfo);
    return { code, message, errorInfo, errorName: name };
  }
  if (logonFailed) return { code: 'logon_failed', message: 'The server did not accept the account or its password.' };
  if (how.kind === 'transport-closed') {
    return { code: 'connection_lost', message: 'The connection to the server was lost.' };
  }
  if (how.kind === 'mcs-disconnect' && how.reason === DisconnectReason.userRequested) {
    return { code: 'logged_off', message: 'The desktop was logged off.' };
  }
  return { code: 'disconnected_by_server', message: 'The server ended the session.' };
}
