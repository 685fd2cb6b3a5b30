import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { connect } from 'node:tls';
import { WebSocketServer } from 'ws';
import { selfSigned } from '../../../test/rdp/fake-peer.ts';
import { answerCalls } from '../calls.ts';

/**
 * The floor: bytes out of TLS into a WebSocket, and back, with the same `tls` and `ws` that the gateway is built on and
 * nothing between them. `wss://…/PORT` is joined to that port of the loopback.
 */
const server = createServer(await selfSigned());
const sockets = new WebSocketServer({ server, perMessageDeflate: false });
sockets.on('connection', (browser, request) => {
  const target = connect({ host: '127.0.0.1', port: Number(request.url?.slice(1)), rejectUnauthorized: false });
  target.setNoDelay(true);
  target.on('data', (data) => browser.send(data));
  target.on('error', () => browser.terminate());
  target.on('close', () => browser.close());
  browser.on('message', (data: Buffer) => target.write(data));
  browser.on('error', () => target.destroy());
  browser.on('close', () => target.destroy());
});
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));

answerCalls({ port: () => (server.address() as AddressInfo).port });
