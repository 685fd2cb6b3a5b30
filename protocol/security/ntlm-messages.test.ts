import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { DecodeError } from '../core/errors.ts';
import {
  AvFlag,
  AvId,
  avFlags,
  avFlagsPair,
  avText,
  avTimestamp,
  decodeAvPairs,
  encodeAvPairs,
  fileTime,
  fileTimeToMs,
  findAvText,
  sizeOfAvPairs,
} from './ntlm-av-pairs.ts';
import {
  type AuthenticateMessage,
  type ChallengeMessage,
  decodeAuthenticateMessage,
  decodeChallengeMessage,
  decodeNegotiateMessage,
  encodeAuthenticateMessage,
  encodeChallengeMessage,
  encodeNegotiateMessage,
  isNtlmMessage,
  type NegotiateMessage,
  NtlmFlag,
  sizeOfAuthenticateMessage,
  sizeOfChallengeMessage,
  sizeOfNegotiateMessage,
} from './ntlm-messages.ts';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text.replaceAll(/\s/g, ''), 'hex'));
const VERSION = { major: 10, minor: 0, build: 19045, revision: 15 };

describe('NEGOTIATE_MESSAGE', () => {
  const message: NegotiateMessage = {
    flags: 0xe2088235,
    domain: new Uint8Array(0),
    workstation: new Uint8Array(0),
    version: VERSION,
  };
  const encoded = `4e544c4d53535000 01000000 358208e2 0000000028000000 0000000028000000 0a00654a0000000f`;

  it('encodes, decodes and knows its size', () => {
    assert.equal(hex(encodeNegotiateMessage(message)), hex(bytes(encoded)));
    assert.deepEqual(decodeNegotiateMessage(bytes(encoded)), message);
    assert.equal(sizeOfNegotiateMessage(message), 40);
  });

  it('may end after the flags', () => {
    assert.deepEqual(decodeNegotiateMessage(bytes('4e544c4d53535000 01000000 01020000')), {
      flags: 0x201,
      domain: new Uint8Array(0),
      workstation: new Uint8Array(0),
    });
  });

  it('carries names when its flags say so', () => {
    const flags = NtlmFlag.domainSupplied | NtlmFlag.workstationSupplied;
    const named = { flags, domain: bytes('434f5250'), workstation: bytes('5043'), version: VERSION };
    const decoded = decodeNegotiateMessage(encodeNegotiateMessage({ ...named, flags: flags | NtlmFlag.version }));
    assert.equal(hex(decoded.domain), '434f5250');
    assert.equal(hex(decoded.workstation), '5043');
    const unsaid = decodeNegotiateMessage(encodeNegotiateMessage({ ...named, flags: 0 }));
    assert.equal(unsaid.domain.length, 0);
  });
});

describe('CHALLENGE_MESSAGE', () => {
  const message: ChallengeMessage = {
    flags: 0xe28a8235,
    targetName: 'HOST',
    serverChallenge: bytes('0123456789abcdef'),
    targetInfo: [avText(AvId.nbDomainName, 'D'), { id: 0x77, value: bytes('01') }],
    version: VERSION,
  };
  const encoded = `4e544c4d53535000 02000000 0800080038000000 35828ae2 0123456789abcdef 0000000000000000
    0f000f0040000000 0a00654a0000000f 48004f0053005400 020002004400 7700010001 00000000`;

  it('encodes, decodes and knows its size', () => {
    assert.equal(hex(encodeChallengeMessage(message)), hex(bytes(encoded)));
    assert.deepEqual(decodeChallengeMessage(bytes(encoded)), message);
    assert.equal(sizeOfChallengeMessage(message), bytes(encoded).length);
  });

  it('may end after the challenge', () => {
    const old = decodeChallengeMessage(bytes('4e544c4d53535000 02000000 0000000000000000 01020000 0123456789abcdef'));
    assert.equal(old.targetInfo, undefined);
    assert.equal(old.version, undefined);
  });
});

describe('AUTHENTICATE_MESSAGE', () => {
  const message: AuthenticateMessage = {
    flags: 0xe2888235,
    lmResponse: new Uint8Array(24),
    ntResponse: bytes('a1a2a3'),
    domain: 'D',
    user: 'ü',
    workstation: '',
    encryptedSessionKey: new Uint8Array(16).fill(9),
    version: VERSION,
    mic: new Uint8Array(16).fill(5),
  };
  const encoded = `4e544c4d53535000 03000000 180018005c000000 0300030074000000 0200020058000000 020002005a000000
    000000005c000000 1000100077000000 358288e2 0a00654a0000000f 05050505050505050505050505050505
    4400 fc00 000000000000000000000000000000000000000000000000 a1a2a3 09090909090909090909090909090909`;

  it('encodes, decodes and knows its size', () => {
    assert.equal(hex(encodeAuthenticateMessage(message)), hex(bytes(encoded)));
    assert.deepEqual(decodeAuthenticateMessage(bytes(encoded)), message);
    assert.equal(sizeOfAuthenticateMessage(message), bytes(encoded).length);
  });

  it('reads its fields from wherever they stand', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 20 }), fc.string({ maxLength: 20 }), (user, domain) => {
        const decoded = decodeAuthenticateMessage(encodeAuthenticateMessage({ ...message, user, domain }));
        assert.equal(decoded.user, user);
        assert.equal(decoded.domain, domain);
        assert.equal(hex(decoded.ntResponse), 'a1a2a3');
      }),
    );
  });

  it('may not point outside itself, nor be in OEM text', () => {
    const outside = bytes(encoded);
    outside[24] = 0xff; // NtChallengeResponse's BufferOffset
    outside[25] = 0xff;
    assert.throws(() => decodeAuthenticateMessage(outside), { code: 'truncated' });
    const oem = bytes(encoded);
    oem[60] = 0x34; // NegotiateFlags without NTLMSSP_NEGOTIATE_UNICODE
    assert.throws(() => decodeAuthenticateMessage(oem), { code: 'invalid_value' });
  });
});

describe('NTLM messages of a hostile peer', () => {
  it('are DecodeErrors, whatever they are', () => {
    const prefix = bytes('4e544c4d53535000');
    const decoders = [decodeNegotiateMessage, decodeChallengeMessage, decodeAuthenticateMessage];
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 }), fc.uint8Array({ maxLength: 200 }), (index, rest) => {
        const message = Buffer.concat([prefix, Uint8Array.of(index + 1, 0, 0, 0), rest]);
        try {
          decoders[index]?.(new Uint8Array(message));
        } catch (error) {
          assert.ok(error instanceof DecodeError);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('are told by their type and signature', () => {
    assert.ok(isNtlmMessage(bytes('4e544c4d53535000 01000000')));
    assert.ok(!isNtlmMessage(bytes('4e544c4d53535001 01000000')));
    assert.ok(!isNtlmMessage(bytes('4e544c4d53535000')));
    assert.throws(() => decodeChallengeMessage(bytes('4e544c4d53535000 01000000 01020000')), {
      code: 'unexpected_message',
    });
  });
});

describe('AV_PAIR', () => {
  it('round-trips, with ids that nobody knows', () => {
    const pair = fc.record({ id: fc.integer({ min: 1, max: 0xffff }), value: fc.uint8Array({ maxLength: 40 }) });
    fc.assert(
      fc.property(fc.array(pair, { maxLength: 20 }), (pairs) => {
        const encoded = encodeAvPairs(pairs);
        assert.equal(encoded.length, sizeOfAvPairs(pairs));
        assert.deepEqual(
          decodeAvPairs(encoded).map(({ id, value }) => [id, hex(value)]),
          pairs.map(({ id, value }) => [id, hex(value)]),
        );
      }),
    );
  });

  it('has text, flags and times', () => {
    const now = Date.UTC(2026, 10, 21, 20, 15);
    const pairs = [
      avText(AvId.targetName, 'TERMSRV/x'),
      avFlagsPair(AvFlag.micPresent),
      { id: AvId.timestamp, value: fileTime(now) },
    ];
    assert.equal(findAvText(pairs, AvId.targetName), 'TERMSRV/x');
    assert.equal(avFlags(pairs), 2);
    assert.equal(fileTimeToMs(avTimestamp(pairs) ?? new Uint8Array(8)), now);
    assert.equal(hex(fileTime(0)), '00803ed5deb19d01');
    assert.equal(avFlags([]), 0);
    assert.equal(avTimestamp([{ id: AvId.timestamp, value: new Uint8Array(7) }]), undefined);
  });

  it('must end with MsvAvEOL, before there are too many', () => {
    assert.throws(() => decodeAvPairs(bytes('0100020041')), { code: 'truncated' });
    assert.throws(() => decodeAvPairs(bytes('01000000')), { code: 'truncated' });
    assert.throws(() => decodeAvPairs(bytes('01000000'.repeat(65))), { code: 'limit_exceeded' });
  });
});
