import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ReadCursor } from '../core/cursor.ts';
import { DecodeError } from '../core/errors.ts';
import {
  decodeSetErrorInfo,
  describeErrorInfo,
  encodeSetErrorInfo,
  listErrorInfo,
  sizeOfSetErrorInfo,
} from './error-info.ts';
import { decodeSaveSessionInfo, encodePlainNotify, sizeOfPlainNotify } from './save-session-info.ts';
import {
  decodeFrameAcknowledge,
  decodeKeyboardImeStatus,
  decodeKeyboardIndicators,
  decodePlaySound,
  decodeRefreshRect,
  decodeSuppressOutput,
  encodeFrameAcknowledge,
  encodeRefreshRect,
  encodeSuppressOutput,
  sizeOfFrameAcknowledge,
  sizeOfRefreshRect,
  sizeOfSuppressOutput,
} from './session-control.ts';

function hex(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text.replaceAll(/\s/g, ''), 'hex'));
}

function read(bytes: Uint8Array): ReadCursor {
  return new ReadCursor(bytes, 'test');
}

const area = { left: 1, top: 2, right: 3, bottom: 4 };

describe('session control PDUs', () => {
  it('Refresh Rect', () => {
    const bytes = hex('01 000000 0100 0200 0300 0400');
    assert.deepEqual(encodeRefreshRect({ areas: [area] }), bytes);
    assert.deepEqual(decodeRefreshRect(read(bytes)), { areas: [area] });
    assert.equal(sizeOfRefreshRect({ areas: [area] }), bytes.length);
    assert.throws(() => decodeRefreshRect(read(bytes.with(0, 2))), DecodeError);
  });

  it('Suppress Output', () => {
    const allow = hex('01 000000 0100 0200 0300 0400');
    assert.deepEqual(encodeSuppressOutput({ area }), allow);
    assert.deepEqual(decodeSuppressOutput(read(allow)), { area });
    assert.deepEqual(encodeSuppressOutput({ area: undefined }), hex('00 000000'));
    assert.deepEqual(decodeSuppressOutput(read(hex('00 000000'))), { area: undefined });
    assert.equal(sizeOfSuppressOutput({ area }), 12);
    assert.equal(sizeOfSuppressOutput({ area: undefined }), 4);
  });

  it('Play Sound, keyboard indicators, IME status', () => {
    assert.deepEqual(decodePlaySound(read(hex('64000000 b8010000'))), { duration: 100, frequency: 440 });
    assert.deepEqual(decodeKeyboardIndicators(read(hex('0000 0600'))), { ledFlags: 6 });
    assert.deepEqual(decodeKeyboardImeStatus(read(hex('0000 01000000 02000000'))), { imeState: 1, imeConvMode: 2 });
  });

  it('Frame Acknowledge', () => {
    assert.deepEqual(encodeFrameAcknowledge({ frameId: 7 }), hex('07000000'));
    assert.deepEqual(decodeFrameAcknowledge(read(hex('07000000'))), { frameId: 7 });
    assert.equal(sizeOfFrameAcknowledge(), 4);
  });
});

describe('Set Error Info', () => {
  it('decodes, encodes, knows its size', () => {
    assert.deepEqual(decodeSetErrorInfo(read(hex('0c000000'))), { errorInfo: 12 });
    assert.deepEqual(encodeSetErrorInfo({ errorInfo: 12 }), hex('0c000000'));
    assert.equal(sizeOfSetErrorInfo(), 4);
  });

  it('describes what a person may meet', () => {
    assert.equal(describeErrorInfo(0x0c).code, 'logged_off');
    assert.equal(describeErrorInfo(0x05).code, 'disconnected_by_server');
    assert.equal(describeErrorInfo(0x09).code, 'account_restricted');
    assert.equal(describeErrorInfo(0x101).code, 'licensing_failed');
    assert.equal(describeErrorInfo(0x10ca).code, 'protocol_error');
    assert.equal(describeErrorInfo(0x1113).name, 'security_data_too_short_4');
    assert.match(describeErrorInfo(0xdeadbeef).message, /0xdeadbeef/);
  });

  it('has a name of its own and one whole sentence for every value', () => {
    const described = listErrorInfo().map(describeErrorInfo);
    assert.equal(new Set(described.map(({ name }) => name)).size, listErrorInfo().length);
    for (const { name, message } of described) {
      assert.match(name, /^[a-z0-9_]+$/);
      assert.match(message, /^[A-Z].*\.$/, name);
    }
  });
});

describe('Save Session Info', () => {
  const utf16 = (text: string, size: number) => {
    const bytes = new Uint8Array(size);
    bytes.set(Buffer.from(`${text}\0`, 'utf16le'));
    return bytes;
  };

  it('version 1', () => {
    const bytes = Uint8Array.of(
      ...hex('00000000 06000000'),
      ...utf16('AB', 52),
      ...hex('08000000'),
      ...utf16('eve', 512),
      ...hex('05000000'),
    );
    assert.deepEqual(decodeSaveSessionInfo(read(bytes)), {
      kind: 'logon',
      domain: 'AB',
      username: 'eve',
      sessionId: 5,
    });
  });

  it('version 2', () => {
    const bytes = Uint8Array.of(
      ...hex('01000000 0100 12000000 05000000 06000000 08000000'),
      ...new Uint8Array(558),
      ...utf16('AB', 6),
      ...utf16('eve', 8),
    );
    assert.deepEqual(decodeSaveSessionInfo(read(bytes)), {
      kind: 'logon',
      domain: 'AB',
      username: 'eve',
      sessionId: 5,
    });
  });

  it('Plain Notify', () => {
    const bytes = encodePlainNotify();
    assert.equal(bytes.length, sizeOfPlainNotify());
    assert.deepEqual(decodeSaveSessionInfo(read(bytes)), { kind: 'plain-notify' });
  });

  it('extended: auto-reconnect cookie and logon error', () => {
    const random = '000102030405060708090a0b0c0d0e0f';
    const cookie = `1c000000 1c000000 01000000 09000000 ${random}`;
    assert.deepEqual(decodeSaveSessionInfo(read(hex(`03000000 4600 03000000 ${cookie} 08000000 6d0000c0 00000000`))), {
      kind: 'extended',
      autoReconnect: { logonId: 9, randomBits: hex(random) },
      logonError: { type: 0xc000006d, data: 0 },
    });
    assert.throws(() => decodeSaveSessionInfo(read(hex('03000000 4600 01000000 08000000 1c000000 01000000'))), {
      name: 'DecodeError',
      field: 'LogonId',
    });
  });

  it('a type that nobody knows', () => {
    assert.deepEqual(decodeSaveSessionInfo(read(hex('09000000'))), { kind: 'unknown', infoType: 9 });
  });
});
