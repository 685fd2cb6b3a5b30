import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { type WebSocket, WebSocketServer } from 'ws';
import { type BrowserMessage, decodeBrowserMessage } from '#protocol/tunnel/messages.ts';
import { until } from '../testing/harness.ts';
import type { TunnelConnection } from '../tunnel/connection.ts';
import { relay } from './relay.ts';

/** The worker that has the session, and a browser at this one that takes what a test lets it take. */
let folder: string;
let http: Server;
let other: WebSocket;
let heard: BrowserMessage[];
let browser: { bufferedBytes: number; taken: number; told: string[]; take(): void };

const attach = { type: 'attach', ticket: 'ticket', version: 1 } as const;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'oriel-relay-'));
  http = createServer();
  const server = new WebSocketServer({ server: http, handleProtocols: () => 'oriel.v1' });
  heard = [];
  server.on('connection', (socket, request) => {
    other = socket;
    assert.equal(request.headers['x-oriel-peer'], '192.0.2.7');
    socket.on('message', (data) => heard.push(decodeBrowserMessage(new Uint8Array(data as Buffer))));
  });
  await new Promise<void>((resolve) => http.listen(join(folder, 'w.sock'), resolve));
});
afterEach(async () => {
  other.terminate();
  http.close();
  http.closeAllConnections();
  await rm(folder, { recursive: true, force: true });
});

async function begin() {
  const waiting: { size: number; sent: () => void }[] = [];
  browser = {
    bufferedBytes: 0,
    taken: 0,
    told: [],
    take: () => {
      for (const { size, sent } of waiting.splice(0)) {
        browser.bufferedBytes -= size;
        browser.taken += size;
        sent();
      }
    },
  };
  const connection = Object.assign(browser, {
    sendBytes: ({ length: size }: Uint8Array, sent: () => void) => {
      browser.bufferedBytes += size;
      waiting.push({ size, sent });
    },
    close: (code: number, reason: string) => browser.told.push(`${code} ${reason}`),
    endWith: (code: string) => browser.told.push(code),
  });
  const relayed = relay(connection as unknown as TunnelConnection, join(folder, 'w.sock'), attach, '192.0.2.7');
  await until(() => heard.length > 0);
  return relayed;
}

test('messages go both ways as they are, the first one with the ticket', async () => {
  const relayed = await begin();
  relayed.message({ type: 'ack', seq: 7 });
  await until(() => heard.length > 1);
  assert.deepEqual(heard, [attach, { type: 'ack', seq: 7 }]);
  other.close(4001, 'ended_by_admin');
  await until(() => browser.told.length > 0);
  assert.deepEqual(browser.told, ['4001 ended_by_admin']);
});

test('the other worker is read no faster than the browser takes', async () => {
  await begin();
  const MESSAGE = 256 * 1024;
  for (let i = 0; i < 64; i++) other.send(new Uint8Array(MESSAGE));
  await until(() => browser.bufferedBytes > 1024 * 1024);
  await new Promise((resolve) => setTimeout(resolve, 100));
  // A message or two more than what may wait; the rest is still with the other worker.
  assert.ok(browser.bufferedBytes <= 1024 * 1024 + 2 * MESSAGE, `${browser.bufferedBytes} bytes`);
  assert.ok(other.bufferedAmount > 8 * 1024 * 1024);
  await until(() => {
    browser.take();
    return browser.taken === 64 * MESSAGE;
  });
});

test('a worker that is gone is told apart from a session that has ended; a browser that is gone leaves', async () => {
  const relayed = await begin();
  const gone = new Promise<number>((resolve) => other.on('close', resolve));
  relayed.closed();
  assert.equal(await gone, 1006);
  await begin();
  other.terminate();
  await until(() => browser.told.length > 0);
  assert.deepEqual(browser.told, ['worker_lost']);
});
