import assert from 'node:assert/strict';
import { describe, it, mock } from 'node:test';
import fc from 'fast-check';
import { encodeChunks } from '../channels/chunks.ts';
import { DRDYNVC_CHANNEL } from '../channels/dynamic-channels.ts';
import { encodeCreateRequest, encodeDynamicData } from '../channels/dynamic-pdu.ts';
import { GRAPHICS_CHANNEL } from '../channels/rdpgfx/graphics-channel.ts';
import { activateShare } from '../connector/client-capabilities.ts';
import { MessageChannel } from '../connector/message-channel.ts';
import type { ServerShare } from '../connector/server-types.ts';
import type { JoinedChannel, Share } from '../connector/types.ts';
import { concatBytes } from '../core/bytes.ts';
import { ReadCursor, WriteCursor } from '../core/cursor.ts';
import { DecodeError, UsageError } from '../core/errors.ts';
import { type GraphicsUpdate, UpdateCode } from '../graphics/update.ts';
import {
  type CapabilitySet,
  decodeCapabilitySet,
  encodeCapabilitySet,
  findCapability,
} from '../pdu/capability-sets.ts';
import { ErrorInfo, encodeSetErrorInfo } from '../pdu/error-info.ts';
import { encodeFragmentedUpdate } from '../pdu/fast-path.ts';
import { type InputEvent, MouseButton } from '../pdu/input.ts';
import { DisconnectReason, mcsMessage, sendDataIndication, sendDataRequest } from '../pdu/mcs-domain.ts';
import { encodePlainNotify } from '../pdu/save-session-info.ts';
import {
  type DemandActive,
  decodeConfirmActive,
  encodeDeactivateAll,
  encodeDemandActive,
  ShareControlType,
  ShareDataType,
  shareControlMessage,
  shareDataMessage,
  sizeOfDemandActive,
} from '../pdu/share.ts';
import { type ActiveOutput, ClientActiveStage } from './client-active-stage.ts';
import { type ServerActiveOutput, ServerActiveStage } from './server-active-stage.ts';

const USER = 1007;
const IO = 1003;
const MESSAGES = 1006;
const DYNAMIC = 1005;
const SHARE_ID = 0x103ea;
const SERVER = 0x3ea;

const INPUT_FLAGS = 0x0001 | 0x0004 | 0x0010 | 0x0020;

function demand(width: number, height: number, maxRequestSize?: number): DemandActive {
  const sets: CapabilitySet[] = [
    {
      kind: 'general',
      osMajorType: 1,
      osMinorType: 3,
      protocolVersion: 0x200,
      generalCompressionTypes: 0,
      extraFlags: 1,
      updateCapabilityFlag: 0,
      remoteUnshareFlag: 0,
      generalCompressionLevel: 0,
      refreshRectSupport: 1,
      suppressOutputSupport: 1,
    },
    {
      kind: 'bitmap',
      preferredBitsPerPixel: 32,
      receive1BitPerPixel: 1,
      receive4BitsPerPixel: 1,
      receive8BitsPerPixel: 1,
      desktopWidth: width,
      desktopHeight: height,
      desktopResizeFlag: 1,
      bitmapCompressionFlag: 1,
      highColorFlags: 0,
      drawingFlags: 0,
      multipleRectangleSupport: 1,
    },
    {
      kind: 'input',
      inputFlags: INPUT_FLAGS,
      keyboardLayout: 0,
      keyboardType: 0,
      keyboardSubType: 0,
      keyboardFunctionKey: 0,
      imeFileName: '',
    },
  ];
  if (maxRequestSize !== undefined) sets.push({ kind: 'multifragmentUpdate', maxRequestSize });
  return {
    shareId: SHARE_ID,
    sourceDescriptor: Uint8Array.of(0),
    capabilitySets: sets.map(encodeCapabilitySet),
    sessionId: 0,
  };
}

function clientStage(changes: Partial<Share> = {}, channel?: MessageChannel, channels: readonly JoinedChannel[] = []) {
  const activate = (active: DemandActive) => activateShare(active, { colorDepth: 32, keyboardLayout: 0x409 });
  const { share } = activate(demand(800, 600));
  return new ClientActiveStage({
    userId: USER,
    ioChannelId: IO,
    share: { ...share, maxUpdateSize: 100_000, ...changes },
    channels,
    ...(channel && { messageChannel: { id: MESSAGES, channel } }),
    activate,
  });
}

describe('ClientActiveStage on the message channel', () => {
  it('answers continuous detection, also between deactivation and reactivation', () => {
    const stage = clientStage({}, new MessageChannel());
    const request = (text: string) => sendDataIndication(MESSAGES, Uint8Array.from(Buffer.from(text, 'hex')));
    const answer = (text: string) => [
      { kind: 'send', bytes: sendDataRequest(USER, MESSAGES, Uint8Array.from(Buffer.from(text, 'hex'))) },
    ];
    const rtt = '00100000060007000100';
    assert.deepEqual(receive(stage, request(rtt)), answer('00200000060107000000'));
    receive(
      stage,
      sendDataIndication(IO, shareControlMessage(ShareControlType.deactivateAll, USER, encodeDeactivateAll(SHARE_ID))),
    );
    assert.deepEqual(receive(stage, request(rtt)), answer('00200000060107000000'));
  });

  it('measures packets that are passed over by their heads', () => {
    const channel = new MessageChannel();
    const stage = clientStage({}, channel, [{ name: DRDYNVC_CHANNEL, id: DYNAMIC, options: 0 }]);
    const packet = (message: Uint8Array) =>
      sendDataIndication(DYNAMIC, encodeChunks(message, undefined, true)[0] ?? new Uint8Array(0));
    const out: ActiveOutput[] = [];
    stage.receiveFrame(packet(encodeCreateRequest(7, GRAPHICS_CHANNEL)), out, 0);
    const packets = encodeDynamicData(7, new Uint8Array(20_000), 1600).map(packet);
    for (const first of packets.slice(0, 2)) stage.receiveFrame(first, out, 0);
    const like = concatBytes(...packets.slice(2));
    const counted = mock.method(channel, 'received');
    const passed = stage.goOn(like, 0);
    // But for the last, which is the end of the message and not like them.
    assert.equal(passed, like.length - (packets.at(-1)?.length ?? 0));
    assert.deepEqual(
      counted.mock.calls.map((call) => call.arguments),
      [[passed]],
    );
    assert.equal(stage.goOn(like, passed), passed);
  });

  it('measures what comes between bandwidth start and stop', () => {
    const stage = clientStage({}, new MessageChannel());
    const frame = (text: string) => sendDataIndication(MESSAGES, Uint8Array.from(Buffer.from(text, 'hex')));
    const picture = encodeFragmentedUpdate(UpdateCode.synchronize, new Uint8Array(0))[0] ?? new Uint8Array(0);
    const stop = frame('00100000060008002904');
    const out: ActiveOutput[] = [];
    stage.receiveFrame(frame('00100000060008001400'), out, 1000);
    stage.receiveFrame(picture, out, 1500);
    stage.receiveFrame(stop, out, 3000);
    const last = out.at(-1);
    assert.ok(last?.kind === 'send');
    const counted = Buffer.alloc(8);
    counted.writeUInt32LE(2000, 0);
    counted.writeUInt32LE(picture.length + stop.length, 4);
    assert.deepEqual(
      last.bytes,
      sendDataRequest(
        USER,
        MESSAGES,
        Uint8Array.from(Buffer.from(`002000000e0108000b00${counted.toString('hex')}`, 'hex')),
      ),
    );
  });

  it('passes over the channel where none was joined', () => {
    const stage = clientStage();
    assert.deepEqual(receive(stage, sendDataIndication(MESSAGES, new Uint8Array(4))), []);
    assert.equal(stage.skipped.channelData, 1);
  });
});

function serverStage() {
  const share: ServerShare = { shareId: SHARE_ID, width: 800, height: 600, colorDepth: 32, maxUpdateSize: 100_000 };
  return new ServerActiveStage({
    userId: USER,
    ioChannelId: IO,
    share,
    errorInfo: true,
    demand: (_shareId, width, height) => demand(width, height),
    agree: (_confirm, size) => ({ ...share, ...size }),
  });
}

type Sendable = { readonly kind: string; readonly bytes?: Uint8Array };
type Receiver<O> = { receiveFrame(frame: Uint8Array, out: O[], now: number): void };

/** Carries frames to and fro until both are silent; returns everything that was not sent. */
function exchange(
  client: Receiver<ActiveOutput>,
  server: Receiver<ServerActiveOutput>,
  first: { client?: ActiveOutput[]; server?: ServerActiveOutput[] },
) {
  let toServer: Sendable[] = first.client ?? [];
  let toClient: Sendable[] = first.server ?? [];
  const seen: { client: ActiveOutput[]; server: ServerActiveOutput[] } = { client: [], server: [] };
  while (toServer.length + toClient.length > 0) {
    const clientOut: ActiveOutput[] = [];
    const serverOut: ServerActiveOutput[] = [];
    for (const { bytes } of toServer) if (bytes) server.receiveFrame(bytes, serverOut, 0);
    for (const { bytes } of toClient) if (bytes) client.receiveFrame(bytes, clientOut, 0);
    seen.client.push(...clientOut.filter(({ kind }) => kind !== 'send'));
    seen.server.push(...serverOut.filter(({ kind }) => kind !== 'send'));
    toServer = clientOut;
    toClient = serverOut;
  }
  return seen;
}

/** What the client makes of Share Data bodies, or whole frames, of a server. */
function receive(stage: ClientActiveStage, ...frames: Uint8Array[]): ActiveOutput[] {
  const out: ActiveOutput[] = [];
  for (const frame of frames) stage.receiveFrame(frame, out, 0);
  return out;
}

function fromServer(type: number, body: Uint8Array): Uint8Array {
  return sendDataIndication(IO, shareDataMessage(type, SHARE_ID, SERVER, body));
}

function updates(out: readonly ActiveOutput[]): GraphicsUpdate[] {
  return out.flatMap((output) => (output.kind === 'graphics' ? [output.update] : []));
}

describe('client and server, in the active stage', () => {
  it('begins with the size of the desktop', () => {
    assert.deepEqual(clientStage().start(), [
      { kind: 'graphics', update: { code: UpdateCode.desktopReset, data: Uint8Array.of(0x20, 3, 0x58, 2) } },
    ]);
  });

  it('tells once that the user is logged on', () => {
    const server = serverStage();
    const twice = [...server.start(), ...server.start()];
    assert.deepEqual(exchange(clientStage(), server, { server: twice }).client, [{ kind: 'logged-on' }]);
  });

  it('carries updates of any size', () => {
    for (const size of [0, 10, 16_000, 70_000]) {
      const data = Uint8Array.from({ length: size }, (_, i) => i & 0xff);
      const server = serverStage();
      const seen = exchange(clientStage(), server, { server: server.update(UpdateCode.bitmap, data) });
      assert.deepEqual(updates(seen.client), [{ code: UpdateCode.bitmap, data }]);
    }
    assert.throws(() => serverStage().update(UpdateCode.bitmap, new Uint8Array(100_001)), UsageError);
  });

  it('says that it takes updates as large as the server may send, which sends no RemoteFX otherwise', () => {
    const said = (announced?: number) => {
      const config = { colorDepth: 32, keyboardLayout: 0x409 } as const;
      const { confirmActive, share } = activateShare(demand(1920, 1080, announced), config);
      const { capabilitySets } = decodeConfirmActive(new ReadCursor(confirmActive, 'TS_CONFIRM_ACTIVE_PDU'));
      const set = findCapability(capabilitySets.map(decodeCapabilitySet), 'multifragmentUpdate');
      assert.equal(share.maxUpdateSize, set?.maxRequestSize);
      return share.maxUpdateSize;
    };
    // 30 by 17 tiles of 64 by 64 pixels, and one for all headers: what servers made of FreeRDP say.
    assert.deepEqual([undefined, 65_535, 511 * 16_384].map(said), [0x3f0000, 0x3f0000, 511 * 16_384]);
    assert.equal(said(0xffff_ffff), 64 * 1024 * 1024);
  });

  it('takes updates as large as it said at the last activation', () => {
    const client = clientStage({ maxUpdateSize: 50_000 });
    const picture = encodeFragmentedUpdate(UpdateCode.bitmap, new Uint8Array(5_000_000));
    assert.throws(() => receive(client, ...picture), DecodeError);
    const larger = demand(1920, 1080, 511 * 16_384);
    const cursor = new WriteCursor(sizeOfDemandActive(larger));
    encodeDemandActive(larger, cursor);
    const message = shareControlMessage(ShareControlType.demandActive, SERVER, cursor.finish());
    receive(client, sendDataIndication(IO, message));
    assert.equal(updates(receive(client, ...picture))[0]?.data.length, 5_000_000);
  });

  const events: InputEvent[] = [
    { kind: 'scancode', code: 30, extended: false, down: true },
    { kind: 'unicode', unit: 0x20ac, down: true },
    { kind: 'mouse-move', x: 5, y: 6 },
  ];

  it('carries input on either path, and no Unicode to a server that has none', () => {
    for (const fastPathInput of [true, false]) {
      const client = clientStage({ fastPathInput });
      const sent = client.input(events);
      assert.equal(sent.length, 1);
      assert.deepEqual(exchange(client, serverStage(), { client: sent }).server, [{ kind: 'input', events }]);
    }
    const client = clientStage({ unicodeInput: false });
    const seen = exchange(client, serverStage(), { client: client.input(events) });
    assert.deepEqual(seen.server, [{ kind: 'input', events: [events[0], events[2]] }]);
    assert.deepEqual(seen.client, [], 'told before');
    assert.deepEqual(client.input(events.slice(1, 2)), []);
    assert.deepEqual(clientStage({ unicodeInput: false }).input(events.slice(1, 2)), [{ kind: 'text-lost' }]);
  });

  it('sends no button and no wheel that the server did not say it takes', () => {
    const at = { x: 1, y: 2 };
    const pointer = [
      { kind: 'mouse-button', button: MouseButton.left, down: true, ...at },
      { kind: 'mouse-button', button: MouseButton.back, down: true, ...at },
      { kind: 'wheel', delta: 120, horizontal: false, ...at },
      { kind: 'wheel', delta: 120, horizontal: true, ...at },
    ] as const;
    const heard = (changes: Partial<Share>) => {
      const client = clientStage(changes);
      const [output] = exchange(client, serverStage(), { client: client.input(pointer) }).server;
      return output?.kind === 'input' ? output.events : [];
    };
    assert.deepEqual(heard({ extendedButtons: true, horizontalWheel: true }), pointer);
    assert.deepEqual(heard({ extendedButtons: false, horizontalWheel: true }), [pointer[0], pointer[2], pointer[3]]);
    assert.deepEqual(heard({ extendedButtons: true, horizontalWheel: false }), pointer.slice(0, 3));
  });

  it('sends a long batch of slow-path input in several PDUs', () => {
    const client = clientStage({ fastPathInput: false });
    const many = Array.from({ length: 100 }, () => events[2]!);
    const seen = exchange(client, serverStage(), { client: client.input(many) });
    assert.deepEqual(
      seen.server.flatMap((output) => (output.kind === 'input' ? output.events : [])),
      many,
    );
  });

  it('asks for the desktop again, one way or the other', () => {
    const client = clientStage();
    const areas = [{ left: 0, top: 0, right: 799, bottom: 599 }];
    assert.deepEqual(exchange(client, serverStage(), { client: client.refresh() }).server, [
      { kind: 'refresh', areas },
    ]);
    const old = clientStage({ refreshRect: false });
    assert.deepEqual(exchange(old, serverStage(), { client: old.refresh() }).server, [
      { kind: 'suppress', suppressed: true },
      { kind: 'suppress', suppressed: false },
    ]);
  });

  it('reactivates with a new size', () => {
    const client = clientStage();
    const server = serverStage();
    const resize = server.resize(1024, 768);
    assert.equal(server.active, false);
    assert.throws(() => server.update(UpdateCode.bitmap, new Uint8Array(4)), UsageError);
    // What the user did meanwhile reaches a server that is not listening.
    assert.deepEqual(exchange(client, server, { client: client.input(events) }).server, []);
    const seen = exchange(client, server, { server: resize });
    assert.deepEqual(updates(seen.client), [{ code: UpdateCode.desktopReset, data: Uint8Array.of(0, 4, 0, 3) }]);
    assert.deepEqual(
      seen.server.map(({ kind }) => kind),
      ['activated'],
    );
    assert.equal(server.active, true);
    assert.equal(server.share.width, 1024);
    assert.equal(client.share.width, 1024);
    assert.equal(exchange(client, server, { client: client.input(events) }).server.length, 1);
  });

  it('reactivates with the old size, without a reset', () => {
    const client = clientStage();
    const server = serverStage();
    assert.deepEqual(exchange(client, server, { server: server.resize(800, 600) }).client, []);
  });

  it('sends no input while the share is down', () => {
    const client = clientStage();
    receive(
      client,
      sendDataIndication(IO, shareControlMessage(ShareControlType.deactivateAll, SERVER, new Uint8Array(0))),
    );
    assert.deepEqual(client.input(events), []);
    assert.deepEqual(client.refresh(), []);
  });

  it('sends what was typed while the share was down as soon as it is up again', () => {
    const client = clientStage();
    const server = serverStage();
    const [deactivate, ...rest] = server.resize(1024, 768);
    assert.ok(deactivate?.kind === 'send');
    receive(client, deactivate.bytes);
    const key = { kind: 'scancode', code: 0x1e, extended: false } as const;
    const typed = [
      { ...key, down: true },
      { ...key, down: false },
    ];
    const moved = { kind: 'mouse-move', x: 1, y: 1 } as const;
    assert.deepEqual(client.input([...typed, moved]), []);
    const heard = exchange(client, server, { server: rest }).server;
    assert.deepEqual(
      heard.flatMap((output) => (output.kind === 'input' ? output.events : [])),
      typed,
    );
    // Once, and no more than anybody types: a browser cannot have us keep without end.
    receive(
      client,
      sendDataIndication(IO, shareControlMessage(ShareControlType.deactivateAll, SERVER, new Uint8Array(0))),
    );
    for (let i = 0; i < 100; i++) client.input(Array(100).fill(typed[0]));
    const again = exchange(client, server, { server: server.resize(800, 600) }).server;
    assert.equal(again.flatMap((output) => (output.kind === 'input' ? output.events : [])).length, 1_024);
  });

  it('leaves, and the server knows', () => {
    const client = clientStage();
    const sent = client.shutdown();
    assert.deepEqual(sent.at(-1), {
      kind: 'closed',
      reason: { code: 'ended_by_user', message: 'You ended the session.' },
    });
    assert.deepEqual(exchange(client, serverStage(), { client: sent }).server, [{ kind: 'closed' }]);
  });

  for (const [errorInfo, code] of [
    [ErrorInfo.logoffByUser, 'logged_off'],
    [ErrorInfo.rpcInitiatedDisconnect, 'disconnected_by_server'],
    [ErrorInfo.idleTimeout, 'disconnected_by_server'],
    [0x101, 'licensing_failed'],
  ] as const) {
    it(`ends with ${code} for error info ${errorInfo}`, () => {
      const server = serverStage();
      const [closed] = exchange(clientStage(), server, { server: server.disconnect(errorInfo) }).client;
      assert.ok(closed?.kind === 'closed');
      assert.equal(closed.reason.code, code);
      assert.equal(closed.reason.errorInfo, errorInfo);
    });
  }
});

describe('ClientActiveStage with servers of all kinds', () => {
  const slow = (text: string) => Uint8Array.from(Buffer.from(text.replaceAll(' ', ''), 'hex'));

  it('turns slow-path updates into their fast-path form', () => {
    const out = receive(
      clientStage(),
      fromServer(ShareDataType.update, slow('0100 0000')),
      fromServer(ShareDataType.update, slow('0200 0000')),
      fromServer(ShareDataType.update, slow('0300 0000')),
      fromServer(ShareDataType.pointer, slow('0100 0000 00000000')),
      fromServer(ShareDataType.pointer, slow('0100 0000 007f0000')),
      fromServer(ShareDataType.pointer, slow('0300 0000 01000200')),
      fromServer(ShareDataType.pointer, slow('0600 0000 aa')),
      fromServer(ShareDataType.pointer, slow('0700 0000 bb')),
      fromServer(ShareDataType.pointer, slow('0800 0000 cc')),
      fromServer(ShareDataType.pointer, slow('0900 0000 dd')),
    );
    assert.deepEqual(
      updates(out).map(({ code, data }) => [code, Buffer.from(data).toString('hex')]),
      [
        [UpdateCode.bitmap, '01000000'],
        [UpdateCode.palette, '02000000'],
        [UpdateCode.synchronize, ''],
        [UpdateCode.pointerHidden, ''],
        [UpdateCode.pointerDefault, ''],
        [UpdateCode.pointerPosition, '01000200'],
        [UpdateCode.pointerColor, 'aa'],
        [UpdateCode.pointerCached, 'bb'],
        [UpdateCode.pointerNew, 'cc'],
        [UpdateCode.pointerLarge, 'dd'],
      ],
    );
  });

  it('counts orders on either path and what it does not know, and goes on', () => {
    const client = clientStage();
    const out = receive(
      client,
      Uint8Array.of(0, 5, 0, 0, 0),
      fromServer(ShareDataType.update, slow('0000 0000 0100 0000')),
      fromServer(99, slow('00')),
      fromServer(ShareDataType.update, slow('0700')),
      sendDataIndication(IO, shareControlMessage(0xf, SERVER, slow('00'))),
      sendDataIndication(1005, slow('00')),
      sendDataIndication(IO, slow('')),
      mcsMessage({ kind: 'channelJoinConfirm', result: 0, initiator: USER, requested: 1004, channelId: 1004 }),
      fromServer(ShareDataType.update, slow('0100 0000')),
    );
    assert.deepEqual(client.skipped, { orders: 2, unknownPdus: 4, channelData: 1 });
    assert.equal(out.length, 1);
  });

  it('takes what needs no answer', () => {
    const client = clientStage();
    const types = ['playSound', 'setKeyboardImeStatus', 'shutdownDenied', 'monitorLayout'] as const;
    assert.deepEqual(receive(client, ...types.map((type) => fromServer(ShareDataType[type], slow('00')))), []);
    assert.equal(client.skipped.unknownPdus, 0);
  });

  it('refuses compressed data, since none was offered', () => {
    const body = slow('ea030100 00 01 0400 02 21 0000 0100');
    const compressed = sendDataIndication(IO, shareControlMessage(ShareControlType.data, SERVER, body));
    assert.throws(() => receive(clientStage(), compressed), { name: 'DecodeError', field: 'compressedType' });
  });

  it('bounds a fragmented update by what was advertised', () => {
    const server = new ServerActiveStage({
      userId: USER,
      ioChannelId: IO,
      share: { shareId: SHARE_ID, width: 1, height: 1, colorDepth: 32, maxUpdateSize: 1e6 },
      demand: () => demand(1, 1),
      agree: () => assert.fail(),
    });
    const frames = server.update(UpdateCode.bitmap, new Uint8Array(100_001)) as { bytes: Uint8Array }[];
    assert.throws(() => receive(clientStage(), ...frames.map(({ bytes }) => bytes)), { code: 'limit_exceeded' });
  });

  it('tells how it ended when the server does not say why', () => {
    const reasonOf = (...frames: Uint8Array[]) => {
      const last = receive(clientStage(), ...frames).at(-1);
      return last?.kind === 'closed' ? last.reason.code : undefined;
    };
    const ultimatum = (reason: number) => mcsMessage({ kind: 'disconnectProviderUltimatum', reason });
    assert.equal(reasonOf(ultimatum(DisconnectReason.userRequested)), 'logged_off');
    assert.equal(reasonOf(ultimatum(DisconnectReason.providerInitiated)), 'disconnected_by_server');
    assert.equal(reasonOf(slow('0300000b 06 80 0000 0000 00')), 'disconnected_by_server');
    assert.equal(clientStage().transportClosed().code, 'connection_lost');

    const denied = slow('03000000 4600 02000000 08000000 6d0000c0 00000000');
    const refusal = fromServer(ShareDataType.saveSessionInfo, denied);
    assert.equal(reasonOf(refusal, ultimatum(DisconnectReason.providerInitiated)), 'logon_failed');
    const error = (type: string, errorData: string) =>
      fromServer(ShareDataType.saveSessionInfo, slow(`03000000 4600 02000000 08000000 ${type} ${errorData}`));
    // LOGON_FAILED_OTHER is a failure as well; a warning is none, nor is a session's number.
    assert.equal(reasonOf(error('6e0000c0', '02000000'), ultimatum(1)), 'logon_failed');
    assert.equal(reasonOf(error('6e0000c0', '03000000'), ultimatum(1)), 'disconnected_by_server');
    assert.equal(reasonOf(error('feffffff', '02000000'), ultimatum(1)), 'disconnected_by_server');
    const accepted = fromServer(ShareDataType.saveSessionInfo, encodePlainNotify());
    assert.equal(reasonOf(refusal, accepted, ultimatum(1)), 'disconnected_by_server');

    const client = clientStage();
    receive(client, fromServer(ShareDataType.setErrorInfo, encodeSetErrorInfo({ errorInfo: ErrorInfo.idleTimeout })));
    assert.equal(client.transportClosed().errorName, 'idle_timeout');
  });

  it('any bytes in any frame: outputs or a DecodeError', () => {
    const frames = fc.oneof(
      fc.uint8Array({ maxLength: 60 }).map((bytes) => sendDataIndication(IO, bytes)),
      fc
        .tuple(fc.integer({ min: 0, max: 15 }), fc.uint8Array({ maxLength: 60 }))
        .map(([type, body]) => sendDataIndication(IO, shareControlMessage(type, SERVER, body))),
      fc
        .tuple(fc.constantFrom(...Object.values(ShareDataType)), fc.uint8Array({ maxLength: 60 }))
        .map(([type, body]) => fromServer(type, body)),
      fc.uint8Array({ maxLength: 60 }).map((body) => Uint8Array.of(0, body.length + 2, ...body)),
      fc.uint8Array({ maxLength: 60 }).map((body) => Uint8Array.of(3, 0, 0, body.length + 7, 2, 0xf0, 0x80, ...body)),
    );
    fc.assert(
      fc.property(fc.array(frames, { maxLength: 5 }), (stream) => {
        for (const stage of [clientStage(), serverStage()]) {
          try {
            for (const frame of stream) stage.receiveFrame(frame, { push: () => 0 }, 0);
          } catch (error) {
            assert.ok(error instanceof DecodeError, String(error));
          }
        }
      }),
      { numRuns: 500 },
    );
  });
});
