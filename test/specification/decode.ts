/** Takes packets of the examples apart, down to what a test is about. */
import assert from 'node:assert/strict';
import { ReadCursor } from '../../protocol/core/cursor.ts';
import { decodeMcsPdu, type McsPdu, type McsSendData } from '../../protocol/pdu/mcs-domain.ts';
import { decodeBasicSecurityHeader } from '../../protocol/pdu/security-header.ts';
import {
  decodeShareControlPdus,
  decodeShareData,
  type ShareControlPdu,
  ShareControlType,
} from '../../protocol/pdu/share.ts';
import { decodeX224 } from '../../protocol/pdu/x224.ts';

/** What is in a TPKT packet with an X.224 Data TPDU. */
export function payloadOf(packet: Uint8Array): ReadCursor {
  const message = decodeX224(packet);
  assert.ok(message.kind === 'data');
  return message.cursor;
}

export function mcsOf(packet: Uint8Array): McsPdu {
  return decodeMcsPdu(payloadOf(packet));
}

/** A packet of standard RDP security: the flags, the MAC and what it protects. */
export function securedOf(packet: Uint8Array): { pdu: McsSendData; flags: number; data: Uint8Array } {
  const pdu = mcsOf(packet);
  assert.ok('userData' in pdu);
  const cursor = new ReadCursor(pdu.userData, 'TS_SECURITY_HEADER1');
  const { flags } = decodeBasicSecurityHeader(cursor);
  cursor.skip(8, 'dataSignature');
  return { pdu, flags, data: cursor.rest() };
}

/** The one Share Control PDU that the bytes hold. */
export function sharePduOf(bytes: Uint8Array): ShareControlPdu {
  const [pdu, ...others] = decodeShareControlPdus(bytes);
  assert.ok(pdu);
  assert.equal(others.length, 0);
  return pdu;
}

export function shareDataOf(bytes: Uint8Array) {
  const { type, source, body } = sharePduOf(bytes);
  assert.equal(type, ShareControlType.data);
  return { source, ...decodeShareData(new ReadCursor(body, 'TS_SHAREDATAHEADER')) };
}

/** Offsets at which two messages of one length differ. */
export function differences(a: Uint8Array, b: Uint8Array): number[] {
  assert.equal(a.length, b.length);
  return [...a.keys()].filter((offset) => a[offset] !== b[offset]);
}
