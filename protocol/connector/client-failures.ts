/** What has gone wrong, by how far the connection sequence had come. */
import { DecodeError } from '../core/errors.ts';
import { CredSspError } from '../security/credssp-error.ts';
import type { State } from './client-state.ts';
import { ConnectError, connectErrorOf } from './connect-error.ts';

/** What it means that the transport ended in a state, where the state says it. */
export function closedIn(state: State['name']): ConnectError | undefined {
  switch (state) {
    case 'start':
    case 'connection-initiation':
      return new ConnectError('not_rdp', 'the host closed the connection without answering the connection request');
    case 'security-upgrade':
      return new ConnectError('tls_refused', 'the server closed the connection instead of TLS');
    case 'rdstls-capabilities':
    case 'rdstls-response':
    case 'credssp':
      // CredSSP 2, and some servers always, have no other way to refuse a logon.
      return new ConnectError('logon_failed', 'the server closed the connection during authentication', {
        reason: 'refused',
      });
    default:
      return undefined;
  }
}

/** Before the server has shown that it speaks RDP, nonsense means that it does not. */
export function failureIn(state: State['name'], error: unknown): unknown {
  if (error instanceof CredSspError) return connectErrorOf(error);
  if (state === 'connection-initiation' && error instanceof DecodeError) {
    return new ConnectError('not_rdp', 'the host does not answer as an rdp server', { cause: error });
  }
  return error;
}
