import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { concatBytes } from '../core/bytes.ts';
import { WriteCursor } from '../core/cursor.ts';
import { DecodeError } from '../core/errors.ts';
import { encodeUtf8, encodeUtf16le } from '../core/text.ts';
import { MAX_ROUTING_BYTES, SecurityProtocol } from '../pdu/nego.ts';
import {
  decodeRdstlsRequest,
  encodeRdstlsCapabilities,
  encodeRdstlsResponse,
  type RdstlsRequest,
  RdstlsResult,
} from '../pdu/rdstls.ts';
import { RedirectionFlags } from '../pdu/server-redirection.ts';
import { ClientConnector } from './client-connector.ts';
import { clientInfoMessage } from './client-settings.ts';
import { ConnectError } from './connect-error.ts';
import { redirectionOf, targetCertificateOf } from './redirection.ts';
import type { ClientConfig, ConnectorOutput } from './types.ts';

const COOKIE = Uint8Array.of(2, 0, 0, 0x80, 9, 9, 9);

describe('redirectionOf', () => {
  it('nobody goes anywhere where the packet only informs', () => {
    const flags = RedirectionFlags.noRedirect;
    assert.equal(redirectionOf({ sessionId: 1, flags, targetNetAddress: '10.0.0.1' }), undefined);
  });

  it('names first, then addresses, each once', () => {
    const redirection = redirectionOf({
      sessionId: 1,
      flags: 0,
      targetNetAddress: '10.0.0.1',
      targetFqdn: 'host1.lab.example',
      targetNetBiosName: 'HOST1',
      targetNetAddresses: ['10.0.0.1', 'fd00::1'],
    });
    assert.deepEqual(redirection?.hosts, ['host1.lab.example', '10.0.0.1', 'fd00::1', 'HOST1']);
  });

  it('a routing token stays with the host that gave it', () => {
    const loadBalanceInfo = encodeUtf8('Cookie: msts=1.2.3\r\n');
    const redirection = redirectionOf({ sessionId: 1, flags: 0, targetFqdn: 'x', loadBalanceInfo });
    assert.deepEqual(redirection?.hosts, []);
    assert.deepEqual(redirection?.changes.routing, { kind: 'token', value: 'Cookie: msts=1.2.3' });
  });

  it('a routing token beside an address is for nobody', () => {
    const loadBalanceInfo = encodeUtf8('Cookie: msts=1.2.3\r\n');
    const redirection = redirectionOf({ sessionId: 1, flags: 0, targetNetAddress: '10.0.0.1', loadBalanceInfo });
    assert.deepEqual(redirection?.hosts, ['10.0.0.1']);
    assert.equal(redirection?.changes.routing, undefined);
  });

  it('takes the name of a pool as it is, but not more than a connection request holds', () => {
    const value = 'tsv://MS Terminal Services Plugin.1.Büro';
    const redirection = redirectionOf({ sessionId: 1, flags: 0, loadBalanceInfo: encodeUtf8(value) });
    assert.deepEqual(redirection?.changes.routing, { kind: 'token', value });
    const long = encodeUtf8('x'.repeat(MAX_ROUTING_BYTES + 1));
    assert.throws(() => redirectionOf({ sessionId: 1, flags: 0, loadBalanceInfo: long }), DecodeError);
    assert.throws(() => redirectionOf({ sessionId: 1, flags: 0, loadBalanceInfo: Uint8Array.of(0xff) }), DecodeError);
  });

  it('refuses a token that would smuggle in another line', () => {
    const loadBalanceInfo = encodeUtf8('Cookie: msts=1\r\nmore\r\n');
    assert.throws(() => redirectionOf({ sessionId: 1, flags: 0, loadBalanceInfo }), DecodeError);
  });

  it('takes the password as text where it is text', () => {
    const password = encodeUtf16le('geheim\0');
    const redirection = redirectionOf({ sessionId: 1, flags: 0, userName: 'u', password });
    assert.deepEqual(redirection?.changes, {
      redirected: { sessionId: 1 },
      username: 'u',
      domain: '',
      password: 'geheim',
    });
    assert.equal(redirectionOf({ sessionId: 1, flags: 0, password: COOKIE })?.changes.password, undefined);
  });

  it('hands an encrypted password on for RDSTLS, and to nothing else', () => {
    const redirection = redirectionOf({
      sessionId: 4,
      flags: RedirectionFlags.passwordIsPkEncrypted,
      userName: 'u',
      domain: 'D',
      password: COOKIE,
      redirectionGuid: encodeUtf16le('Z3VpZA==\0'),
    });
    assert.deepEqual(redirection?.changes, {
      redirected: {
        sessionId: 4,
        rdstls: {
          kind: 'password',
          redirectionGuid: encodeUtf16le('Z3VpZA==\0'),
          userName: encodeUtf16le('u\0'),
          domain: encodeUtf16le('D\0'),
          password: COOKIE,
        },
      },
      username: 'u',
      domain: 'D',
    });
  });

  it('finds the certificate that the server vouches for', () => {
    const certificate = Uint8Array.of(0x30, 3, 1, 2, 3);
    const cursor = new WriteCursor(12 + 2 + 12 + certificate.length);
    for (const value of [7, 1, 2]) cursor.u32(value);
    cursor.bytes(Uint8Array.of(1, 2));
    for (const value of [32, 1, certificate.length]) cursor.u32(value);
    cursor.bytes(certificate);
    const targetCertificate = encodeUtf16le(`${Buffer.from(cursor.finish()).toString('base64')}\0`);
    assert.deepEqual(redirectionOf({ sessionId: 1, flags: 0, targetCertificate })?.certificate, certificate);
    assert.equal(targetCertificateOf(encodeUtf16le('')), undefined);
    assert.throws(() => targetCertificateOf(encodeUtf16le('AAAA')), DecodeError);
  });
});

describe('RDSTLS', () => {
  const request: RdstlsRequest = {
    kind: 'password',
    redirectionGuid: encodeUtf16le('Z3VpZA==\0'),
    userName: encodeUtf16le('u\0'),
    domain: encodeUtf16le('D\0'),
    password: COOKIE,
  };
  const CONFIG: ClientConfig = {
    ...{ host: 'h', username: 'u', password: 'own password', domain: 'D', width: 800, height: 600, colorDepth: 32 },
    ...{ nla: 'required', keyboardLayout: 0x409, clientName: 'test', redirected: { sessionId: 4, rdstls: request } },
  };
  const PEER = { certificate: Uint8Array.of(0x30, 0), subjectPublicKey: new Uint8Array(140) };
  const noCrypto = () => assert.fail('no cryptography is needed');
  const crypto = {
    ...{ randomBytes: noCrypto, md5: noCrypto, sha1: noCrypto, sha256: noCrypto, hmacMd5: noCrypto },
    ...{ hmacSha1: noCrypto, tripleDesCbc: noCrypto },
  };
  /** X.224 Connection Confirm with RDP_NEG_RSP, [MS-RDPBCGR] 2.2.1.2.1. */
  const confirm = (protocol: number) =>
    Uint8Array.of(3, 0, 0, 19, 14, 0xd0, 0, 0, 0, 0, 0, 2, 0, 8, 0, protocol, 0, 0, 0);
  const sent = (outputs: readonly ConnectorOutput[]) =>
    concatBytes(...outputs.flatMap((output) => (output.kind === 'send' ? [output.bytes] : [])));

  function begun(): ClientConnector {
    const connector = new ClientConnector(CONFIG, crypto);
    const asked = sent(connector.start());
    assert.equal(asked.at(-4), SecurityProtocol.ssl | SecurityProtocol.rdstls);
    connector.receive(confirm(SecurityProtocol.rdstls), 0);
    assert.deepEqual(connector.tlsEstablished(PEER, 0), [{ kind: 'phase', phase: 'authenticating' }]);
    return connector;
  }

  it('sends what the redirection brought, then goes on with the sequence', () => {
    const connector = begun();
    const answer = sent(connector.receive(encodeRdstlsCapabilities({ supportedVersions: 1 }), 0));
    assert.deepEqual(decodeRdstlsRequest(answer), request);
    const response = encodeRdstlsResponse({ resultCode: RdstlsResult.success });
    assert.deepEqual(connector.receive(response.subarray(0, 3), 0), []);
    const settings = connector.receive(response.subarray(3), 0);
    assert.deepEqual(settings[0], { kind: 'phase', phase: 'settings' });
    assert.equal(connector.stateName, 'basic-settings-exchange');
    // The session that the redirection is about is asked for.
    const cluster = Buffer.from([0x04, 0xc0, 0x0c, 0x00, 0x13, 0, 0, 0, 4, 0, 0, 0]);
    assert.ok(Buffer.from(sent(settings)).includes(cluster));
  });

  for (const [result, code, reason] of [
    ['logonFailure', 'logon_failed', 'logon_failed'],
    ['passwordExpired', 'account_restricted', 'password_expired'],
    ['accountLockedOut', 'account_restricted', 'account_locked'],
    ['accessDenied', 'account_restricted', 'logon_type_not_granted'],
  ] as const) {
    it(`tells why the server refused: ${result}`, () => {
      const connector = begun();
      connector.receive(encodeRdstlsCapabilities({ supportedVersions: 1 }), 0);
      const response = encodeRdstlsResponse({ resultCode: RdstlsResult[result] });
      assert.throws(
        () => connector.receive(response, 0),
        (error) => error instanceof ConnectError && error.code === code && error.reason === reason,
      );
    });
  }

  it('never sends the password to a server that offers less', () => {
    const connector = new ClientConnector(CONFIG, crypto);
    connector.start();
    assert.throws(() => connector.receive(confirm(SecurityProtocol.ssl), 0), ConnectError);
  });

  it('keeps the own password from the server, in Client Info too', () => {
    const { redirected: _, ...direct } = CONFIG;
    const password = Buffer.from(encodeUtf16le(CONFIG.password));
    assert.ok(Buffer.from(clientInfoMessage(direct, SecurityProtocol.ssl)).includes(password));
    assert.ok(!Buffer.from(clientInfoMessage(CONFIG, SecurityProtocol.rdstls)).includes(password));
  });

  it('goes with Restricted Admin mode, which keeps the password as well', () => {
    const connector = new ClientConnector({ ...CONFIG, restrictedAdmin: true }, crypto);
    assert.equal(sent(connector.start()).at(-7), 0, 'the flag of the negotiation request');
    connector.receive(confirm(SecurityProtocol.rdstls), 0);
    assert.equal(connector.stateName, 'security-upgrade');
  });

  it('refuses another version', () => {
    assert.throws(() => begun().receive(encodeRdstlsCapabilities({ supportedVersions: 2 }), 0), DecodeError);
  });
});
