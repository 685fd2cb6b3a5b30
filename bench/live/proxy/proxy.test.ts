import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect as connectPlain, createServer, type Server } from 'node:net';
import { after, describe, it } from 'node:test';
import { connect, createSecureContext, createServer as createTlsServer } from 'node:tls';
import { UpdateCode } from '#protocol/graphics/update.ts';
import { encodeFastPathUpdate } from '#protocol/pdu/fast-path.ts';
import { encodeFastPathInput } from '#protocol/pdu/fast-path-input.ts';
import { encodeSlowPathInput, type InputEvent } from '#protocol/pdu/input.ts';
import { sendDataIndication, sendDataRequest } from '#protocol/pdu/mcs-domain.ts';
import { ShareDataType, shareDataMessage } from '#protocol/pdu/share.ts';
import { afterRequest, connectionConfirm, fakePeer, selfSigned } from '../../../test/rdp/fake-peer.ts';
import { markPdu } from '../generator/mark.ts';
import { splitLatency } from '../latency.ts';
import { joinPeers, type ProxiedKind } from './joint.ts';
import { PassageWatch } from './passage-watch.ts';
import { drawsPicture, keysIn } from './wire-watch.ts';

const key = (down: boolean): InputEvent => ({ kind: 'scancode', code: 0x1e, extended: false, down });
const move: InputEvent = { kind: 'mouse-move', x: 1, y: 2 };
const slowPath = (type: number, body: Uint8Array) => shareDataMessage(type, 1, 1002, body);

describe('what passes the proxy', () => {
  it('is a key on either path, and nothing else is one', () => {
    const fast = (...events: InputEvent[]) => encodeFastPathInput(events)[0] ?? new Uint8Array(0);
    const slow = (type: number, body: Uint8Array) => sendDataRequest(1007, 1003, slowPath(type, body));
    assert.equal(keysIn(fast(key(true), key(false), move)), 1);
    assert.equal(keysIn(fast(move)), 0);
    assert.equal(keysIn(slow(ShareDataType.input, encodeSlowPathInput([key(true), key(true), key(false)]))), 2);
    assert.equal(keysIn(slow(ShareDataType.frameAcknowledge, Uint8Array.of(1, 0, 0, 0))), 0);
    assert.equal(keysIn(Uint8Array.of(3, 0, 0, 4)), 0);
  });

  it('is a picture on either path, or in the graphics pipeline, and no pointer', () => {
    const fast = (code: number) => encodeFastPathUpdate({ code, fragmentation: 0, data: Uint8Array.of(1, 2, 3, 4) });
    const slow = (userData: Uint8Array) => sendDataIndication(1003, userData);
    assert.ok(drawsPicture(markPdu(7)));
    assert.ok(drawsPicture(fast(UpdateCode.surfaceCommands)));
    assert.ok(!drawsPicture(fast(UpdateCode.pointerPosition)));
    assert.ok(drawsPicture(slow(slowPath(ShareDataType.update, Uint8Array.of(1, 0, 0, 0)))));
    assert.ok(!drawsPicture(slow(slowPath(ShareDataType.update, Uint8Array.of(2, 0, 0, 0)))));
    assert.ok(!drawsPicture(slow(slowPath(ShareDataType.pointer, Uint8Array.of(1, 0, 0, 0)))));
    assert.ok(drawsPicture(slow(new Uint8Array(500).fill(0x30))));
    assert.ok(!drawsPicture(slow(new Uint8Array(20).fill(0x30))));
  });

  it('is watched however it is cut: a key is answered by its mark alone', () => {
    const watch = new PassageWatch('rdp', true);
    const input = encodeFastPathInput([key(true), key(false)])[0] ?? new Uint8Array(0);
    for (const byte of input) watch.fromClient(Uint8Array.of(byte));
    watch.fromServer(markPdu(2));
    assert.equal(watch.keys.length, 0);
    for (const byte of markPdu(1)) watch.fromServer(Uint8Array.of(byte));
    assert.equal(watch.keys.length, 1);
    assert.equal(watch.pictures, 2);
    const [passed] = watch.keys;
    assert.ok(passed !== undefined && passed.pictureAt >= passed.keyAt);
    watch.fromServer(Uint8Array.of(0xff));
    assert.match(watch.failure ?? '', /not RDP/);
  });
});

describe('the server’s share', () => {
  it('is taken off key by key; a key without an answer counts whole', () => {
    const seen = [
      { pressedAt: 0, shownAt: 100 },
      { pressedAt: 200, shownAt: 203 },
      { pressedAt: 300, shownAt: 5300 },
    ];
    const passed = [
      { keyAt: 1, pictureAt: 98 },
      { keyAt: 201, pictureAt: 202.5 },
    ];
    assert.deepEqual(splitLatency({ seen, passed }), {
      p50Ms: 3,
      p99Ms: 5000,
      keyMs: 1,
      pictureMs: 0.5,
      serverShareMs: 1.5,
    });
    assert.deepEqual(splitLatency({ seen: [], passed }).p50Ms, null);
    assert.deepEqual(splitLatency({ seen: seen.slice(0, 1), passed: [] }).p99Ms, null);
  });
});

describe('the proxy', () => {
  const servers: Server[] = [];
  after(() => {
    for (const server of servers) server.close();
  });
  const listen = async (server: Server) => {
    servers.push(server.listen(0, '127.0.0.1'));
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  };
  const before = async (port: number, kind: ProxiedKind, watch: PassageWatch) => {
    const secureContext = createSecureContext(await selfSigned());
    return listen(createServer((socket) => joinPeers(socket, { port, kind, secureContext, watch })));
  };

  it('ends TLS on both sides and passes everything on, at the pace of whoever takes it', async () => {
    const echo = createTlsServer(await selfSigned(), (socket) => socket.pipe(socket));
    const watch = new PassageWatch('tls', false);
    const port = await before(await listen(echo), 'tls', watch);
    const client = connect({ port, host: '127.0.0.1', rejectUnauthorized: false });
    const sent = Buffer.alloc(1 << 20, 'passes on\n');
    const received: Buffer[] = [];
    client.on('data', (bytes: Buffer) => received.push(bytes));
    client.write(sent);
    while (Buffer.concat(received).length < sent.length) await once(client, 'data');
    assert.ok(Buffer.concat(received).equals(sent));
    assert.equal(watch.bytes, sent.length);
    assert.ok(!watch.closed);
    client.destroy();
  });

  it('says why it cannot pass NLA', async () => {
    await using peer = await fakePeer(afterRequest(connectionConfirm(2)));
    const watch = new PassageWatch('rdp', false);
    const client = connectPlain(await before(peer.port, 'rdp', watch), '127.0.0.1');
    client.write(Buffer.from([3, 0, 0, 19, 14, 0xe0, 0, 0, 0, 0, 0, 1, 0, 8, 0, 3, 0, 0, 0]));
    await once(client.resume(), 'close');
    assert.match(watch.failure ?? '', /chosen protocol 2/);
  });
});
