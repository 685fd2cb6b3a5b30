import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { concatBytes } from '../core/bytes.ts';
import { ReadCursor } from '../core/cursor.ts';
import { DecodeError, UsageError } from '../core/errors.ts';
import { FrameBuffer } from './frame-buffer.ts';
import {
  type ConnectionRequest,
  decodeConnectionConfirm,
  decodeConnectionRequest,
  encodeConnectionConfirm,
  encodeConnectionRequest,
  NegotiationResponseFlags,
  SecurityProtocol,
} from './nego.ts';
import { decodeTpktHeader, findFrameSize, findTpktSize, frameKind } from './tpkt.ts';
import { decodeX224, encodeData } from './x224.ts';

function hex(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text.replaceAll(/\s/g, ''), 'hex'));
}

describe('frame sizes', () => {
  it('tells TPKT from fast-path by the first byte', () => {
    assert.equal(frameKind(0x03), 'tpkt');
    for (const first of [0x00, 0x04, 0x3c, 0x80, 0xc0]) assert.equal(frameKind(first), 'fast-path');
    for (const first of [0x01, 0x02, 0x05, 0x47, 0x53]) assert.equal(frameKind(first), undefined);
  });

  it('finds the size as soon as the header is there', () => {
    assert.equal(findTpktSize(hex('')), undefined);
    assert.equal(findTpktSize(hex('0300')), undefined);
    assert.equal(findTpktSize(hex('030000')), undefined);
    assert.equal(findTpktSize(hex('03000108')), 0x108);
    assert.equal(findFrameSize(hex('ff03ffffff'), 1), 0xffff);
    assert.equal(findFrameSize(hex('00')), undefined);
    assert.equal(findFrameSize(hex('007f')), 0x7f);
    assert.equal(findFrameSize(hex('0081')), undefined);
    assert.equal(findFrameSize(hex('008123')), 0x123);
    assert.equal(findFrameSize(hex('00ffff')), 0x7fff);
  });

  it('refuses what cannot be a frame', () => {
    for (const bytes of ['04000000', '03000006', '03000000', '53534820']) {
      assert.throws(() => findTpktSize(hex(bytes)), DecodeError, bytes);
    }
    for (const bytes of ['0000', '0001', '008001', '47455420']) {
      assert.throws(() => findFrameSize(hex(bytes)), DecodeError, bytes);
    }
  });

  it('holds the header against what is there', () => {
    assert.equal(decodeTpktHeader(new ReadCursor(hex('03000007 02f080'), 'test')), 7);
    assert.throws(() => decodeTpktHeader(new ReadCursor(hex('03000008 02f080'), 'test')), DecodeError);
  });
});

describe('FrameBuffer', () => {
  it('hands out the same frames however the stream is cut', () => {
    const frames = [encodeData(hex('28')), hex('0004aabb'), encodeData(new Uint8Array(300)), hex('00810500')];
    const fastPath = concatBytes(hex('008105'), new Uint8Array(0x102));
    const stream = concatBytes(frames[0]!, frames[1]!, frames[2]!, fastPath);
    const expected = [frames[0], frames[1], frames[2], fastPath];
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1 }), (sizes) => {
        const buffer = new FrameBuffer();
        const got: Uint8Array[] = [];
        for (let at = 0, i = 0; at < stream.length; i++) {
          const size = sizes[i % sizes.length] ?? 1;
          buffer.push(stream.slice(at, at + size));
          at += size;
          for (let frame = buffer.take(findFrameSize); frame !== undefined; frame = buffer.take(findFrameSize)) {
            got.push(frame.slice());
          }
        }
        assert.deepEqual(got, expected);
        assert.equal(buffer.length, 0);
      }),
      { numRuns: 50 },
    );
  });

  it('keeps a copy of what it holds, and gives up the rest', () => {
    const buffer = new FrameBuffer();
    const read = hex('0005aa');
    buffer.push(read);
    read.fill(0);
    assert.equal(buffer.take(findFrameSize), undefined);
    assert.deepEqual(buffer.takeRest(), hex('0005aa'));
    assert.equal(buffer.length, 0);
  });
});

describe('X.224', () => {
  it('wraps and unwraps data', () => {
    const packet = encodeData(hex('28'));
    assert.deepEqual(packet, hex('03000008 02f080 28'));
    const message = decodeX224(packet);
    assert.ok(message.kind === 'data');
    assert.deepEqual(message.cursor.rest(), hex('28'));
  });

  it('reports Disconnect Request and Error', () => {
    assert.deepEqual(decodeX224(hex('0300000b 06 80 0000 1234 80')), { kind: 'disconnect', reason: 0x80 });
    assert.deepEqual(decodeX224(hex('03000009 04 70 1234 02')), { kind: 'disconnect', reason: 2 });
  });

  it('refuses segments, other codes and wrong lengths', () => {
    for (const packet of ['03000008 02f000 28', '03000008 03f080 28', '03000008 02c080 28', '0300000a 02f080 28']) {
      assert.throws(() => decodeX224(hex(packet)), DecodeError, packet);
    }
  });
});

describe('Connection Request', () => {
  // [MS-RDPBCGR] 4.1.1
  const SPECIFIED = hex(`0300002c 27e00000000000 436f6f6b69653a206d737473686173683d656c746f6e730d0a
    01 00 0800 00000000`);

  const cases: readonly (readonly [string, ConnectionRequest, Uint8Array])[] = [
    [
      'with a cookie',
      { routing: { kind: 'cookie', value: 'mstshash=eltons' }, negotiation: { flags: 0, protocols: 0 } },
      SPECIFIED,
    ],
    [
      'with a routing token',
      {
        routing: { kind: 'token', value: 'Cookie: msts=3640205228.15629.0000' },
        negotiation: { flags: 1, protocols: 3 },
      },
      hex(`03000037 32e00000000000 436f6f6b69653a206d7374733d333634303230353232382e31353632392e303030300d0a
        01 01 0800 03000000`),
    ],
    ['without anything', {}, hex('0300000b 06e00000000000')],
    [
      'with a correlation id that has CR LF in it',
      {
        negotiation: { flags: 0x08, protocols: SecurityProtocol.hybridEx },
        correlationId: hex('0d0a0203040506070809101112131415'),
      },
      hex(`03000037 32e00000000000 01 08 0800 08000000
        06 00 2400 0d0a0203040506070809101112131415 00000000000000000000000000000000`),
    ],
  ];

  for (const [name, request, bytes] of cases) {
    it(`encodes and decodes one ${name}`, () => {
      assert.deepEqual(encodeConnectionRequest(request), bytes);
      assert.deepEqual(decodeConnectionRequest(bytes), request);
    });
  }

  it('takes token and cookie in one, as servers should ([MS-RDPBCGR] 3.3.5.3.1)', () => {
    const lines = Buffer.from('Cookie: msts=1.2.0000\r\nCookie: mstshash=a\r\n').toString('hex');
    assert.deepEqual(decodeConnectionRequest(hex(`0300003e 39e00000000000 ${lines} 01 00 0800 01000000`)), {
      routing: { kind: 'token', value: 'Cookie: msts=1.2.0000' },
      negotiation: { flags: 0, protocols: SecurityProtocol.ssl },
    });
  });

  it('refuses other types, lengths and TPDUs', () => {
    for (const packet of [
      '03000013 0ee00000000000 02 00 0800 00000000',
      '03000013 0ee00000000000 01 00 0900 00000000',
      '03000012 0de00000000000 01 00 0800 000000',
      '03000013 0ed00000000000 01 00 0800 00000000',
      '03000013 0fe00000000000 01 00 0800 00000000',
      '03000013 05e00000000000 01 00 0800 00000000',
    ]) {
      assert.throws(() => decodeConnectionRequest(hex(packet)), DecodeError, packet);
    }
  });

  it('writes no text that could break out of its line', () => {
    const request = (value: string) => () => encodeConnectionRequest({ routing: { kind: 'cookie', value } });
    assert.throws(request('mstshash=a\r\nCookie: b'), UsageError);
    assert.throws(request(`mstshash=${'x'.repeat(300)}`), UsageError);
  });
});

describe('Connection Confirm', () => {
  it('encodes and decodes a response', () => {
    const flags =
      NegotiationResponseFlags.extendedClientDataSupported | NegotiationResponseFlags.dynvcGfxProtocolSupported;
    const confirm = { kind: 'response', flags, protocol: SecurityProtocol.hybrid } as const;
    const bytes = hex('03000013 0ed00000123400 02 03 0800 02000000');
    assert.deepEqual(encodeConnectionConfirm(confirm), bytes);
    assert.deepEqual(decodeConnectionConfirm(bytes), confirm);
  });

  it('encodes and decodes a failure', () => {
    const bytes = hex('03000013 0ed00000123400 03 00 0800 05000000');
    assert.deepEqual(encodeConnectionConfirm({ kind: 'failure', code: 5 }), bytes);
    assert.deepEqual(decodeConnectionConfirm(bytes), { kind: 'failure', code: 5 });
  });

  it('encodes and decodes one of a server that predates negotiation', () => {
    const bytes = hex('0300000b 06d00000123400');
    assert.deepEqual(encodeConnectionConfirm({ kind: 'none' }), bytes);
    assert.deepEqual(decodeConnectionConfirm(bytes), { kind: 'none' });
  });

  it('refuses other types and trailing bytes', () => {
    assert.throws(() => decodeConnectionConfirm(hex('03000013 0ed00000123400 01 00 0800 05000000')), DecodeError);
    assert.throws(() => decodeConnectionConfirm(hex('03000014 0fd00000123400 03 00 0800 05000000 00')), DecodeError);
  });
});
