import assert from 'node:assert/strict';
import { createCipheriv, createDecipheriv, createHash, createHmac, randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { concatBytes } from '../core/bytes.ts';
import type { CryptoProvider } from '../core/crypto.ts';
import { ReadCursor, WriteCursor } from '../core/cursor.ts';
import { DecodeError, UnsupportedError, UsageError } from '../core/errors.ts';
import { ErrorInfo, encodeSetErrorInfo } from '../pdu/error-info.ts';
import {
  decodeConferenceCreateRequest,
  encodeConferenceCreateRequest,
  encodeConferenceCreateResponse,
  sizeOfConferenceCreateRequest,
  sizeOfConferenceCreateResponse,
} from '../pdu/gcc.ts';
import { decodeClientData, encodeClientData, sizeOfClientData } from '../pdu/gcc-client-data.ts';
import { ClientEarlyCapability } from '../pdu/gcc-core-data.ts';
import {
  EncryptionLevel,
  encodeServerData,
  type ServerData,
  ServerEarlyCapability,
  sizeOfServerData,
} from '../pdu/gcc-server-data.ts';
import {
  CLIENT_DOMAIN_PARAMETERS,
  type ConnectResponse,
  decodeConnectInitial,
  encodeConnectInitial,
  encodeConnectResponse,
  sizeOfConnectInitial,
  sizeOfConnectResponse,
} from '../pdu/mcs.ts';
import { DisconnectReason, decodeMcsPdu, type McsPdu, mcsMessage, sendDataIndication } from '../pdu/mcs-domain.ts';
import {
  encodeConnectionConfirm,
  NegotiationFailureCode,
  NegotiationResponseFlags,
  SecurityProtocol,
} from '../pdu/nego.ts';
import { encodePlainNotify } from '../pdu/save-session-info.ts';
import { SecurityFlags } from '../pdu/security-header.ts';
import { encodeEnhancedRedirection } from '../pdu/server-redirection.ts';
import {
  decodeShareControlPdus,
  decodeShareData,
  SERVER_CHANNEL_ID,
  ShareControlType,
  ShareDataType,
  shareControlMessage,
  shareDataMessage,
} from '../pdu/share.ts';
import { encodeStatusInfo, StatusCode } from '../pdu/status-info.ts';
import { decodeX224, encodeData } from '../pdu/x224.ts';
import { ClientConnector } from './client-connector.ts';
import { connectInitialMessage } from './client-settings.ts';
import { ConnectError } from './connect-error.ts';
import { mergeDomainParameters } from './domain-parameters.ts';
import type { Redirection } from './redirection.ts';
import { ServerAcceptor } from './server-acceptor.ts';
import type { AcceptedConnection, RefusalReason, ServerConfig } from './server-types.ts';
import type { ClientConfig, ConnectionPhase, ConnectionResult, ConnectorOutput } from './types.ts';

const NOW = Date.UTC(2026, 0, 1);

const crypto: CryptoProvider = {
  randomBytes: (length) => new Uint8Array(randomBytes(length)),
  md5: (data) => new Uint8Array(createHash('md5').update(data).digest()),
  sha1: (data) => new Uint8Array(createHash('sha1').update(data).digest()),
  sha256: (data) => new Uint8Array(createHash('sha256').update(data).digest()),
  hmacMd5: (key, data) => new Uint8Array(createHmac('md5', key).update(data).digest()),
  hmacSha1: (key, data) => new Uint8Array(createHmac('sha1', key).update(data).digest()),
  tripleDesCbc: (direction, key, iv) => {
    const create = direction === 'encrypt' ? createCipheriv : createDecipheriv;
    const cipher = create('des-ede3-cbc', key, iv).setAutoPadding(false);
    return (blocks) => new Uint8Array(cipher.update(blocks));
  },
};

/** Both ends see the same certificate; what is in it does not matter here. */
const PEER = {
  certificate: Uint8Array.of(0x30, 0x00),
  subjectPublicKey: new Uint8Array(140).fill(7),
  endPointHash: new Uint8Array(32).fill(9),
};

const CLIENT: ClientConfig = {
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

const isAlice = (user: string, domain: string) => user === 'alice' && domain === 'LAB';
const NLA: NonNullable<ServerConfig['nla']> = {
  lookup: (user, domain) => (isAlice(user, domain) ? { password: CLIENT.password } : undefined),
};
const TLS: NonNullable<ServerConfig['tls']> = {
  authenticate: ({ user, domain, password }) => isAlice(user, domain) && password === CLIENT.password,
};

interface Outcome {
  readonly phases: ConnectionPhase[];
  client?: ConnectionResult;
  server?: AcceptedConnection;
  refused?: RefusalReason;
  redirection?: Redirection;
  /** What the client said of its failure. */
  error?: unknown;
}

/** Changes what is on its way; `turn` counts the times that both ends have spoken. */
type Tamper = (bytes: Uint8Array, to: 'client' | 'server', turn: number) => Uint8Array;

/** Runs both ends against each other. @param chunk bytes handed over at a time */
function connect(
  config: Partial<ClientConfig>,
  server: Omit<ServerConfig, 'computerName'>,
  chunk = Infinity,
  tamper: Tamper = (bytes) => bytes,
): Outcome {
  const connector = new ClientConnector({ ...CLIENT, ...config }, crypto);
  const acceptor = new ServerAcceptor({ computerName: 'DEMO', ...server }, crypto);
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

function failure(outcome: Outcome): ConnectError {
  assert.ok(outcome.error instanceof ConnectError, String(outcome.error));
  return outcome.error;
}

describe('connection sequence', () => {
  for (const chunk of [Infinity, 1, 7]) {
    const cut = chunk === Infinity ? 'whole' : `${chunk} bytes at a time`;

    it(`reaches the active stage by NLA, ${cut}`, () => {
      const { client, server, phases, error } = connect({}, { nla: NLA, tls: TLS }, chunk);
      assert.equal(error, undefined);
      assert.ok(client && server);
      assert.equal(client.protocol, SecurityProtocol.hybridEx);
      assert.equal(server.protocol, SecurityProtocol.hybridEx);
      assert.deepEqual(server.identity, { user: 'alice', domain: 'LAB', workstation: 'oriel' });
      assert.equal(client.userId, server.userId);
      assert.equal(client.ioChannelId, server.ioChannelId);
      assert.equal(client.share.shareId, server.share.shareId);
      assert.deepEqual(
        phases,
        'negotiating securing authenticating settings channels licensing capabilities finalizing'.split(' '),
      );
    });

    it(`reaches the active stage by TLS alone, ${cut}`, () => {
      const { client, server, phases, error } = connect({ nla: 'never' }, { nla: NLA, tls: TLS }, chunk);
      assert.equal(error, undefined);
      assert.ok(client && server);
      assert.equal(client.protocol, SecurityProtocol.ssl);
      assert.equal(server.identity, undefined);
      assert.ok(!phases.includes('authenticating'));
    });
  }

  it('agrees on size, depth and input', () => {
    const { client, server } = connect({ width: 1366, height: 768, colorDepth: 16 }, { nla: NLA });
    assert.ok(client && server);
    const { serverCapabilities, ...share } = client.share;
    assert.ok(serverCapabilities.length > 5);
    assert.deepEqual(share, {
      shareId: 0x103ea,
      width: 1366,
      height: 768,
      colorDepth: 16,
      fastPathInput: true,
      unicodeInput: true,
      extendedButtons: true,
      horizontalWheel: true,
      refreshRect: true,
      suppressOutput: true,
    });
    assert.deepEqual(server.share, {
      shareId: 0x103ea,
      width: 1366,
      height: 768,
      colorDepth: 16,
      maxUpdateSize: client.maxUpdateSize,
    });
  });

  for (const colorDepth of [15, 16, 24, 32] as const) {
    it(`asks for ${colorDepth} bits a pixel and gets them`, () => {
      const { client, server } = connect({ colorDepth }, { tls: TLS });
      assert.equal(client?.share.colorDepth, colorDepth);
      assert.equal(server?.share.colorDepth, colorDepth);
    });
  }

  it('takes the size that the server fits it into', () => {
    const { client } = connect({ width: 4000, height: 3000 }, { nla: NLA, fit: () => ({ width: 1024, height: 768 }) });
    assert.equal(client?.share.width, 1024);
    assert.equal(client?.share.height, 768);
  });

  it('joins static channels, in order', () => {
    const channels = [
      { name: 'rdpsnd', options: 0xc0000000 },
      { name: 'cliprdr', options: 0xc0a00000 },
    ];
    const { client, server } = connect({ channels }, { nla: NLA });
    assert.deepEqual(client?.channels, [
      { name: 'rdpsnd', options: 0xc0000000, id: 1004 },
      { name: 'cliprdr', options: 0xc0a00000, id: 1005 },
    ]);
    assert.deepEqual(server?.channels, client?.channels);
  });

  it('tells the server who the client is, and keeps the password to itself', () => {
    const { server } = connect({ nla: 'never', username: 'LAB\\alice', domain: '' }, { tls: TLS });
    assert.equal(server?.clientInfo.userName, 'alice');
    assert.equal(server?.clientInfo.domain, 'LAB');
    assert.equal(server?.clientData.core.clientName, 'oriel');
    assert.equal(server?.clientData.core.keyboardLayout, 0x407);
    assert.ok(server !== undefined && !JSON.stringify(server).includes('Sesam'));
  });

  it('falls back to TLS where NLA is only preferred', () => {
    const { client } = connect({ nla: 'preferred' }, { tls: TLS });
    assert.equal(client?.protocol, SecurityProtocol.ssl);
  });
});

describe('Restricted Admin mode', () => {
  const restrictedAdmin = true;

  it('logs on by proof alone: the server never gets the password', () => {
    const seen: string[] = [];
    const record: Tamper = (bytes, to) => {
      if (to === 'server') seen.push(String.fromCharCode(...bytes));
      return bytes;
    };
    const { client, server, error } = connect(
      { restrictedAdmin },
      { nla: { ...NLA, restrictedAdmin } },
      Infinity,
      record,
    );
    assert.equal(error, undefined);
    assert.ok(client);
    assert.equal(server?.identity?.user, 'alice');
    // [MS-RDPBCGR] 2.2.1.1.1: type, flags, length; the flag is the client's demand.
    assert.equal(seen[0]?.charCodeAt(11), 1);
    assert.equal(seen[0]?.charCodeAt(12), 1);
    const password = CLIENT.password.replace(/./gs, (letter) => `${letter}\0`);
    assert.ok(!seen.join('').includes(password), 'the Client Info PDU holds no password');
  });

  it('sends the password in Client Info without it, as a control', () => {
    const seen: string[] = [];
    connect({}, { nla: NLA }, Infinity, (bytes) => {
      seen.push(String.fromCharCode(...bytes));
      return bytes;
    });
    assert.ok(seen.join('').includes(CLIENT.password.replace(/./gs, (letter) => `${letter}\0`)));
  });

  it('restricted_admin_refused: the server does not offer it', () => {
    assert.equal(failure(connect({ restrictedAdmin }, { nla: NLA })).code, 'restricted_admin_refused');
  });

  it('restricted_admin_refused: TLS alone would give the password away', () => {
    assert.equal(failure(connect({ restrictedAdmin }, { tls: TLS })).code, 'restricted_admin_refused');
  });
});

describe('connection sequence, refused', () => {
  it('nla_refused: required, and the server has none', () => {
    assert.equal(failure(connect({ nla: 'required' }, { tls: TLS })).code, 'nla_refused');
  });

  it('nla_required: forbidden, and the server insists', () => {
    const outcome = connect({ nla: 'never' }, { nla: NLA });
    assert.equal(failure(outcome).code, 'nla_required');
    assert.equal(outcome.refused, 'security_protocol');
  });

  it('logon_failed: a wrong password by NLA, with its NTSTATUS', () => {
    const outcome = connect({ password: 'wrong' }, { nla: NLA });
    const error = failure(outcome);
    assert.equal(error.code, 'logon_failed');
    assert.equal(error.reason, 'logon_failed');
    assert.equal(error.status, 0xc000006d);
    assert.equal(outcome.refused, 'logon_failed');
  });

  for (const [status, reason] of [
    [0xc0000234, 'account_locked'],
    [0xc0000071, 'password_expired'],
    [0xc0000072, 'account_disabled'],
  ] as const) {
    it(`account_restricted: ${reason}`, () => {
      const error = failure(connect({}, { nla: { lookup: () => ({ status }) } }));
      assert.equal(error.code, 'account_restricted');
      assert.equal(error.reason, reason);
    });
  }

  it('server_closed with error info: a wrong password over TLS alone', () => {
    const outcome = connect({ nla: 'never', password: 'wrong' }, { tls: TLS });
    const error = failure(outcome);
    assert.equal(error.code, 'server_closed');
    assert.equal(error.errorInfo, ErrorInfo.freshCredentialsRequired);
    assert.equal(outcome.refused, 'logon_failed');
  });

  it('server: says why only to a client that takes it', () => {
    const wrong = { nla: 'never', password: 'wrong' } as const;
    assert.deepEqual(answersOf(wrong, ClientEarlyCapability.supportErrorInfoPdu), [ShareDataType.setErrorInfo]);
    assert.deepEqual(answersOf(wrong, 0), []);
  });

  it('server: synchronizes behind Confirm Active, whatever the client does', () => {
    const { synchronize, control, fontMap } = ShareDataType;
    assert.deepEqual(answersOf({ nla: 'never' }, 0), [synchronize, control, control, fontMap]);
  });

  it('security_protocol: a client of standard RDP security', () => {
    const acceptor = new ServerAcceptor({ computerName: 'DEMO', nla: NLA, tls: TLS }, crypto);
    const outputs = acceptor.receive(Uint8Array.of(3, 0, 0, 11, 6, 0xe0, 0, 0, 0, 0, 0), NOW);
    assert.deepEqual(outputs, [{ kind: 'refused', reason: 'security_protocol' }]);
  });
});

describe('connection sequence, tampered with', () => {
  /** Whoever is reached first by what was changed says so with an error of the protocol, or nothing was harmed. */
  function check(to: 'client' | 'server', turn: number, change: (bytes: Uint8Array) => Uint8Array): void {
    for (const nla of ['required', 'never'] as const) {
      const tamper: Tamper = (bytes, receiver, now) =>
        receiver === to && now === turn ? change(bytes.slice()) : bytes;
      const { error } = connect({ nla }, { nla: NLA, tls: TLS }, Infinity, tamper);
      if (error === undefined || error instanceof ConnectError || error instanceof DecodeError) continue;
      // A change that makes the other end look like one of another age.
      if (error instanceof UnsupportedError) continue;
      // The other end went on to its active stage or gave up, and the harness still had bytes for it.
      assert.ok(error instanceof UsageError && /^bytes came in (connected|over)$/.test(error.message), String(error));
    }
  }
  const target = fc.constantFrom('client' as const, 'server' as const);
  const turns = fc.integer({ min: 0, max: 12 });

  it('survives changed bytes', () => {
    fc.assert(
      fc.property(
        target,
        turns,
        fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 }),
        (to, turn, changes) => {
          check(to, turn, (bytes) => {
            for (const [at, value] of changes) if (bytes.length > 0) bytes[at % bytes.length] = value;
            return bytes;
          });
        },
      ),
      { numRuns: 300 },
    );
  });

  it('survives cut and inserted bytes', () => {
    fc.assert(
      fc.property(target, turns, fc.nat(), fc.uint8Array({ maxLength: 30 }), (to, turn, at, inserted) => {
        check(to, turn, (bytes) => {
          const cut = at % (bytes.length + 1);
          return concatBytes(bytes.subarray(0, cut), inserted, bytes.subarray(Math.min(cut + (at % 5), bytes.length)));
        });
      }),
      { numRuns: 300 },
    );
  });
});

/** A client that has sent its Connection Request. */
function started(config: Partial<ClientConfig> = {}): ClientConnector {
  const connector = new ClientConnector({ ...CLIENT, ...config }, crypto);
  connector.start();
  return connector;
}

function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    assert.ok(error instanceof ConnectError, String(error));
    return error.code;
  }
  assert.fail('nothing was thrown');
}

describe('ClientConnector', () => {
  it('not_rdp: something else answers', () => {
    const replies = [
      'SSH-2.0-OpenSSH_9.2\r\n',
      'HTTP/1.1 400 Bad Request\r\n\r\n',
      '\x03\x00\x00\x0b\x06\x80\0\0\0\0\0',
    ];
    for (const reply of replies) {
      const connector = started();
      assert.equal(
        codeOf(() => connector.receive(new TextEncoder().encode(reply), NOW)),
        'not_rdp',
      );
    }
  });

  it('not_rdp: the connection is closed without an answer', () => {
    assert.equal(started().explainClose().code, 'not_rdp');
  });

  for (const [code, nla, expected] of [
    [NegotiationFailureCode.hybridRequiredByServer, 'never', 'nla_required'],
    [NegotiationFailureCode.sslWithUserAuthRequiredByServer, 'never', 'nla_required'],
    [NegotiationFailureCode.sslNotAllowedByServer, 'preferred', 'tls_refused'],
    [NegotiationFailureCode.sslNotAllowedByServer, 'required', 'nla_refused'],
    [NegotiationFailureCode.sslCertNotOnServer, 'preferred', 'tls_refused'],
    [NegotiationFailureCode.inconsistentFlags, 'preferred', 'tls_refused'],
    [99, 'preferred', 'tls_refused'],
  ] as const) {
    it(`${expected}: failure code ${code} with NLA ${nla}`, () => {
      const connector = started({ nla });
      const answer = encodeConnectionConfirm({ kind: 'failure', code });
      assert.equal(
        codeOf(() => connector.receive(answer, NOW)),
        expected,
      );
    });
  }

  it('tls_refused: a server that predates negotiation', () => {
    const connector = started();
    assert.equal(
      codeOf(() => connector.receive(encodeConnectionConfirm({ kind: 'none' }), NOW)),
      'tls_refused',
    );
  });

  it('refuses a protocol that was not offered', () => {
    for (const protocol of [SecurityProtocol.rdstls, SecurityProtocol.hybrid | SecurityProtocol.ssl]) {
      const answer = encodeConnectionConfirm({ kind: 'response', flags: 0, protocol });
      assert.equal(
        codeOf(() => started().receive(answer, NOW)),
        'tls_refused',
      );
    }
    const hybrid = encodeConnectionConfirm({ kind: 'response', flags: 0, protocol: SecurityProtocol.hybrid });
    assert.equal(
      codeOf(() => started({ nla: 'never' }).receive(hybrid, NOW)),
      'tls_refused',
    );
  });

  it('refuses bytes between the Connection Confirm and TLS: somebody injects them', () => {
    const answer = encodeConnectionConfirm({ kind: 'response', flags: 0, protocol: SecurityProtocol.ssl });
    assert.equal(
      codeOf(() => started().receive(concatBytes(answer, Uint8Array.of(3)), NOW)),
      'tls_refused',
    );
  });

  it('takes a connection closed during authentication for a refused logon', () => {
    const connector = started();
    connector.receive(encodeConnectionConfirm({ kind: 'response', flags: 0, protocol: SecurityProtocol.hybrid }), NOW);
    connector.tlsEstablished(PEER, NOW);
    assert.equal(connector.explainClose().code, 'logon_failed');
    assert.equal(connector.explainClose().reason, 'refused');
  });

  it('refuses to be used out of order', () => {
    const connector = new ClientConnector(CLIENT, crypto);
    assert.throws(() => connector.receive(new Uint8Array(1), NOW), UsageError);
    assert.throws(() => connector.tlsEstablished(PEER, NOW), UsageError);
    connector.start();
    assert.throws(() => connector.start(), UsageError);
  });

  it('refuses a desktop that the protocol cannot have', () => {
    const connector = started({ width: 100 });
    connector.receive(encodeConnectionConfirm({ kind: 'response', flags: 0, protocol: SecurityProtocol.ssl }), NOW);
    assert.throws(() => connector.tlsEstablished(PEER, NOW), UsageError);
  });
});

/** What a server answers Connect Initial with. */
function connectResponse(data: ServerData): Uint8Array {
  const settings = new WriteCursor(sizeOfServerData(data));
  encodeServerData(data, settings);
  const blocks = settings.finish();
  const conference = new WriteCursor(sizeOfConferenceCreateResponse(blocks));
  encodeConferenceCreateResponse(blocks, conference);
  const userData = conference.finish();
  const parameters = mergeDomainParameters(CLIENT_DOMAIN_PARAMETERS);
  return encodeResponse({ result: 0, domain: { calledConnectId: 0, parameters, userData } });
}

function encodeResponse(response: ConnectResponse): Uint8Array {
  const cursor = new WriteCursor(sizeOfConnectResponse(response));
  encodeConnectResponse(response, cursor);
  return encodeData(cursor.finish());
}

describe('channel connection', () => {
  const SERVER_DATA: ServerData = {
    core: { version: 0x80004 },
    security: { encryptionMethod: 0, encryptionLevel: 0 },
    network: { ioChannelId: 1003, channelIds: [1004, 0, 1005] },
  };
  const CHANNELS = ['one', 'two', 'three'].map((name) => ({ name, options: 0x80000000 }));

  /** A client whose user is attached as 1007, and the PDUs it sent last. */
  function attached(): { connector: ClientConnector; asked: McsPdu[] } {
    const connector = started({ nla: 'never', channels: CHANNELS });
    connector.receive(encodeConnectionConfirm({ kind: 'response', flags: 0, protocol: SecurityProtocol.ssl }), NOW);
    connector.tlsEstablished(PEER, NOW);
    const first = mcsPdus(connector.receive(connectResponse(SERVER_DATA), NOW));
    assert.deepEqual(
      first.map((pdu) => pdu.kind),
      ['erectDomainRequest', 'attachUserRequest'],
    );
    const confirm = mcsMessage({ kind: 'attachUserConfirm', result: 0, initiator: 1007 });
    return { connector, asked: mcsPdus(connector.receive(confirm, NOW)) };
  }

  function mcsPdus(outputs: readonly ConnectorOutput[]): McsPdu[] {
    return sent(outputs).map((bytes) => {
      const message = decodeX224(bytes);
      assert.ok(message.kind === 'data');
      return decodeMcsPdu(message.cursor);
    });
  }

  function confirm(requested: number, result = 0): Uint8Array {
    const pdu = { kind: 'channelJoinConfirm', result, initiator: 1007, requested } as const;
    return mcsMessage(result === 0 ? { ...pdu, channelId: requested } : pdu);
  }

  it('joins one channel after the other: user, i/o, and the static ones that the server wants', () => {
    const { connector, asked } = attached();
    const joined: number[] = [];
    let pdus = asked;
    for (;;) {
      const [pdu] = pdus;
      assert.equal(pdus.length, 1);
      if (pdu?.kind !== 'channelJoinRequest') break;
      joined.push(pdu.channelId);
      pdus = mcsPdus(connector.receive(confirm(pdu.channelId), NOW));
    }
    assert.deepEqual(joined, [1007, 1003, 1004, 1005]);
    assert.equal(pdus[0]?.kind, 'sendDataRequest');
    assert.equal(connector.stateName, 'licensing');
  });

  it('joins the message channel and answers on it, where asked to', () => {
    const connector = started({ nla: 'never', autoDetect: true });
    connector.receive(encodeConnectionConfirm({ kind: 'response', flags: 0, protocol: SecurityProtocol.ssl }), NOW);
    connector.tlsEstablished(PEER, NOW);
    const early = { clientRequestedProtocols: 1, earlyCapabilityFlags: ServerEarlyCapability.skipChannelJoinSupported };
    const data = { ...SERVER_DATA, core: { version: 0x80004, ...early }, messageChannelId: 1006 };
    connector.receive(connectResponse(data), NOW);
    connector.receive(mcsMessage({ kind: 'attachUserConfirm', result: 0, initiator: 1007 }), NOW);
    assert.equal(connector.stateName, 'licensing');
    const question = sendDataIndication(1006, Uint8Array.of(0, 0x10, 0, 0, 6, 0, 5, 0, 1, 0x10));
    assert.deepEqual(mcsPdus(connector.receive(question, NOW)), [
      {
        kind: 'sendDataRequest',
        initiator: 1007,
        channelId: 1006,
        userData: Uint8Array.of(0, 0x20, 0, 0, 6, 1, 5, 0, 0, 0),
      },
    ]);
  });

  it('sends the blocks of an extended client only to a server that takes them', () => {
    for (const [flags, expected] of [
      [0, undefined],
      [NegotiationResponseFlags.extendedClientDataSupported, 0],
    ] as const) {
      const connector = started({ nla: 'never', autoDetect: true });
      connector.receive(encodeConnectionConfirm({ kind: 'response', flags, protocol: SecurityProtocol.ssl }), NOW);
      const [initial = new Uint8Array(0)] = sent(connector.tlsEstablished(PEER, NOW));
      const message = decodeX224(initial);
      assert.ok(message.kind === 'data');
      const conference = new ReadCursor(decodeConnectInitial(message.cursor).userData, 'test');
      assert.equal(decodeClientData(decodeConferenceCreateRequest(conference)).messageChannelFlags, expected);
    }
  });

  it('joins no message channel whose id is zero', () => {
    const connector = started({ nla: 'never', autoDetect: true });
    connector.receive(encodeConnectionConfirm({ kind: 'response', flags: 1, protocol: SecurityProtocol.ssl }), NOW);
    connector.tlsEstablished(PEER, NOW);
    connector.receive(connectResponse({ ...SERVER_DATA, messageChannelId: 0 }), NOW);
    connector.receive(mcsMessage({ kind: 'attachUserConfirm', result: 0, initiator: 1007 }), NOW);
    connector.receive(concatBytes(confirm(1007), confirm(1003)), NOW);
    assert.equal(connector.stateName, 'licensing');
  });

  it('tls_refused: the server heard another request than ours', () => {
    const asked = SecurityProtocol.ssl | SecurityProtocol.hybrid | SecurityProtocol.hybridEx;
    for (const [heard, refused] of [
      [asked, false],
      [undefined, false],
      [SecurityProtocol.ssl, true],
      [0, true],
    ] as const) {
      const connector = started({ nla: 'preferred' });
      connector.receive(encodeConnectionConfirm({ kind: 'response', flags: 0, protocol: SecurityProtocol.ssl }), NOW);
      connector.tlsEstablished(PEER, NOW);
      const core = { version: 0x80004, ...(heard !== undefined && { clientRequestedProtocols: heard }) };
      const receive = () => connector.receive(connectResponse({ ...SERVER_DATA, core }), NOW);
      if (refused) assert.equal(codeOf(receive), 'tls_refused');
      else assert.equal(receive().at(-1)?.kind, 'send');
    }
  });

  it('looks at the channel that was joined, not at what was requested', () => {
    const { connector } = attached();
    const joined = (channelId: number) =>
      mcsMessage({ kind: 'channelJoinConfirm', result: 0, initiator: 1001, requested: 0, channelId });
    connector.receive(concatBytes(joined(1007), joined(1003), joined(1004), joined(1005)), NOW);
    assert.equal(connector.stateName, 'licensing');
  });

  it('is told of a redirection, an error or a delay before licensing', () => {
    const inLicensing = () => {
      const { connector } = attached();
      connector.receive(concatBytes(confirm(1007), confirm(1003), confirm(1004), confirm(1005)), NOW);
      return connector;
    };
    const redirected = inLicensing();
    const packet = encodeEnhancedRedirection({ sessionId: 3, flags: 0, targetNetAddress: '10.0.0.7' });
    const redirect = shareControlMessage(ShareControlType.serverRedirect, SERVER_CHANNEL_ID, packet);
    const [output] = redirected.receive(sendDataIndication(1003, redirect), NOW);
    assert.equal(output?.kind === 'redirect' && output.redirection.hosts[0], '10.0.0.7');

    const refused = inLicensing();
    const body = encodeSetErrorInfo({ errorInfo: ErrorInfo.serverDeniedConnection });
    const info = shareDataMessage(ShareDataType.setErrorInfo, 0, 0, body);
    refused.receive(sendDataIndication(1003, info), NOW);
    assert.equal(refused.stateName, 'licensing');
    assert.equal(refused.explainClose().errorInfo, ErrorInfo.serverDeniedConnection);

    const waiting = inLicensing();
    const { vmStarting } = StatusCode;
    const status = shareDataMessage(ShareDataType.statusInfo, 0, 0, encodeStatusInfo({ statusCode: vmStarting }));
    assert.deepEqual(waiting.receive(sendDataIndication(1003, status), NOW), [
      { kind: 'status', statusCode: vmStarting },
    ]);
  });

  it('goes on without a static channel that the server refuses', () => {
    const { connector } = attached();
    connector.receive(concatBytes(confirm(1007), confirm(1003), confirm(1004, 3), confirm(1005)), NOW);
    assert.equal(connector.stateName, 'licensing');
  });

  it('gives up when the i/o channel is refused', () => {
    const { connector } = attached();
    assert.equal(
      codeOf(() => connector.receive(concatBytes(confirm(1007), confirm(1003, 3)), NOW)),
      'server_closed',
    );
  });

  it('refuses a confirmation of what it did not ask for', () => {
    const { connector } = attached();
    assert.throws(() => connector.receive(confirm(1999), NOW), DecodeError);
  });

  it('refuses encryption by standard RDP security inside of TLS', () => {
    const connector = started({ nla: 'never' });
    connector.receive(encodeConnectionConfirm({ kind: 'response', flags: 0, protocol: SecurityProtocol.ssl }), NOW);
    connector.tlsEstablished(PEER, NOW);
    const data = { ...SERVER_DATA, security: { encryptionMethod: 2, encryptionLevel: 2 } };
    assert.throws(() => connector.receive(connectResponse(data), NOW), DecodeError);
  });

  it('is refused with a result and nothing else', () => {
    const connector = started({ nla: 'never' });
    connector.receive(encodeConnectionConfirm({ kind: 'response', flags: 0, protocol: SecurityProtocol.ssl }), NOW);
    connector.tlsEstablished(PEER, NOW);
    assert.throws(
      () => connector.receive(encodeResponse({ result: 14 }), NOW),
      (error: unknown) => error instanceof ConnectError && error.code === 'server_closed',
    );
  });

  it('server: refuses a client that heard of another protocol, or has too much to say', () => {
    const settle = (change: (initial: Uint8Array) => Uint8Array) => {
      const acceptor = new ServerAcceptor({ computerName: 'DEMO', tls: TLS }, crypto);
      acceptor.receive(negotiationRequest(), NOW);
      acceptor.tlsEstablished(PEER, NOW);
      return acceptor.receive(change(connectInitialMessage(CLIENT, SecurityProtocol.ssl, true)), NOW);
    };
    assert.equal(sent(settle((initial) => initial)).length, 1);
    const heard = connectInitialMessage(CLIENT, SecurityProtocol.hybrid, true);
    assert.throws(() => settle(() => heard), refusedField('serverSelectedProtocol'));
    const large = { ...CLIENT_DOMAIN_PARAMETERS, userData: new Uint8Array(4097) };
    const cursor = new WriteCursor(sizeOfConnectInitial(large));
    encodeConnectInitial(large, cursor);
    assert.throws(() => settle(() => encodeData(cursor.finish())), refusedField('userData'));
  });

  it('server: says nothing of negotiation to a client that knows nothing of it', () => {
    const privateKey = { modulus: 0n, exponent: 0n, privateExponent: 0n, size: 64 };
    const legacy = { ...TLS, level: EncryptionLevel.none, methods: 0, privateKey };
    const acceptor = new ServerAcceptor({ computerName: 'DEMO', legacy }, crypto);
    const outputs = acceptor.receive(Uint8Array.of(3, 0, 0, 11, 6, 0xe0, 0, 0, 0, 0, 0), NOW);
    assert.deepEqual(sent(outputs), [encodeConnectionConfirm({ kind: 'none' })]);
    assert.equal(acceptor.stateName, 'basic-settings-exchange');
  });

  it('server: confirms its own channels, refuses others', () => {
    const acceptor = new ServerAcceptor({ computerName: 'DEMO', tls: TLS }, crypto);
    acceptor.receive(negotiationRequest(), NOW);
    acceptor.tlsEstablished(PEER, NOW);
    const initial = connectInitialMessage({ ...CLIENT, channels: CHANNELS }, SecurityProtocol.ssl, true);
    acceptor.receive(initial, NOW);
    acceptor.receive(mcsMessage({ kind: 'attachUserRequest' }), NOW);
    const results = [1003, 1006, 1007, 1008, 1003].map((channelId) => {
      const request = mcsMessage({ kind: 'channelJoinRequest', initiator: 1007, channelId });
      const [bytes] = sent(acceptor.receive(request, NOW));
      if (bytes === undefined) return 'no answer';
      const message = decodeX224(bytes);
      assert.ok(message.kind === 'data');
      const pdu = decodeMcsPdu(message.cursor);
      assert.ok(pdu.kind === 'channelJoinConfirm');
      return [pdu.result, pdu.channelId];
    });
    assert.deepEqual(results, [[0, 1003], [0, 1006], [0, 1007], [14, 1008], 'no answer']);
  });
});

/** A client over TLS just after its Client Info, with what a server sends it at hand. */
function finalizing(): { connector: ClientConnector; demand: Uint8Array; answers: Uint8Array[] } {
  const connector = started({ nla: 'never' });
  const acceptor = new ServerAcceptor({ computerName: 'DEMO', tls: TLS }, crypto);
  acceptor.receive(negotiationRequest(), NOW);
  acceptor.tlsEstablished(PEER, NOW);
  connector.receive(encodeConnectionConfirm({ kind: 'response', flags: 0, protocol: SecurityProtocol.ssl }), NOW);
  let toServer = sent(connector.tlsEstablished(PEER, NOW));
  for (;;) {
    const answers = sent(acceptor.receive(concatBytes(...toServer), NOW));
    if (connector.stateName === 'licensing') {
      // License and Demand Active go to the client; the finalization's answers stay with us.
      const finalization = sent(connector.receive(concatBytes(...answers), NOW));
      const demand = answers.at(-1) ?? assert.fail('no Demand Active');
      return { connector, demand, answers: sent(acceptor.receive(concatBytes(...finalization), NOW)) };
    }
    toServer = sent(connector.receive(concatBytes(...answers), NOW));
  }
}

/** Types of the share data PDUs that a server answers such a client of TLS with, until it has let it in or sent it off. */
function answersOf(config: Partial<ClientConfig>, earlyCapabilityFlags: number): number[] {
  const acceptor = new ServerAcceptor({ computerName: 'DEMO', tls: TLS }, crypto);
  acceptor.receive(negotiationRequest(), NOW);
  acceptor.tlsEstablished(PEER, NOW);
  const connector = started(config);
  connector.receive(encodeConnectionConfirm({ kind: 'response', flags: 0, protocol: SecurityProtocol.ssl }), NOW);
  const [initial] = sent(connector.tlsEstablished(PEER, NOW));
  const response = sent(acceptor.receive(withEarlyFlags(initial, earlyCapabilityFlags), NOW));
  let toServer = sent(connector.receive(concatBytes(...response), NOW));
  const types: number[] = [];
  for (;;) {
    const answers = sent(acceptor.receive(concatBytes(...toServer), NOW));
    types.push(...answers.flatMap(shareDataTypes));
    if (acceptor.stateName === 'over' || acceptor.stateName === 'connected') return types;
    toServer = sent(connector.receive(concatBytes(...answers), NOW));
  }
}

function withEarlyFlags(packet: Uint8Array = new Uint8Array(0), earlyCapabilityFlags: number): Uint8Array {
  const message = decodeX224(packet);
  assert.ok(message.kind === 'data');
  const initial = decodeConnectInitial(new ReadCursor(message.cursor.rest(), 'test'));
  const data = decodeClientData(decodeConferenceCreateRequest(new ReadCursor(initial.userData, 'test')));
  const changed = { ...data, core: { ...data.core, earlyCapabilityFlags } };
  const blocks = new WriteCursor(sizeOfClientData(changed));
  encodeClientData(changed, blocks);
  const settings = blocks.finish();
  const conference = new WriteCursor(sizeOfConferenceCreateRequest(settings));
  encodeConferenceCreateRequest(settings, conference);
  const pdu = { ...initial, userData: conference.finish() };
  const cursor = new WriteCursor(sizeOfConnectInitial(pdu));
  encodeConnectInitial(pdu, cursor);
  return encodeData(cursor.finish());
}

function shareDataTypes(packet: Uint8Array): number[] {
  const message = decodeX224(packet);
  assert.ok(message.kind === 'data');
  const pdu = decodeMcsPdu(message.cursor);
  if (pdu.kind !== 'sendDataIndication' || pdu.userData[0] === SecurityFlags.licensePacket) return [];
  return decodeShareControlPdus(pdu.userData).flatMap(({ type, body }) =>
    type === ShareControlType.data ? [decodeShareData(new ReadCursor(body, 'test')).type] : [],
  );
}

function refusedField(field: string) {
  return (error: unknown) => error instanceof DecodeError && error.field === field;
}

function negotiationRequest(): Uint8Array {
  return Uint8Array.of(3, 0, 0, 19, 14, 0xe0, 0, 0, 0, 0, 0, 1, 0, 8, 0, 1, 0, 0, 0);
}

function sent(outputs: readonly { readonly kind: string; readonly bytes?: Uint8Array }[]): Uint8Array[] {
  return outputs.flatMap((output) => (output.kind === 'send' && output.bytes !== undefined ? [output.bytes] : []));
}

describe('ClientConnector, last phase', () => {
  const FAST_PATH = Uint8Array.of(0, 5, 5, 0, 0);
  const notify = sendDataIndication(
    1003,
    shareDataMessage(ShareDataType.saveSessionInfo, 0x103ea, SERVER_CHANNEL_ID, encodePlainNotify()),
  );

  it('hands early and left-over frames to the active stage, in order', () => {
    const { connector, answers } = finalizing();
    const channelData = sendDataIndication(1009, Uint8Array.of(1, 2, 3));
    connector.receive(concatBytes(FAST_PATH, notify), NOW);
    const tail = FAST_PATH.subarray(0, 3);
    const [output] = connector.receive(concatBytes(channelData, ...answers, FAST_PATH, tail), NOW);
    assert.equal(output?.kind, 'connected');
    const { pending } = output.result;
    assert.deepEqual(pending, concatBytes(FAST_PATH, notify, channelData, FAST_PATH, tail));
  });

  it('reports what the server said before it closed', () => {
    const { connector } = finalizing();
    const body = encodeSetErrorInfo({ errorInfo: ErrorInfo.disconnectedByOtherConnection });
    const info = sendDataIndication(
      1003,
      shareDataMessage(ShareDataType.setErrorInfo, 0x103ea, SERVER_CHANNEL_ID, body),
    );
    connector.receive(info, NOW);
    assert.equal(connector.explainClose().errorInfo, ErrorInfo.disconnectedByOtherConnection);
    const ultimatum = mcsMessage({ kind: 'disconnectProviderUltimatum', reason: DisconnectReason.providerInitiated });
    assert.throws(
      () => connector.receive(ultimatum, NOW),
      (error) => error instanceof ConnectError && error.errorInfo === ErrorInfo.disconnectedByOtherConnection,
    );
  });

  it('bounds what it keeps for the active stage', () => {
    const { connector } = finalizing();
    const frame = new Uint8Array(0x7fff);
    frame.set([0, 0xff, 0xff]);
    assert.throws(
      () => {
        for (let i = 0; i < 1000; i++) connector.receive(frame, NOW);
      },
      (error) => error instanceof DecodeError && error.code === 'limit_exceeded',
    );
  });

  it('starts over when the server does', () => {
    const { connector, answers } = finalizing();
    connector.receive(FAST_PATH, NOW);
    const deactivate = sendDataIndication(1003, Uint8Array.of(13, 0, 0x16, 0, 0xea, 3, 0xea, 3, 1, 0, 1, 0, 0));
    connector.receive(deactivate, NOW);
    assert.equal(connector.stateName, 'capabilities-exchange');
    // The Font Map of the share that is gone does not end the sequence.
    assert.deepEqual(connector.receive(concatBytes(...answers), NOW), []);
    assert.equal(connector.stateName, 'capabilities-exchange');
  });

  it('keeps what came on channels when the server starts over, and no pictures', () => {
    const { connector, demand, answers } = finalizing();
    const channelData = sendDataIndication(1009, Uint8Array.of(1, 2, 3));
    connector.receive(concatBytes(FAST_PATH, channelData, FAST_PATH, notify), NOW);
    const deactivate = sendDataIndication(1003, Uint8Array.of(13, 0, 0x16, 0, 0xea, 3, 0xea, 3, 1, 0, 1, 0, 0));
    connector.receive(concatBytes(deactivate, demand), NOW);
    const output = connector.receive(concatBytes(...answers), NOW).at(-1);
    assert.equal(output?.kind, 'connected');
    assert.deepEqual(output.result.pending, concatBytes(channelData, notify));
  });
});
