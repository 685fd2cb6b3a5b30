import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { nodeCrypto as crypto } from '../../gateway/rdp/node-crypto.ts';
import { DecodeError } from '../../protocol/core/errors.ts';
import { encodeUtf16le } from '../../protocol/core/text.ts';
import { AvId, avText, encodeAvPairs } from '../../protocol/security/ntlm-av-pairs.ts';
import {
  channelBindingsHash,
  NtlmSession,
  ntHash,
  ntlmV2Key,
  ntlmV2Response,
  tlsServerEndPoint,
  verifyNtlmV2Response,
} from '../../protocol/security/ntlm-crypto.ts';
import {
  decodeAuthenticateMessage,
  decodeChallengeMessage,
  encodeAuthenticateMessage,
  encodeChallengeMessage,
  sizeOfAuthenticateMessage,
} from '../../protocol/security/ntlm-messages.ts';
import { rc4 } from '../../protocol/security/rc4.ts';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text.replaceAll(/\s/g, ''), 'hex'));

// [MS-NLMP] 4.2.1 Common Values and 4.2.4 NTLMv2 Authentication.
const SERVER_CHALLENGE = bytes('0123456789abcdef');
const CLIENT_CHALLENGE = new Uint8Array(8).fill(0xaa);
const RANDOM_SESSION_KEY = new Uint8Array(16).fill(0x55);
const FLAGS = 0xe28a8233;
const TARGET_INFO = encodeAvPairs([avText(AvId.nbDomainName, 'Domain'), avText(AvId.nbComputerName, 'Server')]);

describe('[MS-NLMP] 4.2.4', () => {
  const key = ntlmV2Key(crypto, ntHash('Password'), 'User', 'Domain');
  const response = ntlmV2Response(crypto, key, SERVER_CHALLENGE, CLIENT_CHALLENGE, new Uint8Array(8), TARGET_INFO);

  it('4.2.2.1.2 NTOWFv1', () => {
    assert.equal(hex(ntHash('Password')), 'a4f49c406510bdcab6824ee7c30fd852');
  });

  it('4.2.4.1.1 NTOWFv2', () => {
    assert.equal(hex(key), '0c868a403bfd7a93a3001ef22ef02e3f');
  });

  it('4.2.4.1.2 session base key', () => {
    assert.equal(hex(response.sessionBaseKey), '8de40ccadbc14a82f15cb0ad0de95ca3');
  });

  it('4.2.4.2.1 LMv2 response', () => {
    assert.equal(hex(response.lmResponse), '86c35097ac9cec102554764a57cccc19aaaaaaaaaaaaaaaa');
  });

  it('4.2.4.2.2 NTLMv2 response', () => {
    assert.equal(hex(response.ntResponse.subarray(0, 16)), '68cd0ab851e51c96aabc927bebef6a1c');
    assert.equal(
      hex(verifyNtlmV2Response(crypto, key, SERVER_CHALLENGE, response.ntResponse) ?? new Uint8Array(0)),
      hex(response.sessionBaseKey),
    );
  });

  it('4.2.4.2.3 encrypted session key', () => {
    assert.equal(hex(rc4(response.sessionBaseKey, RANDOM_SESSION_KEY)), 'c5dad2544fc9799094ce1ce90bc9d03e');
  });

  it('4.2.4.3 CHALLENGE_MESSAGE', () => {
    const message = bytes(`
      4e544c4d53535000 02000000 0c000c0038000000 33828ae2 0123456789abcdef 0000000000000000 2400240044000000
      0600701700000 00f 530065007200760065007200
      02000c0044006f006d00610069006e00 01000c00530065007200760065007200 00000000`);
    const challenge = decodeChallengeMessage(message);
    assert.equal(challenge.flags, FLAGS);
    assert.equal(challenge.targetName, 'Server');
    assert.deepEqual(challenge.version, { major: 6, minor: 0, build: 6000, revision: 15 });
    assert.equal(hex(encodeAvPairs(challenge.targetInfo ?? [])), hex(TARGET_INFO));
    assert.equal(hex(encodeChallengeMessage(challenge)), hex(message));
  });

  it('4.2.4.1.3 temp', () => {
    assert.equal(
      hex(response.ntResponse.subarray(16)),
      ['0101000000000000', '0000000000000000', 'aaaaaaaaaaaaaaaa', '00000000', hex(TARGET_INFO), '00000000'].join(''),
    );
  });

  it('4.2.4.3 AUTHENTICATE_MESSAGE', () => {
    const message = bytes(`
      4e544c4d53535000 03000000 180018006c000000 5400540084000000 0c000c0048000000 0800080054000000
      100010005c000000 10001000d8000000 358288e2 0501280a0000000f 44006f006d00610069006e00 5500730065007200
      43004f004d0050005500540045005200 86c35097ac9cec102554764a57cccc19aaaaaaaaaaaaaaaa
      68cd0ab851e51c96aabc927bebef6a1c 01010000000000000000000000000000aaaaaaaaaaaaaaaa00000000
      02000c0044006f006d00610069006e00 01000c00530065007200760065007200 0000000000000000
      c5dad2544fc9799094ce1ce90bc9d03e`);
    const { mic: _noMic, ...authenticate } = decodeAuthenticateMessage(message);
    assert.deepEqual(authenticate, {
      flags: 0xe2888235,
      lmResponse: response.lmResponse,
      ntResponse: response.ntResponse,
      domain: 'Domain',
      user: 'User',
      workstation: 'COMPUTER',
      encryptedSessionKey: rc4(response.sessionBaseKey, RANDOM_SESSION_KEY),
      version: { major: 5, minor: 1, build: 2600, revision: 15 },
    });
    assert.equal(hex(encodeAuthenticateMessage(authenticate)), hex(message));
    assert.equal(sizeOfAuthenticateMessage(authenticate), message.length);
  });

  it('4.2.4.4 GSS_WrapEx', () => {
    const session = new NtlmSession(crypto, FLAGS, RANDOM_SESSION_KEY, 'client');
    assert.equal(
      hex(session.seal(encodeUtf16le('Plaintext'))),
      '010000007fb38ec5c55d497600000000' + '54e50165bf1936dc996020c1811b0f06fb5f',
    );
  });
});

describe('NtlmSession', () => {
  const pair = (): [NtlmSession, NtlmSession] => [
    new NtlmSession(crypto, FLAGS, RANDOM_SESSION_KEY, 'client'),
    new NtlmSession(crypto, FLAGS, RANDOM_SESSION_KEY, 'server'),
  ];

  it('carries messages both ways, in order', () => {
    const [client, server] = pair();
    for (const length of [0, 1, 16, 1000]) {
      const message = crypto.randomBytes(length);
      assert.deepEqual(server.unseal(client.seal(message), 'test'), message);
      assert.deepEqual(client.unseal(server.seal(message), 'test'), message);
    }
  });

  it('refuses a message that was changed, repeated or cut', () => {
    const [client] = pair();
    const sealed = client.seal(encodeUtf16le('secret'));
    for (const at of [4, 12, 16, sealed.length - 1]) {
      const changed = sealed.slice();
      changed[at] = (changed[at] ?? 0) ^ 1;
      const error = catchError(() => pair()[1].unseal(changed, 'test'));
      assert.ok(error instanceof DecodeError && error.code === 'integrity');
    }
    const server = pair()[1];
    server.unseal(sealed, 'test');
    assert.throws(() => server.unseal(sealed, 'test'), DecodeError);
    assert.throws(() => pair()[1].unseal(sealed.subarray(0, 15), 'test'), { code: 'truncated' });
  });
});

describe('channelBindingsHash', () => {
  it('hashes a gss_channel_bindings_struct without addresses', () => {
    const data = tlsServerEndPoint(new Uint8Array(32).fill(1));
    assert.equal(Buffer.from(data.subarray(0, 21)).toString('latin1'), 'tls-server-end-point:');
    const struct = Buffer.concat([Buffer.alloc(16), Buffer.from([53, 0, 0, 0]), data]);
    assert.deepEqual(channelBindingsHash(crypto, data), crypto.md5(struct));
  });
});

describe('ntlmV2Key', () => {
  it('takes the user name without case, letter by letter, and the domain with it', () => {
    const key = (user: string, domain: string): string => hex(ntlmV2Key(crypto, ntHash('x'), user, domain));
    assert.equal(key('jöran', 'Corp'), key('JÖRAN', 'Corp'));
    assert.notEqual(key('jöran', 'Corp'), key('jöran', 'CORP'));
    assert.notEqual(key('straße', ''), key('strasse', ''));
  });

  it('leaves Georgian letters alone: [MS-UCODEREF] 3.1.5.3 knows of no upper case of theirs, Unicode since 2018 does', () => {
    const user = 'გიორგი';
    assert.notEqual(user.toUpperCase(), user);
    assert.deepEqual(
      ntlmV2Key(crypto, ntHash('x'), user, ''),
      crypto.hmacMd5(ntHash('x'), Buffer.from(user, 'utf16le')),
    );
  });
});

function catchError(action: () => unknown): unknown {
  try {
    action();
  } catch (error) {
    return error;
  }
  return undefined;
}
