import { LogonErrorData, type LogonErrorInfo, LogonMessage } from '../pdu/save-session-info.ts';
import { StatusCode } from '../pdu/status-info.ts';

/** What the user should know about a logon that is not done yet: [MS-RDPBCGR] 2.2.10.1.1.4.1.1, 2.2.5.2. */
export interface LogonNotice {
  /** Stable. */
  readonly code: LogonNoticeCode;
  /** One sentence that a user understands. */
  readonly message: string;
}

export type LogonNoticeCode =
  | 'logon_bad_password'
  | 'logon_update_password'
  | 'logon_failed'
  | 'logon_warning'
  | 'logon_no_permission'
  | 'logon_session_taken'
  | 'logon_session_choice'
  | 'logon_session_ending'
  | 'status_finding'
  | 'status_preparing'
  | 'status_redirecting'
  | 'status_starting';

/** `undefined`: nothing that anybody has to know. */
export function logonNotice(info: LogonErrorInfo): LogonNotice | undefined {
  if (info.type >= LogonMessage.sessionBusyOptions) return BY_MESSAGE.get(info.type);
  return BY_DATA.get(info.data);
}

/** What a broker says while it gets a computer ready; `undefined` for what it may say some day. */
export function statusNotice(statusCode: number): LogonNotice | undefined {
  return BY_STATUS.get(statusCode);
}

const BY_MESSAGE = new Map<number, LogonNotice>([
  [
    LogonMessage.sessionBusyOptions,
    { code: 'logon_session_taken', message: 'The session that is there is busy; the server asks what to do.' },
  ],
  [
    LogonMessage.disconnectRefused,
    { code: 'logon_session_taken', message: 'The user who is signed in refused to be disconnected.' },
  ],
  [
    LogonMessage.noPermission,
    { code: 'logon_no_permission', message: 'The account may not take over the session that is there.' },
  ],
  [
    LogonMessage.bumpOptions,
    { code: 'logon_session_taken', message: 'Another user is signed in; the server asks whether to disconnect them.' },
  ],
  [
    LogonMessage.reconnectOptions,
    { code: 'logon_session_choice', message: 'The server asks which of the disconnected sessions to continue.' },
  ],
  [LogonMessage.accessDenied, { code: 'logon_failed', message: 'The server could not sign the account in.' }],
  [LogonMessage.sessionTerminate, { code: 'logon_session_ending', message: 'The server is ending the sign-in.' }],
]);

const BY_DATA = new Map<number, LogonNotice>([
  [LogonErrorData.badPassword, { code: 'logon_bad_password', message: 'The server did not accept the password.' }],
  [LogonErrorData.updatePassword, { code: 'logon_update_password', message: 'The password has to be changed.' }],
  [LogonErrorData.other, { code: 'logon_failed', message: 'The server could not sign the account in.' }],
  [LogonErrorData.warning, { code: 'logon_warning', message: 'The server has a message about the sign-in.' }],
]);

const PREPARING = { code: 'status_preparing', message: 'The computer is being prepared for the session.' } as const;
const WAITING = { code: 'status_starting', message: 'The server waits for the virtual machine to come up.' } as const;

const BY_STATUS = new Map<number, LogonNotice>([
  [StatusCode.findingDestination, { code: 'status_finding', message: 'The server looks for the computer.' }],
  [StatusCode.loadingDestination, PREPARING],
  [StatusCode.bringingSessionOnline, PREPARING],
  [StatusCode.redirectingToDestination, { code: 'status_redirecting', message: 'The connection is sent on.' }],
  [StatusCode.vmLoading, { code: 'status_starting', message: 'The virtual machine is being loaded.' }],
  [StatusCode.vmWaking, { code: 'status_starting', message: 'The virtual machine is being woken up.' }],
  [StatusCode.vmStarting, { code: 'status_starting', message: 'The virtual machine is being started.' }],
  [StatusCode.vmStartingMonitoring, WAITING],
  [StatusCode.vmRetryingMonitoring, WAITING],
]);
