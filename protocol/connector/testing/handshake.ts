import assert from 'node:assert/strict';
import { concatBytes } from '../../core/bytes.ts';
import { nodeCrypto } from '../../core/testing/node-crypto.ts';
import { ClientConnector } from '../client-connector.ts';
import { ConnectError } from '../connect-error.ts';
import type { Redirection } from '../redirection.ts';
import { ServerAcceptor } from '../server-acceptor.ts';
import type { AcceptedConnection, RefusalReason, ServerConfig } from '../server-types.ts';
import type { ClientConfig, ConnectionPhase, ConnectionResult } from '../types.ts';

export const NOW = Date.UTC(2026, 0, 1);

/** Both ends see the same certificate; what is in it does not matter here. */
export const PEER = {
  certificate: Uint8Array.of(0x30, 0x00),
  subjectPublicKey: new Uint8Array(140).fill(7),
  endPointHash: new Uint8Array(32).fill(9),
};

export const CLIENT: ClientConfig = {
  host: 'demo.example',
  username: 'alice',
  password: 'Sesam öffne dich!',
  domain: 'LAB',
  width: 1280,
  height: 720,
  colorDepth: 32,
  nla: 'preferred',
  keyboardLayout: 0x407,
  clientName: 'oriel',
};

export const isAlice = (user: string, domain: string) => user === 'alice' && domain === 'LAB';
export const NLA: NonNullable<ServerConfig['nla']> = {
  lookup: (user, domain) => (isAlice(user, domain) ? { password: CLIENT.password } : undefined),
};
export const TLS: NonNullable<ServerConfig['tls']> = {
  authenticate: ({ user, domain, password }) => isAlice(user, domain) && password === CLIENT.password,
};

export interface Outcome {
  readonly phases: ConnectionPhase[];
  client?: ConnectionResult;
  server?: AcceptedConnection;
  refused?: RefusalReason;
  redirection?: Redirection;
  /** What the client said of its failure. */
  error?: unknown;
}

/** Changes what is on its way; `turn` counts the times that both ends have spoken. */
export type Tamper = (bytes: Uint8Array, to: 'client' | 'server', turn: number) => Uint8Array;

/** Runs both ends against each other. @param chunk bytes handed over at a time */
export function connect(
  config: Partial<ClientConfig>,
  server: Omit<ServerConfig, 'computerName'>,
  chunk = Infinity,
  tamper: Tamper = (bytes) => bytes,
): Outcome {
  const connector = new ClientConnector({ ...CLIENT, ...config }, nodeCrypto);
  const acceptor = new ServerAcceptor({ computerName: 'DEMO', ...server }, nodeCrypto);
  const outcome: Outcome = { phases: [] };
  const toServer: Uint8Array[] = [];
  const toClient: Uint8Array[] = [];
  let clientTls = false;
  let serverTls = false;
  const fromClient = (outputs: ReturnType<ClientConnector['start']>) => {
    for (const output of outputs) {
      if (output.kind === 'send') toServer.push(output.bytes);
      else if (output.kind === 'start-tls') clientTls = true;
      else if (output.kind === 'phase') outcome.phases.push(output.phase);
      else if (output.kind === 'redirect') outcome.redirection = output.redirection;
      else if (output.kind === 'connected') outcome.client = output.result;
    }
  };
  const fromServer = (outputs: ReturnType<ServerAcceptor['receive']>) => {
    for (const output of outputs) {
      if (output.kind === 'send') toClient.push(output.bytes);
      else if (output.kind === 'start-tls') serverTls = true;
      else if (output.kind === 'connected') outcome.server = output.result;
      else outcome.refused = output.reason;
    }
  };
  try {
    fromClient(connector.start());
    for (let turn = 0; ; turn++) {
      if (clientTls && serverTls) {
        clientTls = false;
        serverTls = false;
        fromServer(acceptor.tlsEstablished(PEER, NOW));
        fromClient(connector.tlsEstablished(PEER, NOW));
      }
      const up = tamper(concatBytes(...toServer.splice(0)), 'server', turn);
      const down = tamper(concatBytes(...toClient.splice(0)), 'client', turn);
      if (up.length + down.length === 0) break;
      for (let at = 0; at < up.length; at += chunk) fromServer(acceptor.receive(up.subarray(at, at + chunk), NOW));
      for (let at = 0; at < down.length; at += chunk) fromClient(connector.receive(down.subarray(at, at + chunk), NOW));
    }
    if (outcome.client === undefined) throw connector.explainClose();
  } catch (error) {
    outcome.error = error;
  }
  return outcome;
}

export function failure(outcome: Outcome): ConnectError {
  assert.ok(outcome.error instanceof ConnectError, String(outcome.error));
  return outcome.error;
}

/** A client that has sent its Connection Request. */
export function started(config: Partial<ClientConfig> = {}): ClientConnector {
  const connector = new ClientConnector({ ...CLIENT, ...config }, nodeCrypto);
  connector.start();
  return connector;
}

export function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    assert.ok(error instanceof ConnectError, String(error));
    return error.code;
  }
  assert.fail('nothing was thrown');
}

export function negotiationRequest(): Uint8Array {
  return Uint8Array.of(3, 0, 0, 19, 14, 0xe0, 0, 0, 0, 0, 0, 1, 0, 8, 0, 1, 0, 0, 0);
}

export function sent(outputs: readonly { readonly kind: string; readonly bytes?: Uint8Array }[]): Uint8Array[] {
  return outputs.flatMap((output) => (output.kind === 'send' && output.bytes !== undefined ? [output.bytes] : []));
}
