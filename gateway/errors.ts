/**
 * Everything that the gateway reports as going wrong, in one table: the stable code, the HTTP status where the API
 * answers with it, the WebSocket close code where a tunnel ends with it, and one sentence that a user understands.
 * `docs/errors.md` has a row for each; a test holds the two together. Codes are never renamed or used again.
 */
interface ErrorRow {
  readonly status: number;
  readonly close: number;
  readonly message: string;
  /** What to do about it, in the words of whoever can. */
  readonly hint?: string;
}

export const errors = {
  // How sessions end.
  ended_by_user: { status: 410, close: 4000, message: 'You ended the session.' },
  ended_by_admin: { status: 410, close: 4001, message: 'An administrator ended the session.' },
  ended_by_rule: { status: 410, close: 4013, message: 'A rule of this gateway ended the session.' },
  access_revoked: { status: 410, close: 4005, message: 'Your access was taken back, so the session was ended.' },
  directory_withdrawn: {
    status: 410,
    close: 4467,
    message: "Your organisation's directory no longer lets you use this.",
    hint: 'Your account there was disabled, removed or taken out of a group. Whoever keeps the directory can say why.',
  },
  access_expired: { status: 410, close: 4006, message: 'The time that your access was granted for is over.' },
  sign_in_expired: {
    status: 410,
    close: 4014,
    message: 'Your sign-in has ended, and with it what was open in it.',
    hint: 'Sign in again and connect again: most desktops are as they were left.',
  },
  idle_too_long: { status: 410, close: 4007, message: 'Nothing was typed or clicked for too long.' },
  session_too_long: {
    status: 410,
    close: 4008,
    message: 'The session has lasted as long as it may.',
    hint: 'While access lasts, another session can be opened.',
  },
  access_returned: { status: 410, close: 4009, message: 'You gave the access back, which ended the session.' },
  browser_gone: {
    status: 410,
    close: 4002,
    message: 'The browser tab of this session was closed or lost its connection.',
  },
  logged_off: { status: 410, close: 4003, message: 'You signed out of the remote desktop.' },
  disconnected_by_server: {
    status: 502,
    close: 4010,
    message: 'The remote desktop ended the connection.',
    hint: 'Another sign-in with the same account, an administrator of that server or its session limits may have ended it.',
  },
  connection_lost: {
    status: 502,
    close: 4011,
    message: 'The connection to the remote desktop was lost.',
    hint: 'The server may have restarted or the network between the gateway and the server failed.',
  },
  protocol_error: {
    status: 502,
    close: 4012,
    message: 'The remote desktop sent something that this gateway could not understand.',
    hint: 'The gateway log names the message, field and offset.',
  },
  target_unresolved: {
    status: 502,
    close: 4020,
    message: 'The name of the remote desktop could not be found.',
    hint: 'Check the host name of the target and the DNS that the gateway uses.',
  },
  target_refused: {
    status: 502,
    close: 4021,
    message: 'The remote desktop refused the connection.',
    hint: 'Check that Remote Desktop is on and that the port is right.',
  },
  target_timeout: {
    status: 504,
    close: 4022,
    message: 'The remote desktop did not answer in time.',
    hint: 'Check that the host is on and that a firewall lets the gateway reach its port.',
  },
  target_not_rdp: {
    status: 502,
    close: 4023,
    message: 'The host answered, but not as a remote desktop.',
    hint: 'Check the port of the target; remote desktops usually use 3389.',
  },
  tls_failed: {
    status: 502,
    close: 4024,
    message: 'No secure connection to the remote desktop could be made.',
    hint: 'The server may only speak outdated versions of TLS.',
  },
  nla_required: {
    status: 502,
    close: 4025,
    message: 'The remote desktop requires Network Level Authentication, which is turned off for this target.',
    hint: 'Set the NLA policy of the target to "preferred" or "required".',
  },
  nla_refused: {
    status: 502,
    close: 4026,
    message: 'The remote desktop does not offer Network Level Authentication, which this target requires.',
    hint: 'Turn on NLA at the server, or set the NLA policy of the target to "preferred".',
  },
  logon_failed: {
    status: 502,
    close: 4027,
    message: 'The remote desktop did not accept the user name or password of the account.',
    hint: 'An administrator can correct the account of this target.',
  },
  account_restricted: {
    status: 502,
    close: 4028,
    message: 'The account may not sign in to this remote desktop at present.',
    hint: 'It may be disabled, locked or expired, its password may have to be changed, or it may lack the right to sign in remotely.',
  },
  certificate_changed: {
    status: 502,
    close: 4029,
    message: 'The certificate of the remote desktop is not the one seen before.',
    hint: 'If the server was reinstalled or its certificate renewed, an administrator can accept the new certificate of the target.',
  },
  certificate_untrusted: {
    status: 502,
    close: 4031,
    message: 'The certificate of the remote desktop is not trusted.',
    hint: 'An administrator decides in the settings of the target which certificates are trusted; "Test connection" says more.',
  },
  tls_too_old: {
    status: 502,
    close: 4032,
    message: 'The remote desktop only offers an older version of TLS than this target allows.',
    hint: 'Turn on TLS 1.2 at the server, or lower the minimum TLS version of the target.',
  },
  restricted_admin_refused: {
    status: 502,
    close: 4033,
    message: 'The remote desktop does not offer Restricted Admin mode, which this target requires.',
    hint: 'Turn it on at the server (DisableRestrictedAdmin = 0), or turn it off for this target.',
  },
  licensing_failed: {
    status: 502,
    close: 4030,
    message: 'The remote desktop refused the connection over its licences.',
    hint: 'Check the Remote Desktop licensing of the server.',
  },
  recorder_unavailable: {
    status: 503,
    close: 4040,
    message: 'The session cannot be recorded, so it was not started.',
    hint: 'Check that ffmpeg is installed and that the data folder can be written.',
  },
  recording_failed: {
    status: 503,
    close: 4041,
    message: 'The recording of the session failed, so the session was ended.',
    hint: 'Check free disk space and the gateway log. What was recorded until then is kept.',
  },
  recording_unreadable: {
    status: 500,
    close: 4044,
    message: 'This recording cannot be read: its file was altered or cut short, or its key is gone.',
    hint: 'The gateway log names the file. A copy from a backup has the same name and opens with the same key.',
  },
  recording_unreachable: {
    status: 503,
    close: 4045,
    message: 'This recording cannot be read at present: the place where it is kept does not answer.',
    hint: 'Nothing of it is lost; try again later. The gateway log says what is wrong with the place.',
  },
  storage_full: {
    status: 507,
    close: 4042,
    message: 'There is too little room left for recordings, so the session was not started.',
    hint: 'An administrator can make room: the storage page says what takes how much, and what is kept for how long.',
  },
  secret_altered: {
    status: 500,
    close: 4060,
    message: 'A stored secret does not open: it was altered, or sealed with another master key.',
    hint: 'The audit log names it. A vault administrator can set it anew, or bring it back from a backup.',
  },
  credential_not_given: {
    status: 408,
    close: 4061,
    message: 'The password that this account asks for was not given.',
    hint: 'Open the desktop again, and type it when you are asked.',
  },
  provider_denied: {
    status: 403,
    close: 4062,
    message: 'The credential provider does not give you the credential of this account.',
    hint: 'Whoever runs the provider decides who may have it.',
  },
  provider_unavailable: {
    status: 502,
    close: 4063,
    message: 'The credential provider of this account cannot be reached, or is in trouble.',
    hint: 'A vault administrator can try it on the page of providers.',
  },
  provider_timeout: {
    status: 504,
    close: 4064,
    message: 'The credential provider of this account did not answer in time.',
    hint: 'A vault administrator can try it on the page of providers.',
  },
  provider_invalid: {
    status: 502,
    close: 4065,
    message: 'The credential provider of this account answered with something that is no credential.',
    hint: 'A vault administrator can try it on the page of providers.',
  },
  master_password_required: { status: 403, close: 4066, message: 'This account asks for your master password.' },
  master_password_wrong: { status: 403, close: 4067, message: 'This is not your master password.' },
  master_password_locked: {
    status: 429,
    close: 4068,
    message: 'Your master password was wrong too often. Please wait before you try it again.',
  },
  master_password_missing: {
    status: 409,
    close: 4069,
    message: 'This account asks for a master password, and you have not set one.',
    hint: 'Set it on the page of your account.',
  },
  nothing_stored: {
    status: 409,
    close: 4070,
    message: 'The password of this account is not kept here: whoever connects brings it.',
  },
  rotation_failed: { status: 502, close: 4071, message: 'The password of the account could not be changed.' },
  host_key_changed: {
    status: 502,
    close: 4072,
    message: 'The SSH key of the computer is not the one seen before.',
    hint: 'If it was set up anew, a vault administrator can accept the new key.',
  },
  worker_lost: {
    status: 500,
    close: 4053,
    message: 'The part of the gateway that this session ran in has failed, so the session was ended.',
    hint: 'Other sessions go on, and what was recorded is kept. A new session can be opened at once.',
  },
  gateway_stopping: { status: 503, close: 4050, message: 'The gateway was stopped.', hint: 'Try again in a moment.' },
  internal_error: {
    status: 500,
    close: 4051,
    message: 'Something went wrong inside the gateway.',
    hint: 'The gateway log says more.',
  },
  // What the API and the tunnel answer.
  bad_request: { status: 400, close: 4400, message: 'The request is not as described in the API.' },
  unauthenticated: { status: 401, close: 4401, message: 'Please sign in.' },
  login_failed: { status: 401, close: 4402, message: 'The user name or password is not right.' },
  second_factor_required: {
    status: 401,
    close: 4407,
    message: 'A code from your authenticator app is needed too.',
    hint: 'Without the app, one of the recovery codes will do.',
  },
  code_wrong: {
    status: 401,
    close: 4408,
    message: 'The code is not right, or was used already.',
    hint: 'Wait for the next one. If codes are never right, the clock of your telephone may be wrong.',
  },
  second_factor_missing: {
    status: 403,
    close: 4411,
    message: 'You need two-step sign-in for this, and have not set it up.',
    hint: 'Set it up on the page of your account.',
  },
  step_up_required: { status: 403, close: 4412, message: 'Please show your second factor again for this.' },
  recent_sign_in_required: {
    status: 403,
    close: 4460,
    message: 'Please prove once more who you are for this.',
    hint: 'Your password will do, or signing in again.',
  },
  factor_not_allowed: {
    status: 403,
    close: 4461,
    message: 'This way to prove who you are is not allowed for your role.',
    hint: 'The page of your account says which are.',
  },
  passkey_refused: {
    status: 401,
    close: 4462,
    message: 'This passkey is not known here, or what it showed is not right.',
    hint: 'It may have been removed from your account. Sign in another way, and look at the page of your account.',
  },
  passkey_cloned: {
    status: 403,
    close: 4463,
    message: 'This passkey is no longer taken, because a copy of it seems to be in use.',
    hint: 'Sign in another way, remove it on the page of your account, and tell an administrator.',
  },
  passkeys_unavailable: {
    status: 409,
    close: 4464,
    message: 'Passkeys do not work at this address of the gateway.',
    hint: 'An administrator sets ORIEL_PUBLIC_URL to the https address, with a host name, that people open.',
  },
  challenge_expired: {
    status: 409,
    close: 4465,
    message: 'This took too long, or was done already.',
    hint: 'Try again.',
  },
  password_expired: {
    status: 403,
    close: 4466,
    message: 'Your password has expired, or must be changed before you can sign in.',
    hint: "Change it where your organisation's passwords are changed, such as at your computer, and sign in then.",
  },
  directory_unavailable: {
    status: 502,
    close: 4414,
    message: 'The sign-in service of your organisation does not answer as it should.',
    hint: 'Try again in a moment. The gateway log says more.',
  },
  directory_refused: {
    status: 403,
    close: 4415,
    message: 'The sign-in service of your organisation did not sign you in here.',
    hint: 'An administrator decides who may sign in, and how users of the gateway belong to those of the directory.',
  },
  delivery_failed: { status: 502, close: 4417, message: 'It could not be delivered.' },
  forbidden: { status: 403, close: 4403, message: 'You may not do this.' },
  not_entitled: {
    status: 403,
    close: 4430,
    message: 'You are not entitled to use this account.',
    hint: 'A policy administrator entitles groups to accounts.',
  },
  request_required: {
    status: 403,
    close: 4431,
    message: 'Access to this account has to be asked for first.',
    hint: 'Make a request; where it has to be approved, the session can be opened once it was.',
  },
  request_not_available: {
    status: 409,
    close: 4432,
    message: 'The request does not give access at this moment.',
  },
  policy_refused: { status: 422, close: 4433, message: 'The request is not what the policy of the account asks for.' },
  account_in_use: {
    status: 409,
    close: 4434,
    message: 'The account is in use, and its policy lets it be used by no more at a time.',
    hint: 'It is free when its holder gives it back, or when their time is over.',
  },
  outside_hours: {
    status: 403,
    close: 4435,
    message: 'The policy of this account does not allow sessions at this time.',
  },
  sessions_stopped: {
    status: 503,
    close: 4052,
    message: 'No new sessions are allowed at present.',
    hint: 'An administrator has stopped them, and can allow them again.',
  },
  origin_refused: {
    status: 403,
    close: 4405,
    message: 'The request comes from a page that does not belong to this gateway.',
    hint: 'Behind a reverse proxy, name its address in ORIEL_ORIGINS.',
  },
  not_found: { status: 404, close: 4404, message: 'There is nothing here, or no longer.' },
  method_not_allowed: { status: 405, close: 4406, message: 'This address does not take that method.' },
  conflict: { status: 409, close: 4409, message: 'This does not go with what is there already.' },
  not_ready: { status: 409, close: 4425, message: 'This is not ready yet.', hint: 'Try again in a moment.' },
  ticket_invalid: {
    status: 401,
    close: 4410,
    message: 'The ticket for this session was used already, is too old or is not valid.',
    hint: 'Open the session again.',
  },
  too_large: { status: 413, close: 4413, message: 'The request is too large.' },
  header_too_large: { status: 431, close: 4436, message: 'The address or the headers of the request are too long.' },
  range_not_satisfiable: { status: 416, close: 4416, message: 'The file does not have that range of bytes.' },
  bad_message: {
    status: 400,
    close: 4418,
    message: 'The browser sent something that the gateway could not understand.',
  },
  viewer_too_slow: {
    status: 408,
    close: 4419,
    message: 'The view was closed because this browser could not keep up.',
    hint: 'Open the view again, or check the network.',
  },
  too_many_requests: { status: 429, close: 4429, message: 'Too many attempts. Please wait a little and try again.' },
} as const satisfies Record<string, ErrorRow>;

export type ErrorCode = keyof typeof errors;

/** The table's row for a code. */
export function errorRow(code: ErrorCode): ErrorRow {
  return errors[code];
}

export function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(errors, code);
}

/** An error whose code may be told to the outside. `detail` is for the same reader: never a secret, never a stack. */
export class GatewayError extends Error {
  override readonly name = 'GatewayError';
  readonly code: ErrorCode;
  readonly detail: string | undefined;

  constructor(code: ErrorCode, detail?: string, options?: { cause?: unknown }) {
    super(detail === undefined ? code : `${code}: ${detail}`, options);
    this.code = code;
    this.detail = detail;
  }
}

/** What a client is told: `{code, message, hint?, detail?}`. */
export interface ErrorReport {
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint?: string;
  readonly detail?: string;
}

export function reportOf(code: ErrorCode, detail?: string): ErrorReport {
  const { message, hint } = errorRow(code);
  return {
    code,
    message,
    ...(hint === undefined ? {} : { hint }),
    ...(detail === undefined ? {} : { detail }),
  };
}
