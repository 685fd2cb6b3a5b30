import { connect, type Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { type TlsOptions, upgradeToTls } from '../tls-peer.ts';

/** Why a probe got no further. */
export class ProbeError extends Error {
  override readonly name = 'ProbeError';
  readonly kind: 'timeout' | 'closed' | 'failed';
  /** `ECONNREFUSED` and the like. */
  readonly code: string | undefined;
  /** What had come before, if anything. */
  readonly received: Uint8Array;

  constructor(kind: ProbeError['kind'], message: string, code?: string, received: Uint8Array = new Uint8Array(0)) {
    super(message);
    this.kind = kind;
    this.code = code;
    this.received = received;
  }
}

export interface Address {
  readonly address: string;
  readonly family: number;
}

/** Begins a TCP connection. */
export type Dial = (at: Address, port: number) => Socket;

const dialTcp: Dial = (at, port) => connect({ host: at.address, port, family: at.family, noDelay: true });

/** A connection that one probe makes, speaks a few words over, and closes. */
export class ProbeConnection implements Disposable {
  #stream: Socket | TLSSocket;
  readonly #socket: Socket;
  readonly #timeoutMs: number;

  private constructor(socket: Socket, timeoutMs: number) {
    this.#socket = socket;
    this.#stream = socket;
    this.#timeoutMs = timeoutMs;
    // Each step listens for errors itself; between two of them nobody does.
    socket.on('error', () => {});
  }

  /** @throws ProbeError */
  static async open(at: Address, port: number, timeoutMs: number, dial: Dial = dialTcp): Promise<ProbeConnection> {
    const socket = dial(at, port);
    const connection = new ProbeConnection(socket, timeoutMs);
    try {
      await connection.#wait<void>(socket, (done) => socket.once('connect', done));
    } catch (error) {
      socket.destroy();
      throw error;
    }
    return connection;
  }

  send(bytes: Uint8Array): void {
    this.#stream.write(bytes);
  }

  /**
   * Reads until `find` has what it looks for in all that came so far. What it throws is passed on.
   * @throws ProbeError when the peer falls silent, closes or sends more than any answer can have
   */
  async read<T>(find: (received: Uint8Array) => T | undefined): Promise<T> {
    const stream = this.#stream;
    let received: Uint8Array = new Uint8Array(0);
    try {
      return await this.#wait<T>(stream, (done, fail) => {
        stream.on('data', (chunk: Buffer) => {
          received = Buffer.concat([received, chunk]);
          try {
            const found = find(new Uint8Array(received));
            if (found !== undefined) done(found);
            else if (received.length > MAX_ANSWER_BYTES) fail(new ProbeError('failed', 'an answer without an end'));
          } catch (error) {
            fail(error);
          }
        });
      });
    } catch (error) {
      if (!(error instanceof ProbeError)) throw error;
      throw new ProbeError(error.kind, error.message, error.code, received);
    } finally {
      stream.removeAllListeners('data');
      stream.pause();
    }
  }

  /** @throws ProbeError */
  async startTls(host: string, options: TlsOptions): Promise<TLSSocket> {
    const secure = upgradeToTls(this.#socket, host, options);
    secure.on('error', () => {});
    this.#stream = secure;
    await this.#wait<void>(secure, (done) => secure.once('secureConnect', done));
    return secure;
  }

  [Symbol.dispose](): void {
    this.#stream.destroy();
    this.#socket.destroy();
  }

  /** Waits for `start` to call back; for an error, the end or the time limit otherwise. */
  async #wait<T>(
    stream: Socket | TLSSocket,
    start: (done: (value: T) => void, fail: (error: unknown) => void) => void,
  ): Promise<T> {
    const cleanUp: (() => void)[] = [];
    try {
      return await new Promise<T>((resolve, reject) => {
        const on = (event: string, listener: (...values: unknown[]) => void): void => {
          stream.on(event, listener);
          cleanUp.push(() => stream.off(event, listener));
        };
        on('error', (error) => reject(failed(error)));
        on('end', () => reject(new ProbeError('closed', 'the peer closed the connection')));
        on('close', () => reject(new ProbeError('closed', 'the peer closed the connection')));
        const timer = setTimeout(() => {
          reject(new ProbeError('timeout', `no answer within ${this.#timeoutMs} ms`, 'ETIMEDOUT'));
        }, this.#timeoutMs);
        cleanUp.push(() => clearTimeout(timer));
        start(resolve, reject);
      });
    } finally {
      for (const step of cleanUp) step();
    }
  }
}

/** What a peer sent, fit to be shown: its first line, control characters and what is beyond ASCII as dots. */
export function printable(bytes: Uint8Array): string {
  const text = Array.from(bytes.subarray(0, MAX_SHOWN), (byte) => String.fromCharCode(byte)).join('');
  return (text.split(/[\r\n]/, 1)[0] ?? '').replace(/[^\x20-\x7e]/g, '.');
}

/** Text of a peer's making (names in certificates and the like), fit for a terminal and a page. */
export function harmless(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g, '.').slice(0, MAX_NAME);
}

function failed(error: unknown): ProbeError {
  const { code, message } = error as NodeJS.ErrnoException;
  return new ProbeError(code === 'ETIMEDOUT' ? 'timeout' : 'failed', message ?? String(error), code);
}

/** The largest answer of any step: a CredSSP challenge with long names has a few hundred bytes. */
const MAX_ANSWER_BYTES = 65_536;
const MAX_SHOWN = 64;
const MAX_NAME = 512;
