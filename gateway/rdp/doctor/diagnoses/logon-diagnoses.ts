import type { DiagnosisRow } from './diagnosis-row.ts';

/** Of Network Level Authentication and the logon. */
export const logonDiagnoses = {
  // Network Level Authentication, before a password is sent.
  nla_closed: {
    step: 'nla',
    severity: 'error',
    message: 'The server closes the connection when Network Level Authentication begins.',
    cause:
      'The policy "Restrict NTLM: Incoming NTLM traffic" denies NTLM, the server is short of memory, or CredSSP is turned off there.',
    fix: "Check the log Applications and Services, Microsoft, Windows, NTLM at the server; allow NTLM for this gateway's accounts.",
  },
  nla_no_answer: {
    step: 'nla',
    severity: 'error',
    message: 'The server does not answer Network Level Authentication.',
    cause: 'LSASS of the server is overloaded or waits for a domain controller that it cannot reach.',
    fix: 'Check the connection of the server to its domain controllers ("nltest /sc_verify:DOMAIN").',
  },
  nla_malformed: {
    step: 'nla',
    severity: 'error',
    message: 'What the server answers to Network Level Authentication breaks the protocol.',
    cause: 'The server is no Windows, or something between changes what it sends.',
    fix: 'The details name the field; report them together with the kind of server.',
  },
  nla_refused: {
    step: 'nla',
    severity: 'error',
    message: 'The server refuses Network Level Authentication before it has seen an account.',
    cause: 'NTLM is turned off by policy at the server, or its CredSSP does not go with this client.',
    fix: 'Look up the status; allow NTLM for this server ("Restrict NTLM: Add server exceptions in this domain").',
  },
  clock_differs: {
    step: 'nla',
    severity: 'warning',
    message: 'The clock differs by more than five minutes between the server and this gateway.',
    cause:
      'One of the two does not take its time from the domain or an NTP server; virtual machines that were paused often show it.',
    fix: 'Run "w32tm /query /status" and "w32tm /resync" at the server, and check the gateway\'s time. Kerberos, certificates and audit records depend on it.',
  },
  credssp_outdated: {
    step: 'nla',
    severity: 'warning',
    message:
      'The server speaks a version of CredSSP that is open to CVE-2018-0886 (CredSSP encryption oracle remediation).',
    cause: 'The updates of May 2018 or later are missing at the server.',
    fix: 'Install the updates of the server. Until then, clients with "Encryption Oracle Remediation" set to "Force Updated Clients" refuse it.',
  },
  credssp_refused: {
    step: 'nla',
    severity: 'error',
    message:
      'CredSSP encryption oracle remediation: the server speaks an older version of CredSSP than this target takes.',
    cause: 'The updates of May 2018 or later (CVE-2018-0886) are missing at the server.',
    fix: 'Install the updates of the server; until then, lower the oldest version of CredSSP in the settings of this target.',
  },
  // The logon itself.
  logon_failed: {
    step: 'logon',
    severity: 'error',
    message: 'The user name or password is wrong.',
    cause:
      "Windows does not say which of the two. A local account without the computer's name is looked for in the domain first; a Microsoft account needs its password, not its PIN.",
    fix: 'Give a local account as COMPUTER\\user or .\\user, a domain account as DOMAIN\\user or user@domain; event 4625 in the Security log of the server has the sub status.',
  },
  logon_closed: {
    step: 'logon',
    severity: 'error',
    message: 'The server closes the connection when it has seen the account, and does not say why.',
    cause: "The user name or password is wrong as a rule: servers with old CredSSP, and FreeRDP's, say nothing more.",
    fix: 'Check user name, domain and password; event 4625 in the Security log of the server tells the reason.',
  },
  logon_no_answer: {
    step: 'logon',
    severity: 'error',
    message: 'The server does not say whether it accepts the account.',
    cause: 'It waits for a domain controller that does not answer.',
    fix: 'Check the connection of the server to its domain controllers ("nltest /sc_verify:DOMAIN").',
  },
  account_locked: {
    step: 'logon',
    severity: 'error',
    message: 'The account is locked.',
    cause: 'Too many wrong passwords, often from a service or a phone that still uses an old one.',
    fix: 'Unlock-ADAccount (or lusrmgr.msc for a local account), after correcting the password here; event 4740 on the domain controller names where the wrong ones come from.',
  },
  account_disabled: {
    step: 'logon',
    severity: 'error',
    message: 'The account is disabled.',
    cause: 'Somebody disabled it; the built-in Administrator is so on Windows 10 and 11.',
    fix: 'Enable-ADAccount or Enable-LocalUser, or use another account.',
  },
  account_expired: {
    step: 'logon',
    severity: 'error',
    message: 'The account has expired.',
    cause: 'Its expiry date has passed.',
    fix: 'Clear-ADAccountExpiration or set a later date.',
  },
  password_expired: {
    step: 'logon',
    severity: 'error',
    message: 'The password has expired.',
    cause:
      'It is older than the password policy allows. With Network Level Authentication there is no screen to change it on.',
    fix: 'Change the password (Ctrl+Alt+Del at a console, or Set-ADAccountPassword), then enter the new one here.',
  },
  password_must_change: {
    step: 'logon',
    severity: 'error',
    message: 'The password must be changed before the first sign-in.',
    cause:
      '"User must change password at next logon" is set. With Network Level Authentication there is no screen to change it on.',
    fix: 'Change the password once at a console, or clear the check mark and enter the password here.',
  },
  logon_type_not_granted: {
    step: 'logon',
    severity: 'error',
    message: 'The account is not allowed to log on through Remote Desktop.',
    cause:
      'It is in neither "Administrators" nor "Remote Desktop Users", lacks the right "Allow log on through Remote Desktop Services", or "Deny log on through Remote Desktop Services" names it.',
    fix: 'Add it to the local group "Remote Desktop Users", and check both rights in secpol.msc (Local Policies, User Rights Assignment).',
  },
  account_restriction: {
    step: 'logon',
    severity: 'error',
    message: 'A restriction of the account keeps it from signing in.',
    cause:
      'The password is empty (Windows refuses that from afar), the account is in "Protected Users" (no NTLM), or an authentication policy forbids it.',
    fix: 'Give the account a password, or take it out of "Protected Users" for this use.',
  },
  restricted_admin_disabled: {
    step: 'logon',
    severity: 'error',
    message: 'Restricted Admin mode is disabled at the server, or the account is no administrator there.',
    cause:
      'Windows answers so when the mode is asked for and DisableRestrictedAdmin is not 0; the mode is for members of "Administrators" only.',
    fix: 'Set the DWORD DisableRestrictedAdmin to 0 under HKLM\\SYSTEM\\CurrentControlSet\\Control\\Lsa at the server and use an administrator, or turn the mode off for this target.',
  },
  logon_hours: {
    step: 'logon',
    severity: 'error',
    message: 'The account may not sign in at this time of day.',
    cause: 'Its logon hours exclude the present.',
    fix: 'Change "Logon Hours" in the account\'s properties.',
  },
  workstation_restriction: {
    step: 'logon',
    severity: 'error',
    message: 'The account may not sign in to this server.',
    cause:
      '"Log On To" of the account names other computers, or selective authentication of a trust lacks "Allowed to authenticate".',
    fix: 'Add the server to "Log On To", or grant "Allowed to authenticate" on the server\'s computer object.',
  },
  no_logon_servers: {
    step: 'logon',
    severity: 'error',
    message: "The server cannot reach a domain controller of the account's domain, or does not know that domain.",
    cause: "The domain is misspelt, the controllers are down, or the server's DNS does not lead to them.",
    fix: 'Check the domain name here; run "nltest /dsgetdc:DOMAIN" at the server.',
  },
  domain_trust: {
    step: 'logon',
    severity: 'error',
    message: 'The trust between the server and its domain is broken.',
    cause: "The computer's password does not match the domain's, as after a restored snapshot.",
    fix: 'Test-ComputerSecureChannel -Repair at the server, or join it to the domain again.',
  },
  time_skew: {
    step: 'logon',
    severity: 'error',
    message: "The clock of the server differs too much from its domain controller's.",
    cause: 'The server does not take its time from the domain.',
    fix: 'Run w32tm /config /syncfromflags:domhier /update, then w32tm /resync at the server.',
  },
  ntlm_blocked: {
    step: 'logon',
    severity: 'error',
    message: 'The server does not let this account sign in with NTLM.',
    cause: 'A "Restrict NTLM" policy is on, or the account is in "Protected Users", which only has Kerberos.',
    fix: 'Add the server to "Restrict NTLM: Add server exceptions in this domain", or use an account outside of "Protected Users".',
  },
  smartcard_required: {
    step: 'logon',
    severity: 'error',
    message: 'The account may only sign in with a smart card.',
    cause: '"Smart card is required for interactive logon" is set for it, or by policy for the server.',
    fix: 'Use an account that may sign in with a password.',
  },
  encryption_oracle_remediation: {
    step: 'logon',
    severity: 'error',
    message:
      'CredSSP encryption oracle remediation: the server and this gateway do not agree on a safe version of CredSSP.',
    cause:
      'One of the two lacks the fix of CVE-2018-0886 and the other insists on it, or a policy forbids delegating credentials to this server.',
    fix: 'Install the updates of the server; check "Encryption Oracle Remediation" under Computer Configuration, Administrative Templates, System, Credentials Delegation.',
  },
  tls_interception: {
    step: 'logon',
    severity: 'error',
    message: 'The TLS connection does not end at the server that checks the account.',
    cause: 'A firewall, proxy or attacker between opens TLS: the certificate here is not the one that the server has.',
    fix: 'Exempt Remote Desktop from TLS inspection. No password was given away.',
  },
  logon_refused: {
    step: 'logon',
    severity: 'error',
    message: 'The server refused the logon with a status that is rare.',
    cause: 'The details give the NTSTATUS.',
    fix: 'Look the status up ("certutil -error STATUS"); event 4625 in the Security log of the server has more.',
  },
  credentials_too_long: {
    step: 'logon',
    severity: 'error',
    message: 'The user name, domain or password is longer than the server takes: 255 characters.',
    cause: 'Without Network Level Authentication they go in a message that has no more room.',
    fix: 'Turn on Network Level Authentication at the server and for this target, or give the account shorter ones.',
  },
  logon_unconfirmed: {
    step: 'logon',
    severity: 'warning',
    message: 'The server has not said whether it accepts the account: what it shows may be its own sign-in window.',
    cause:
      'Without Network Level Authentication the account is checked within the session, and this server says nothing of the outcome (xrdp never does).',
    fix: 'Open a session and look. The log of the server has the outcome: event 4625 in the Security log, or xrdp-sesman.log.',
  },
} as const satisfies Record<string, DiagnosisRow>;
