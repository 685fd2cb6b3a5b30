/** Annotated messages of [MS-RDPEDYC] section 4; each test names its section. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ReadCursor } from '../core/cursor.ts';
import { type DynamicChannel, DynamicChannels } from './dynamic-channels.ts';
import {
  decodeDynamicPdu,
  encodeCapabilities,
  encodeClose,
  encodeCreateRequest,
  encodeCreateResponse,
  encodeDynamicData,
} from './dynamic-pdu.ts';
import { DynamicServer, type DynamicServerOutput } from './dynamic-server.ts';

const Q = 0x71;

const decode = (bytes: Uint8Array) => decodeDynamicPdu(new ReadCursor(bytes, 'DYNVC'), true);

/** 4.3.3: channel 3, the first 1,595 bytes of a message of 3,195, all of them "q". */
const DATA_FIRST_COMPRESSED = Uint8Array.of(0x64, 0x03, 0x7b, 0x0c, 0xe0, 0x26, 0x38, 0xc4, 0x3f, 0xf4, 0x74, 0x01);

class Listener implements DynamicChannel<Uint8Array> {
  readonly name = 'listener';
  start(): Uint8Array[] {
    return [];
  }
  process(message: Uint8Array, out: Uint8Array[]): Uint8Array[] {
    out.push(message.slice());
    return [];
  }
  close(): void {}
}

describe('[MS-RDPEDYC] annotated messages', () => {
  it('4.1.1 DVC Capabilities Request PDU, which we answer with 4.1.2', () => {
    const request = Uint8Array.of(0x58, 0x00, 0x02, 0x00, 0x33, 0x33, 0x11, 0x11, 0x3d, 0x0a, 0xa7, 0x04);
    const response = Uint8Array.of(0x50, 0x00, 0x02, 0x00);
    assert.deepEqual(decode(request), { kind: 'capabilities', version: 2 });
    assert.deepEqual(decode(response), { kind: 'capabilities', version: 2 });
    assert.deepEqual(encodeCapabilities(2, false), response);
    assert.deepEqual(new DynamicChannels([]).process(request, []), [response]);
  });

  it('4.2.1 DVC Create Request PDU', () => {
    const message = Uint8Array.of(0x10, 0x03, 0x74, 0x65, 0x73, 0x74, 0x64, 0x76, 0x63, 0x00);
    assert.deepEqual(decode(message), { kind: 'create', channelId: 3, name: 'testdvc', priority: 0 });
    assert.deepEqual(encodeCreateRequest(3, 'testdvc'), message);
  });

  it('4.2.2 DVC Create Response PDU', () => {
    const message = Uint8Array.of(0x10, 0x03, 0x00, 0x00, 0x00, 0x00);
    const decoded = decodeDynamicPdu(new ReadCursor(message, 'DYNVC'), false);
    assert.deepEqual(decoded, { kind: 'create-response', channelId: 3, status: 0 });
    assert.deepEqual(encodeCreateResponse(3, 0), message);
  });

  it('4.3.1 DVC Data First PDU, 1,600 bytes whole, and 4.3.2 behind it', () => {
    const message = new Uint8Array(3195).fill(Q);
    const [first, ...others] = encodeDynamicData(3, message, 1600);
    const expected = Uint8Array.from({ length: 1600 }, (_, i) => [0x24, 0x03, 0x7b, 0x0c][i] ?? Q);
    assert.deepEqual(first, expected);
    const data = expected.subarray(4);
    assert.deepEqual(decode(expected), { kind: 'data-first', channelId: 3, length: 3195, data, compressed: false });
    assert.equal(data.length, 1596);
    assert.deepEqual(others, [
      Uint8Array.of(0x30, 0x03, ...new Uint8Array(1598).fill(Q)),
      Uint8Array.of(0x30, 0x03, Q),
    ]);
  });

  it('4.3.4 DVC Data Compressed PDU, which refers to what 4.3.3 had', () => {
    const message = Uint8Array.of(0x70, 0x03, 0xe0, 0x26, 0x88, 0x7f, 0xe8, 0xf4, 0x02);
    const data = message.subarray(2);
    assert.deepEqual(decode(message), { kind: 'data', channelId: 3, data, compressed: true });
    const channels = new DynamicChannels([new Listener()]);
    const out: Uint8Array[] = [];
    channels.process(encodeCreateRequest(3, 'listener'), out);
    channels.process(DATA_FIRST_COMPRESSED, out);
    channels.process(message, out);
    assert.equal(out.length, 0, '1,595 and 1,597 bytes of 3,195 are there');
    channels.process(Uint8Array.of(0x70, 0x03, 0x06, Q, Q, Q), out);
    assert.deepEqual(out, [new Uint8Array(3195).fill(Q)]);
  });

  it("4.3.3 and 4.3.4 the other way: the server keeps each channel's history as well", () => {
    const server = new DynamicServer();
    const out: DynamicServerOutput[] = [];
    const [request = new Uint8Array(0)] = server.open('listener');
    const id = request[1] ?? 0;
    const from = (message: Uint8Array) =>
      server.process(Uint8Array.of(message[0] ?? 0, id, ...message.subarray(2)), out);
    from(encodeCreateResponse(3, 0));
    from(DATA_FIRST_COMPRESSED);
    from(Uint8Array.of(0x70, 0x03, 0xe0, 0x26, 0x88, 0x7f, 0xe8, 0xf4, 0x02));
    from(Uint8Array.of(0x70, 0x03, 0x06, Q, Q, Q));
    assert.deepEqual(out.at(-1), { kind: 'message', name: 'listener', data: new Uint8Array(3195).fill(Q) });
  });

  it('4.4.1 DVC Close PDU', () => {
    const message = Uint8Array.of(0x40, 0x03);
    assert.deepEqual(decode(message), { kind: 'close', channelId: 3 });
    assert.deepEqual(encodeClose(3), message);
  });

  it('4.3.2 DVC Data PDU, whose unused bits are not zero', () => {
    const message = Uint8Array.from({ length: 0x120 }, (_, i) => [0x34, 0x03][i] ?? Q);
    const data = message.subarray(2);
    assert.deepEqual(decode(message), { kind: 'data', channelId: 3, data, compressed: false });
    // Ours differ in those two bits only: [MS-RDPEDYC] 2.2.3.2 wants zeros.
    assert.deepEqual(encodeDynamicData(3, data, 1600), [Uint8Array.of(0x30, 0x03, ...data)]);
  });

  it('4.3.3 DVC Data First Compressed PDU', () => {
    assert.deepEqual(decode(DATA_FIRST_COMPRESSED), {
      kind: 'data-first',
      channelId: 3,
      length: 3195,
      data: DATA_FIRST_COMPRESSED.subarray(4),
      compressed: true,
    });
  });

  it('4.3.3 expands to 1,595 bytes, and the message is whole with the other 1,600', () => {
    const channels = new DynamicChannels([new Listener()]);
    const out: Uint8Array[] = [];
    channels.process(encodeCreateRequest(3, 'listener'), out);
    channels.process(DATA_FIRST_COMPRESSED, out);
    channels.process(Uint8Array.of(0x34, 0x03, ...new Uint8Array(3195 - 1595 - 1).fill(Q)), out);
    assert.equal(out.length, 0, 'one byte is missing yet');
    channels.process(Uint8Array.of(0x34, 0x03, Q), out);
    assert.deepEqual(out, [new Uint8Array(3195).fill(Q)]);
  });
});
