import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import type { Duplex } from 'node:stream';
import { test } from 'node:test';
import type { WebSocket } from 'ws';
import { encodeBrowserMessage } from '#protocol/tunnel/messages.ts';
import { createLogger } from '../log.ts';
import { TunnelConnection } from './connection.ts';

/** Keeps what is done with it. */
class FakeSocket extends EventEmitter {
  readonly done: string[] = [];
  readonly bufferedAmount = 0;

  send(): void {}

  ping(): void {
    this.done.push('ping');
  }

  terminate(): void {
    this.done.push('terminate');
    this.emit('close');
  }
}

test('a browser is asked whether it is there where one of us was silent, and is gone when it does not answer', (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] });
  const socket = new FakeSocket();
  let closed = 0;
  const connection = new TunnelConnection(socket as unknown as WebSocket, {} as Duplex, createLogger('silent'), {
    message() {},
    closed: () => closed++,
  });
  const speak = () => connection.send({ type: 'pong', value: 1 });
  const hear = () => socket.emit('message', Buffer.from(encodeBrowserMessage({ type: 'ack', seq: 1 })), true);
  const beat = () => {
    t.mock.timers.tick(10_000);
    return socket.done.splice(0);
  };

  speak();
  assert.deepEqual(beat(), []);
  for (let i = 0; i < 10; i++) {
    speak();
    hear();
    assert.deepEqual(beat(), [], 'both have said something');
  }
  hear();
  assert.deepEqual(beat(), ['ping'], 'a proxy between would have heard nothing of us');
  socket.emit('pong');
  speak();
  assert.deepEqual(beat(), []);
  speak();
  assert.deepEqual(beat(), ['ping']);
  assert.equal(closed, 0);
  assert.deepEqual(beat(), ['terminate']);
  assert.equal(closed, 1);
  assert.deepEqual(beat(), []);
});
