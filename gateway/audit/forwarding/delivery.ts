import { connect, isIP, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls, getCACertificates } from 'node:tls';

export interface Destination {
  readonly transport: 'tcp' | 'tls';
  readonly host: string;
  readonly port: number;
  /** PEM; empty: the authorities of this machine. */
  readonly authorities: string;
  /** PEM; empty: none. */
  readonly clientCertificate: string;
  readonly clientKey: string;
  /** `close`: it closes the connection when it has read everything. `none`: it cannot be told. */
  readonly confirmation: 'close' | 'none';
}

/** It did not arrive, or nobody knows. */
export class NotDelivered extends Error {
  override readonly name = 'NotDelivered';
  /** Whether some of it may have arrived. */
  readonly maybe: boolean;
  constructor(message: string, maybe: boolean, cause?: unknown) {
    super(message, { cause });
    this.maybe = maybe;
  }
}

export interface DeliveryOptions {
  /** Called once there is a connection, before anything is sent. */
  readonly connected?: () => Promise<void>;
  readonly timeoutMs?: number;
}

const TIMEOUT_MS = 10_000;
/**
 * How long the receiver is given to write down what it has read before it is asked to close. One that dies within it
 * closes before it was asked, and is not believed.
 */
const SETTLE_MS = 50;

/**
 * Sends frames over a connection of their own. Resolves once the receiver has read them all.
 *
 * Syslog has no acknowledgement. But bytes come in order: a receiver that closes its side after we have closed ours has
 * read up to our end, and so everything before it. One that closes earlier, or resets the connection, is taken for one
 * that is going down. RFC 5425 4.4 has a receiver answer our close_notify; over TCP alone its FIN says the same.
 *
 * Rejects with `NotDelivered`.
 */
export async function deliver(
  destination: Destination,
  frames: readonly Uint8Array[],
  { connected, timeoutMs = TIMEOUT_MS }: DeliveryOptions = {},
): Promise<void> {
  const { socket, ready } = open(destination);
  const watch = new SocketWatch(socket);
  let sending = false;
  const timer = setTimeout(() => socket.destroy(new Error('it does not answer in time')), timeoutMs);
  try {
    await Promise.race([ready, watch.failed]);
    await connected?.();
    if (watch.ended) throw new Error('it closed the connection at once');
    sending = true;
    await Promise.race([write(socket, Buffer.concat(frames)), watch.failed]);
    await Promise.race([delay(SETTLE_MS), watch.failed]);
    if (watch.ended) throw new Error('it closed the connection before it was asked to');
    socket.end();
    if (destination.confirmation === 'none') return;
    await Promise.race([watch.closed, watch.failed]);
    if (!watch.ended) throw new Error('it closed the connection before it had read everything');
  } catch (error) {
    throw new NotDelivered(describe(error as Error, sending), sending, error);
  } finally {
    clearTimeout(timer);
    if (destination.confirmation === 'none') setTimeout(() => socket.destroy(), timeoutMs).unref();
    else socket.destroy();
  }
}

function open(destination: Destination): { readonly socket: Socket; readonly ready: Promise<void> } {
  const { transport, host, port, authorities, clientCertificate, clientKey } = destination;
  if (transport === 'tcp') {
    const socket = connect({ host, port, allowHalfOpen: true });
    return { socket, ready: new Promise((resolve) => socket.once('connect', () => resolve())) };
  }
  // The types do not know that TLS has this option, too.
  const options: ConnectionOptions & { readonly allowHalfOpen: boolean } = {
    host,
    port,
    ...(isIP(host) === 0 ? { servername: host } : {}),
    ca: authorities === '' ? [...getCACertificates('default'), ...getCACertificates('system')] : authorities,
    ...(clientCertificate === '' ? {} : { cert: clientCertificate, key: clientKey }),
    minVersion: 'TLSv1.2',
    allowHalfOpen: true,
  };
  const socket = connectTls(options);
  return { socket, ready: new Promise((resolve) => socket.once('secureConnect', () => resolve())) };
}

/** What the other side does, from the first moment on. */
class SocketWatch {
  /** Whether it has closed its side. */
  ended = false;
  /** Resolves when both sides are closed. */
  readonly closed: Promise<void>;
  /** Rejects when the connection breaks. */
  readonly failed: Promise<never>;

  constructor(socket: Socket) {
    socket.on('end', () => {
      this.ended = true;
    });
    // Nobody has anything to say to us.
    socket.resume();
    this.closed = new Promise((resolve) => socket.once('close', () => resolve()));
    this.failed = new Promise((_, reject) => {
      socket.once('error', reject);
      socket.once('close', () => {
        if (!this.ended) reject(new Error('the connection was closed'));
      });
    });
    this.failed.catch(() => {});
  }
}

function write(socket: Socket, bytes: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.write(bytes, (error) => (error ? reject(error) : resolve()));
  });
}

function delay(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

function describe({ message, ...error }: Error, sending: boolean): string {
  const { code } = error as NodeJS.ErrnoException;
  if (sending && message === 'it does not answer in time') {
    return 'the receiver does not close the connection after it has read everything';
  }
  if (sending && code === 'ECONNRESET')
    return `it reset the connection (${code}); by TLS, it may ask for a client certificate`;
  return code === undefined || message.includes(code) ? message : `${message} (${code})`;
}
