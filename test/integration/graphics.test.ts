import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type GraphicsKind, offerGraphics } from '../../protocol/connector/graphics-offer.ts';
import { SurfaceCodecId } from '../../protocol/graphics/surface-codecs.ts';
import { connectTo, drawsPicture, drawsWhatXShows, type LabClient, type Nearness } from '../lab/client.ts';
import { comparePictures } from '../lab/desktop.ts';
import { waitFor } from '../lab/processes.ts';
import { startShadow } from '../lab/shadow.ts';
import { startWeston } from '../lab/weston.ts';
import { startXrdp } from '../lab/xrdp.ts';

/**
 * Picture equality at servers that Debian 12 has, for what classic bitmaps do not cover (those are in
 * rdp-servers.test.ts): the framebuffer that our client has drawn against the server's own screen.
 */

function offering(...kinds: GraphicsKind[]) {
  return { nla: 'never', ...offerGraphics(kinds) } as const;
}

/** The pictures came the way the test is about, and nothing was left out. */
function cameAs(client: LabClient, ...names: string[]): void {
  assert.deepEqual([...client.received.keys()], names);
  assert.equal(client.compositor.skipped, 0);
}

test('xrdp sends RemoteFX to a client on a LAN; the picture is within 45 dB of the X side', async () => {
  const server = await startXrdp();
  try {
    const client = connectTo(server, offering('remotefx'));
    const desktop = await server.desktop();
    await drawsWhatXShows(client, desktop, { psnr: 45 });
    await desktop.type('echo one more line\n');
    await drawsWhatXShows(client, desktop, { psnr: 45 });
    cameAs(client, `surface ${SurfaceCodecId.remoteFx}`);
    client.connection.close();
  } finally {
    await server.stop();
  }
});

test('freerdp-shadow sends RemoteFX; the picture is within 45 dB of the X side', async () => {
  // More tiles than fit the usual size of an update: only a client that takes as much as the server says gets them.
  const server = await startShadow({ security: 'tls', width: 1280, height: 1024 });
  try {
    const client = connectTo(server, offering('remotefx'));
    const desktop = await server.desktop();
    await drawsWhatXShows(client, desktop, { psnr: 45 });
    await desktop.type('echo one more line\n');
    await drawsWhatXShows(client, desktop, { psnr: 45 });
    cameAs(client, `surface ${SurfaceCodecId.remoteFx}`);
    client.connection.close();
  } finally {
    await server.stop();
  }
});

test('freerdp-shadow without AVC: the graphics channel opens, and pictures come exact as bitmaps', async () => {
  const server = await startShadow({ security: 'tls' });
  try {
    const client = connectTo(server, offering('rdpgfx'));
    await drawsWhatXShows(client, await server.desktop(), { tolerance: 0 });
    cameAs(client, 'bitmap 32');
    client.connection.close();
  } finally {
    await server.stop();
  }
});

for (const [kind, codec, nearness] of [
  ['surface', 0, { tolerance: 0 }],
  // weston's encoder halves the chroma's resolution and cuts three bits off it, towards minus infinity.
  ['nscodec', SurfaceCodecId.nsCodec, { psnr: 36 }],
  ['remotefx', SurfaceCodecId.remoteFx, { psnr: 35 }],
] as const satisfies readonly (readonly [GraphicsKind, number, Nearness])[]) {
  test(`weston sends surface bits, offered ${kind}: the picture is its own`, async () => {
    const server = await startWeston();
    try {
      const area = server.belowPointer;
      const client = connectTo(server, offering(kind));
      await drawsPicture(client, () => server.picture, { ...nearness, area });
      // Beside a client that gets everything exactly, what changes then is the same for both.
      const exact = connectTo(server, offering('surface'));
      await drawsPicture(exact, () => server.picture, { tolerance: 0, area });
      server.openTerminal();
      await waitFor('the terminal', () => comparePictures(exact.picture(), server.picture).share > 0.1);
      await drawsPicture(client, () => exact.picture(), nearness);
      cameAs(client, `surface ${codec}`);
      for (const each of [client, exact]) each.connection.close();
    } finally {
      await server.stop();
    }
  });
}
