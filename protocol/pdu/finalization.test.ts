import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ReadCursor } from '../core/cursor.ts';
import { DecodeError } from '../core/errors.ts';
import {
  ControlAction,
  decodeControl,
  decodeSynchronize,
  encodeControl,
  encodeFontList,
  encodeFontMap,
  encodeSynchronize,
  sizeOfControl,
  sizeOfFontPdu,
  sizeOfSynchronize,
} from './finalization.ts';

describe('Connection Finalization PDUs', () => {
  it('Synchronize', () => {
    const bytes = Uint8Array.of(1, 0, 0xea, 3);
    assert.deepEqual(encodeSynchronize({ targetUser: 0x3ea }), bytes);
    assert.deepEqual(decodeSynchronize(new ReadCursor(bytes, 'TS_SYNCHRONIZE_PDU')), { targetUser: 0x3ea });
    assert.equal(sizeOfSynchronize(), 4);
    assert.throws(() => decodeSynchronize(new ReadCursor(Uint8Array.of(2, 0, 0, 0), 'x')), DecodeError);
  });

  it('Control', () => {
    const pdu = { action: ControlAction.grantedControl, grantId: 0x3ef, controlId: 0x3ea };
    const bytes = Uint8Array.of(2, 0, 0xef, 3, 0xea, 3, 0, 0);
    assert.deepEqual(encodeControl(pdu), bytes);
    assert.deepEqual(decodeControl(new ReadCursor(bytes, 'TS_CONTROL_PDU')), pdu);
    assert.equal(sizeOfControl(), 8);
    assert.throws(() => decodeControl(new ReadCursor(bytes.subarray(1), 'TS_CONTROL_PDU')), DecodeError);
  });

  it('Font List and Font Map', () => {
    assert.deepEqual(encodeFontList(), Uint8Array.of(0, 0, 0, 0, 3, 0, 0x32, 0));
    assert.deepEqual(encodeFontMap(), Uint8Array.of(0, 0, 0, 0, 3, 0, 4, 0));
    assert.equal(sizeOfFontPdu(), 8);
  });
});
