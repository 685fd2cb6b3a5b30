/** [MS-ERREF] 2.3.1 NTSTATUS and 2.1.1 HRESULT values that a CredSSP server answers a logon with. */
export const NtStatus = {
  invalidParameter: 0xc000000d,
  accessDenied: 0xc0000022,
  noLogonServers: 0xc000005e,
  noSuchUser: 0xc0000064,
  wrongPassword: 0xc000006a,
  logonFailure: 0xc000006d,
  accountRestriction: 0xc000006e,
  invalidLogonHours: 0xc000006f,
  invalidWorkstation: 0xc0000070,
  passwordExpired: 0xc0000071,
  accountDisabled: 0xc0000072,
  notSupported: 0xc00000bb,
  noSuchDomain: 0xc00000df,
  timeDifferenceAtDc: 0xc0000133,
  logonTypeNotGranted: 0xc000015b,
  noTrustLsaSecret: 0xc000018a,
  noTrustSamAccount: 0xc000018b,
  trustedDomainFailure: 0xc000018c,
  trustedRelationshipFailure: 0xc000018d,
  accountExpired: 0xc0000193,
  nologonInterdomainTrust: 0xc0000198,
  nologonWorkstationTrust: 0xc0000199,
  nologonServerTrust: 0xc000019a,
  passwordMustChange: 0xc0000224,
  accountLockedOut: 0xc0000234,
  badBindings: 0xc000035b,
  smartcardLogonRequired: 0xc00002fa,
  downgradeDetected: 0xc0000388,
  authenticationFirewallFailed: 0xc0000413,
  ntlmBlocked: 0xc0000418,
  passwordChangeRequired: 0xc000042a,
  // HRESULTs of the security support provider: servers send these as well.
  secUnsupportedFunction: 0x80090302,
  secInvalidToken: 0x80090308,
  secLogonDenied: 0x8009030c,
  secNoCredentials: 0x8009030e,
  secNoAuthenticatingAuthority: 0x80090311,
  secMessageAltered: 0x8009030f,
  secTimeSkew: 0x80090324,
  secBadBindings: 0x80090346,
  secDelegationPolicy: 0x8009035e,
  secPolicyNtlmOnly: 0x8009035f,
} as const;

export type CredSspErrorCode =
  /** Wrong user name or password: servers do not say which. */
  | 'logon_failed'
  | 'account_locked'
  | 'account_disabled'
  | 'account_expired'
  | 'password_expired'
  | 'password_must_change'
  /** The account may not log on through Remote Desktop. */
  | 'logon_type_not_granted'
  | 'account_restriction'
  | 'logon_hours'
  | 'workstation_restriction'
  /** The server can reach no domain controller, or its trust with the domain is broken. */
  | 'no_logon_servers'
  | 'domain_trust'
  | 'time_skew'
  /** NTLM, or this account by NTLM, is not allowed: Kerberos is wanted. */
  | 'ntlm_blocked'
  | 'smartcard_required'
  | 'delegation_refused'
  | 'channel_binding_mismatch'
  /** The other end of TLS is not the one that authenticated: somebody sits in between. */
  | 'public_key_mismatch'
  /** The versions of CredSSP that both ends allow have none in common. */
  | 'version_refused'
  /** The server said no with a status that is not listed here. */
  | 'refused';

/** What a status means to whoever wanted to log on. */
export function codeOfStatus(status: number): CredSspErrorCode {
  return CODES.get(status >>> 0) ?? 'refused';
}

/** `0xC000006D`: how administrators look a status up. */
export function formatStatus(status: number): string {
  return `0x${(status >>> 0).toString(16).toUpperCase().padStart(8, '0')}`;
}

const CODES: ReadonlyMap<number, CredSspErrorCode> = new Map([
  [NtStatus.noSuchUser, 'logon_failed'],
  [NtStatus.wrongPassword, 'logon_failed'],
  [NtStatus.logonFailure, 'logon_failed'],
  [NtStatus.secLogonDenied, 'logon_failed'],
  [NtStatus.accountLockedOut, 'account_locked'],
  [NtStatus.accountDisabled, 'account_disabled'],
  [NtStatus.accountExpired, 'account_expired'],
  [NtStatus.passwordExpired, 'password_expired'],
  [NtStatus.passwordMustChange, 'password_must_change'],
  [NtStatus.passwordChangeRequired, 'password_must_change'],
  [NtStatus.logonTypeNotGranted, 'logon_type_not_granted'],
  [NtStatus.accountRestriction, 'account_restriction'],
  [NtStatus.nologonInterdomainTrust, 'account_restriction'],
  [NtStatus.nologonWorkstationTrust, 'account_restriction'],
  [NtStatus.nologonServerTrust, 'account_restriction'],
  [NtStatus.accessDenied, 'logon_type_not_granted'],
  [NtStatus.invalidLogonHours, 'logon_hours'],
  [NtStatus.invalidWorkstation, 'workstation_restriction'],
  [NtStatus.authenticationFirewallFailed, 'workstation_restriction'],
  [NtStatus.noLogonServers, 'no_logon_servers'],
  [NtStatus.noSuchDomain, 'no_logon_servers'],
  [NtStatus.secNoAuthenticatingAuthority, 'no_logon_servers'],
  [NtStatus.noTrustLsaSecret, 'domain_trust'],
  [NtStatus.noTrustSamAccount, 'domain_trust'],
  [NtStatus.trustedDomainFailure, 'domain_trust'],
  [NtStatus.trustedRelationshipFailure, 'domain_trust'],
  [NtStatus.timeDifferenceAtDc, 'time_skew'],
  [NtStatus.secTimeSkew, 'time_skew'],
  [NtStatus.ntlmBlocked, 'ntlm_blocked'],
  [NtStatus.notSupported, 'ntlm_blocked'],
  [NtStatus.secPolicyNtlmOnly, 'ntlm_blocked'],
  [NtStatus.downgradeDetected, 'ntlm_blocked'],
  [NtStatus.smartcardLogonRequired, 'smartcard_required'],
  [NtStatus.secDelegationPolicy, 'delegation_refused'],
  [NtStatus.badBindings, 'channel_binding_mismatch'],
  [NtStatus.secBadBindings, 'channel_binding_mismatch'],
]);
