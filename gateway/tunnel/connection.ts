import type { Duplex } from 'node:stream';
import { WebSocket } from 'ws';
import { DecodeError } from '#protocol/core/errors.ts';
import {
  type BrowserMessage,
  decodeBrowserMessage,
  encodeGatewayMessage,
  type GatewayMessage,
} from '#protocol/tunnel/messages.ts';
import type { SessionEnd } from '#protocol/tunnel/sink.ts';
import { every } from '../beat.ts';
import { type ErrorCode, errorRow, GatewayError, isErrorCode } from '../errors.ts';
import type { Logger } from '../log.ts';
import { binaryFrame } from './binary-frame.ts';

const BINARY = { binary: true };
const NOTHING = () => {};
/**
 * Where either side has said nothing for so long, the browser is asked whether it is there: proxies end what is silent in one direction. One that
 * has not said anything by the next time is gone.
 */
const HEARTBEAT_MS = 10_000;
/** Messages of one browser in a second, at most. A hand on a mouse makes a few hundred. */
const MESSAGES_PER_SECOND = 4000;
/** A closing handshake that the browser does not answer. */
const CLOSE_WITHIN_MS = 3000;

export interface ConnectionEvents {
  /** May throw `DecodeError` or `GatewayError`: the connection then ends with it. */
  message(message: BrowserMessage): void;
  /** The socket is closed, by whomever. Called exactly once. @param why the code of what we ended it for, if it was us */
  closed(why?: ErrorCode): void;
}

/**
 * One tunnel's WebSocket: messages in and out, heartbeat, and a good end. Whatever a browser sends that breaks the
 * protocol closes this socket and touches nothing else.
 */
export class TunnelConnection {
  readonly #socket: WebSocket;
  readonly #stream: Duplex;
  readonly #log: Logger;
  readonly #endBeats: () => void;
  #events: ConnectionEvents | undefined;
  #ended = false;
  #why: ErrorCode | undefined;
  /** Since the last beat the browser has said something, or been asked; and we have. */
  #alive = true;
  #asked = false;
  #spoken = false;
  #second = 0;
  #messages = 0;

  /** @param stream that the WebSocket is on, which must not compress */
  constructor(socket: WebSocket, stream: Duplex, log: Logger, events: ConnectionEvents) {
    this.#socket = socket;
    this.#stream = stream;
    this.#log = log;
    this.#events = events;
    this.#endBeats = every(HEARTBEAT_MS, () => this.#beat());
    socket.binaryType = 'nodebuffer';
    socket.on('message', (data, isBinary) => this.#received(data as Buffer, isBinary));
    socket.on('pong', () => {
      this.#alive = true;
    });
    // A frame that breaks RFC 6455 or is too large: `ws` closes by itself.
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code?.startsWith('WS_ERR_')) this.#why ??= 'bad_message';
      this.#log.debug({ err: error }, 'tunnel socket error');
    });
    socket.on('close', () => {
      this.#endBeats();
      this.#ended = true;
      const closed = this.#events;
      this.#events = undefined;
      closed?.closed(this.#why);
    });
  }

  /** Bytes that wait to be sent. */
  get bufferedBytes(): number {
    return this.#socket.bufferedAmount;
  }

  send(message: GatewayMessage): void {
    this.sendBytes(encodeGatewayMessage(message));
  }

  /** @param sent called once the socket is done with the bytes; not where they are not sent at all */
  sendBytes(message: Uint8Array, sent: () => void = NOTHING): void {
    if (this.#ended) return;
    this.#spoken = true;
    // The callback keeps an error of a socket that is just closing from becoming one of the process.
    this.#socket.send(message, BINARY, sent);
  }

  /**
   * As `sendBytes`, of a large message: without the copy that it takes to join it to its head.
   * @param message with `FRAME_HEAD_ROOM` bytes before it
   */
  sendInPlace(message: Uint8Array, sent: () => void): void {
    if (this.#ended) return;
    this.#spoken = true;
    // Whole frames of `ws` go out at once, where it compresses nothing: this one comes between two of them, and none after the last.
    if (this.#socket.readyState === WebSocket.OPEN) this.#stream.write(binaryFrame(message), sent);
  }

  /** Tells the browser why, and closes. The first reason counts. */
  end(end: SessionEnd): void {
    if (this.#ended) return;
    this.#why = isErrorCode(end.code) ? end.code : 'internal_error';
    this.send({ type: 'ended', ...end });
    this.close(errorRow(this.#why).close, end.code);
  }

  /** Closes with what was told before. @param code of the table, or another that a WebSocket may be closed with */
  close(code: number, reason: string): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#socket.close(code, reason);
    setTimeout(() => this.#socket.terminate(), CLOSE_WITHIN_MS).unref();
  }

  endWith(code: ErrorCode): void {
    const { message, hint } = errorRow(code);
    this.end({ code, message, ...(hint === undefined ? {} : { hint }) });
  }

  #received(data: Buffer, isBinary: boolean): void {
    if (this.#ended) return;
    this.#alive = true;
    try {
      if (!isBinary) throw new GatewayError('bad_message', 'a text message');
      this.#countMessage();
      this.#events?.message(decodeBrowserMessage(data));
    } catch (error) {
      this.#refuse(error);
    }
  }

  #refuse(error: unknown): void {
    if (error instanceof DecodeError) {
      this.#log.warn({ err: error, field: error.field, offset: error.offset }, 'bad message from a browser');
      this.endWith('bad_message');
    } else if (error instanceof GatewayError) {
      this.#log.warn({ code: error.code, detail: error.detail }, 'tunnel refused');
      this.endWith(error.code);
    } else {
      this.#log.error({ err: error }, 'tunnel failed');
      this.endWith('internal_error');
    }
  }

  #countMessage(): void {
    const second = Math.floor(Date.now() / 1000);
    if (second !== this.#second) {
      this.#second = second;
      this.#messages = 0;
    }
    this.#messages++;
    if (this.#messages > MESSAGES_PER_SECOND) throw new GatewayError('too_many_requests', 'too many messages');
  }

  #beat(): void {
    if (!this.#alive && this.#asked) {
      this.#socket.terminate();
      return;
    }
    this.#asked = !(this.#alive && this.#spoken);
    this.#alive = false;
    this.#spoken = false;
    if (this.#asked) this.#socket.ping();
  }
}
