import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { ReadCursor, WriteCursor } from '../core/cursor.ts';
import { DecodeError, UsageError } from '../core/errors.ts';
import {
  type ClientInfo,
  decodeClientInfo,
  type ExtendedClientInfo,
  encodeClientInfo,
  InfoFlags,
  sizeOfClientInfo,
} from './client-info.ts';
import { decodeBasicSecurityHeader, SecurityFlags, withSecurityHeader } from './security-header.ts';
import { NO_TRANSITION, UTC_TIME_ZONE } from './time-zone.ts';

function hex(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text.replaceAll(/\s/g, ''), 'hex'));
}

function encode(info: ClientInfo): Uint8Array {
  const cursor = new WriteCursor(sizeOfClientInfo(info));
  encodeClientInfo(info, cursor);
  return cursor.finish();
}

function decode(bytes: Uint8Array): ClientInfo {
  const cursor = new ReadCursor(bytes, 'test');
  const info = decodeClientInfo(cursor);
  cursor.expectEnd();
  return info;
}

const PLAIN: ClientInfo = {
  codePage: 0x409,
  flags: InfoFlags.unicode | InfoFlags.mouse | InfoFlags.autologon,
  domain: 'D',
  userName: 'ü€',
  password: '',
  alternateShell: '',
  workingDir: 'C:',
};

const FULL: ClientInfo = {
  ...PLAIN,
  extended: {
    clientAddressFamily: 2,
    clientAddress: '192.0.2.7',
    clientDir: 'x',
    timeZone: {
      bias: -60,
      standardName: 'Mitteleuropäische Zeit',
      standardDate: { ...NO_TRANSITION, month: 10, dayOfWeek: 0, day: 5, hour: 3 },
      standardBias: 0,
      daylightName: 'Mitteleuropäische Sommerzeit',
      daylightDate: { ...NO_TRANSITION, month: 3, dayOfWeek: 0, day: 5, hour: 2 },
      daylightBias: -60,
    },
    clientSessionId: 0,
    performanceFlags: 0x85,
    autoReconnectCookie: { logonId: 7, securityVerifier: new Uint8Array(16).fill(0xab) },
    dynamicDaylight: { timeZoneKeyName: 'W. Europe Standard Time', disabled: false },
  },
};

describe('TS_INFO_PACKET', () => {
  it('encodes and decodes the fixed part', () => {
    const bytes = hex(`09040000 19000000 0200 0400 0000 0000 0400
      44000000 fc00ac200000 0000 0000 43003a000000`);
    assert.deepEqual(encode(PLAIN), bytes);
    assert.deepEqual(decode(bytes), PLAIN);
  });

  it('round-trips the extended part', () => {
    const bytes = encode(FULL);
    assert.equal(bytes.length, sizeOfClientInfo(FULL));
    assert.deepEqual(decode(bytes), FULL);
  });

  it('round-trips each extended part that older clients end at', () => {
    const { extended } = FULL;
    assert.ok(extended !== undefined);
    const fields = Object.entries(extended);
    for (let count = 3; count < fields.length; count++) {
      const info: ClientInfo = {
        ...PLAIN,
        extended: Object.fromEntries(fields.slice(0, count)) as unknown as ExtendedClientInfo,
      };
      assert.deepEqual(decode(encode(info)), info);
    }
    const noCookie = { ...PLAIN, extended: { ...extended, autoReconnectCookie: null } };
    assert.deepEqual(decode(encode(noCookie)), noCookie);
  });

  it('writes a time zone as the specification has it', () => {
    const extended = { clientAddressFamily: 2, clientAddress: '', clientDir: '', timeZone: UTC_TIME_ZONE };
    const bytes = encode({ ...PLAIN, extended });
    const head = sizeOfClientInfo(PLAIN);
    assert.deepEqual(bytes.subarray(head, head + 10), hex('0200 0200 0000 0200 0000'));
    assert.deepEqual(bytes.subarray(head + 10, head + 20), hex('00000000 550054004300'));
    assert.equal(bytes.length, head + 10 + 172);
  });

  it('reads ANSI texts, too', () => {
    const bytes = hex('00000000 00000000 0100 0100 0100 0000 0000 4400 7500 7000 00 00');
    const { domain, userName, password } = decode(bytes);
    assert.deepEqual([domain, userName, password], ['D', 'u', 'p']);
    const euro = decode(
      hex('e4040000 00000000 0000 0200 0000 0000 0000 00 80e400 00 00 00 0200 0300 6100 00 0200 fc00'),
    );
    assert.equal(euro.userName, '€ä');
    assert.deepEqual(euro.extended, { clientAddressFamily: 2, clientAddress: 'a', clientDir: 'ü' });
  });

  it('cuts texts to what the document lets servers keep (3.3.5.3.11)', () => {
    const texts = `0004 0000 0000 0000 0000 ${'41'.repeat(0x400)}0000 ${'0000'.repeat(4)}`;
    assert.deepEqual(decode(hex(`00000000 10000000 ${texts}`)).domain, '\u4141'.repeat(255));
    const { extended } = decode(hex(`00000000 10000000 ${'00'.repeat(20)} 0200 6400 ${'6100'.repeat(50)} 0200 0000`));
    assert.equal(extended?.clientAddress, 'a'.repeat(40));
  });

  it('refuses a cookie of another size', () => {
    const bytes = encode(FULL).slice();
    const cookieAt = sizeOfClientInfo(PLAIN) + 2 + (2 + 20) + (2 + 4) + 172 + 8;
    assert.deepEqual(bytes.subarray(cookieAt, cookieAt + 2), hex('1c00'));
    bytes[cookieAt] = 0x1b;
    assert.throws(() => decode(bytes), DecodeError);
  });

  it('does not write what no server would read', () => {
    assert.throws(() => encode({ ...PLAIN, flags: 0 }), UsageError);
    assert.throws(() => encode({ ...PLAIN, password: 'x'.repeat(256) }), UsageError);
  });

  it('survives any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        try {
          decodeClientInfo(new ReadCursor(bytes, 'test'));
        } catch (error) {
          assert.ok(error instanceof DecodeError, String(error));
        }
      }),
    );
  });
});

describe('TS_SECURITY_HEADER', () => {
  it('goes before a PDU', () => {
    const bytes = withSecurityHeader(SecurityFlags.infoPacket, 2, (cursor) => cursor.u16(0x1234));
    assert.deepEqual(bytes, hex('4000 0000 3412'));
    assert.deepEqual(decodeBasicSecurityHeader(new ReadCursor(bytes, 'test')), { flags: 0x40, flagsHi: 0 });
  });
});
