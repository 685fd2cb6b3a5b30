import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { GRAPHICS_CHANNEL } from '../channels/rdpgfx/graphics-channel.ts';
import { QueueDepth } from '../channels/rdpgfx/pdu.ts';
import { encodeNsCodec } from '../codecs/nscodec-encoder.ts';
import { type GraphicsKind, offerGraphics } from '../connector/graphics-offer.ts';
import { concatBytes } from '../core/bytes.ts';
import type { CryptoProvider } from '../core/crypto.ts';
import { WriteCursor } from '../core/cursor.ts';
import { DecodeError } from '../core/errors.ts';
import { Compositor } from '../graphics/compositor.ts';
import { GfxPainter, type GfxPictureCodec } from '../graphics/gfx-painter.ts';
import { createSurfaceCodecs, SurfaceCodecId } from '../graphics/surface-codecs.ts';
import { UpdateCode } from '../graphics/update.ts';
import { findCapability } from '../pdu/capability-sets.ts';
import { sendDataIndication } from '../pdu/mcs-domain.ts';
import {
  encodeSurfaceCommand,
  FrameAction,
  type SurfaceCommand,
  SurfaceCommandType,
  sizeOfSurfaceCommand,
} from '../pdu/surface-command.ts';
import { type ClientOutput, RdpClient } from './rdp-client.ts';
import { RdpServer, type ServerOutput } from './rdp-server.ts';

const WIDTH = 300;
const HEIGHT = 200;
const unused = (): never => assert.fail('no cryptography without NLA');
const crypto: CryptoProvider = {
  randomBytes: (length) => new Uint8Array(randomBytes(length)),
  ...{ md5: unused, sha1: unused, sha256: unused, hmacMd5: unused, hmacSha1: unused, tripleDesCbc: unused },
};
const peer = {
  certificate: Uint8Array.of(0x30, 0x00),
  subjectPublicKey: new Uint8Array(140).fill(7),
  endPointHash: new Uint8Array(32),
};

/** A client that offers `kinds`, a server, and a compositor behind the client. */
class Pair {
  readonly client: RdpClient;
  readonly server: RdpServer;
  readonly compositor = new Compositor(createSurfaceCodecs());
  readonly codes: number[] = [];
  readonly fromServer: Exclude<ServerOutput, { kind: 'send' }>[] = [];
  readonly #up: Uint8Array[] = [];
  readonly #down: Uint8Array[] = [];

  constructor(kinds: readonly GraphicsKind[], compressesGraphics = true) {
    const tls = { authenticate: () => true };
    this.server = new RdpServer({ computerName: 'TEST', tls, compressesGraphics }, crypto);
    this.client = new RdpClient(
      {
        ...{ host: 'test', username: 'eve', password: 'x', domain: '', width: WIDTH, height: HEIGHT, colorDepth: 32 },
        ...{ nla: 'never', keyboardLayout: 0x409, clientName: 'test' },
        ...offerGraphics(kinds),
      },
      crypto,
    );
    this.takeClient(this.client.start());
    this.carry();
  }

  takeClient(outputs: readonly ClientOutput[]): void {
    for (const output of outputs) {
      if (output.kind === 'send') this.#up.push(output.bytes);
      else if (output.kind === 'start-tls') this.takeClient(this.client.tlsEstablished(peer, 0));
      else if (output.kind === 'graphics') {
        this.codes.push(output.update.code);
        this.compositor.apply(output.update);
      }
    }
  }

  takeServer(outputs: readonly ServerOutput[]): void {
    for (const output of outputs) {
      if (output.kind === 'send') this.#down.push(output.bytes);
      else if (output.kind === 'start-tls') this.takeServer(this.server.tlsEstablished(peer, 0));
      else this.fromServer.push(output);
    }
  }

  carry(): this {
    while (this.#up.length + this.#down.length > 0) {
      for (const bytes of this.#up.splice(0)) this.takeServer(this.server.receive(bytes, 0));
      for (const bytes of this.#down.splice(0)) this.takeClient(this.client.receive(bytes, 0));
    }
    return this;
  }

  /** Outputs of one kind since the last call. */
  heard<K extends ServerOutput['kind']>(kind: K): Extract<ServerOutput, { kind: K }>[] {
    const found = this.fromServer.filter((output) => output.kind === kind);
    this.fromServer.length = 0;
    return found as Extract<ServerOutput, { kind: K }>[];
  }
}

/** Text-like marks over a gradient. */
function desktop(seed = 0): Uint32Array {
  return Uint32Array.from({ length: WIDTH * HEIGHT }, (_, i) => {
    const [x, y] = [i % WIDTH, Math.floor(i / WIDTH)];
    if ((x * 5 + y * 3 + seed) % 17 < 4 && y % 12 < 8) return 0xff203040;
    return (0xff000000 | ((x & 0xff) << 16) | ((y & 0xff) << 8) | ((seed * 40) & 0xff)) >>> 0;
  });
}

function sourceOf(words: Uint32Array) {
  return { words, stride: WIDTH, x: 0, y: 0, width: WIDTH, height: HEIGHT };
}

function shown(compositor: Compositor): Uint32Array {
  return new Uint32Array(compositor.pixels.buffer);
}

/** As `deepEqual`, without a report of a hundred thousand lines. */
function assertSame(actual: Uint32Array, expected: Uint32Array): void {
  assert.equal(actual.length, expected.length);
  const at = actual.findIndex((word, i) => word !== expected[i]);
  assert.equal(at, -1, `pixel ${at} is ${actual[at]?.toString(16)}, not ${expected[at]?.toString(16)}`);
}

function psnr(a: Uint32Array, b: Uint32Array): number {
  let squares = 0;
  for (let i = 0; i < a.length; i++) {
    for (const shift of [0, 8, 16])
      squares += ((((a[i] ?? 0) >>> shift) & 0xff) - (((b[i] ?? 0) >>> shift) & 0xff)) ** 2;
  }
  return 10 * Math.log10((255 * 255 * a.length * 3) / Math.max(squares, 1));
}

function surfaceCommands(...commands: SurfaceCommand[]): Uint8Array {
  const cursor = new WriteCursor(commands.reduce((sum, command) => sum + sizeOfSurfaceCommand(command), 0));
  for (const command of commands) encodeSurfaceCommand(command, cursor);
  return cursor.finish();
}

function rawFrame(frameId: number, words: Uint32Array): Uint8Array {
  const data = new Uint8Array(WIDTH * HEIGHT * 4);
  for (let y = 0; y < HEIGHT; y++) {
    for (let x = 0; x < WIDTH; x++) {
      const word = words[(HEIGHT - 1 - y) * WIDTH + x] ?? 0;
      data.set([word >>> 16, word >>> 8, word, 0], (y * WIDTH + x) * 4);
    }
  }
  const place = { type: SurfaceCommandType.setSurfaceBits, destLeft: 0, destTop: 0, width: WIDTH, height: HEIGHT };
  return surfaceCommands(
    { kind: 'frame', action: FrameAction.begin, frameId },
    { kind: 'bits', ...place, bitsPerPixel: 32, codecId: 0, data },
    { kind: 'frame', action: FrameAction.end, frameId },
  );
}

describe('what a client offers', () => {
  it('is classic bitmaps alone unless told otherwise', () => {
    const { client, server } = new Pair([]);
    const capabilities = server.connection?.clientCapabilities ?? [];
    for (const kind of ['surfaceCommands', 'bitmapCodecs', 'frameAcknowledge'] as const) {
      assert.equal(findCapability(capabilities, kind), undefined, kind);
    }
    assert.deepEqual(client.connection?.channels, []);
  });

  it('lists NSCodec and RemoteFX by their GUIDs, with properties as long as they say', () => {
    const { server } = new Pair(['nscodec', 'remotefx']);
    const capabilities = server.connection?.clientCapabilities ?? [];
    const codecs = findCapability(capabilities, 'bitmapCodecs')?.codecs ?? [];
    assert.deepEqual(
      codecs.map(({ guid, id }) => [Buffer.from(guid).toString('hex'), id]),
      [
        ['b91b8dca0f004f15589fae2d1a87e2d6', SurfaceCodecId.nsCodec],
        ['122f777672bd6344afb3b73c9c6f7886', SurfaceCodecId.remoteFx],
      ],
    );
    assert.deepEqual([...(codecs[0]?.properties ?? [])], [1, 1, 1]);
    assert.equal(
      Buffer.from(codecs[1]?.properties ?? []).toString('hex'),
      '310000000100000025000000c0cb080000000100c1cb1d00000001c0cf02000800000140000001010100014000000101' + '04',
    );
    assert.equal(findCapability(capabilities, 'surfaceCommands')?.cmdFlags, 0x52);
    // [MS-RDPRFX] 1.5: what RemoteFX asks for besides.
    assert.equal(findCapability(capabilities, 'bitmapCacheRev2')?.cacheFlags, 2);
    assert.equal((findCapability(capabilities, 'largePointer')?.largePointerSupportFlags ?? 0) & 1, 1);
    assert.equal((findCapability(capabilities, 'general')?.extraFlags ?? 0) & 1, 1);
    assert.ok((findCapability(capabilities, 'frameAcknowledge')?.maxUnacknowledgedFrameCount ?? 0) > 0);
  });
});

describe('surface commands', () => {
  it('are drawn, and the end of each frame is acknowledged', () => {
    const pair = new Pair(['surface']);
    pair.takeServer(pair.server.update(UpdateCode.surfaceCommands, rawFrame(7, desktop())));
    pair.carry();
    assertSame(shown(pair.compositor), desktop());
    assert.deepEqual(
      pair.heard('surface-frame-acknowledged').map(({ frameId }) => frameId),
      [7],
    );
  });

  it('draw NSCodec pictures', () => {
    const pair = new Pair(['nscodec']);
    const data = encodeNsCodec(sourceOf(desktop()), 'bottom-up', { colorLossLevel: 1, subsampled: false });
    const place = { type: SurfaceCommandType.setSurfaceBits, destLeft: 0, destTop: 0, width: WIDTH, height: HEIGHT };
    const bits: SurfaceCommand = { kind: 'bits', ...place, bitsPerPixel: 32, codecId: SurfaceCodecId.nsCodec, data };
    pair.takeServer(pair.server.update(UpdateCode.surfaceCommands, surfaceCommands(bits)));
    pair.carry();
    assert.ok(psnr(shown(pair.compositor), desktop()) > 45);
  });

  it('hold acknowledgements back while told to, and catch up', () => {
    const pair = new Pair(['surface']);
    pair.takeClient(pair.client.paceFrames({ kind: 'hold' }));
    for (const frameId of [1, 2]) {
      pair.takeServer(pair.server.update(UpdateCode.surfaceCommands, rawFrame(frameId, desktop())));
      pair.carry();
    }
    assert.deepEqual(pair.heard('surface-frame-acknowledged'), []);
    pair.takeClient(pair.client.paceFrames({ kind: 'send' }));
    pair.carry();
    assert.deepEqual(
      pair.heard('surface-frame-acknowledged').map(({ frameId }) => frameId),
      [1, 2],
    );
  });
});

/** A pair whose graphics channel is open, with the desktop's surface made. */
function withGraphics(width = WIDTH, height = HEIGHT, compressesGraphics = true) {
  const pair = new Pair(['rdpgfx'], compressesGraphics);
  pair.takeServer(pair.server.openGraphics());
  pair.carry();
  const ready = pair.heard('graphics-ready');
  assert.equal(ready.length, 1);
  const painter = new GfxPainter(width, height);
  pair.takeServer(pair.server.graphics(painter.open()));
  pair.carry();
  return { pair, painter, version: ready[0]?.caps.version };
}

describe('the graphics pipeline, from our server to our client', () => {
  it('agrees on the newest version and makes the desktop as large as ResetGraphics says', () => {
    const { pair, version } = withGraphics(320, 256);
    assert.equal(version, 0x000a0701);
    assert.deepEqual([pair.compositor.width, pair.compositor.height], [320, 256]);
    assert.deepEqual(pair.codes, [UpdateCode.desktopReset, 0x41, UpdateCode.desktopReset, 0x41]);
  });

  for (const [codec, bound] of [
    ['uncompressed', Number.POSITIVE_INFINITY],
    ['planar', Number.POSITIVE_INFINITY],
    ['clearcodec', Number.POSITIVE_INFINITY],
    ['remotefx', 40],
    ['progressive', 36],
  ] as const satisfies readonly (readonly [GfxPictureCodec, number])[]) {
    it(`draws ${codec}, whole frames and parts`, () => {
      const { pair, painter } = withGraphics();
      const rects = [
        [{ x: 0, y: 0, width: WIDTH, height: HEIGHT }],
        [
          { x: 13, y: 70, width: 129, height: 33 },
          { x: 200, y: 5, width: 100, height: 64 },
        ],
      ];
      for (const [step, changed] of rects.entries()) {
        const before = shown(pair.compositor).slice();
        const now = before.slice();
        const next = desktop(step);
        for (const { x, y, width, height } of changed) {
          for (let row = y; row < y + height; row++) {
            const from = row * WIDTH + x;
            now.set(next.subarray(from, from + width), from);
          }
        }
        pair.takeServer(pair.server.graphics(painter.frame(sourceOf(now), changed, codec)));
        pair.carry();
        if (bound === Number.POSITIVE_INFINITY) assertSame(shown(pair.compositor), now);
        else assert.ok(psnr(shown(pair.compositor), now) > bound, `${psnr(shown(pair.compositor), now)} dB`);
      }
      assert.deepEqual(
        pair.heard('frame-acknowledged').map(({ frameId, totalFramesDecoded }) => [frameId, totalFramesDecoded]),
        [
          [1, 1],
          [2, 2],
        ],
      );
      assert.equal(pair.compositor.skipped, 0);
    });
  }

  it('hands over so much work in one turn, and goes on with the rest of what was read in the next', () => {
    const { pair } = withGraphics(1920, 1080);
    const rectSrc = { left: 0, top: 0, right: 1920, bottom: 1080 };
    const copies = (count: number) => {
      const copy = { kind: 'surface-to-surface', surfaceIdSrc: 1, surfaceIdDest: 1, rectSrc } as const;
      const outputs = pair.server.graphics(Array(count).fill({ ...copy, destPoints: [{ x: 1, y: 1 }] }));
      return concatBytes(...outputs.flatMap((output) => (output.kind === 'send' ? [output.bytes] : [])));
    };
    // Each some 60 ms; all in one read.
    const read = () => concatBytes(...Array.from({ length: 12 }, () => copies(10)));
    const isPicture = ({ kind }: ClientOutput) => kind === 'graphics';
    const turns: number[] = [];
    for (let bytes = read(); turns.length === 0 || pair.client.rest.length > 0; bytes = new Uint8Array(0)) {
      turns.push(pair.client.receive(bytes, 0).filter(isPicture).length);
    }
    assert.deepEqual(turns, [4, 4, 4]);
    // What comes meanwhile is not lost.
    pair.client.receive(read(), 0);
    pair.client.receive(read(), 0);
    let more = 0;
    while (pair.client.rest.length > 0) more += pair.client.receive(new Uint8Array(0), 0).filter(isPicture).length;
    assert.equal(more, 24 - 4 - 4);
    // No picture takes so much: the session ends, and says why.
    assert.throws(() => pair.client.receive(copies(400), 0), { code: 'limit_exceeded', context: 'graphics update' });
  });

  for (const compressesGraphics of [true, false]) {
    const how = compressesGraphics ? 'compressed' : 'as they are';
    it(`puts messages together in the same memory again, ${how}, and hands out what stays good until the next call`, () => {
      const { pair, painter } = withGraphics(WIDTH, HEIGHT, compressesGraphics);
      const rect = { x: 0, y: 0, width: WIDTH, height: HEIGHT };
      const packets: Uint8Array[] = [];
      for (let step = 0; step < 6; step++) {
        const frame = painter.frame(sourceOf(desktop(step)), [rect], 'uncompressed');
        for (const output of pair.server.graphics(frame)) if (output.kind === 'send') packets.push(output.bytes);
      }
      // Two pictures a read, so that what was handed over first must outlive what follows in the same call.
      const memory: ArrayBufferLike[] = [];
      const half = packets.length / 3;
      for (let read = 0; read < 3; read++) {
        const bytes = concatBytes(...packets.slice(read * half, (read + 1) * half));
        const outputs = pair.client.receive(bytes, 0);
        const updates = outputs.flatMap((output) => (output.kind === 'graphics' ? [output.update] : []));
        assert.equal(updates.length, 2);
        assert.notEqual(updates[0]?.data.buffer, updates[1]?.data.buffer);
        memory.push(...updates.map(({ data }) => data.buffer));
        pair.takeClient(outputs);
        assertSame(shown(pair.compositor), desktop(2 * read + 1));
      }
      assert.ok(new Set(memory).size <= 4, `${new Set(memory).size} pieces of memory for ${memory.length} pictures`);
    });
  }

  it('reads packets that are like each other wherever reads and other packets cut their run', () => {
    const { pair, painter } = withGraphics(WIDTH, HEIGHT, false);
    const rect = { x: 0, y: 0, width: WIDTH, height: HEIGHT };
    const other = [sendDataIndication(9999, new Uint8Array(30)), Uint8Array.of(0, 2 + 3, UpdateCode.synchronize, 0, 0)];
    let step = 0;
    const places = fc.array(fc.nat(), { maxLength: 5 });
    fc.assert(
      fc.property(places, places, (cuts, others) => {
        const frame = painter.frame(sourceOf(desktop(step++)), [rect], 'uncompressed');
        const packets = pair.server.graphics(frame).flatMap((output) => (output.kind === 'send' ? [output.bytes] : []));
        assert.ok(packets.length > 100);
        for (const place of others) packets.splice(place % (packets.length + 1), 0, other[place % other.length]!);
        const bytes = concatBytes(...packets);
        const ends = [...cuts.map((cut) => cut % bytes.length).sort((a, b) => a - b), bytes.length];
        const pipeline: Uint8Array[] = [];
        ends.forEach((end, i) => {
          for (const output of pair.client.receive(bytes.subarray(ends[i - 1] ?? 0, end), 0)) {
            if (output.kind !== 'graphics' || output.update.code !== UpdateCode.graphicsPipeline) continue;
            pipeline.push(output.update.data.slice());
            pair.compositor.apply(output.update);
          }
        });
        assert.equal(pipeline.length, 1);
        assertSame(shown(pair.compositor), desktop(step - 1));
      }),
      { numRuns: 40 },
    );
  });

  it('takes a packet like the others for a message of its own where there is nothing to go on with', () => {
    const { pair, painter } = withGraphics(WIDTH, HEIGHT, false);
    const rect = { x: 0, y: 0, width: WIDTH, height: HEIGHT };
    const frame = painter.frame(sourceOf(desktop()), [rect], 'uncompressed');
    const packets = pair.server.graphics(frame).flatMap((output) => (output.kind === 'send' ? [output.bytes] : []));
    assert.throws(() => pair.client.receive(concatBytes(...packets, packets[1]!), 0), DecodeError);
  });

  it('acknowledges with a queue depth, holds back, suspends and takes the suspension back', () => {
    const { pair, painter } = withGraphics();
    const rect = { x: 0, y: 0, width: 8, height: 8 };
    const frame = () => {
      pair.takeServer(pair.server.graphics(painter.frame(sourceOf(desktop()), [rect], 'planar')));
      pair.carry();
    };
    const acknowledged = () => pair.heard('frame-acknowledged').map(({ frameId, queueDepth }) => [frameId, queueDepth]);
    const pace = (to: Parameters<RdpClient['paceFrames']>[0]) => {
      pair.takeClient(pair.client.paceFrames(to));
      pair.carry();
    };
    frame();
    assert.deepEqual(acknowledged(), [[1, QueueDepth.unavailable]]);
    pace({ kind: 'send', queueDepth: 4096 });
    frame();
    assert.deepEqual(acknowledged(), [[2, 4096]]);
    pace({ kind: 'hold' });
    frame();
    frame();
    assert.deepEqual(acknowledged(), []);
    pace({ kind: 'send', queueDepth: 10 });
    assert.deepEqual(acknowledged(), [
      [3, 10],
      [4, 10],
    ]);
    pace({ kind: 'suspend' });
    assert.deepEqual(acknowledged(), [[4, QueueDepth.suspendAcknowledge]]);
    frame();
    assert.deepEqual(acknowledged(), []);
    pace({ kind: 'send' });
    assert.deepEqual(acknowledged(), [[5, QueueDepth.unavailable]]);
  });

  it('acknowledges frames that were held, on the channel that the server has opened last', () => {
    const { pair, painter } = withGraphics();
    pair.takeClient(pair.client.paceFrames({ kind: 'hold' }));
    const rect = { x: 0, y: 0, width: 8, height: 8 };
    const acknowledged = (by: GfxPainter, frames: number, queueDepth: number) => {
      for (let i = 0; i < frames; i++) {
        pair.takeServer(pair.server.graphics(by.frame(sourceOf(desktop()), [rect], 'planar')));
      }
      pair.carry();
      pair.takeClient(pair.client.acknowledgeFrames(frames, queueDepth));
      pair.carry();
      const heard = pair.heard('frame-acknowledged');
      return heard.map((frame) => [frame.frameId, frame.totalFramesDecoded, frame.queueDepth]);
    };
    assert.deepEqual(acknowledged(painter, 1, 9), [[1, 1, 9]]);
    assert.deepEqual(acknowledged(painter, 2, 0x1234_5678), [
      [2, 3, 0x1234_5678],
      [3, 3, 0x1234_5678],
    ]);
    pair.takeServer(pair.server.openGraphics());
    pair.carry();
    const next = new GfxPainter(WIDTH, HEIGHT);
    pair.takeServer(pair.server.graphics(next.open()));
    assert.deepEqual(acknowledged(next, 1, 7), [[1, 1, 7]]);
    assert.deepEqual(acknowledged(next, 1, 8), [[2, 2, 8]]);
  });

  it('begins anew when the server opens the channel again', () => {
    const { pair } = withGraphics();
    pair.takeServer(pair.server.openGraphics());
    pair.carry();
    assert.equal(pair.heard('graphics-ready').length, 1);
    const painter = new GfxPainter(WIDTH, HEIGHT);
    const rect = { x: 0, y: 0, width: WIDTH, height: HEIGHT };
    pair.takeServer(
      pair.server.graphics([...painter.open(), ...painter.frame(sourceOf(desktop(3)), [rect], 'planar')]),
    );
    pair.carry();
    assertSame(shown(pair.compositor), desktop(3));
  });

  it('is not opened at a client that did not join drdynvc', () => {
    const pair = new Pair(['surface']);
    assert.deepEqual(pair.server.openGraphics(), []);
    assert.deepEqual(pair.server.graphics([{ kind: 'start-frame', timestamp: 0, frameId: 1 }]), []);
  });

  it('is named as the specification has it', () => {
    assert.equal(GRAPHICS_CHANNEL, 'Microsoft::Windows::RDS::Graphics');
  });
});
