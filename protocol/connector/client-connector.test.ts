import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { concatBytes } from '../core/bytes.ts';
import { ReadCursor, WriteCursor } from '../core/cursor.ts';
import { DecodeError, UsageError } from '../core/errors.ts';
import { nodeCrypto } from '../core/testing/node-crypto.ts';
import { ErrorInfo, encodeSetErrorInfo } from '../pdu/error-info.ts';
import {
  decodeConferenceCreateRequest,
  encodeConferenceCreateResponse,
  sizeOfConferenceCreateResponse,
} from '../pdu/gcc.ts';
import { decodeClientData } from '../pdu/gcc-client-data.ts';
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
import { decodeMcsPdu, type McsPdu, mcsMessage, sendDataIndication } from '../pdu/mcs-domain.ts';
import {
  encodeConnectionConfirm,
  NegotiationFailureCode,
  NegotiationResponseFlags,
  SecurityProtocol,
} from '../pdu/nego.ts';
import { encodeEnhancedRedirection } from '../pdu/server-redirection.ts';
import {
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
import { ServerAcceptor } from './server-acceptor.ts';
import { CLIENT, codeOf, NOW, negotiationRequest, PEER, sent, started, TLS } from './testing/handshake.ts';
import type { ConnectorOutput } from './types.ts';

describe('ClientConnector', () => {
  it('not_rdp: something else answers', () => {
    const replies = [
      'SSH-2.0-OpenSSH_9.2\r\n',
      'HTTP/1.1 400 Bad Request\r\n\r\n',
      // An X.224 Error, which answers no request.
      '\x03\x00\x00\x0b\x06\x70\0\0\0\0\0',
    ];
    for (const reply of replies) {
      const connector = started();
      assert.equal(
        codeOf(() => connector.receive(new TextEncoder().encode(reply), NOW)),
        'not_rdp',
      );
    }
  });

  it('server_closed: the connection is refused in X.224', () => {
    const refusal = Uint8Array.of(3, 0, 0, 11, 6, 0x80, 0, 0, 0, 0, 1);
    assert.throws(() => started().receive(refusal, NOW), {
      name: 'ConnectError',
      code: 'server_closed',
      message: 'the server refused the connection with reason 1',
    });
    assert.equal(
      codeOf(() => started().receive(Uint8Array.of(3, 0, 0, 8, 3, 0x80, 0, 0), NOW)),
      'not_rdp',
    );
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
    const connector = new ClientConnector(CLIENT, nodeCrypto);
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

    // Servers that are made of FreeRDP write the version of all other PDUs here, too.
    const versioned = redirect.slice();
    versioned[2] = ShareControlType.serverRedirect | 0x10;
    assert.equal(inLicensing().receive(sendDataIndication(1003, versioned), NOW)[0]?.kind, 'redirect');

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
      const acceptor = new ServerAcceptor({ computerName: 'DEMO', tls: TLS }, nodeCrypto);
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
    const acceptor = new ServerAcceptor({ computerName: 'DEMO', legacy }, nodeCrypto);
    const outputs = acceptor.receive(Uint8Array.of(3, 0, 0, 11, 6, 0xe0, 0, 0, 0, 0, 0), NOW);
    assert.deepEqual(sent(outputs), [encodeConnectionConfirm({ kind: 'none' })]);
    assert.equal(acceptor.stateName, 'basic-settings-exchange');
  });

  it('server: confirms its own channels, refuses others', () => {
    const acceptor = new ServerAcceptor({ computerName: 'DEMO', tls: TLS }, nodeCrypto);
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

function refusedField(field: string) {
  return (error: unknown) => error instanceof DecodeError && error.field === field;
}
