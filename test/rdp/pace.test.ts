import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { offerGraphics } from '#protocol/connector/graphics-offer.ts';
import type { ClientConfig } from '#protocol/connector/types.ts';
import { WriteCursor } from '#protocol/core/cursor.ts';
import { GfxPainter } from '#protocol/graphics/gfx-painter.ts';
import { UpdateCode } from '#protocol/graphics/update.ts';
import { encodeBitmapUpdate, sizeOfBitmapUpdate } from '#protocol/pdu/bitmap-update.ts';
import { encodeSurfaceCommand, sizeOfSurfaceCommand } from '#protocol/pdu/surface-command.ts';
import { RdpClient } from '#protocol/session/rdp-client.ts';
import type { RdpConnectionOptions } from '../../gateway/rdp/connection-contract.ts';
import { RdpConnection } from '../../gateway/rdp/driver.ts';
import { nodeCrypto } from '../../gateway/rdp/node-crypto.ts';
import { eventually, type Farm, farm, type Visit } from './farm.ts';

const SIZE = { width: 640, height: 480 };
/** As slow as nothing else: what is acknowledged is what may be sent at once. */
const HARDLY = { framesPerSecond: 0.001 };
/** So fast that only the viewer counts. */
const UNBOUNDED = { framesPerSecond: 1e6 };

/** A connection of the real client, and how many updates it handed over. */
function connect(servers: Farm, pace: RdpConnectionOptions['pace'], graphics: Parameters<typeof offerGraphics>[0]) {
  const config: ClientConfig = {
    ...{ host: '127.0.0.1', username: 'jane', password: 'x', domain: '', ...SIZE, colorDepth: 32 },
    ...{ nla: 'never', legacySecurity: 'required', keyboardLayout: 0x409, clientName: 'test' },
    ...offerGraphics(graphics),
  };
  const counts = { updates: 0, bytes: 0 };
  const connection = new RdpConnection(
    new RdpClient(config, nodeCrypto),
    { host: '127.0.0.1', port: servers.port, trust: () => true, ...(pace !== undefined && { pace }) },
    {
      ...{ phase() {}, connected() {}, ended() {} },
      graphics: () => counts.updates++,
      bytes: (count) => {
        counts.bytes += count;
      },
    },
  );
  return { connection, counts };
}

/** The end of a frame of surface commands, with nothing in it. */
function surfaceFrame(frameId: number): Uint8Array {
  const marker = { kind: 'frame', action: 1, frameId } as const;
  const cursor = new WriteCursor(sizeOfSurfaceCommand(marker));
  encodeSurfaceCommand(marker, cursor);
  return cursor.finish();
}

/** Sends frames of surface commands, as many at once as a client with a window of four takes. */
class SurfaceSource {
  sent = 0;
  readonly #visit: Visit;

  constructor(visit: Visit) {
    this.#visit = visit;
  }

  get acknowledged(): readonly number[] {
    return this.#visit.heard.flatMap((output) =>
      output.kind === 'surface-frame-acknowledged' ? [output.frameId] : [],
    );
  }

  /** Until the client keeps it waiting. */
  async run(acknowledged: number): Promise<void> {
    for (;;) {
      while (this.sent - this.acknowledged.length < 4) {
        this.#visit.do(this.#visit.server.update(UpdateCode.surfaceCommands, surfaceFrame(++this.sent)));
      }
      if (this.acknowledged.length >= acknowledged) return;
      const before = this.acknowledged.length;
      await eventually(() => this.acknowledged.length > before);
    }
  }
}

/** A few turns, in which an acknowledgement that should not come would. */
async function pause(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 60));
}

describe('the pace of a server', () => {
  it('by Frame Acknowledge of surface commands: a burst, then one by one', async () => {
    await using servers = await farm(() => {});
    const { connection } = connect(servers, HARDLY, ['surface']);
    await eventually(() => servers.visits.length === 1);
    const [visit] = servers.visits;
    assert.ok(visit !== undefined);
    const source = new SurfaceSource(visit);
    await source.run(3);
    await pause();
    assert.deepEqual(source.acknowledged, [1, 2, 3]);
    assert.equal(source.sent, 7, 'four are on the way, and wait');
    connection.close();
  });

  it('by the viewer: no further ahead of it than it may be, and on as it draws', async () => {
    await using servers = await farm(() => {});
    const { connection, counts } = connect(servers, { ...UNBOUNDED, ahead: 10 }, ['surface']);
    await eventually(() => counts.updates === 1);
    const [visit] = servers.visits;
    assert.ok(visit !== undefined);
    connection.drawn(1, 0);
    const source = new SurfaceSource(visit);
    await source.run(7);
    await pause();
    assert.ok(source.sent >= 11 && source.sent <= 10 + 4, `${source.sent} were sent`);
    assert.ok(source.acknowledged.length < source.sent);
    connection.drawn(counts.updates, 0);
    await source.run(source.sent);
    connection.unwatched();
    await source.run(40);
    connection.close();
  });

  it('by Frame Acknowledge of the graphics pipeline, with what the viewer has yet to decode', async () => {
    await using servers = await farm((visit) => visit.do(visit.server.openGraphics()));
    const { connection, counts } = connect(servers, { ...UNBOUNDED, ahead: 2 }, ['rdpgfx']);
    await eventually(() => servers.visits[0]?.heard.some(({ kind }) => kind === 'graphics-ready') === true);
    const [visit] = servers.visits;
    assert.ok(visit !== undefined);
    const painter = new GfxPainter(SIZE.width, SIZE.height);
    const source = { words: new Uint32Array(SIZE.width * SIZE.height), stride: SIZE.width, x: 0, y: 0, ...SIZE };
    const frame = () =>
      visit.do(visit.server.graphics(painter.frame(source, [{ x: 0, y: 0, width: 8, height: 8 }], 'uncompressed')));
    const depths = () =>
      visit.heard.flatMap((output) => (output.kind === 'frame-acknowledged' ? [output.queueDepth] : []));
    visit.do(visit.server.graphics(painter.open()));
    frame();
    await eventually(() => depths().length === 1);
    connection.drawn(counts.updates, 5_000);
    for (let i = 0; i < 4; i++) frame();
    await pause();
    assert.ok(depths().length < 5);
    connection.drawn(counts.updates, 700);
    await eventually(() => depths().length === 5);
    const [first, ...rest] = depths();
    assert.equal(first, 0, 'nobody knew');
    assert.ok(rest.every((depth) => depth === 5_000 || depth === 700));
    assert.equal(rest.at(-1), 700);
    connection.close();
  });

  it('by TCP, where a server marks no frames', async () => {
    await using servers = await farm(() => {});
    const { connection, counts } = connect(servers, HARDLY, []);
    await eventually(() => counts.updates === 1);
    const [visit] = servers.visits;
    assert.ok(visit !== undefined);
    const place = { destLeft: 0, destTop: 0, destRight: SIZE.width - 1, destBottom: SIZE.height - 1, ...SIZE };
    const rectangles = [{ ...place, bitsPerPixel: 32, compressed: false, data: new Uint8Array(60_000) }];
    const cursor = new WriteCursor(sizeOfBitmapUpdate({ rectangles }));
    encodeBitmapUpdate({ rectangles }, cursor);
    const picture = cursor.finish();
    const COUNT = 400;
    for (let i = 0; i < COUNT; i++) visit.do(visit.server.update(UpdateCode.bitmap, picture));
    await eventually(() => counts.updates > 3);
    await pause();
    assert.ok(counts.updates < COUNT / 4, `${counts.updates} desktops came`);
    // The caller's own pause and its end change nothing about that.
    const before = counts.updates;
    connection.pause();
    connection.resume();
    await pause();
    assert.equal(counts.updates, before);
    connection.close();
  });

  it('by the work that it makes: copies of copies in a few bytes are not read faster than they are drawn', async () => {
    await using servers = await farm((visit) => visit.do(visit.server.openGraphics()));
    const { connection, counts } = connect(servers, UNBOUNDED, ['rdpgfx']);
    await eventually(() => servers.visits[0]?.heard.some(({ kind }) => kind === 'graphics-ready') === true);
    const [visit] = servers.visits;
    assert.ok(visit !== undefined);
    const side = 4000;
    const surface = { kind: 'create-surface', surfaceId: 7, width: side, height: side, pixelFormat: 0x20 } as const;
    const rectSrc = { left: 0, top: 0, right: side, bottom: side };
    const copy = { kind: 'surface-to-surface', surfaceIdSrc: 7, surfaceIdDest: 7, rectSrc } as const;
    visit.do(visit.server.graphics([surface]));
    const COUNT = 200;
    // A tenth of a second each, in some forty bytes.
    for (let i = 0; i < COUNT; i++)
      visit.do(visit.server.graphics([{ ...copy, destPoints: Array(4).fill({ x: 1, y: 1 }) }]));
    await eventually(() => counts.updates > 3);
    await pause();
    assert.ok(counts.updates < COUNT / 4, `${counts.updates} came`);
    const before = counts.updates;
    connection.pause();
    connection.resume();
    await eventually(() => counts.updates > before);
    assert.ok(counts.updates < COUNT / 2, `${counts.updates} came`);
    connection.close();
  });
});
