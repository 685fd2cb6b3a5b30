import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DYNAMIC_CHANNELS } from '../../protocol/connector/graphics-offer.ts';
import { connectTo, drawsWhatXShows } from '../lab/client.ts';
import { Hopeless, waitFor } from '../lab/processes.ts';
import { startShadow } from '../lab/shadow.ts';
import { startXrdp } from '../lab/xrdp.ts';

/** Display Control against real servers: the desktop takes the size that is asked for, or stays as it is. */

test('xrdp follows by Deactivation-Reactivation, again and again, and the picture is right', async () => {
  const server = await startXrdp();
  try {
    const client = connectTo(server, { nla: 'never', channels: [DYNAMIC_CHANNELS] });
    const sizeIs = (width: number, height: number) =>
      waitFor(`a desktop of ${width} x ${height}`, () => {
        if (client.end() !== undefined) throw new Hopeless(JSON.stringify(client.end()));
        return client.compositor.width === width && client.compositor.height === height;
      });
    await sizeIs(server.width, server.height);
    const desktop = await server.desktop();
    await drawsWhatXShows(client, desktop, { tolerance: 0 });
    for (const [width, height] of [
      [1280, 720],
      [800, 600],
    ] as const) {
      client.connection.resize(width, height);
      await sizeIs(width, height);
      await drawsWhatXShows(client, desktop, { tolerance: 0 });
    }
    client.connection.input([{ kind: 'mouse-move', x: 300, y: 200 }]);
    await desktop.pointerAt(300, 200);
    client.connection.close();
  } finally {
    await server.stop();
  }
});

test('freerdp-shadow has no Display Control, and goes on as before', async () => {
  const server = await startShadow({ security: 'tls' });
  try {
    const client = connectTo(server, { nla: 'never', channels: [DYNAMIC_CHANNELS] });
    const desktop = await server.desktop();
    await drawsWhatXShows(client, desktop, { tolerance: 0 });
    client.connection.resize(1280, 720);
    await desktop.type('echo still here\n');
    await drawsWhatXShows(client, desktop, { tolerance: 0 });
    assert.deepEqual([client.compositor.width, client.compositor.height], [server.width, server.height]);
    assert.equal(client.end(), undefined);
    client.connection.close();
  } finally {
    await server.stop();
  }
});
