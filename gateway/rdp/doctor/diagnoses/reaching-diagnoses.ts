import type { DiagnosisRow } from './diagnosis-row.ts';

/** Of reaching the host, and of what answers there. */
export const reachingDiagnoses = {
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
} as const satisfies Record<string, DiagnosisRow>;
