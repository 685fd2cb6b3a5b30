import type { DiagnosisRow } from './diagnosis-row.ts';

/** From the logon to the picture. */
export const sessionDiagnoses = {
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
