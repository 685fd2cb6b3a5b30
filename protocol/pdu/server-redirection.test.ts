import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { ReadCursor, WriteCursor } from '../core/cursor.ts';
import { DecodeError } from '../core/errors.ts';
import {
  decodeEnhancedRedirection,
  decodeServerRedirection,
  encodeEnhancedRedirection,
  encodeServerRedirection,
  RedirectionFlags,
  type ServerRedirection,
  sizeOfServerRedirection,
} from './server-redirection.ts';

function hex(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text.replaceAll(/\s/g, ''), 'hex'));
}

function decode(bytes: Uint8Array): ServerRedirection {
  return decodeServerRedirection(new ReadCursor(bytes, 'test'));
}

function encode(packet: ServerRedirection): Uint8Array {
  const cursor = new WriteCursor(sizeOfServerRedirection(packet));
  encodeServerRedirection(packet, cursor);
  return cursor.finish();
}

/** Session 5; to "a1", with token "x\r\n", as "u" of "d". */
const SMALL = hex(`
  0004 3900 05000000 0f000000
  06000000 6100 3100 0000
  03000000 78 0d 0a
  04000000 7500 0000
  04000000 6400 0000
  0000000000000000`);

const FULL: ServerRedirection = {
  sessionId: 2,
  flags: 0x1df1f,
  targetNetAddress: '10.0.0.7',
  loadBalanceInfo: new TextEncoder().encode('Cookie: msts=117440522.15629.0000\r\n'),
  userName: 'änne',
  domain: 'LAB',
  password: hex('0102030405'),
  targetFqdn: 'host7.lab.example',
  targetNetBiosName: 'HOST7',
  clientTsvUrl: hex('aa'),
  redirectionGuid: hex('61006200'),
  targetCertificate: hex('63006400'),
  targetNetAddresses: ['10.0.0.7', 'fd00::7'],
};

describe('RDP_SERVER_REDIRECTION_PACKET', () => {
  it('decodes', () => {
    assert.deepEqual(decode(SMALL), {
      sessionId: 5,
      flags: 0x0f,
      targetNetAddress: 'a1',
      loadBalanceInfo: hex('780d0a'),
      userName: 'u',
      domain: 'd',
    });
  });

  it('encodes, and marks the fields that are there', () => {
    const { flags: _flags, ...fields } = decode(SMALL);
    const encoded = encode({ ...fields, flags: 0 });
    // Length counts the padding, too: [MS-RDPBCGR] 4.5.
    const expected = SMALL.slice();
    expected[2] = SMALL.length;
    assert.deepEqual(encoded, expected);
  });

  it('carries every field, in the order of the wire', () => {
    assert.deepEqual(decode(encode(FULL)), FULL);
    assert.deepEqual(decodeEnhancedRedirection(new ReadCursor(encodeEnhancedRedirection(FULL), 'test')), FULL);
  });

  it('does without the padding', () => {
    assert.equal(decode(SMALL.subarray(0, -8)).domain, 'd');
  });

  it('refuses what is no redirection, or cut off, or too long', () => {
    assert.throws(() => decode(hex('0000 0c00 00000000 00000000')), DecodeError);
    for (let length = 0; length < SMALL.length - 8; length++) {
      assert.throws(() => decode(SMALL.subarray(0, length)), DecodeError);
    }
    assert.throws(() => decode(hex('0004 1000 00000000 02000000 ffffff7f')), /limit|longer|bytes/);
    assert.throws(() => decode(hex('0004 1400 00000000 00080000 04000000 ffffffff')), /addresses/);
  });

  it('survives any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (body) => {
        try {
          decode(Uint8Array.of(0, 4, 0, 0, ...body));
        } catch (error) {
          assert.ok(error instanceof DecodeError, String(error));
        }
      }),
    );
  });

  it('says by its flags whether anybody is to go anywhere', () => {
    assert.equal(decode(encode({ sessionId: 0, flags: RedirectionFlags.noRedirect })).flags, 0x80);
  });
});
