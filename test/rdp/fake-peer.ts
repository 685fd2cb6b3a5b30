import { X509Certificate } from 'node:crypto';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { generate } from 'selfsigned';
import { CredSspServer, type CredSspServerOptions } from '#protocol/security/credssp-server.ts';
import { findTsRequestSize } from '#protocol/security/ts-request.ts';
import { nodeCrypto } from '../../gateway/rdp/node-crypto.ts';
import { describeCertificate } from '../../gateway/rdp/tls-peer.ts';

/** For tests: TCP peers that behave as RDP servers do up to some point, and then do not. */
export interface FakePeer extends AsyncDisposable {
  readonly port: number;
}

export interface Identity {
  readonly key: string;
  readonly cert: string;
}

/** Listens on a free loopback port. What it accepted is cut off when it is disposed of. */
export async function fakePeer(serve: (socket: Socket) => void): Promise<FakePeer> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => {});
    serve(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

export async function selfSigned(): Promise<Identity> {
  const { private: key, cert } = await generate([{ name: 'commonName', value: 'fake' }], { keySize: 2048 });
  return { key, cert };
}

/** X.224 Connection Confirm with RDP_NEG_RSP, [MS-RDPBCGR] 2.2.1.2.1. */
export function connectionConfirm(protocol: number): Buffer {
  return Buffer.from([3, 0, 0, 19, 14, 0xd0, 0, 0, 0, 0, 0, 2, 0, 8, 0, protocol, 0, 0, 0]);
}

/** X.224 Connection Confirm with RDP_NEG_FAILURE, [MS-RDPBCGR] 2.2.1.2.2. */
export function connectionRefusal(code: number): Buffer {
  return Buffer.from([3, 0, 0, 19, 14, 0xd0, 0, 0, 0, 0, 0, 3, 0, 8, 0, code, 0, 0, 0]);
}

/** Answers the connection request with `confirm`, then goes on as `then` says. */
export function afterRequest(confirm: Buffer, then: (socket: Socket) => void = () => {}): (socket: Socket) => void {
  return (socket) => {
    socket.once('data', () => {
      socket.write(confirm);
      then(socket);
    });
  };
}

/** Negotiates `protocol`, then does TLS with that identity. */
export function withTls(
  protocol: number,
  identity: Identity,
  then: (secure: TLSSocket) => void,
): (socket: Socket) => void {
  return afterRequest(connectionConfirm(protocol), (socket) => {
    const secure = new TLSSocket(socket, { isServer: true, ...identity });
    secure.on('error', () => {});
    secure.once('secure', () => then(secure));
  });
}

/** NLA on top of TLS; calls `then` when the client is logged on. @param protocol CredSSP, with early user authorization or without */
export function withNla(
  identity: Identity,
  lookup: CredSspServerOptions['lookup'],
  then: (secure: TLSSocket) => void,
  protocol: 2 | 8 = 2,
): (socket: Socket) => void {
  return withTls(protocol, identity, (secure) => {
    const { peer } = describeCertificate(new X509Certificate(identity.cert));
    const server = new CredSspServer({ lookup, computerName: 'FAKE' }, nodeCrypto, Date.now(), peer);
    let pending = Buffer.alloc(0);
    const receive = (chunk: Buffer): void => {
      pending = Buffer.concat([pending, chunk]);
      const size = findTsRequestSize(pending);
      if (size === undefined || pending.length < size) return;
      const step = server.receive(new Uint8Array(pending.subarray(0, size)));
      pending = pending.subarray(size);
      if (step.send !== undefined) secure.write(step.send);
      if (step.error !== undefined) secure.end();
      if (step.done) {
        secure.off('data', receive);
        then(secure);
      }
    };
    secure.on('data', receive);
  });
}
