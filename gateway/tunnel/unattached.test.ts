import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { WebSocket } from 'ws';
import { encodeBrowserMessage, TUNNEL_PATH, TUNNEL_SUBPROTOCOL, TUNNEL_VERSION } from '#protocol/tunnel/messages.ts';
import { errorRow, GatewayError } from '../errors.ts';
import { createLogger } from '../log.ts';
import { Tunnel } from './tunnel.ts';

test('who holds places and never says who he is keeps nobody out: the oldest gives way', async (context) => {
  const entered: string[] = [];
  const tunnel = new Tunnel({
    gate: {
      async enter(ticket) {
        entered.push(ticket);
        throw new GatewayError('ticket_invalid');
      },
      left() {},
    },
    session: () => assert.fail('nobody gets so far'),
    origins: [],
    proxies: undefined,
    log: createLogger('silent'),
    maxUnattached: 3,
  });
  const server = createServer().on('upgrade', (request, socket, head) => tunnel.upgrade(request, socket, head));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const open = async () => {
    const { port } = server.address() as AddressInfo;
    const socket = new WebSocket(`ws://127.0.0.1:${port}${TUNNEL_PATH}`, [TUNNEL_SUBPROTOCOL]);
    const closed = new Promise<number>((resolve) => socket.once('close', resolve));
    await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
    return { socket, closed };
  };
  const idle = [await open(), await open(), await open()];
  context.after(() => {
    for (const { socket } of idle) socket.terminate();
    tunnel.stop();
    server.close();
  });
  for (let i = 0; i < 5; i++) {
    const { socket, closed } = await open();
    socket.send(encodeBrowserMessage({ type: 'attach', version: TUNNEL_VERSION, ticket: `ticket ${i}` }));
    assert.equal(await closed, errorRow('ticket_invalid').close, `${i}: it was heard`);
  }
  assert.deepEqual(entered, ['ticket 0', 'ticket 1', 'ticket 2', 'ticket 3', 'ticket 4']);
  const [first, ...others] = idle;
  assert.equal(await first?.closed, errorRow('too_many_requests').close);
  assert.ok(
    others.every(({ socket }) => socket.readyState === WebSocket.OPEN),
    'those that came later have their time',
  );
});
