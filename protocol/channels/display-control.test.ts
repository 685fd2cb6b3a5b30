import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { ReadCursor } from '../core/cursor.ts';
import { DecodeError, UsageError } from '../core/errors.ts';
import {
  DisplayControl,
  type DisplayControlPdu,
  decodeDisplayControl,
  encodeDisplayControl,
  sizeOfDisplayControl,
} from './display-control.ts';

function hex(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text.replaceAll(/\s/g, ''), 'hex'));
}

function decode(bytes: Uint8Array): DisplayControlPdu {
  return decodeDisplayControl(new ReadCursor(bytes, 'test'));
}

/** Sixteen monitors of 3840 x 2400. */
const CAPABILITIES = hex('05000000 14000000 10000000 000f0000 60090000');
const LAYOUT = hex(`
  02000000 60000000 28000000 02000000
  01000000 00000000 00000000 40060000 b0040000 00000000 00000000 00000000 64000000 64000000
  00000000 00fcffff 00000000 00040000 00030000 2c010000 e1000000 5a000000 96000000 8c000000`);

const PLAIN = { physicalWidth: 0, physicalHeight: 0, orientation: 0, desktopScaleFactor: 100, deviceScaleFactor: 100 };
const LAYOUT_PDU: DisplayControlPdu = {
  kind: 'monitor-layout',
  layout: {
    monitors: [
      { primary: true, left: 0, top: 0, width: 1600, height: 1200, ...PLAIN },
      {
        primary: false,
        left: -1024,
        top: 0,
        width: 1024,
        height: 768,
        physicalWidth: 300,
        physicalHeight: 225,
        orientation: 90,
        desktopScaleFactor: 150,
        deviceScaleFactor: 140,
      },
    ],
  },
};
const CAPABILITIES_PDU: DisplayControlPdu = {
  kind: 'capabilities',
  capabilities: { maxMonitors: 16, areaFactorA: 3840, areaFactorB: 2400 },
};

describe('Display Control PDUs', () => {
  for (const [bytes, pdu] of [
    [CAPABILITIES, CAPABILITIES_PDU],
    [LAYOUT, LAYOUT_PDU],
  ] as const) {
    it(pdu.kind, () => {
      assert.deepEqual(decode(bytes), pdu);
      assert.deepEqual(encodeDisplayControl(pdu), bytes);
      assert.equal(sizeOfDisplayControl(pdu), bytes.length);
      for (let length = 0; length < bytes.length; length++) {
        assert.throws(() => decode(bytes.subarray(0, length)), DecodeError);
      }
    });
  }

  it('refuses other monitor sizes and too many monitors; passes over other types', () => {
    assert.throws(() => decode(hex('02000000 10000000 29000000 00000000')), /MonitorLayoutSize/);
    assert.throws(() => decode(hex('02000000 10000000 28000000 41000000')), /NumMonitors/);
    assert.deepEqual(decode(hex('09000000 08000000')), { kind: 'unknown', type: 9 });
  });

  it('survives any bytes', () => {
    fc.assert(
      fc.property(fc.constantFrom(2, 5, 7), fc.uint8Array({ maxLength: 60 }), (type, body) => {
        try {
          decode(Uint8Array.of(type, 0, 0, 0, ...body));
        } catch (error) {
          assert.ok(error instanceof DecodeError, String(error));
        }
      }),
    );
  });
});

describe('DisplayControl', () => {
  const sizesIn = (messages: Uint8Array[]) =>
    messages.map((message) => {
      const pdu = decode(message);
      assert.ok(pdu.kind === 'monitor-layout');
      const [monitor, ...more] = pdu.layout.monitors;
      assert.ok(monitor !== undefined && more.length === 0 && monitor.primary);
      return [monitor.width, monitor.height];
    });

  it('keeps the last wish until the server says what it can do', () => {
    const channel = new DisplayControl();
    assert.deepEqual(channel.resize(1000, 700), []);
    assert.deepEqual(channel.resize(1366, 768), []);
    assert.equal(channel.ready, false);
    assert.deepEqual(sizesIn(channel.process(CAPABILITIES)), [[1366, 768]]);
    assert.equal(channel.ready, true);
    assert.deepEqual(sizesIn(channel.resize(1280, 1024)), [[1280, 1024]]);
    channel.close();
    assert.deepEqual(channel.resize(800, 600), []);
  });

  it('asks for nothing that is not allowed', () => {
    const channel = new DisplayControl();
    channel.process(CAPABILITIES);
    assert.deepEqual(sizesIn(channel.resize(1367, 767)), [[1366, 767]]);
    assert.deepEqual(sizesIn(channel.resize(10, 90_000)), [[200, 8192]]);
    assert.throws(() => channel.resize(0, 600), UsageError);
    assert.throws(() => channel.resize(Number.NaN, 600), UsageError);
  });

  it('shrinks to the area that the server has, both sides alike', () => {
    const channel = new DisplayControl();
    channel.process(hex('05000000 14000000 01000000 00040000 00040000'));
    assert.deepEqual(sizesIn(channel.resize(4096, 1024)), [[2048, 512]]);
    channel.process(hex('05000000 14000000 00000000 00000000 00000000'));
    assert.deepEqual(sizesIn(channel.resize(4096, 1024)), [[200, 200]]);
  });
});
