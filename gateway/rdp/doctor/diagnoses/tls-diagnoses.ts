import type { DiagnosisRow } from './diagnosis-row.ts';

/** Of TLS and the certificate. */
export const tlsDiagnoses = {
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
} as const satisfies Record<string, DiagnosisRow>;
