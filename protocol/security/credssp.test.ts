import assert from 'node:assert/strict';
import { createHash, createHmac, randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import type { CryptoProvider } from '../core/crypto.ts';
import { DecodeError } from '../core/errors.ts';
import type { TlsPeer } from './certificate.ts';
import type { CredSspClientOptions } from './credssp-client.ts';
import { CredSspClient, splitUserName } from './credssp-client.ts';
import { CredSspError } from './credssp-error.ts';
import type { CredSspServerOptions } from './credssp-server.ts';
import { CredSspServer } from './credssp-server.ts';
import { NtStatus } from './nt-status.ts';
import { ntHash } from './ntlm-crypto.ts';
import { decodeTsRequest, encodeTsRequest, findTsRequestSize } from './ts-request.ts';

const crypto: CryptoProvider = {
  randomBytes: (length) => new Uint8Array(randomBytes(length)),
  md5: (data) => new Uint8Array(createHash('md5').update(data).digest()),
  sha1: (data) => new Uint8Array(createHash('sha1').update(data).digest()),
  sha256: (data) => new Uint8Array(createHash('sha256').update(data).digest()),
  hmacMd5: (key, data) => new Uint8Array(createHmac('md5', key).update(data).digest()),
};

const NOW = Date.UTC(2026, 10, 21);
const USER = { username: 'CORP\\jöran', password: 'pä$$ wörd €', domain: '', host: 'server.example' };
const peer: TlsPeer = {
  certificate: new Uint8Array(0),
  subjectPublicKey: Uint8Array.of(0xff, 0xff, 3, 4, 5),
  endPointHash: new Uint8Array(32).fill(7),
};
const lookup: CredSspServerOptions['lookup'] = (user, domain) =>
  user.toLowerCase() === 'jöran' && domain === 'CORP' ? { password: USER.password } : undefined;

interface Run {
  readonly client: CredSspClient;
  readonly server: CredSspServer;
  readonly messages: { readonly from: 'client' | 'server'; readonly bytes: Uint8Array }[];
  readonly serverError?: Error | undefined;
}

/** Runs both ends against each other until one is done or has failed; `tamper` may change a message underway. */
function run(
  clientOptions: Partial<CredSspClientOptions> = {},
  serverOptions: Partial<CredSspServerOptions> = {},
  tamper: (bytes: Uint8Array, from: 'client' | 'server', index: number) => Uint8Array = (bytes) => bytes,
  serverPeer: TlsPeer = peer,
): Run {
  const client = new CredSspClient({ ...USER, ...clientOptions }, crypto, NOW, peer);
  const server = new CredSspServer({ lookup, computerName: 'HOST', ...serverOptions }, crypto, NOW, serverPeer);
  const messages: Run['messages'] = [];
  let fromClient: Uint8Array | undefined = client.start();
  let serverError: Error | undefined;
  while (fromClient !== undefined) {
    const toServer = tamper(fromClient, 'client', messages.length);
    messages.push({ from: 'client', bytes: toServer });
    const step = server.receive(toServer);
    serverError = step.error;
    if (step.send === undefined) break;
    const toClient = tamper(step.send, 'server', messages.length);
    messages.push({ from: 'server', bytes: toClient });
    fromClient = client.receive(toClient).send;
  }
  return { client, server, messages, serverError };
}

describe('CredSSP, our client against our server', () => {
  for (const version of [2, 3, 4, 5, 6]) {
    for (const negotiation of ['raw', 'spnego'] as const) {
      it(`logs on with version ${version} (${negotiation}) and delegates the credentials`, () => {
        const { server, messages } = run({ version, negotiation });
        assert.deepEqual(server.identity, { user: 'jöran', domain: 'CORP', workstation: '' });
        assert.deepEqual(server.credentials, { user: 'jöran', domain: 'CORP', password: USER.password });
        assert.equal(messages.length, negotiation === 'raw' ? 5 : 7);
        for (const { bytes } of messages) assert.equal(findTsRequestSize(bytes), bytes.length);
        const nonces = messages.filter(({ bytes }) => decodeTsRequest(bytes).clientNonce !== undefined);
        assert.equal(nonces.length, version >= 5 ? 1 : 0);
      });

      it(`logs on to a server of version ${version} (${negotiation})`, () => {
        const { client, server } = run({ negotiation }, { version });
        assert.equal(client.negotiatedVersion, version);
        assert.equal(server.credentials?.password, USER.password);
      });
    }
  }
});
