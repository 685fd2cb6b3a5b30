import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GfxCodecId } from '../../protocol/channels/rdpgfx/pdu.ts';
import { type GraphicsKind, offerGraphics } from '../../protocol/connector/graphics-offer.ts';
import { connectTo, drawsWhatXShows, type LabClient, type Nearness } from '../lab/client.ts';
import { Hopeless, waitFor } from '../lab/processes.ts';
import { startShadow } from '../lab/shadow.ts';
import { prepareTrixie, shadow3Command } from '../lab/trixie.ts';
import { startXrdp } from '../lab/xrdp.ts';

/** Picture equality over the graphics pipeline, at the servers of Debian 13: `npm run test:lab`. */

const EXACT: Nearness = { tolerance: 0 };
const root = prepareTrixie();

function offering(...kinds: GraphicsKind[]) {
  return { nla: 'never', ...offerGraphics(kinds) } as const;
}

function cameAs(client: LabClient, ...names: string[]): void {
  assert.deepEqual([...client.received.keys()], names);
  assert.equal(client.compositor.skipped, 0);
}

/**
 * Planar of freerdp-shadow 3.15 is left out: its encoder is wrong, so that its own client shows the same garbage as ours.
 * That codec of the pipeline is xrdp's below.
 */
for (const { name, flags, kinds, codec, nearness } of [
  { name: 'RemoteFX Progressive', flags: [], kinds: ['rdpgfx'], codec: GfxCodecId.progressive, nearness: { psnr: 40 } },
  {
    ...{ name: 'Uncompressed', flags: ['-gfx-progressive', '-gfx-planar'], kinds: ['rdpgfx'] },
    ...{ codec: GfxCodecId.uncompressed, nearness: EXACT },
  },
  {
    ...{ name: 'RemoteFX (CAVIDEO)', flags: ['-gfx-progressive', '-gfx-planar'], kinds: ['rdpgfx', 'remotefx'] },
    ...{ codec: GfxCodecId.caVideo, nearness: { psnr: 40 } },
  },
] as readonly {
  name: string;
  flags: readonly string[];
  kinds: readonly GraphicsKind[];
  codec: number;
  nearness: Nearness;
}[]) {
  test(`freerdp-shadow 3 over the graphics pipeline: ${name}`, async () => {
    const server = await startShadow({
      security: 'tls',
      command: shadow3Command(root),
      flags: ['-gfx-avc444', '-gfx-avc420', ...flags],
    });
    try {
      const client = connectTo(server, offering(...kinds));
      const desktop = await server.desktop();
      await drawsWhatXShows(client, desktop, nearness);
      await desktop.type('echo one more line\n');
      await drawsWhatXShows(client, desktop, nearness);
      cameAs(client, `gfx ${codec}`);
      client.connection.close();
    } finally {
      await server.stop();
    }
  });
}

test('xrdp 0.10 over the graphics pipeline: Planar first, then RemoteFX Progressive', async () => {
  const server = await startXrdp({ root });
  try {
    const client = connectTo(server, offering('rdpgfx'));
    const desktop = await server.desktop();
    await drawsWhatXShows(client, desktop, { psnr: 42 });
    await desktop.type('echo one more line\n');
    await drawsWhatXShows(client, desktop, { psnr: 42 });
    cameAs(client, `gfx ${GfxCodecId.planar}`, `gfx ${GfxCodecId.progressive}`);
    client.connection.close();
  } finally {
    await server.stop();
  }
});

test('xrdp 0.10 over the graphics pipeline takes the size that Display Control asks for', async () => {
  const server = await startXrdp({ root });
  try {
    const client = connectTo(server, offering('rdpgfx'));
    const desktop = await server.desktop();
    await drawsWhatXShows(client, desktop, { psnr: 42 });
    for (const [width, height] of [
      [1280, 720],
      [800, 600],
    ] as const) {
      client.connection.resize(width, height);
      await waitFor(`a desktop of ${width} x ${height}`, () => {
        if (client.end() !== undefined) throw new Hopeless(JSON.stringify(client.end()));
        return client.compositor.width === width && client.compositor.height === height;
      });
      await drawsWhatXShows(client, desktop, { psnr: 42 });
    }
    client.connection.close();
  } finally {
    await server.stop();
  }
});

for (const colorDepth of [32, 24] as const) {
  test(`xrdp 0.10 with classic bitmaps at ${colorDepth} bpp`, async () => {
    const server = await startXrdp({ root });
    try {
      const client = connectTo(server, { ...offering(), colorDepth });
      await drawsWhatXShows(client, await server.desktop(), EXACT);
      cameAs(client, `bitmap ${colorDepth}`);
      client.connection.close();
    } finally {
      await server.stop();
    }
  });
}
