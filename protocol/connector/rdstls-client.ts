/** The client's side of RDSTLS ([MS-RDPBCGR] 5.4.5.3): capabilities come, the request goes, the response comes. */
import { DecodeError } from '../core/errors.ts';
import {
  decodeRdstlsCapabilities,
  decodeRdstlsResponse,
  encodeRdstlsRequest,
  RDSTLS_VERSION,
  type RdstlsRequest,
  RdstlsResult,
} from '../pdu/rdstls.ts';
import type { CredSspErrorCode } from '../security/nt-status.ts';
import { ConnectError, type ConnectErrorCode } from './connect-error.ts';

/** @returns the request to send. Throws `DecodeError`. */
export function answerRdstlsCapabilities(bytes: Uint8Array, request: RdstlsRequest): Uint8Array {
  const { supportedVersions } = decodeRdstlsCapabilities(bytes);
  if (!(supportedVersions & RDSTLS_VERSION)) {
    throw new DecodeError('invalid_value', 'RDSTLS Capabilities PDU', 'SupportedVersions', 6, `${supportedVersions}`);
  }
  return encodeRdstlsRequest(request);
}

/** Throws `ConnectError` unless the server let the user in. */
export function checkRdstlsResponse(bytes: Uint8Array): void {
  const { resultCode } = decodeRdstlsResponse(bytes);
  if (resultCode === RdstlsResult.success) return;
  const [code, reason] = FAILURES.get(resultCode) ?? (['logon_failed', 'refused'] as const);
  throw new ConnectError(code, `the server refused the redirected logon with code 0x${resultCode.toString(16)}`, {
    reason,
    status: resultCode,
  });
}

const FAILURES = new Map<number, readonly [ConnectErrorCode, CredSspErrorCode]>([
  [RdstlsResult.accessDenied, ['account_restricted', 'logon_type_not_granted']],
  [RdstlsResult.logonFailure, ['logon_failed', 'logon_failed']],
  [RdstlsResult.invalidLogonHours, ['account_restricted', 'logon_hours']],
  [RdstlsResult.passwordExpired, ['account_restricted', 'password_expired']],
  [RdstlsResult.accountDisabled, ['account_restricted', 'account_disabled']],
  [RdstlsResult.passwordMustChange, ['account_restricted', 'password_must_change']],
  [RdstlsResult.accountLockedOut, ['account_restricted', 'account_locked']],
]);
