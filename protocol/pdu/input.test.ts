import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { ReadCursor } from '../core/cursor.ts';
import { DecodeError } from '../core/errors.ts';
import {
  decodeFastPathInput,
  encodeFastPathInput,
  MAX_EVENTS_PER_PDU,
  sizeOfFastPathInput,
} from './fast-path-input.ts';
import {
  decodeSlowPathInput,
  encodeSlowPathInput,
  type InputEvent,
  MouseButton,
  sizeOfSlowPathInput,
  toWireEvents,
} from './input.ts';

function hex(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text.replaceAll(/\s/g, ''), 'hex'));
}

/** One of each, with its fast-path and its slow-path bytes. */
const CASES: readonly [string, InputEvent, string, string][] = [
  ['key down', { kind: 'scancode', code: 0x1e, extended: false, down: true }, '00 1e', '0400 0000 1e00 0000'],
  ['key up', { kind: 'scancode', code: 0x1e, extended: false, down: false }, '01 1e', '0400 0080 1e00 0000'],
  ['extended key', { kind: 'scancode', code: 0x4b, extended: true, down: true }, '02 4b', '0400 0001 4b00 0000'],
  [
    'Pause, up',
    { kind: 'scancode', code: 0x1d, extended: false, extended1: true, down: false },
    '05 1d',
    '0400 0082 1d00 0000',
  ],
  ['Unicode', { kind: 'unicode', unit: 0x20ac, down: true }, '80 ac20', '0500 0000 ac20 0000'],
  ['Unicode up', { kind: 'unicode', unit: 0x20ac, down: false }, '81 ac20', '0500 0080 ac20 0000'],
  ['move', { kind: 'mouse-move', x: 0x102, y: 0x304 }, '20 0008 0201 0403', '0180 0008 0201 0403'],
  [
    'left down',
    { kind: 'mouse-button', button: MouseButton.left, down: true, x: 1, y: 2 },
    '20 0090 0100 0200',
    '0180 0090 0100 0200',
  ],
  [
    'right up',
    { kind: 'mouse-button', button: MouseButton.right, down: false, x: 1, y: 2 },
    '20 0020 0100 0200',
    '0180 0020 0100 0200',
  ],
  [
    'middle down',
    { kind: 'mouse-button', button: MouseButton.middle, down: true, x: 1, y: 2 },
    '20 00c0 0100 0200',
    '0180 00c0 0100 0200',
  ],
  [
    'back down',
    { kind: 'mouse-button', button: MouseButton.back, down: true, x: 1, y: 2 },
    '40 0180 0100 0200',
    '0280 0180 0100 0200',
  ],
  [
    'forward up',
    { kind: 'mouse-button', button: MouseButton.forward, down: false, x: 1, y: 2 },
    '40 0200 0100 0200',
    '0280 0200 0100 0200',
  ],
  [
    'wheel towards the user',
    { kind: 'wheel', delta: -120, horizontal: false, x: 1, y: 2 },
    '20 8803 0100 0200',
    '0180 8803 0100 0200',
  ],
  [
    'wheel to the right',
    { kind: 'wheel', delta: 120, horizontal: true, x: 1, y: 2 },
    '20 7804 0100 0200',
    '0180 7804 0100 0200',
  ],
  [
    'synchronise',
    { kind: 'synchronize', scrollLock: false, numLock: true, capsLock: false, kanaLock: true },
    '6a',
    '0000 0000 0a000000',
  ],
];

describe('TS_FP_INPUT_PDU', () => {
  for (const [name, event, bytes] of CASES) {
    it(`${name}: encodes and decodes`, () => {
      const body = hex(bytes);
      const expected = Uint8Array.of(1 << 2, body.length + 2, ...body);
      assert.deepEqual(encodeFastPathInput([event]), [expected]);
      assert.deepEqual(decodeFastPathInput(expected), [event]);
      assert.equal(sizeOfFastPathInput(toWireEvents(event)), expected.length);
    });
  }

  it('counts up to 15 events in the header and more in a byte of its own', () => {
    const key: InputEvent = { kind: 'scancode', code: 1, extended: false, down: true };
    const [fifteen] = encodeFastPathInput(Array(15).fill(key));
    assert.deepEqual(fifteen?.subarray(0, 3), Uint8Array.of(15 << 2, 32, 0));
    const [sixteen] = encodeFastPathInput(Array(16).fill(key));
    assert.deepEqual(sixteen?.subarray(0, 4), Uint8Array.of(0, 35, 16, 0));
    assert.equal(decodeFastPathInput(sixteen ?? hex('')).length, 16);
  });

  it('uses a two-byte length from 128 bytes on and a second PDU past 255 events', () => {
    const move: InputEvent = { kind: 'mouse-move', x: 1, y: 1 };
    const pdus = encodeFastPathInput(Array(MAX_EVENTS_PER_PDU + 1).fill(move));
    assert.equal(pdus.length, 2);
    const size = 1 + 2 + 1 + 255 * 7;
    assert.deepEqual(pdus[0]?.subarray(0, 4), Uint8Array.of(0, 0x80 | (size >>> 8), size & 0xff, 255));
    assert.equal(pdus[0]?.length, size);
    assert.equal(pdus.flatMap(decodeFastPathInput).length, 256);
  });

  it('cuts a long wheel turn into events that add up, and drops a turn of nothing', () => {
    const events = encodeFastPathInput([{ kind: 'wheel', delta: -600, horizontal: false, x: 0, y: 0 }]).flatMap(
      decodeFastPathInput,
    );
    assert.deepEqual(
      events.map((event) => event.kind === 'wheel' && event.delta),
      [-255, -255, -90],
    );
    assert.deepEqual(encodeFastPathInput([{ kind: 'wheel', delta: 0, horizontal: false, x: 0, y: 0 }]), []);
  });

  it('leaves out what we have no use for and reads on', () => {
    assert.deepEqual(decodeFastPathInput(hex('0c 10 a0 000000000000 c0 00000000 00 1e')), [
      { kind: 'scancode', code: 0x1e, extended: false, down: true },
    ]);
  });

  it('refuses unknown events, short ones, bytes left over and encryption', () => {
    for (const bytes of ['04 03 e0', '04 03 00', '04 05 00 1e 00', '44 04 00 1e', '08 04 00 1e']) {
      assert.throws(() => decodeFastPathInput(hex(bytes)), DecodeError, bytes);
    }
  });
});

describe('TS_INPUT_PDU_DATA', () => {
  for (const [name, event, , bytes] of CASES) {
    it(`${name}: encodes and decodes`, () => {
      const expected = hex(`0100 0000 00000000 ${bytes}`);
      assert.deepEqual(encodeSlowPathInput([event]), expected);
      assert.deepEqual(decodeSlowPathInput(new ReadCursor(expected, 'TS_INPUT_PDU_DATA')), [event]);
      assert.equal(sizeOfSlowPathInput(1), expected.length);
    });
  }

  it('leaves unused events out and refuses too many', () => {
    const unused = hex('0100 0000 00000000 0200 000000000000');
    assert.deepEqual(decodeSlowPathInput(new ReadCursor(unused, 'TS_INPUT_PDU_DATA')), []);
    assert.throws(() => decodeSlowPathInput(new ReadCursor(hex('ffff 0000'), 'TS_INPUT_PDU_DATA')), DecodeError);
    assert.throws(() => decodeSlowPathInput(new ReadCursor(hex('0100 0000'), 'TS_INPUT_PDU_DATA')), DecodeError);
  });
});

describe('input round trips', () => {
  const coordinate = fc.integer({ min: 0, max: 0xffff });
  const event: fc.Arbitrary<InputEvent> = fc.oneof(
    fc.record({
      kind: fc.constant('scancode' as const),
      code: fc.integer({ min: 0, max: 255 }),
      extended: fc.boolean(),
      down: fc.boolean(),
    }),
    fc.record({ kind: fc.constant('unicode' as const), unit: coordinate, down: fc.boolean() }),
    fc.record({ kind: fc.constant('mouse-move' as const), x: coordinate, y: coordinate }),
    fc.record({
      kind: fc.constant('mouse-button' as const),
      button: fc.constantFrom(...Object.values(MouseButton)),
      down: fc.boolean(),
      x: coordinate,
      y: coordinate,
    }),
    fc.record({
      kind: fc.constant('wheel' as const),
      delta: fc.integer({ min: -255, max: 255 }).filter((delta) => delta !== 0),
      horizontal: fc.boolean(),
      x: coordinate,
      y: coordinate,
    }),
    fc.record({
      kind: fc.constant('synchronize' as const),
      scrollLock: fc.boolean(),
      numLock: fc.boolean(),
      capsLock: fc.boolean(),
      kanaLock: fc.boolean(),
    }),
  );

  it('any events, both paths', () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 300 }), (generated) => {
        const events = generated.map((event) => ({ ...event })); // generated without a prototype, decoded with one
        assert.deepEqual(encodeFastPathInput(events).flatMap(decodeFastPathInput), events);
        const slow = new ReadCursor(encodeSlowPathInput(events), 'TS_INPUT_PDU_DATA');
        assert.deepEqual(decodeSlowPathInput(slow), events);
      }),
      { numRuns: 50 },
    );
  });

  it('any bytes: events or a DecodeError', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        for (const decode of [
          () => decodeFastPathInput(bytes),
          () => decodeSlowPathInput(new ReadCursor(bytes, 'TS_INPUT_PDU_DATA')),
        ]) {
          try {
            assert.ok(Array.isArray(decode()));
          } catch (error) {
            assert.ok(error instanceof DecodeError, String(error));
          }
        }
      }),
      { numRuns: 300 },
    );
  });
});
