import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { concatBytes } from '../core/bytes.ts';
import { ReadCursor, WriteCursor } from '../core/cursor.ts';
import { DecodeError, UsageError } from '../core/errors.ts';
import { readBerInteger, readBerLength, sizeOfBerInteger, writeBerInteger } from './ber.ts';
import {
  CLIENT_DOMAIN_PARAMETERS,
  type ConnectInitial,
  decodeConnectInitial,
  decodeConnectResponse,
  encodeConnectInitial,
  encodeConnectResponse,
  sizeOfConnectInitial,
  sizeOfConnectResponse,
} from './mcs.ts';
import {
  decodeMcsPdu,
  encodeMcsPdu,
  indicationChannel,
  indicationStart,
  type McsPdu,
  mcsMessage,
  sendDataIndication,
  sizeOfMcsPdu,
} from './mcs-domain.ts';
import { readPerLength } from './per.ts';
import { decodeX224 } from './x224.ts';

function hex(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text.replaceAll(/\s/g, ''), 'hex'));
}

function decode(bytes: Uint8Array): McsPdu {
  const cursor = new ReadCursor(bytes, 'test');
  const pdu = decodeMcsPdu(cursor);
  cursor.expectEnd();
  return pdu;
}

describe('BER', () => {
  it('writes the shortest integer that is not negative, and reads it back', () => {
    for (const [value, bytes] of [
      [0, '020100'],
      [0x7f, '02017f'],
      [0x80, '02020080'],
      [0xffff, '020300ffff'],
      [0x7fffffff, '02047fffffff'],
      [0xffffffff, '020500ffffffff'],
    ] as const) {
      const cursor = new WriteCursor(sizeOfBerInteger(value));
      writeBerInteger(value, cursor);
      assert.deepEqual(cursor.finish(), hex(bytes));
      assert.equal(readBerInteger(new ReadCursor(hex(bytes), 'test'), 'value'), value);
    }
  });

  it('reads integers as Windows writes them: without the zero that keeps them positive', () => {
    assert.equal(readBerInteger(new ReadCursor(hex('0202ffff'), 'test'), 'value'), 0xffff);
  });

  it('reads every definite length, and no other', () => {
    const length = (bytes: string) => readBerLength(new ReadCursor(hex(bytes), 'test'), 'length');
    assert.equal(length('7f'), 127);
    assert.equal(length('8180'), 128);
    assert.equal(length('820100'), 256);
    assert.equal(length('8400010000'), 65536);
    assert.throws(() => length('80'), DecodeError);
    assert.throws(() => length('850000000001'), DecodeError);
  });
});

describe('MCS connect PDUs', () => {
  // [MS-RDPBCGR] 4.1.3, with three bytes in place of its user data.
  const SPECIFIED = hex(`7f65 62 040101 040101 0101ff
    3019 020122 020102 020100 020101 020100 020101 0202ffff 020102
    3019 020101 020101 020101 020101 020100 020101 02020420 020102
    301c 0202ffff 0202fc17 0202ffff 020101 020100 020101 0202ffff 020102
    0403 aabbcc`);

  it('decodes what Windows sends', () => {
    const initial = decodeConnectInitial(new ReadCursor(SPECIFIED, 'test'));
    assert.deepEqual(initial, { ...CLIENT_DOMAIN_PARAMETERS, userData: hex('aabbcc') });
  });

  it('encodes a Connect Initial of any size, and decodes it again', () => {
    for (const size of [0, 3, 0x7f, 0x80, 0xff, 0x100, 5000]) {
      const pdu: ConnectInitial = { ...CLIENT_DOMAIN_PARAMETERS, userData: new Uint8Array(size).fill(5) };
      const cursor = new WriteCursor(sizeOfConnectInitial(pdu));
      encodeConnectInitial(pdu, cursor);
      assert.deepEqual(decodeConnectInitial(new ReadCursor(cursor.finish(), 'test')), pdu);
    }
  });

  it('encodes a Connect Response', () => {
    const parameters = { ...CLIENT_DOMAIN_PARAMETERS.target, maxUserIds: 3, maxMcsPduSize: 0xfff8 };
    const pdu = { result: 0, domain: { calledConnectId: 0, parameters, userData: hex('010203') } };
    const cursor = new WriteCursor(sizeOfConnectResponse(pdu));
    encodeConnectResponse(pdu, cursor);
    const bytes = hex(`7f66 27 0a0100 020100
      301a 020122 020103 020100 020101 020100 020101 020300fff8 020102
      0403 010203`);
    assert.deepEqual(cursor.finish(), bytes);
    assert.deepEqual(decodeConnectResponse(new ReadCursor(bytes, 'test')), pdu);
    // The length of the user data counts for nothing ([MS-RDPBCGR] 3.2.5.3.4).
    bytes[bytes.length - 4] = 0x7f;
    assert.deepEqual(decodeConnectResponse(new ReadCursor(bytes, 'test')), pdu);
  });

  it('encodes a Connect Response that only refuses, with rt-unspecified-failure', () => {
    const pdu = { result: 14 };
    const cursor = new WriteCursor(sizeOfConnectResponse(pdu));
    encodeConnectResponse(pdu, cursor);
    const bytes = hex('7f66 03 0a010e');
    assert.deepEqual(cursor.finish(), bytes);
    assert.deepEqual(decodeConnectResponse(new ReadCursor(bytes, 'test')), pdu);
  });

  it('refuses other tags, short and trailing bytes', () => {
    const at = (offset: number, value: number) => {
      const bytes = SPECIFIED.slice();
      bytes[offset] = value;
      return bytes;
    };
    for (const bytes of [
      at(0, 0x7e),
      at(1, 0x66),
      at(2, 0x67),
      at(3, 0x05),
      SPECIFIED.subarray(0, 50),
      concatBytes(SPECIFIED, hex('00')),
    ]) {
      assert.throws(() => decodeConnectInitial(new ReadCursor(bytes, 'test')), DecodeError);
    }
  });
});

describe('MCS domain PDUs', () => {
  // Bytes of [MS-RDPBCGR] 4.1.5 to 4.1.8 and 4.2 where it has the PDU.
  const cases: readonly (readonly [string, McsPdu])[] = [
    ['0401000100', { kind: 'erectDomainRequest', subHeight: 0, subInterval: 0 }],
    ['04020100 0105', { kind: 'erectDomainRequest', subHeight: 256, subInterval: 5 }],
    ['28', { kind: 'attachUserRequest' }],
    ['2e000006', { kind: 'attachUserConfirm', result: 0, initiator: 1007 }],
    ['2da0', { kind: 'attachUserConfirm', result: 13 }],
    ['38000603ef', { kind: 'channelJoinRequest', initiator: 1007, channelId: 1007 }],
    ['3e00000603ef03ef', { kind: 'channelJoinConfirm', result: 0, initiator: 1007, requested: 1007, channelId: 1007 }],
    ['3c60000603f0', { kind: 'channelJoinConfirm', result: 3, initiator: 1007, requested: 1008 }],
    ['64000603eb7003aabbcc', { kind: 'sendDataRequest', initiator: 1007, channelId: 1003, userData: hex('aabbcc') }],
    ['68000103eb7000', { kind: 'sendDataIndication', initiator: 1002, channelId: 1003, userData: hex('') }],
    ['2180', { kind: 'disconnectProviderUltimatum', reason: 3 }],
    ['2080', { kind: 'disconnectProviderUltimatum', reason: 1 }],
    ['2200', { kind: 'disconnectProviderUltimatum', reason: 4 }],
  ];

  for (const [bytes, pdu] of cases) {
    it(`decodes and encodes ${bytes}`, () => {
      assert.deepEqual(decode(hex(bytes)), pdu);
      const cursor = new WriteCursor(sizeOfMcsPdu(pdu));
      encodeMcsPdu(pdu, cursor);
      assert.deepEqual(cursor.finish(), hex(bytes));
    });
  }

  it('comes in a packet', () => {
    assert.deepEqual(mcsMessage({ kind: 'attachUserRequest' }), hex('03000008 02f080 28'));
    const long = sendDataIndication(1004, new Uint8Array(200));
    assert.deepEqual(long.subarray(0, 15), hex('030000d7 02f080 68 0001 03ec 70 80c8'));
  });

  it('writes any user data up to its limit', () => {
    for (const size of [0x7f, 0x80, 0x3fff]) {
      const message = sendDataIndication(1003, new Uint8Array(size));
      const pdu = decode(message.subarray(7));
      assert.ok(pdu.kind === 'sendDataIndication');
      assert.equal(pdu.userData.length, size);
    }
    assert.throws(() => sendDataIndication(1003, new Uint8Array(0x4000)), UsageError);
  });

  it('reads 15-bit lengths, as xrdp sends them', () => {
    const data = Uint8Array.from({ length: 0x4123 }, (_, i) => i);
    const pdu = decode(concatBytes(hex('68000103eb70 c123'), data));
    assert.ok(pdu.kind === 'sendDataIndication');
    assert.deepEqual(pdu.userData, data);
  });

  it('puts fragments together, as the standard has them', () => {
    const data = Uint8Array.from({ length: 0x4000 + 5 }, (_, i) => i);
    const bytes = concatBytes(hex('68000103eb70 c1'), data.subarray(0, 0x4000), hex('05'), data.subarray(0x4000));
    const pdu = decode(bytes);
    assert.ok(pdu.kind === 'sendDataIndication');
    assert.deepEqual(pdu.userData, data);
  });

  it('reads lengths of one and two bytes', () => {
    const length = (bytes: string) => readPerLength(new ReadCursor(hex(bytes), 'test'), 'length');
    assert.equal(length('7f'), 0x7f);
    assert.equal(length('80ff'), 0xff);
    assert.equal(length('bfff'), 0x3fff);
  });

  it('refuses other choices, short data and user ids that there are none of', () => {
    for (const bytes of ['00', '50', 'ff', '68000103eb7005aabb', '380006', '2e00ffff', '0405010203040501', '']) {
      assert.throws(() => decode(hex(bytes)), DecodeError, bytes);
    }
  });

  it('survives any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        try {
          decode(bytes);
        } catch (error) {
          assert.ok(error instanceof DecodeError, String(error));
        }
      }),
    );
  });
});

describe('a Send Data Indication in its packet', () => {
  it('is found as it is decoded, whatever its length', () => {
    for (const length of [1, 2, 0x7f, 0x80, 0xff, 1600, 0x3fff]) {
      const packet = sendDataIndication(1004, new Uint8Array(length).fill(0x68));
      const start = indicationStart(packet);
      const message = decodeX224(packet);
      const pdu = message.kind === 'data' ? decodeMcsPdu(message.cursor) : undefined;
      assert.ok(pdu?.kind === 'sendDataIndication');
      assert.deepEqual(packet.subarray(start), pdu.userData);
      assert.equal(indicationChannel(packet), pdu.channelId);
    }
  });

  it('is left to the decoder where a byte of its head is another', () => {
    for (const length of [100, 300]) {
      const packet = sendDataIndication(1004, new Uint8Array(length));
      const start = indicationStart(packet);
      for (let at = 0; at < start; at++) {
        // Reserved, initiator, channel and priority say nothing of where the data are.
        if (at === 1 || (at > 7 && at < 13)) continue;
        const other = packet.slice();
        other[at]! ^= 1;
        assert.equal(indicationStart(other), 0, `byte ${at} of a packet of ${length}`);
      }
      assert.equal(indicationStart(packet.subarray(0, packet.length - 1)), 0);
    }
    for (let length = 0; length < 16; length++) assert.equal(indicationStart(new Uint8Array(length)), 0);
    assert.equal(indicationStart(mcsMessage({ kind: 'disconnectProviderUltimatum', reason: 1 })), 0);
  });
});
