import { WebSocket } from 'ws';
import {
  type BrowserMessage,
  encodeBrowserMessage,
  TUNNEL_PATH,
  TUNNEL_SUBPROTOCOL,
  TunnelLimits,
} from '#protocol/tunnel/messages.ts';
import type { TunnelConnection } from '../tunnel/connection.ts';
import type { Attached } from '../tunnel/tunnel.ts';
import { passOnHeaders } from './forwarding.ts';

/** What waits for the browser: above this the other worker is not read from, until half of it has gone. */
const HELD_BYTES = 1024 * 1024;

/**
 * Joins a browser to the worker that has its session: messages go on as they came, both ways, and no faster than they
 * are taken. What the other worker does about a browser that is too slow, it does about this one.
 *
 * @param path Unix socket of that worker
 * @param attach the message that the browser began with
 */
export function relay(connection: TunnelConnection, path: string, attach: BrowserMessage, address: string): Attached {
  const other = new WebSocket(`ws+unix:${path}:${TUNNEL_PATH}`, [TUNNEL_SUBPROTOCOL], {
    headers: passOnHeaders(address),
    perMessageDeflate: false,
    maxPayload: TunnelLimits.gatewayMessageBytes,
  });
  const taken = () => {
    if (other.isPaused && connection.bufferedBytes < HELD_BYTES / 2) other.resume();
  };
  other.binaryType = 'nodebuffer';
  other.on('open', () => other.send(encodeBrowserMessage(attach)));
  other.on('message', (data) => {
    connection.sendBytes(data as Buffer, taken);
    if (connection.bufferedBytes > HELD_BYTES) other.pause();
  });
  // `close` follows.
  other.on('error', () => {});
  other.on('close', (code, reason) => {
    // Without a closing handshake: that worker is gone.
    if (code < ENDED_BY_US) connection.endWith('worker_lost');
    else connection.close(code, String(reason));
  });
  return {
    message: (message) => {
      // Nobody sends anything before the first picture, but who does not keep to that.
      if (other.readyState === WebSocket.OPEN) other.send(encodeBrowserMessage(message));
    },
    closed: () => other.terminate(),
  };
}

/** Close codes of our own table begin here. */
const ENDED_BY_US = 4000;
