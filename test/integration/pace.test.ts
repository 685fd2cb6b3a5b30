import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { test } from 'node:test';
import { offerGraphics } from '#protocol/connector/graphics-offer.ts';
import { RdpClient } from '#protocol/session/rdp-client.ts';
import type { ProtocolClient } from '../../gateway/rdp/connection-contract.ts';
import { RdpConnection } from '../../gateway/rdp/driver.ts';
import { nodeCrypto } from '../../gateway/rdp/node-crypto.ts';
import { waitFor } from '../lab/processes.ts';
import { startShadow } from '../lab/shadow.ts';

/** More than any server sends ahead of the first acknowledgement that is kept back. */
const MOST_AHEAD = 24;
const SCROLLING = 'while :; do head -c 1200 /dev/urandom | base64 -w 70; sleep 0.02; done';

test('freerdp-shadow waits for Frame Acknowledge, and goes on with it', async () => {
  const server = await startShadow();
  const { display } = await server.desktop();
  const xterm = ['-display', display, '-geometry', '80x24+0+0', '-e', 'sh', '-c', SCROLLING];
  const motion = spawn('xterm', xterm, { stdio: 'ignore' });
  const counts = { frames: 0, acknowledged: 0 };
  const { host, port, username, password, width, height } = server;
  const client = new RdpClient(
    {
      ...{ host, username, password, domain: '', width, height, colorDepth: 32, nla: 'preferred' },
      ...{ keyboardLayout: 0x409, clientName: 'pace', ...offerGraphics(['remotefx']) },
    },
    nodeCrypto,
  );
  /** Counts what passes by. */
  const counting: ProtocolClient = {
    start: () => client.start(),
    tlsEstablished: (peer, now) => client.tlsEstablished(peer, now),
    transportClosed: () => client.transportClosed(),
    input: (events) => client.input(events),
    refresh: () => client.refresh(),
    shutdown: () => client.shutdown(),
    paceFrames: (pace) => client.paceFrames(pace),
    receive: (bytes, now) => {
      const outputs = client.receive(bytes, now);
      counts.frames += outputs.filter(({ kind }) => kind === 'frame-ended').length;
      return outputs;
    },
    acknowledgeFrames: (count, depth) => {
      counts.acknowledged += count;
      return client.acknowledgeFrames(count, depth);
    },
  };
  // Nothing but the viewer holds back: it says that it has drawn nothing yet, then over and over that it has drawn all.
  const connection = new RdpConnection(
    counting,
    { host, port, trust: () => true, pace: { framesPerSecond: 1e6, ahead: 2 } },
    { phase() {}, connected() {}, graphics() {}, bytes() {}, ended() {} },
  );
  try {
    await waitFor('frames', () => counts.frames > 0);
    connection.drawn(0, 1);
    await waitFor('the server to be kept waiting', () => counts.frames > counts.acknowledged);
    const before = counts.acknowledged;
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    assert.ok(counts.acknowledged <= before + 1);
    assert.ok(counts.frames - counts.acknowledged < MOST_AHEAD, `${counts.frames} frames came`);
    await waitFor('the server to go on', () => {
      connection.drawn(Number.MAX_SAFE_INTEGER, 0);
      return counts.acknowledged > before + MOST_AHEAD;
    });
  } finally {
    connection.close();
    motion.kill();
    await server.stop();
  }
});
