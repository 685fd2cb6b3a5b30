import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { DecodeError, UsageError } from '../core/errors.ts';
import type { InputEvent } from '../pdu/input.ts';
import type { BrowserMessage, GatewayMessage } from './messages.ts';
import {
  decodeBrowserMessage,
  decodeGatewayMessage,
  encodeBrowserMessage,
  encodeGatewayMessage,
  sizeOfUpdate,
  TunnelLimits,
} from './messages.ts';

const bytesOf = (hex: string): Uint8Array =>
  Uint8Array.from(hex.match(/[0-9a-f]{2}/gi) ?? [], (pair) => parseInt(pair, 16));
const hexOf = (bytes: Uint8Array): string => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
const jsonHex = (text: string): string => hexOf(new TextEncoder().encode(text));

const gatewayCases: readonly (readonly [name: string, hex: string, message: GatewayMessage])[] = [
  ['hello, owner in stream mode', '01 0100 00 00', { type: 'hello', version: 1, role: 'owner', mode: 'stream' }],
  ['hello, shadow in regions mode', '01 0100 01 01', { type: 'hello', version: 1, role: 'shadow', mode: 'regions' }],
  ['phase', '02 6e6c61', { type: 'phase', phase: 'nla' }],
  [
    'graphics',
    '10 04030201 01 02000000 aabb 05 00000000',
    {
      type: 'graphics',
      seq: 0x01020304,
      updates: [
        { code: 1, data: bytesOf('aabb') },
        { code: 5, data: bytesOf('') },
      ],
    },
  ],
  [
    'regions',
    '11 07000000 0200 0100 0200 0100 0100 00 04000000 01020304 0000 0000 4000 2000 02 03000000 aabbcc',
    {
      type: 'regions',
      seq: 7,
      regions: [
        { x: 1, y: 2, width: 1, height: 1, encoding: 'rgba', bytes: bytesOf('01020304') },
        { x: 0, y: 0, width: 64, height: 32, encoding: 'webp', bytes: bytesOf('aabbcc') },
      ],
    },
  ],
  [
    'a copied region',
    '11 08000000 0100 0100 0200 4000 2000 04 04000000 0300 1100',
    {
      type: 'regions',
      seq: 8,
      regions: [{ x: 1, y: 2, width: 64, height: 32, encoding: 'copy', fromX: 3, fromY: 17 }],
    },
  ],
  ['desktop size', '12 0005 2003', { type: 'desktop-size', width: 1280, height: 800 }],
  ['from here on regions', '16 09000000 01', { type: 'mode', seq: 9, mode: 'regions' }],
  [
    'from here on the stream',
    '16 0a000000 00 00010000 aabbcc',
    { type: 'mode', seq: 10, mode: 'stream', size: 256, state: bytesOf('aabbcc') },
  ],
  ['default pointer', '13 00', { type: 'pointer-shape', kind: 'default' }],
  ['hidden pointer', '13 01', { type: 'pointer-shape', kind: 'hidden' }],
  [
    'pointer shape',
    '13 02 0200 0100 0100 0000 0102030405060708',
    { type: 'pointer-shape', kind: 'shape', width: 2, height: 1, hotX: 1, hotY: 0, rgba: bytesOf('0102030405060708') },
  ],
  ['pointer position', '14 0a00 0b00', { type: 'pointer-position', x: 10, y: 11 }],
  ['lock keys', '15 06', { type: 'lock-keys', scrollLock: false, numLock: true, capsLock: true, kanaLock: false }],
  [
    'ended with a hint',
    `20 ${jsonHex('{"code":"a","message":"b","hint":"c"}')}`,
    { type: 'ended', code: 'a', message: 'b', hint: 'c' },
  ],
  ['ended', `20 ${jsonHex('{"code":"a","message":"b"}')}`, { type: 'ended', code: 'a', message: 'b' }],
  ['notice', `21 ${jsonHex('{"code":"a","message":"b"}')}`, { type: 'notice', code: 'a', message: 'b' }],
  [
    'notice with viewers',
    `21 ${jsonHex('{"code":"a","message":"b","viewers":2}')}`,
    { type: 'notice', code: 'a', message: 'b', viewers: 2 },
  ],
  ['pong', '31 ffffffff', { type: 'pong', value: 0xffffffff }],
  [
    'clipboard terms',
    '40 0b',
    {
      ...{ type: 'clipboard-terms', available: true, textToDesktop: true, textFromDesktop: false },
      ...{ filesToDesktop: true, filesFromDesktop: false },
    },
  ],
  ['clipboard copied', '41 05', { type: 'clipboard-copied', text: true, files: false, other: true }],
  [
    'files of the desktop',
    '43 07000000 02000000 0500000000000000 0300 c3a42e 00000000 0000000001000000 0100 62',
    {
      ...{ type: 'clipboard-files', list: 7 },
      files: [
        { index: 2, size: 5, name: 'ä.' },
        { index: 0, size: 2 ** 32, name: 'b' },
      ],
    },
  ],
  [
    'file wanted',
    '44 01000000 02000000 03000000 0400000000000000 05000000',
    { type: 'file-wanted', request: 1, list: 2, index: 3, position: 4, length: 5 },
  ],
  [
    'file transfer',
    `45 ${jsonHex('{"id":1,"direction":"to-desktop","name":"a","size":9,"done":4,"state":"running"}')}`,
    { type: 'file-transfer', id: 1, direction: 'to-desktop', name: 'a', size: 9, done: 4, state: 'running' },
  ],
  ['clipboard text', '42 c3a4 0a 62', { type: 'clipboard-text', text: 'ä\nb' }],
];

const allInput: readonly InputEvent[] = [
  { kind: 'scancode', code: 0x1e, extended: false, down: true },
  { kind: 'scancode', code: 0x1d, extended: false, extended1: true, down: false },
  { kind: 'unicode', unit: 0x20ac, down: true },
  { kind: 'mouse-move', x: 640, y: 480 },
  { kind: 'mouse-button', button: 5, down: true, x: 1, y: 2 },
  { kind: 'wheel', delta: -120, horizontal: true, x: 3, y: 4 },
  { kind: 'synchronize', scrollLock: false, numLock: true, capsLock: false, kanaLock: true },
];

const browserCases: readonly (readonly [name: string, hex: string, message: BrowserMessage])[] = [
  ['attach', `81 ${jsonHex('{"ticket":"t","version":1}')}`, { type: 'attach', ticket: 't', version: 1 }],
  [
    'input',
    '82 01 01 1e 01 04 1d 02 01 ac20 03 8002 e001 04 01 05 0100 0200 05 01 88ff 0300 0400 06 0a',
    { type: 'input', events: allInput },
  ],
  ['ack', '83 05000000', { type: 'ack', seq: 5 }],
  ['ping', '84 06000000', { type: 'ping', value: 6 }],
  ['end-session', '85', { type: 'end-session' }],
  ['resize', '86 5605 0003', { type: 'resize', width: 1366, height: 768 }],
  ['pictures as the link allows', '8c 00', { type: 'pictures', choice: 'automatic' }],
  ["the server's own pictures", '8c 01', { type: 'pictures', choice: 'stream' }],
  ['pictures for a slow link', '8c 02', { type: 'pictures', choice: 'regions' }],
  ['visible', '87 01', { type: 'visibility', visible: true }],
  ['hidden', '87 00', { type: 'visibility', visible: false }],
  [
    'files of the browser',
    '89 01000000 00000000 0200000000000000 0100 61',
    { type: 'file-offer', list: 1, files: [{ index: 0, size: 2, name: 'a' }] },
  ],
  ['file part', '8a 01000000 01 aabb', { type: 'file-part', request: 1, state: 'more', part: bytesOf('aabb') }],
  ['file cancel', '8b 05000000', { type: 'file-cancel', id: 5 }],
  ['clipboard offer', '88 01 c3', { type: 'clipboard-offer', more: true, part: bytesOf('c3') }],
];

for (const [name, hex, message] of gatewayCases) {
  test(`gateway message: ${name}`, () => {
    const bytes = bytesOf(hex);
    assert.equal(hexOf(encodeGatewayMessage(message)), hexOf(bytes));
    assert.deepEqual(decodeGatewayMessage(bytes), message);
  });
}

for (const [name, hex, message] of browserCases) {
  test(`browser message: ${name}`, () => {
    const bytes = bytesOf(hex);
    assert.equal(hexOf(encodeBrowserMessage(message)), hexOf(bytes));
    assert.deepEqual(decodeBrowserMessage(bytes), message);
  });
}

test('decoding works on a view in the middle of a larger buffer', () => {
  const whole = bytesOf('ffff 12 0005 2003 ffff');
  assert.deepEqual(decodeGatewayMessage(whole.subarray(2, 7)), { type: 'desktop-size', width: 1280, height: 800 });
});

const hostileGateway: readonly (readonly [name: string, hex: string, code: string, field: string])[] = [
  ['empty message', '', 'truncated', 'type'],
  ['unknown type', '7f', 'unexpected_message', 'type'],
  ['a browser message', '83 00000000', 'unexpected_message', 'type'],
  ['unknown role', '01 0100 02 00', 'invalid_value', 'role'],
  ['unknown mode', '01 0100 00 02', 'invalid_value', 'mode'],
  ['hello with a tail', '01 0100 00 00 00', 'trailing_bytes', 'end'],
  ['phase past its limit', `02 ${'61'.repeat(TunnelLimits.phaseBytes + 1)}`, 'limit_exceeded', 'phase'],
  ['update longer than the message', '10 00000000 01 ffffffff 00', 'truncated', 'data'],
  [
    'more updates than allowed',
    `10 00000000 ${'0500000000'.repeat(TunnelLimits.updates + 1)}`,
    'limit_exceeded',
    'updates',
  ],
  ['more regions than allowed', '11 00000000 ffff', 'limit_exceeded', 'count'],
  ['more regions promised than sent', '11 00000000 0100', 'truncated', 'x'],
  ['empty region', '11 00000000 0100 0000 0000 0000 0100 00 00000000', 'invalid_value', 'width'],
  ['region past the right edge', '11 00000000 0100 0100 0000 0020 0100 01 00000000', 'limit_exceeded', 'width'],
  ['region past the bottom edge', '11 00000000 0100 0000 0100 0100 0020 01 00000000', 'limit_exceeded', 'height'],
  ['unknown encoding', '11 00000000 0100 0000 0000 0100 0100 05 00000000', 'invalid_value', 'encoding'],
  ['copy of a wrong length', '11 00000000 0100 0000 0000 0100 0100 04 02000000 0000', 'invalid_value', 'length'],
  ['copy from outside', '11 00000000 0100 0000 0000 0100 0100 04 04000000 0020 0000', 'limit_exceeded', 'fromX'],
  [
    'raw region of the wrong length',
    '11 00000000 0100 0000 0000 0100 0100 00 03000000 000000',
    'invalid_value',
    'length',
  ],
  ['regions with a tail', '11 00000000 0000 00', 'trailing_bytes', 'end'],
  ['desktop without width', '12 0000 0100', 'invalid_value', 'width'],
  ['desktop too high', '12 0100 0120', 'limit_exceeded', 'height'],
  ['unknown pointer kind', '13 03', 'invalid_value', 'kind'],
  ['pointer too wide', '13 02 8101 0100 0000 0000', 'limit_exceeded', 'width'],
  ['pointer without height', '13 02 0100 0000 0000 0000', 'invalid_value', 'height'],
  ['pointer with too few pixels', '13 02 0100 0100 0000 0000 000000', 'truncated', 'rgba'],
  ['pointer with a tail', '13 00 00', 'trailing_bytes', 'end'],
  ['ended that is not JSON', '20 7b', 'invalid_value', 'JSON body'],
  ['ended that is no object', `20 ${jsonHex('[]')}`, 'invalid_value', 'JSON body'],
  ['ended without code', `20 ${jsonHex('{"message":"b"}')}`, 'invalid_value', 'code'],
  [
    'ended with a hint of another kind',
    `20 ${jsonHex('{"code":"a","message":"b","hint":1}')}`,
    'invalid_value',
    'hint',
  ],
  [
    'notice with a negative count',
    `21 ${jsonHex('{"code":"a","message":"b","viewers":-1}')}`,
    'invalid_value',
    'viewers',
  ],
];

const hostileBrowser: readonly (readonly [name: string, hex: string, code: string, field: string])[] = [
  ['empty message', '', 'truncated', 'type'],
  ['a gateway message', '31 00000000', 'unexpected_message', 'type'],
  ['attach that is null', `81 ${jsonHex('null')}`, 'invalid_value', 'JSON body'],
  ['attach without version', `81 ${jsonHex('{"ticket":"t"}')}`, 'invalid_value', 'version'],
  [
    'attach with an inherited ticket',
    `81 ${jsonHex('{"__proto__":{"ticket":"t"},"version":1}')}`,
    'invalid_value',
    'ticket',
  ],
  [
    'attach with a long ticket',
    `81 ${jsonHex(`{"ticket":"${'t'.repeat(TunnelLimits.textLength + 1)}","version":1}`)}`,
    'limit_exceeded',
    'ticket',
  ],
  ['attach past the JSON limit', `81 ${'20'.repeat(TunnelLimits.jsonBytes + 1)}`, 'limit_exceeded', 'JSON body'],
  ['unknown input kind', '82 07', 'invalid_value', 'kind'],
  ['input cut short', '82 03 0000 00', 'truncated', 'y'],
  ['scancode with unknown flags', '82 01 08 1e', 'invalid_value', 'flags'],
  ['sixth button', '82 04 01 06 0000 0000', 'invalid_value', 'button'],
  ['button zero', '82 04 01 00 0000 0000', 'invalid_value', 'button'],
  ['wheel past nine bits', '82 05 00 0001 0000 0000', 'limit_exceeded', 'delta'],
  ['more events than allowed', `82 ${'060f'.repeat(TunnelLimits.inputEvents + 1)}`, 'limit_exceeded', 'events'],
  ['message past its limit', `82 ${'060f'.repeat(TunnelLimits.browserMessageBytes / 2)}`, 'limit_exceeded', 'size'],
  ['ack with a tail', '83 00000000 00', 'trailing_bytes', 'end'],
  ['end-session with a tail', '85 00', 'trailing_bytes', 'end'],
  ['resize to nothing', '86 0000 0003', 'invalid_value', 'width'],
  ['resize past the limit', '86 5605 ffff', 'limit_exceeded', 'height'],
  ['resize with a tail', '86 5605 0003 00', 'trailing_bytes', 'end'],
  ['half visible', '87 02', 'invalid_value', 'visible'],
];

for (const [name, hex, code, field] of hostileGateway) {
  test(`hostile gateway: ${name}`, () => {
    assert.throws(() => decodeGatewayMessage(bytesOf(hex)), { name: 'DecodeError', code, field });
  });
}

for (const [name, hex, code, field] of hostileBrowser) {
  test(`hostile browser: ${name}`, () => {
    assert.throws(() => decodeBrowserMessage(bytesOf(hex)), { name: 'DecodeError', code, field });
  });
}

test('each message cut short at any byte is refused or is another valid message, never a crash', () => {
  for (const [, hex] of gatewayCases) cutEverywhere(bytesOf(hex), decodeGatewayMessage);
  for (const [, hex] of browserCases) cutEverywhere(bytesOf(hex), decodeBrowserMessage);
});

test('random bytes are decoded or refused with a DecodeError', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 64 }), (bytes) => {
      for (const type of [0x01, 0x02, 0x10, 0x11, 0x12, 0x13, 0x14, 0x20, 0x21, 0x31]) {
        bytes[0] = type;
        decodeOrRefuse(() => decodeGatewayMessage(bytes));
      }
      for (const type of [0x81, 0x82, 0x83, 0x84, 0x85]) {
        bytes[0] = type;
        decodeOrRefuse(() => decodeBrowserMessage(bytes));
      }
    }),
    { numRuns: 300 },
  );
});

test('input events survive the round trip', () => {
  const u16 = fc.integer({ min: 0, max: 0xffff });
  const event: fc.Arbitrary<InputEvent> = fc.oneof(
    fc.record({
      kind: fc.constant('scancode' as const),
      code: fc.integer({ min: 0, max: 255 }),
      extended: fc.boolean(),
      down: fc.boolean(),
    }),
    fc.record({ kind: fc.constant('unicode' as const), unit: u16, down: fc.boolean() }),
    fc.record({ kind: fc.constant('mouse-move' as const), x: u16, y: u16 }),
    fc.record({
      kind: fc.constant('mouse-button' as const),
      button: fc.constantFrom(1 as const, 2 as const, 3 as const, 4 as const, 5 as const),
      down: fc.boolean(),
      x: u16,
      y: u16,
    }),
    fc.record({
      kind: fc.constant('wheel' as const),
      delta: fc.integer({ min: -TunnelLimits.wheelDelta, max: TunnelLimits.wheelDelta }),
      horizontal: fc.boolean(),
      x: u16,
      y: u16,
    }),
    fc.record({
      kind: fc.constant('synchronize' as const),
      scrollLock: fc.boolean(),
      numLock: fc.boolean(),
      capsLock: fc.boolean(),
      kanaLock: fc.boolean(),
    }),
  );
  fc.assert(
    fc.property(fc.array(event, { maxLength: 40 }), (events) => {
      const message = { type: 'input', events } as const;
      assert.deepEqual(decodeBrowserMessage(encodeBrowserMessage(message)), JSON.parse(JSON.stringify(message)));
    }),
    { numRuns: 200 },
  );
});

test('our own misuse is a UsageError, not a message', () => {
  const events = new Array<InputEvent>(TunnelLimits.inputEvents + 1).fill({ kind: 'mouse-move', x: 0, y: 0 });
  assert.throws(() => encodeBrowserMessage({ type: 'input', events }), UsageError);
  assert.throws(
    () =>
      encodeBrowserMessage({ type: 'input', events: [{ kind: 'wheel', delta: 300, horizontal: false, x: 0, y: 0 }] }),
    UsageError,
  );
  assert.throws(
    () => encodeBrowserMessage({ type: 'attach', ticket: 'x'.repeat(TunnelLimits.jsonBytes), version: 1 }),
    UsageError,
  );
  const pointer = { type: 'pointer-shape', kind: 'shape', width: 2, height: 2, hotX: 0, hotY: 0 } as const;
  assert.throws(() => encodeGatewayMessage({ ...pointer, rgba: new Uint8Array(15) }), UsageError);
});

test('the size of an update is what it adds to a graphics message', () => {
  const update = { code: 1, data: bytesOf('010203') };
  const empty = encodeGatewayMessage({ type: 'graphics', seq: 0, updates: [] });
  const one = encodeGatewayMessage({ type: 'graphics', seq: 0, updates: [update] });
  assert.equal(one.length - empty.length, sizeOfUpdate(update));
});

function cutEverywhere(bytes: Uint8Array, decode: (bytes: Uint8Array) => unknown): void {
  for (let end = 0; end < bytes.length; end++) decodeOrRefuse(() => decode(bytes.subarray(0, end)));
}

function decodeOrRefuse(decode: () => unknown): void {
  try {
    decode();
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
  }
}
