import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { ReadCursor, WriteCursor } from '../core/cursor.ts';
import { DecodeError, UsageError } from '../core/errors.ts';
import {
  autoDetectRequestMessage,
  autoDetectResponseMessage,
  decodeAutoDetectRequest,
  decodeAutoDetectResponse,
  type KnownAutoDetectRequest,
  sizeOfAutoDetectRequest,
} from '../pdu/auto-detect.ts';
import { encodeHeartbeat, sizeOfHeartbeat } from '../pdu/heartbeat.ts';
import { decodeMultitransportResponse, MULTITRANSPORT_ABORTED } from '../pdu/multitransport.ts';
import { MessageChannel } from './message-channel.ts';

function hex(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text.replaceAll(/\s/g, ''), 'hex'));
}

/** An Auto-Detect Request behind its security header. */
function request(text: string): Uint8Array {
  return hex(`00100000 ${text}`);
}

describe('MessageChannel', () => {
  it('answers round-trip requests, while connecting and after', () => {
    const channel = new MessageChannel();
    assert.deepEqual(channel.receive(request('06 00 0500 0110'), 0), hex('00200000 06 01 0500 0000'));
    assert.deepEqual(channel.receive(request('06 00 0600 0100'), 0), hex('00200000 06 01 0600 0000'));
  });

  it('measures the payloads of the connection sequence', () => {
    const channel = new MessageChannel();
    assert.equal(channel.receive(request('06 00 0100 1410'), 1000), undefined);
    assert.equal(channel.receive(request('08 00 0100 0200 0400 aabbccdd'), 1100), undefined);
    assert.equal(channel.receive(request('08 00 0100 0200 0200 aabb'), 1200), undefined);
    assert.deepEqual(
      channel.receive(request('08 00 0100 2b00 0300 aabbcc'), 1250),
      hex('00200000 0e 01 0100 0300 fa000000 21000000'),
    );
  });

  it('measures ordinary data after it', () => {
    const channel = new MessageChannel();
    channel.received(999);
    channel.receive(request('06 00 0200 1400'), 5000);
    channel.received(300);
    channel.received(41);
    assert.deepEqual(
      channel.receive(request('06 00 0200 2904'), 5020),
      hex('00200000 0e 01 0200 0b00 14000000 55010000'),
    );
    channel.received(5);
    // Stopped without a start: an empty measurement, not the last one over again.
    assert.deepEqual(
      channel.receive(request('06 00 0300 2904'), 6000),
      hex('00200000 0e 01 0300 0b00 00000000 00000000'),
    );
  });

  it('reports no negative time when the clock is set back', () => {
    const channel = new MessageChannel();
    channel.receive(request('06 00 0200 1400'), 5000);
    const answer = channel.receive(request('06 00 0200 2904'), 4000);
    assert.deepEqual(answer?.subarray(10, 14), hex('00000000'));
  });

  it('keeps what the server found', () => {
    const channel = new MessageChannel();
    channel.receive(request('0e 00 0100 4008 05000000 06000000'), 0);
    assert.deepEqual(channel.characteristics, { baseRtt: 5, averageRtt: 6 });
    channel.receive(request('0e 00 0100 8008 10270000 07000000'), 0);
    assert.deepEqual(channel.characteristics, { baseRtt: 5, bandwidth: 10000, averageRtt: 7 });
    channel.receive(request('12 00 0100 c008 01000000 02000000 03000000'), 0);
    assert.deepEqual(channel.characteristics, { baseRtt: 1, bandwidth: 2, averageRtt: 3 });
  });

  it('refuses a second transport', () => {
    const channel = new MessageChannel();
    const answer = channel.receive(hex(`02000000 2a000000 0100 0000 ${'11'.repeat(16)}`), 0);
    assert.deepEqual(answer, hex('04000000 2a000000 04400080'));
    const response = decodeMultitransportResponse(new ReadCursor(answer ?? hex(''), 'test', 4));
    assert.deepEqual(response, { requestId: 42, result: MULTITRANSPORT_ABORTED });
  });

  it('notes heartbeats', () => {
    const channel = new MessageChannel();
    assert.equal(channel.heartbeat, undefined);
    assert.equal(channel.receive(hex('00400000 00 0a 02 05'), 0), undefined);
    assert.deepEqual(channel.heartbeat, { period: 10, missedForWarning: 2, missedAfterWarning: 5 });
    const cursor = new WriteCursor(sizeOfHeartbeat());
    encodeHeartbeat({ period: 10, missedForWarning: 2, missedAfterWarning: 5 }, cursor);
    assert.deepEqual(cursor.finish(), hex('00 0a 02 05'));
    assert.throws(() => channel.receive(hex('00400000 00 0a'), 0), DecodeError);
  });

  it('passes over what it does not know', () => {
    const channel = new MessageChannel();
    assert.equal(channel.receive(request('06 00 0100 7777'), 0), undefined);
    assert.equal(channel.receive(hex('00000000'), 0), undefined);
  });

  it('refuses what is cut off, and responses in place of requests', () => {
    const channel = new MessageChannel();
    for (const bytes of [
      '0010',
      '00100000 06 00 0500',
      '00100000 06 01 0500 0100',
      '00100000 08 00 0100 0200 0500 aa',
    ]) {
      assert.throws(() => channel.receive(hex(bytes), 0), DecodeError, bytes);
    }
  });

  it('survives any bytes', () => {
    fc.assert(
      fc.property(fc.constantFrom(0x00, 0x10, 0x40), fc.uint8Array({ maxLength: 40 }), (flags, body) => {
        try {
          new MessageChannel().receive(Uint8Array.of(2, flags, 0, 0, ...body), 0);
        } catch (error) {
          assert.ok(error instanceof DecodeError, String(error));
        }
      }),
    );
  });
});

describe('auto-detect responses', () => {
  it('decode as they were encoded', () => {
    for (const response of [
      { kind: 'rttResponse', sequence: 7 },
      { kind: 'bandwidthResults', sequence: 8, connecting: true, timeDelta: 5, byteCount: 0xffffffff },
      { kind: 'bandwidthResults', sequence: 9, connecting: false, timeDelta: 0, byteCount: 1 },
      { kind: 'characteristicsSync', sequence: 10, bandwidth: 100_000, rtt: 12 },
    ] as const) {
      const message = autoDetectResponseMessage(response);
      assert.deepEqual(decodeAutoDetectResponse(new ReadCursor(message, 'test', 4)), response);
    }
  });
});

describe('auto-detect requests', () => {
  it('decode as they were encoded, byte for byte as the specification has them', () => {
    const payload = hex('aabbcc');
    const none = new Uint8Array(0);
    const requests: [KnownAutoDetectRequest, string][] = [
      [{ kind: 'rttRequest', sequence: 5, connecting: true }, '06 00 0500 0110'],
      [{ kind: 'rttRequest', sequence: 6, connecting: false }, '06 00 0600 0100'],
      [{ kind: 'bandwidthStart', sequence: 1, connecting: true }, '06 00 0100 1410'],
      [{ kind: 'bandwidthStart', sequence: 1, connecting: false }, '06 00 0100 1400'],
      [{ kind: 'bandwidthPayload', sequence: 1, payload }, '08 00 0100 0200 0300 aabbcc'],
      [{ kind: 'bandwidthStop', sequence: 1, connecting: true, payload }, '08 00 0100 2b00 0300 aabbcc'],
      [{ kind: 'bandwidthStop', sequence: 2, connecting: false, payload: none }, '06 00 0200 2904'],
      [{ kind: 'characteristics', sequence: 3, baseRtt: 5, averageRtt: 6 }, '0e 00 0300 4008 05000000 06000000'],
      [{ kind: 'characteristics', sequence: 3, bandwidth: 1, averageRtt: 2 }, '0e 00 0300 8008 01000000 02000000'],
      [
        { kind: 'characteristics', sequence: 3, baseRtt: 1, bandwidth: 2, averageRtt: 3 },
        '12 00 0300 c008 01000000 02000000 03000000',
      ],
    ];
    for (const [request, bytes] of requests) {
      const message = autoDetectRequestMessage(request);
      assert.deepEqual(message, hex(`00100000 ${bytes}`));
      assert.equal(message.length, 4 + sizeOfAutoDetectRequest(request));
      assert.deepEqual(decodeAutoDetectRequest(new ReadCursor(message, 'test', 4)), request);
    }
  });

  it('refuse what has no form', () => {
    const payload = hex('aa');
    assert.throws(() => autoDetectRequestMessage({ kind: 'characteristics', sequence: 1, baseRtt: 5 }), UsageError);
    assert.throws(
      () => autoDetectRequestMessage({ kind: 'bandwidthStop', sequence: 1, connecting: false, payload }),
      UsageError,
    );
  });
});
