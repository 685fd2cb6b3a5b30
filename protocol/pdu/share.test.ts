import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ReadCursor, WriteCursor } from '../core/cursor.ts';
import { DecodeError, UsageError } from '../core/errors.ts';
import {
  type ConfirmActive,
  type DemandActive,
  decodeConfirmActive,
  decodeDemandActive,
  decodeShareControlPdus,
  decodeShareData,
  encodeConfirmActive,
  encodeDeactivateAll,
  encodeDemandActive,
  ShareControlType,
  ShareDataType,
  shareControlMessage,
  shareDataMessage,
  sizeOfConfirmActive,
  sizeOfDemandActive,
} from './share.ts';

function hex(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text.replaceAll(/\s/g, ''), 'hex'));
}

describe('TS_SHARECONTROLHEADER', () => {
  it('decodes several PDUs of one Send Data', () => {
    const pdus = decodeShareControlPdus(hex('0800 1700 ea03 aabb  0600 1600 ef03'));
    assert.deepEqual(
      pdus.map(({ type, source, body }) => [type, source, [...body]]),
      [
        [ShareControlType.data, 0x3ea, [0xaa, 0xbb]],
        [ShareControlType.deactivateAll, 0x3ef, []],
      ],
    );
  });

  it('takes a Deactivate All without pduSource', () => {
    assert.equal(decodeShareControlPdus(hex('0400 1600'))[0]?.type, ShareControlType.deactivateAll);
  });

  it('takes a flow PDU and goes on behind it', () => {
    const pdus = decodeShareControlPdus(hex('0080 00 41 00 00 ea03  0600 1600 ef03'));
    assert.deepEqual(
      pdus.map((pdu) => pdu.type),
      [ShareControlType.flow, ShareControlType.deactivateAll],
    );
  });

  it('refuses a length shorter than the header or longer than what came', () => {
    for (const bytes of ['0300 1700 ea03', '0900 1700 ea03 aabb', '08']) {
      assert.throws(() => decodeShareControlPdus(hex(bytes)), DecodeError);
    }
  });

  it('encodes', () => {
    assert.deepEqual(shareControlMessage(ShareControlType.data, 0x3ea, hex('aabb')), hex('0800 1700 ea03 aabb'));
    assert.throws(() => shareControlMessage(ShareControlType.data, 1, new Uint8Array(0x8000)), UsageError);
  });
});

describe('TS_SHAREDATAHEADER', () => {
  const message = hex('1400 1700 ef03  ea03 0100 00 01 0600 1f 00 0000  0100');

  it('encodes with both headers', () => {
    assert.deepEqual(shareDataMessage(ShareDataType.synchronize, 0x103ea, 0x3ef, hex('0100')), message);
  });

  it('decodes', () => {
    const [pdu] = decodeShareControlPdus(message);
    assert.ok(pdu);
    const data = decodeShareData(new ReadCursor(pdu.body, 'TS_SHAREDATAHEADER'));
    assert.equal(data.shareId, 0x103ea);
    assert.equal(data.type, ShareDataType.synchronize);
    assert.equal(data.compressedType, 0);
    assert.deepEqual([...data.body], [1, 0]);
  });
});

describe('TS_DEMAND_ACTIVE_PDU and TS_CONFIRM_ACTIVE_PDU', () => {
  const sets = [
    { type: 1, data: hex('0102') },
    { type: 0x1c, data: hex('') },
  ];
  const demand: DemandActive = {
    shareId: 0x103ea,
    sourceDescriptor: hex('524450 00'),
    capabilitySets: sets,
    sessionId: 7,
  };
  const demandBytes = hex('ea030100 0400 0e00 52445000 0200 0000 0100 0600 0102 1c00 0400 07000000');
  const confirm: ConfirmActive = { shareId: 0x103ea, sourceDescriptor: hex('4f00'), capabilitySets: sets };
  const confirmBytes = hex('ea030100 ea03 0200 0e00 4f00 0200 0000 0100 0600 0102 1c00 0400');

  it('Demand Active: decodes, encodes, knows its size', () => {
    assert.deepEqual(decodeDemandActive(new ReadCursor(demandBytes, 'TS_DEMAND_ACTIVE_PDU')), demand);
    const cursor = new WriteCursor(sizeOfDemandActive(demand));
    encodeDemandActive(demand, cursor);
    assert.deepEqual(cursor.finish(), demandBytes);
  });

  it('Confirm Active: decodes, encodes, knows its size', () => {
    assert.deepEqual(decodeConfirmActive(new ReadCursor(confirmBytes, 'TS_CONFIRM_ACTIVE_PDU')), confirm);
    const cursor = new WriteCursor(sizeOfConfirmActive(confirm));
    encodeConfirmActive(confirm, cursor);
    assert.deepEqual(cursor.finish(), confirmBytes);
  });

  it('takes a Demand Active without sessionId', () => {
    const cursor = new ReadCursor(demandBytes.subarray(0, -4), 'TS_DEMAND_ACTIVE_PDU');
    assert.equal(decodeDemandActive(cursor).sessionId, 0);
  });

  it('refuses a set shorter than its header, too many sets, and a set that runs past the combined length', () => {
    const broken = [
      'ea030100 0000 0800 0100 0000 0100 0300',
      'ea030100 0000 0400 0101 0000',
      'ea030100 0000 0800 0100 0000 0100 0500 00',
    ];
    for (const bytes of broken) {
      assert.throws(() => decodeDemandActive(new ReadCursor(hex(bytes), 'TS_DEMAND_ACTIVE_PDU')), DecodeError);
    }
  });

  it('Deactivate All: encodes', () => {
    assert.deepEqual(encodeDeactivateAll(0x103ea), hex('ea030100 0100 00'));
  });
});
