import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import { connect, createServer, type TLSSocket } from 'node:tls';
import { generate } from 'selfsigned';

/** A TLS proxy between a browser and a gateway that keeps every byte sent to the browser. */
export interface Tap {
  readonly url: URL;
  /** All bytes towards the browser so far, decrypted: HTTP responses and WebSocket frames, headers and all. */
  bytes(): Buffer;
  stop(): Promise<void>;
}

/** @param gateway where the gateway is; its `ORIEL_ORIGINS` need not name the tap, which keeps the Host header. */
export async function startTap(gateway: URL): Promise<Tap> {
  const pair = await generate([{ name: 'commonName', value: 'localhost' }]);
  const chunks: Buffer[] = [];
  const sockets = new Set<Socket | TLSSocket>();
  const server = createServer({ key: pair.private, cert: pair.cert, ALPNProtocols: ['http/1.1'] }, (browser) => {
    const upstream = connect({ host: gateway.hostname, port: Number(gateway.port), rejectUnauthorized: false });
    for (const socket of [browser, upstream]) {
      sockets.add(socket);
      socket.on('error', () => {
        browser.destroy();
        upstream.destroy();
      });
      socket.on('close', () => sockets.delete(socket));
    }
    upstream.on('data', (chunk) => chunks.push(chunk));
    browser.pipe(upstream).pipe(browser);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: new URL(`https://127.0.0.1:${(server.address() as AddressInfo).port}`),
    bytes: () => Buffer.concat(chunks),
    async stop() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
