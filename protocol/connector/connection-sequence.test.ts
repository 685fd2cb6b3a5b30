import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { concatBytes } from '../core/bytes.ts';
import { ReadCursor, WriteCursor } from '../core/cursor.ts';
import { DecodeError, UnsupportedError, UsageError } from '../core/errors.ts';
import { nodeCrypto } from '../core/testing/node-crypto.ts';
import { findCapability } from '../pdu/capability-sets.ts';
import { ErrorInfo } from '../pdu/error-info.ts';
import {
  decodeConferenceCreateRequest,
  encodeConferenceCreateRequest,
  sizeOfConferenceCreateRequest,
} from '../pdu/gcc.ts';
import { decodeClientData, encodeClientData, sizeOfClientData } from '../pdu/gcc-client-data.ts';
import { ClientEarlyCapability } from '../pdu/gcc-core-data.ts';
import { decodeConnectInitial, encodeConnectInitial, sizeOfConnectInitial } from '../pdu/mcs.ts';
import { decodeMcsPdu } from '../pdu/mcs-domain.ts';
import { encodeConnectionConfirm, SecurityProtocol } from '../pdu/nego.ts';
import { SecurityFlags } from '../pdu/security-header.ts';
import { decodeShareControlPdus, decodeShareData, ShareControlType, ShareDataType } from '../pdu/share.ts';
import { decodeX224, encodeData } from '../pdu/x224.ts';
import { ConnectError } from './connect-error.ts';
import { ServerAcceptor } from './server-acceptor.ts';
import {
  CLIENT,
  connect,
  failure,
  NLA,
  NOW,
  negotiationRequest,
  PEER,
  sent,
  started,
  type Tamper,
  TLS,
} from './testing/handshake.ts';
import type { ClientConfig } from './types.ts';

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
      maxUpdateSize: 0x3f0000,
    });
    assert.deepEqual(server.share, {
      shareId: 0x103ea,
      width: 1366,
      height: 768,
      colorDepth: 16,
      maxUpdateSize: client.share.maxUpdateSize,
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

  it('leaves out of Client Info what has no room there, where the server knows it from NLA', () => {
    const password = 'p'.repeat(256);
    const domain = 'd'.repeat(256);
    const nla = { lookup: (user: string) => (user === 'alice' ? { password } : undefined) };
    const { server } = connect({ password, domain }, { nla });
    assert.deepEqual([server?.clientInfo.userName, server?.clientInfo.domain], ['alice', '']);
    assert.equal(connect({ nla: 'never', password: 'p'.repeat(255) }, { tls: TLS }).refused, 'logon_failed');
    const error = failure(connect({ nla: 'never', password }, { tls: TLS }));
    assert.equal(error.code, 'credentials_too_long');
    assert.ok(!error.message.includes('pp'));
  });

  it('tells the server which keyboard goes with the layout: Windows reads the keys of Japan by its type', () => {
    for (const [keyboardLayout, keyboardType, keyboardSubType] of [
      [0x0407, 4, 0],
      [0x2_0409, 4, 0],
      [0x0411, 7, 2],
      [0xe001_0411, 7, 2],
    ] as const) {
      const { server } = connect({ nla: 'never', keyboardLayout }, { tls: TLS });
      const input = findCapability(server?.clientCapabilities ?? [], 'input');
      for (const told of [server?.clientData.core, input]) {
        assert.equal(told?.keyboardLayout, keyboardLayout);
        assert.equal(told.keyboardType, keyboardType);
        assert.equal(told.keyboardSubType, keyboardSubType);
        assert.equal(told.keyboardFunctionKey, 12);
      }
    }
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
    const acceptor = new ServerAcceptor({ computerName: 'DEMO', nla: NLA, tls: TLS }, nodeCrypto);
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

/** Types of the share data PDUs that a server answers such a client of TLS with, until it has let it in or sent it off. */
function answersOf(config: Partial<ClientConfig>, earlyCapabilityFlags: number): number[] {
  const acceptor = new ServerAcceptor({ computerName: 'DEMO', tls: TLS }, nodeCrypto);
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
