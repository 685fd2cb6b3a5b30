import { X509Certificate } from 'node:crypto';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { ServerConfig } from '#protocol/connector/server-types.ts';
import type { ServerRedirection } from '#protocol/pdu/server-redirection.ts';
import { RdpServer, type ServerOutput } from '#protocol/session/rdp-server.ts';
import { nodeCrypto } from '../../gateway/rdp/node-crypto.ts';
import { describeCertificate } from '../../gateway/rdp/tls-peer.ts';
import type { Identity } from './fake-peer.ts';

/** For tests: our own RDP servers behind one port of the loopback. */
export interface Farm extends AsyncDisposable {
  readonly port: number;
  /** Who came in, in order. */
  readonly visits: readonly Visit[];
  /** TCP connections. */
  attempts(): number;
}

/** One client that is in. */
export interface Visit {
  readonly server: RdpServer;
  readonly socket: Socket;
  /** A load balancer's token of the Connection Request; `-` where it has none. */
  readonly routing: string;
  /** What the server told of the client since it is in. */
  readonly heard: ServerOutput[];
  /** Carries out what a method of the server returned. */
  do(outputs: readonly ServerOutput[]): void;
}

export interface FarmOptions {
  /** Whether this connection is taken at all; by its number, from 1. */
  readonly accept?: (count: number) => boolean;
  /** How often the server answers this connection, before it closes in silence; by its number, from 1. */
  readonly closeAfter?: (count: number) => number;
  /** Besides its name; a server without TLS or a password unless given. */
  readonly config?: Partial<ServerConfig>;
  /** Called with what the server tells of a client that is in. */
  readonly react?: (visit: Visit, output: ServerOutput) => void;
  /** For TLS. */
  readonly identity?: Identity;
}

/** Listens. `arrive` is called when a client is in, with the number of those. */
export async function farm(
  arrive: (visit: Visit, count: number) => void,
  { accept = () => true, closeAfter = () => Infinity, config = OPEN, react = () => {}, identity }: FarmOptions = {},
): Promise<Farm> {
  const visits: Visit[] = [];
  const sockets = new Set<Socket>();
  let attempts = 0;
  const listener = createServer((socket) => {
    attempts++;
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
    if (!accept(attempts)) {
      socket.destroy();
      return;
    }
    const server = new RdpServer({ computerName: 'FARM', ...config }, nodeCrypto);
    const heard: ServerOutput[] = [];
    let routing = '';
    let stream: Socket = socket;
    let visit: Visit | undefined;
    const carryOut = (outputs: readonly ServerOutput[]) => {
      for (const output of outputs) {
        if (visit !== undefined) react(visit, output);
        if (output.kind === 'send') stream.write(output.bytes);
        else if (output.kind === 'start-tls') startTls();
        else if (output.kind === 'closed' || output.kind === 'refused') stream.end();
        heard.push(output);
      }
      if (!outputs.some(({ kind }) => kind === 'connected')) return;
      visit = { server, socket, routing, heard, do: carryOut };
      visits.push(visit);
      arrive(visit, visits.length);
    };
    let answers = closeAfter(attempts);
    const receive = (chunk: Buffer) => {
      if (answers-- > 0) carryOut(server.receive(new Uint8Array(chunk), Date.now()));
      else stream.end();
    };
    const startTls = () => {
      if (identity === undefined) throw new Error('a farm with TLS needs an identity');
      socket.off('data', receive);
      stream = new TLSSocket(socket, { isServer: true, ...identity });
      stream.on('error', () => {});
      const { peer } = describeCertificate(new X509Certificate(identity.cert));
      stream.once('secure', () => carryOut(server.tlsEstablished(peer, Date.now())));
      stream.on('data', receive);
    };
    socket.once('data', (chunk: Buffer) => {
      routing = /msts=[^\r]*/u.exec(chunk.toString('latin1'))?.[0] ?? '-';
    });
    socket.on('data', receive);
  });
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  return {
    port: (listener.address() as AddressInfo).port,
    visits,
    attempts: () => attempts,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => listener.close(resolve));
    },
  };
}

export function redirect(visit: Visit, packet: Partial<ServerRedirection>): void {
  visit.do(visit.server.redirect({ sessionId: 1, flags: 0, ...packet }));
}

/** Waits until something is so; looks again after every turn of the event loop or two. */
export async function eventually(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 2));
}

/** Lets everybody in, without TLS. */
export const OPEN: Partial<ServerConfig> = {
  legacy: {
    authenticate: () => true,
    level: 0,
    methods: 0,
    privateKey: { modulus: 1n, exponent: 1n, privateExponent: 1n, size: 64 },
  },
};
