/**
 * Messages of [MS-RDPBCGR] section 4 ("Protocol Examples"), whole packets with all their headers. Each is put
 * together here field by field from the values that the example's annotations give, so that a wrong width, order or
 * byte order on our side shows. Signatures and cipher text are opaque to these codecs and stand as filler of the
 * size that the example has; the clear text of the same example is decoded on its own.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { concatBytes } from '../core/bytes.ts';
import { ReadCursor, WriteCursor } from '../core/cursor.ts';
import { DecodeError } from '../core/errors.ts';
import { decodeSynchronize, encodeSynchronize, sizeOfSynchronize } from './finalization.ts';
import { decodeMcsPdu, type McsPdu, type McsSendData, mcsMessage, sizeOfMcsPdu } from './mcs-domain.ts';
import { decodeSaveSessionInfo, encodePlainNotify, sizeOfPlainNotify } from './save-session-info.ts';
import {
  BASIC_SECURITY_HEADER_SIZE,
  decodeBasicSecurityHeader,
  encodeBasicSecurityHeader,
  SecurityFlags,
  sizeOfBasicSecurityHeader,
} from './security-header.ts';
import {
  decodeShareControlPdus,
  decodeShareData,
  encodeShareData,
  ShareControlType,
  ShareDataType,
  shareDataMessage,
  sizeOfShareControl,
  sizeOfShareData,
} from './share.ts';
import { findFrameSize } from './tpkt.ts';
import { decodeX224 } from './x224.ts';

const USER_CHANNEL = 1007;
const IO_CHANNEL = 1003;
const SERVER_CHANNEL = 1002;
const SIGNATURE_SIZE = 8;

describe('[MS-RDPBCGR] 4.1.7, 4.1.8 and 4.2.3: MCS domain PDUs in their packets', () => {
  /** Each: section, TPKT length, contents behind the X.224 header, what it says. */
  const examples: readonly (readonly [string, number, Uint8Array, McsPdu])[] = [
    [
      '4.1.7 Attach User Confirm: choice 11, initiator present',
      11,
      concatBytes(u8((11 << 2) | 2, 0), be16(USER_CHANNEL - 1001)),
      { kind: 'attachUserConfirm', result: 0, initiator: USER_CHANNEL },
    ],
    [
      '4.1.8 Channel Join Confirm of the user channel: choice 15, channelId present',
      15,
      concatBytes(u8((15 << 2) | 2, 0), be16(USER_CHANNEL - 1001), be16(USER_CHANNEL), be16(USER_CHANNEL)),
      {
        kind: 'channelJoinConfirm',
        result: 0,
        initiator: USER_CHANNEL,
        requested: USER_CHANNEL,
        channelId: USER_CHANNEL,
      },
    ],
    [
      '4.1.8.2.1 Channel Join Request of the I/O channel: choice 14',
      12,
      concatBytes(u8(14 << 2), be16(USER_CHANNEL - 1001), be16(IO_CHANNEL)),
      { kind: 'channelJoinRequest', initiator: USER_CHANNEL, channelId: IO_CHANNEL },
    ],
    [
      '4.1.8.5.1 Channel Join Request of rdpsnd',
      12,
      concatBytes(u8(14 << 2), be16(USER_CHANNEL - 1001), be16(1006)),
      { kind: 'channelJoinRequest', initiator: USER_CHANNEL, channelId: 1006 },
    ],
    [
      '4.2.3 Disconnect Provider Ultimatum: choice 8, reason 3 across two bytes',
      9,
      u8((8 << 2) | (3 >> 1), (3 & 1) << 7),
      { kind: 'disconnectProviderUltimatum', reason: 3 },
    ],
  ];

  for (const [name, length, contents, pdu] of examples) {
    it(name, () => {
      const packet = inPacket(length, contents);
      assert.equal(packet.length, length);
      assert.equal(findFrameSize(packet), length);
      assert.deepEqual(mcsOf(packet), pdu);
      assert.deepEqual(mcsMessage(pdu), packet);
      assert.equal(sizeOfMcsPdu(pdu), contents.length);
    });
  }
});

describe('[MS-RDPBCGR] section 4: Send Data of standard security', () => {
  const {
    encrypt,
    infoPacket,
    licenseEncrypt,
    licensePacket,
    resetSequenceNumber,
    ignoreSequenceNumber,
    secureChecksum,
  } = SecurityFlags;
  const up = { kind: 'sendDataRequest', initiator: USER_CHANNEL, channelId: IO_CHANNEL } as const;
  const down = { kind: 'sendDataIndication', initiator: SERVER_CHANNEL, channelId: IO_CHANNEL } as const;
  type Carrier = Omit<McsSendData, 'userData'>;
  /**
   * Each: section, carrier, TPKT length, user data length, flags as the dump has them and by name, flagsHi. (The
   * annotations of 4.2.1 and 4.2.2 leave SEC_SECURE_CHECKSUM out; the bytes have it.)
   */
  const examples: readonly (readonly [string, Carrier, number, number, number, number, number])[] = [
    ['4.1.10 Client Info', up, 0x1ab, 0x19c, 0x0048, encrypt | infoPacket, 0],
    ['4.1.11 License Error, Valid Client', down, 42, 28, 0x0288, encrypt | licensePacket | licenseEncrypt, 0x0302],
    ['4.1.13 Confirm Active', up, 0x207, 0x1f8, 0x0038, encrypt | resetSequenceNumber | ignoreSequenceNumber, 0],
    ['4.1.19 Server Synchronize', down, 48, 34, 0x0808, encrypt | secureChecksum, 0x0302],
    ['4.2.1 Shutdown Request', up, 44, 30, 0x0808, encrypt | secureChecksum, 0x5270],
    ['4.3.1 Logon Info Version 2', down, 0x28b, 0x27c, 0x0808, encrypt | secureChecksum, 0],
    ['4.3.2 Plain Notify', down, 0x271, 0x262, 0x0808, encrypt | secureChecksum, 0x0302],
  ];

  for (const [name, carrier, packetSize, userDataSize, wireFlags, flags, flagsHi] of examples) {
    it(name, () => {
      const userData = concatBytes(le16(wireFlags), le16(flagsHi), filler(userDataSize - BASIC_SECURITY_HEADER_SIZE));
      const packet = inPacket(packetSize, sendDataOf(carrier, userData));
      assert.equal(packet.length, packetSize);
      assert.equal(findFrameSize(packet), packetSize);

      const pdu = mcsOf(packet);
      assert.deepEqual(pdu, { ...carrier, userData });
      const header = decodeBasicSecurityHeader(new ReadCursor(userData, 'TS_SECURITY_HEADER'));
      assert.deepEqual(header, { flags, flagsHi });

      assert.deepEqual(mcsMessage(pdu), packet);
      const cursor = new WriteCursor(sizeOfBasicSecurityHeader());
      encodeBasicSecurityHeader(header, cursor);
      assert.deepEqual(cursor.finish(), userData.slice(0, BASIC_SECURITY_HEADER_SIZE));
    });
  }

  it('4.2.2 Shutdown Request Denied: its TPKT length of 36 is short of the 44 bytes it frames, and is refused', () => {
    const userData = concatBytes(le16(encrypt | secureChecksum), le16(0x0010), filler(26));
    const packet = inPacket(36, sendDataOf(down, userData));
    assert.equal(userData.length, 30);
    assert.equal(packet.length, 44);
    assert.equal(findFrameSize(packet), 36);
    assert.throws(
      () => mcsOf(packet.subarray(0, 36)),
      (error) => {
        assert.ok(error instanceof DecodeError);
        assert.equal(error.field, 'userData');
        return true;
      },
    );
  });
});

describe('[MS-RDPBCGR] section 4: the clear text of Share Data PDUs', () => {
  it('4.2.1 Shutdown Request', () => {
    const bytes = shareDataBytes({ source: 0x3ef, shareId: 0x203ea, pad: 0, stream: 1, uncompressed: 4, type: 36 });
    assert.equal(bytes.length, 18);
    assert.deepEqual(shareDataOf(bytes), {
      source: USER_CHANNEL,
      shareId: 0x203ea,
      type: ShareDataType.shutdownRequest,
      compressedType: 0,
      body: u8(),
    });
    assert.deepEqual(shareDataMessage(ShareDataType.shutdownRequest, 0x203ea, USER_CHANNEL, u8()), bytes);
    assertShareSizes(bytes);
  });

  it('4.2.2 Shutdown Request Denied, from a server that counts uncompressedLength from the first header', () => {
    const bytes = shareDataBytes({ source: 0x3ea, shareId: 0x203ea, pad: 0xa6, stream: 2, uncompressed: 18, type: 37 });
    assert.deepEqual(shareDataOf(bytes), {
      source: SERVER_CHANNEL,
      shareId: 0x203ea,
      type: ShareDataType.shutdownDenied,
      compressedType: 0,
      body: u8(),
    });
    assertShareSizes(bytes);
    // What differs in ours is what a receiver ignores: the pad, the stream and what uncompressedLength counts.
    const ours = shareDataMessage(ShareDataType.shutdownDenied, 0x203ea, SERVER_CHANNEL, u8());
    assert.deepEqual(differences(ours, bytes), [10, 11, 12]);
  });

  it('4.1.19 Server Synchronize, its targetUser uninitialised', () => {
    const body = concatBytes(le16(1), le16(0x4463));
    const header = { source: 0x3ea, shareId: 0x103ea, pad: 0x14, stream: 0, uncompressed: 22, type: 31 };
    const bytes = shareDataBytes(header, body);
    assert.equal(bytes.length, 22);
    assert.deepEqual(shareDataOf(bytes), {
      source: SERVER_CHANNEL,
      shareId: 0x103ea,
      type: ShareDataType.synchronize,
      compressedType: 0,
      body,
    });
    assertShareSizes(bytes);
    assert.deepEqual(decodeSynchronize(new ReadCursor(body, 'TS_SYNCHRONIZE_PDU')), { targetUser: 0x4463 });
    assert.deepEqual(encodeSynchronize({ targetUser: 0x4463 }), body);
    assert.equal(sizeOfSynchronize(), body.length);
    const ours = shareDataMessage(ShareDataType.synchronize, 0x103ea, SERVER_CHANNEL, body);
    assert.deepEqual(differences(ours, bytes), [10, 11, 12]);
  });

  it('4.3.2 Plain Notify fills its packet with the padding that ours has too', () => {
    // Any shareId: what is compared with the example here is the length.
    const message = shareDataMessage(ShareDataType.saveSessionInfo, 0x203ea, SERVER_CHANNEL, encodePlainNotify());
    // User data of the example, less its security header and signature.
    assert.equal(message.length, 0x262 - BASIC_SECURITY_HEADER_SIZE - SIGNATURE_SIZE);
    const { type, body } = shareDataOf(message);
    assert.equal(type, ShareDataType.saveSessionInfo);
    assert.equal(body.length, sizeOfPlainNotify());
    assert.deepEqual(decodeSaveSessionInfo(new ReadCursor(body, 'TS_SAVE_SESSION_INFO_PDU_DATA')), {
      kind: 'plain-notify',
    });
  });
});

function u8(...values: number[]): Uint8Array {
  return Uint8Array.from(values);
}

function le16(value: number): Uint8Array {
  return u8(value & 0xff, value >> 8);
}

function be16(value: number): Uint8Array {
  return u8(value >> 8, value & 0xff);
}

function filler(size: number): Uint8Array {
  return Uint8Array.from({ length: size }, (_, index) => (index * 7 + 3) & 0xff);
}

/** TPKT header with the length that the example states, X.224 Data header, contents. */
function inPacket(length: number, contents: Uint8Array): Uint8Array {
  return concatBytes(u8(3, 0), be16(length), u8(2, 0xf0, 0x80), contents);
}

function sendDataOf(carrier: Omit<McsSendData, 'userData'>, userData: Uint8Array): Uint8Array {
  const choice = carrier.kind === 'sendDataRequest' ? 25 : 26;
  const length = userData.length < 0x80 ? u8(userData.length) : be16(0x8000 | userData.length);
  // 0x70: priority high, segmentation begin and end.
  const header = concatBytes(u8(choice << 2), be16(carrier.initiator - 1001), be16(carrier.channelId), u8(0x70));
  return concatBytes(header, length, userData);
}

function mcsOf(packet: Uint8Array): McsPdu {
  const message = decodeX224(packet);
  assert.ok(message.kind === 'data');
  return decodeMcsPdu(message.cursor);
}

interface ShareDataFields {
  readonly source: number;
  readonly shareId: number;
  readonly pad: number;
  readonly stream: number;
  readonly uncompressed: number;
  readonly type: number;
}

function shareDataBytes(fields: ShareDataFields, body = u8()): Uint8Array {
  const control = concatBytes(le16(18 + body.length), le16(0x0010 | 0x0007), le16(fields.source));
  const shareId = concatBytes(le16(fields.shareId & 0xffff), le16(fields.shareId >> 16));
  const rest = concatBytes(u8(fields.pad, fields.stream), le16(fields.uncompressed), u8(fields.type, 0), le16(0));
  return concatBytes(control, shareId, rest, body);
}

function shareDataOf(bytes: Uint8Array) {
  const pdus = decodeShareControlPdus(bytes);
  assert.equal(pdus.length, 1);
  const pdu = pdus[0];
  assert.ok(pdu);
  assert.equal(pdu.type, ShareControlType.data);
  return { source: pdu.source, ...decodeShareData(new ReadCursor(pdu.body, 'TS_SHAREDATAHEADER')) };
}

function assertShareSizes(bytes: Uint8Array): void {
  const { source, ...data } = shareDataOf(bytes);
  const cursor = new WriteCursor(sizeOfShareData(data));
  encodeShareData(data, cursor);
  const body = cursor.finish();
  assert.equal(sizeOfShareControl({ type: ShareControlType.data, source, body }), bytes.length);
}

/** Offsets at which two messages of one length differ. */
function differences(a: Uint8Array, b: Uint8Array): number[] {
  assert.equal(a.length, b.length);
  return [...a.keys()].filter((offset) => a[offset] !== b[offset]);
}
