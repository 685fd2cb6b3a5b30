import type { StepName } from './report.ts';

/**
 * Everything that the connection doctor finds, in one table: the stable code, how bad it is, what was found, the likely
 * cause and what a Windows administrator does about it. Codes are never renamed or used again.
 */
interface DiagnosisRow {
  readonly step: StepName;
  /** `error`: no connection; `warning`: works, or may not for long; `info`: worth knowing. */
  readonly severity: Severity;
  readonly message: string;
  readonly cause: string;
  readonly fix: string;
}

export type Severity = 'error' | 'warning' | 'info';

export const diagnoses = {
  // Reaching the host.
  name_not_found: {
    step: 'dns',
    severity: 'error',
    message: 'The name of the host does not exist in DNS.',
    cause: 'The name is misspelt, or it only exists in a DNS that this gateway does not ask (an internal zone).',
    fix: 'Try "Resolve-DnsName NAME" on the gateway\'s network; use the full name (server.domain.tld), the address, or let the gateway use the domain\'s DNS servers.',
  },
  dns_unavailable: {
    step: 'dns',
    severity: 'error',
    message: 'The DNS server gave no answer.',
    cause: 'The DNS server that this gateway uses is down, or a firewall keeps the gateway from it.',
    fix: 'Check the DNS servers of the gateway (/etc/resolv.conf or the network adapter) and UDP and TCP port 53 to them.',
  },
  connection_refused: {
    step: 'tcp',
    severity: 'error',
    message: 'The host is there, but nothing listens on this port.',
    cause:
      'Remote Desktop is turned off, its service is stopped, it listens on another port, or a firewall rejects the connection.',
    fix: 'Turn on Remote Desktop (SystemPropertiesRemote), check that the service TermService runs and "netstat -ano | findstr :3389" shows it listening; the port is PortNumber under HKLM\\SYSTEM\\CurrentControlSet\\Control\\Terminal Server\\WinStations\\RDP-Tcp.',
  },
  connection_timed_out: {
    step: 'tcp',
    severity: 'error',
    message: 'The host did not answer at all.',
    cause:
      'The host is off, the address is wrong, or a firewall on the way or on the host drops what comes to this port.',
    fix: 'Check that the host runs; enable the firewall rule group "Remote Desktop" for the network profile that is active there, and allow the gateway\'s address through firewalls between.',
  },
  connection_reset: {
    step: 'tcp',
    severity: 'error',
    message: 'The connection was cut off as soon as it was there.',
    cause:
      'A firewall or intrusion prevention between cuts it off, or the Remote Desktop service is restarting or out of connections.',
    fix: 'Look for this connection in the logs of firewalls between; restart the service "Remote Desktop Services" (TermService) if nothing else connects either.',
  },
  network_unreachable: {
    step: 'tcp',
    severity: 'error',
    message: 'There is no way from this gateway to the address of the host.',
    cause:
      'A route is missing, a VPN is down, or the address belongs to a network (often IPv6) that the gateway is not on.',
    fix: 'Check the routes of the gateway and the VPN; if only the IPv6 address is unreachable, remove its AAAA record or use the IPv4 address.',
  },
  address_partly_unreachable: {
    step: 'tcp',
    severity: 'warning',
    message: 'The name has several addresses, and not all of them answer.',
    cause: 'DNS still holds an old address of the host, or one of a network that the gateway is not on.',
    fix: 'Remove stale A and AAAA records of the host ("ipconfig /registerdns" writes the current ones): each one that is dead delays the connection.',
  },
  // What answered.
  http_answered: {
    step: 'negotiation',
    severity: 'error',
    message: 'A web server answers on this port, not Remote Desktop.',
    cause: 'The port is that of a web site, an RD Gateway, RD Web Access or a proxy.',
    fix: 'Use the port that Remote Desktop listens on, 3389 as a rule, of the session host itself.',
  },
  tls_answered: {
    step: 'negotiation',
    severity: 'error',
    message: 'A TLS service answers on this port, not Remote Desktop.',
    cause:
      'The port is that of HTTPS, an RD Gateway or another service that expects TLS at once; Remote Desktop begins with X.224.',
    fix: 'Use the port that Remote Desktop listens on, 3389 as a rule, of the session host itself.',
  },
  not_rdp: {
    step: 'negotiation',
    severity: 'error',
    message: 'Something answers on this port, but not Remote Desktop.',
    cause: 'Another service listens there, or a port forwarding leads to the wrong one.',
    fix: 'Check the port of the target and what listens on it ("netstat -abn" on the host).',
  },
  closed_before_answer: {
    step: 'negotiation',
    severity: 'error',
    message: 'The host takes the connection and closes it without an answer.',
    cause:
      'The number of connections is used up, the Remote Desktop service hangs, a port forwarding has nothing behind it, or a rule allows only certain addresses.',
    fix: 'Check the port forwarding and load balancer, "Limit number of connections" in the group policy, and restart the service "Remote Desktop Services" (TermService).',
  },
  no_rdp_answer: {
    step: 'negotiation',
    severity: 'error',
    message: 'The host takes the connection, but never answers the first message of Remote Desktop.',
    cause:
      'Another service listens there and waits for its own protocol, a firewall lets the connection but not its data through, or the Remote Desktop service hangs.',
    fix: 'Check the port; try mstsc from the gateway\'s network; restart the service "Remote Desktop Services" (TermService).',
  },
  nla_required_by_server: {
    step: 'negotiation',
    severity: 'error',
    message:
      'Network Level Authentication is required: the server refuses connections without it, and this target never uses it.',
    cause:
      'The server is set to allow connections only with Network Level Authentication, as Windows is from the start.',
    fix: 'Set the NLA policy of this target to "required" or "preferred" (better), or turn off "Allow connections only from computers running Remote Desktop with Network Level Authentication" at the server.',
  },
  nla_not_offered: {
    step: 'negotiation',
    severity: 'error',
    message: 'The server does not offer Network Level Authentication, and this target requires it.',
    cause:
      'The server is no Windows (xrdp has none), or the group policy "Require user authentication … by using Network Level Authentication" is off and the security layer is set to RDP or SSL.',
    fix: 'Turn on Network Level Authentication at the server, or set the NLA policy of this target to "preferred".',
  },
  standard_rdp_only: {
    step: 'negotiation',
    severity: 'error',
    message: 'The server only offers standard RDP security, which proves nothing about the server.',
    cause:
      'The group policy "Require use of specific security layer for remote (RDP) connections" is set to RDP, or the server is older than Windows Server 2003 SP1.',
    fix: 'Set the security layer to "Negotiate" or "SSL" (SecurityLayer = 1 or 2 under RDP-Tcp); for a server that cannot, accept standard RDP security in the settings of this target.',
  },
  tls_certificate_missing: {
    step: 'negotiation',
    severity: 'error',
    message: 'The server has no certificate for TLS.',
    cause: 'The certificate of Remote Desktop was deleted or its private key cannot be read.',
    fix: 'Delete the certificate in "Remote Desktop" of certlm.msc and restart TermService, which makes a new one; check that NETWORK SERVICE may read the private key, and that C:\\ProgramData\\Microsoft\\Crypto\\RSA\\MachineKeys has its permissions.',
  },
  negotiation_failed: {
    step: 'negotiation',
    severity: 'error',
    message: 'The server refuses every security protocol that was offered.',
    cause: 'It asks for one that this gateway does not have, such as TLS with a client certificate.',
    fix: 'Set the security layer of the server to "Negotiate" (SecurityLayer = 1 under RDP-Tcp).',
  },
  restricted_admin_unsupported: {
    step: 'negotiation',
    severity: 'error',
    message: 'The server does not offer Restricted Admin mode, which this target requires.',
    cause: 'Windows has it turned off unless somebody turned it on, and servers other than Windows do not know it.',
    fix: 'Set the DWORD DisableRestrictedAdmin to 0 under HKLM\\SYSTEM\\CurrentControlSet\\Control\\Lsa at the server, or turn the mode off for this target.',
  },
  nla_not_enforced: {
    step: 'negotiation',
    severity: 'warning',
    message: 'The server also takes connections without Network Level Authentication.',
    cause:
      'Network Level Authentication is not required there, so anybody who reaches the port gets as far as the sign-in screen.',
    fix: 'Require Network Level Authentication at the server (System Properties, Remote; or UserAuthentication = 1 under RDP-Tcp).',
  },
  standard_rdp_used: {
    step: 'negotiation',
    severity: 'warning',
    message: 'The connection uses standard RDP security: weak encryption, and nothing proves who the server is.',
    cause: 'The server has nothing better, and this target accepts it.',
    fix: 'Replace the server, or keep the way to it within a network that you trust.',
  },
  standard_rdp_allowed: {
    step: 'negotiation',
    severity: 'warning',
    message: 'The server also takes connections with standard RDP security, without TLS.',
    cause:
      'The security layer of the server is set to "Negotiate" or "RDP" and Network Level Authentication is not required.',
    fix: 'Require Network Level Authentication, or set the security layer to SSL (SecurityLayer = 2 under RDP-Tcp). Oriel never uses it unasked.',
  },
  // TLS.
  tls_closed: {
    step: 'tls',
    severity: 'error',
    message: 'The server closes the connection in the middle of the TLS handshake.',
    cause:
      'Its certificate has a private key that cannot be used (Schannel event 36870), or something on the way does not let TLS through.',
    fix: 'Look for Schannel events (36870, 36874) in the System log of the server; delete the certificate in "Remote Desktop" of certlm.msc and restart TermService; check the permissions of C:\\ProgramData\\Microsoft\\Crypto\\RSA\\MachineKeys.',
  },
  tls_no_answer: {
    step: 'tls',
    severity: 'error',
    message: 'The server does not answer the TLS handshake.',
    cause:
      'A firewall that inspects TLS swallows it, the path drops large packets (MTU of a VPN), or the server is overloaded.',
    fix: 'Exempt this connection from TLS inspection, lower the MTU of the VPN, and check the load of the server.',
  },
  tls_nonsense: {
    step: 'tls',
    severity: 'error',
    message: 'What the server answers to the TLS handshake is not TLS.',
    cause: 'A proxy or load balancer between treats Remote Desktop as something else.',
    fix: 'Let it pass TCP through unchanged (no protocol inspection, no PROXY protocol).',
  },
  tls_version_too_old: {
    step: 'tls',
    severity: 'error',
    message: 'TLS 1.2 is disabled at the server: all that it offers is older than this target allows.',
    cause:
      'Schannel has TLS 1.2 turned off by registry or policy, or the server (2008 R2 or older) lacks the updates that bring it to Remote Desktop (KB3080079).',
    fix: 'Set Enabled = 1 and DisabledByDefault = 0 under HKLM\\SYSTEM\\CurrentControlSet\\Control\\SecurityProviders\\SCHANNEL\\Protocols\\TLS 1.2\\Server, install the updates, and restart; or lower the minimum TLS version of this target.',
  },
  tls_no_common_cipher: {
    step: 'tls',
    severity: 'error',
    message: 'The server and this gateway have no TLS cipher suite in common.',
    cause:
      'A hardening tool or the policy "SSL Cipher Suite Order" left too few, or the suites do not go with the key of the certificate.',
    fix: 'Check Get-TlsCipherSuite at the server; allow TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 and TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384.',
  },
  tls_failed: {
    step: 'tls',
    severity: 'error',
    message: 'The TLS handshake failed.',
    cause: "The server and this gateway could not agree; the details name OpenSSL's reason.",
    fix: 'Look for Schannel events (36870, 36871, 36874, 36888) in the System log of the server.',
  },
  tls_legacy_versions: {
    step: 'tls',
    severity: 'warning',
    message: 'The server still offers TLS 1.0 or 1.1.',
    cause: 'They are on from the start up to Windows Server 2022 and were not turned off.',
    fix: 'Set Enabled = 0 under …\\SCHANNEL\\Protocols\\TLS 1.0\\Server and TLS 1.1\\Server, once no old client needs them.',
  },
  // The certificate.
  certificate_expired: {
    step: 'certificate',
    severity: 'warning',
    message: 'The certificate of the server has expired.',
    cause:
      'It was not renewed. Windows renews its self-made one when TermService starts; one from a certification authority it leaves alone.',
    fix: 'Renew the certificate, or delete the self-made one in "Remote Desktop" of certlm.msc and restart TermService.',
  },
  certificate_not_yet_valid: {
    step: 'certificate',
    severity: 'warning',
    message: 'The certificate of the server is not valid yet.',
    cause: 'The clock of the server or of this gateway is wrong, or the certificate was made for later.',
    fix: 'Set both clocks by the same source (w32tm /resync).',
  },
  certificate_self_signed: {
    step: 'certificate',
    severity: 'info',
    message: 'The certificate of the server is self-signed, so only its fingerprint tells the server from another.',
    cause: 'Windows makes such a certificate by itself where none was assigned.',
    fix: "Compare the fingerprint with the server's once and pin it, or give Remote Desktop a certificate of your certification authority and set this target to system trust.",
  },
  certificate_name_mismatch: {
    step: 'certificate',
    severity: 'info',
    message: 'The certificate is for another host name than the one of this target.',
    cause: 'The target is given by address, short name or alias, and the certificate by the full name of the computer.',
    fix: 'Use the name that the certificate has, or add this one to its alternative names.',
  },
  certificate_weak_key: {
    step: 'certificate',
    severity: 'warning',
    message: 'The key of the certificate is too short to be safe.',
    cause: 'It has less than 2048 bits of RSA or 256 bits of an elliptic curve.',
    fix: 'Give Remote Desktop a certificate with an RSA key of 2048 bits or more.',
  },
  certificate_weak_signature: {
    step: 'certificate',
    severity: 'warning',
    message: 'The certificate is signed with SHA-1 or MD5, which can be forged.',
    cause: 'Windows Server 2008 R2 and older sign their own certificates so, and old certification authorities theirs.',
    fix: 'Give Remote Desktop a certificate signed with SHA-256.',
  },
  certificate_untrusted: {
    step: 'certificate',
    severity: 'error',
    message: 'The certificate of the server is not trusted by the rule of this target, so no password was sent.',
    cause:
      'The target trusts certification authorities and the certificate is of none that this gateway knows (or for another name, or expired); or it trusts a pinned certificate and none is pinned.',
    fix: "Install the root certificate of your authority on the gateway (or NODE_EXTRA_CA_CERTS), use the certificate's name as host, or pin the fingerprint after comparing it.",
  },
  certificate_changed: {
    step: 'certificate',
    severity: 'error',
    message: 'The certificate is not the one that was accepted for this target, so no password was sent.',
    cause:
      'The server was reinstalled or its certificate renewed (Windows does so twice a year by itself), or something sits between.',
    fix: "Compare the fingerprint with the server's (\"Get-ChildItem 'Cert:\\LocalMachine\\Remote Desktop'\") and accept the new certificate of the target.",
  },
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
  logon_unconfirmed: {
    step: 'logon',
    severity: 'warning',
    message: 'The server has not said whether it accepts the account: what it shows may be its own sign-in window.',
    cause:
      'Without Network Level Authentication the account is checked within the session, and this server says nothing of the outcome (xrdp never does).',
    fix: 'Open a session and look. The log of the server has the outcome: event 4625 in the Security log, or xrdp-sesman.log.',
  },
  // From the logon to the picture.
  licensing_failed: {
    step: 'licensing',
    severity: 'error',
    message: 'The server ended the connection over its Remote Desktop licences.',
    cause: 'The grace period of 120 days is over, or licence server, mode or certificates are not set up.',
    fix: 'Run "Remote Desktop Licensing Diagnoser" (lsdiag.msc) at the server.',
  },
  license_server_missing: {
    step: 'licensing',
    severity: 'error',
    message: 'The server finds no Remote Desktop licence server.',
    cause: 'The grace period of 120 days is over and no licence server is set, or it is down.',
    fix: 'Set "Use the specified Remote Desktop license servers" and the licensing mode by group policy, or remove the role "Remote Desktop Session Host" if two administrators\' sessions are enough.',
  },
  licenses_used_up: {
    step: 'licensing',
    severity: 'error',
    message: 'The server has no Remote Desktop licence left.',
    cause:
      'All client access licences (CALs) of the licence server are given out, or they are for another version of Windows.',
    fix: 'Install more CALs or revoke device CALs in licmgr.exe.',
  },
  session_denied: {
    step: 'session',
    severity: 'error',
    message: 'The server denied the connection after the logon.',
    cause:
      'An administrator or a policy keeps new sessions out: drain mode ("change logon /query"), a limit of sessions, or a missing right.',
    fix: 'Run "change logon /enable" at the server, check its session limits, and add the account to "Remote Desktop Users".',
  },
  session_taken: {
    step: 'session',
    severity: 'error',
    message: 'Another connection took the session over while it was being tested.',
    cause: 'Somebody signed in with the same account, and the server allows one session for each user.',
    fix: 'Try again, or give Oriel an account of its own.',
  },
  session_in_use: {
    step: 'session',
    severity: 'error',
    message: 'Another user is signed in there, and the server gives them precedence.',
    cause:
      'Windows 10 and 11 have one desktop for everybody, and a server without the role "Remote Desktop Session Host" two.',
    fix: 'Have the other user sign out ("quser", "logoff"), or use the same account.',
  },
  server_out_of_memory: {
    step: 'session',
    severity: 'error',
    message: 'The server has run out of memory.',
    cause: 'Too many sessions or a process that leaks.',
    fix: 'Look at the memory of the server, and log off sessions that nobody uses ("quser", "logoff").',
  },
  session_ended: {
    step: 'session',
    severity: 'error',
    message: 'The server ended the connection before the desktop was there, and said why.',
    cause: "The details give the server's own reason.",
    fix: 'Look at the log Microsoft, Windows, TerminalServices-LocalSessionManager, Operational at the server.',
  },
  session_closed: {
    step: 'session',
    severity: 'error',
    message: 'The server closed the connection before the desktop was there, and did not say why.',
    cause: 'The session could not be started: the display driver, the profile or the Remote Desktop service failed.',
    fix: 'Look at the logs TerminalServices-RemoteConnectionManager and -LocalSessionManager at the server; restart TermService.',
  },
  session_no_answer: {
    step: 'session',
    severity: 'error',
    message: 'The server stopped answering on the way to the desktop.',
    cause: 'The server is overloaded, or the path drops large packets (MTU of a VPN).',
    fix: 'Check the load of the server, and lower the MTU of the VPN.',
  },
  protocol_error: {
    step: 'session',
    severity: 'error',
    message: 'The server sent something that this gateway could not understand.',
    cause: 'The server has something that this gateway does not know, or something between changes what it sends.',
    fix: 'The details name the message and the field; report them together with the kind of server.',
  },
  server_redirects: {
    step: 'session',
    severity: 'info',
    message: 'The server sends the connection on to another one, as sessions follow it.',
    cause: 'It is a Remote Desktop connection broker or a member of a farm; what follows was found at the last server.',
    fix: 'Nothing to do. To test one session host of the farm by itself, test its own name.',
  },
  redirection_loop: {
    step: 'session',
    severity: 'error',
    message: 'The servers send the connection on and on, and never to a desktop.',
    cause:
      'The connection broker and the session hosts do not agree on who has the session: a host left the farm, or the load balancer does not heed the routing token.',
    fix: 'Check the farm in Server Manager (Remote Desktop Services, Collections), and that the load balancer in front of it routes by the token ("msts=").',
  },
  redirection_unreachable: {
    step: 'session',
    severity: 'error',
    message: 'The server sends the connection on to one that this gateway cannot reach.',
    cause:
      'The connection broker names an address or a name of the inner network, and only the first server can be reached from here.',
    fix: 'Let this gateway reach the session host that the details name on its Remote Desktop port and resolve its name; or have the load balancer route by token (turn off the group policy "Use IP Address Redirection").',
  },
  no_picture: {
    step: 'picture',
    severity: 'warning',
    message: 'The desktop is there, but the server sends no picture.',
    cause: 'It waits for something (a logon script, a notice at sign-in), or its graphics stack hangs.',
    fix: 'Try again after a minute; if it stays so, update the display driver of the server and restart it.',
  },
  slow_link: {
    step: 'round_trip',
    severity: 'warning',
    message: 'The way to the server is slow: typing will feel late.',
    cause: 'The round-trip time is above 150 ms: a far site, a satellite or a busy VPN.',
    fix: 'Put a gateway closer to the server, or look for what fills the link.',
  },
} as const satisfies Record<string, DiagnosisRow>;

export type DiagnosisCode = keyof typeof diagnoses;

/** Something that the doctor found. */
export interface Diagnosis extends DiagnosisRow {
  readonly code: DiagnosisCode;
  /** What was seen, in one line. Never a secret. */
  readonly detail?: string;
}

/** @param severity where the rule of the target makes it worse than the table says */
export function diagnosis(code: DiagnosisCode, detail?: string, severity?: Severity): Diagnosis {
  return {
    code,
    ...diagnoses[code],
    ...(severity !== undefined && { severity }),
    ...(detail !== undefined && { detail }),
  };
}
