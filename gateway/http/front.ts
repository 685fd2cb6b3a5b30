import { createServer } from 'node:https';
import type { AddressInfo, Server } from 'node:net';
import { join } from 'node:path';
import { type Config, ConfigError } from '../config.ts';
import type { Logger } from '../log.ts';
import type { Session } from '../sessions/session.ts';
import type { AttachGate } from '../tunnel/attach-gate.ts';
import { Tunnel, type TunnelParts } from '../tunnel/tunnel.ts';
import { createApp } from './app.ts';
import { KEEP_ALIVE_MS } from './keep-alive.ts';
import type { Services } from './services.ts';
import { broughtTls, selfMadeTls, type TlsFiles } from './tls.ts';
import { refuseUnparsed } from './unparsed.ts';

/** Where browsers arrive. */
export interface Front {
  /** Not listening yet. */
  readonly server: Server;
  /** Closes what is open, sessions being over. */
  stop(): Promise<void>;
}

export interface FrontOptions {
  readonly config: Config;
  readonly log: Logger;
  readonly webRoot: string;
  readonly services: Services;
  readonly gate: AttachGate;
}

/** HTTPS and tunnels in this process. @param session throws `not_found` unless it runs here */
export async function createFront(
  options: FrontOptions & { session(id: string): Session } & Pick<TunnelParts, 'attachWithinMs' | 'clock'>,
): Promise<Front> {
  const { config, log, gate, session, attachWithinMs, clock } = options;
  const { origins, proxies } = config;
  const tunnel = new Tunnel({
    ...{ gate, session, origins, proxies, log },
    ...(attachWithinMs === undefined ? {} : { attachWithinMs }),
    ...(clock === undefined ? {} : { clock }),
  });
  const server = createServer({ ...(await tlsOf(config)), minVersion: 'TLSv1.2' }, appOf(options));
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  server.on('upgrade', (request, socket, head) => tunnel.upgrade(request, socket, head));
  // Somebody who speaks plain HTTP to this port, or a scanner: nothing of ours.
  server.on('tlsClientError', (error) => log.debug({ err: error }, 'tls handshake failed'));
  // What Node's parser refuses never gets to the API; its answer is in the API's words all the same.
  server.on('clientError', refuseUnparsed);
  return {
    server,
    async stop() {
      tunnel.stop();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}

/** What answers all requests but tunnels. */
export function appOf({ config, log, webRoot, services }: FrontOptions) {
  const { origins, proxies } = config;
  return createApp({
    services,
    origins,
    proxies,
    webRoot,
    ownCertificate: ownCertificate(config) !== undefined,
    log,
  }).callback();
}

/** The certificate that the administrator brought, or one that is made here. */
export function tlsOf(config: Config): Promise<TlsFiles> {
  const own = ownCertificate(config);
  return own === undefined ? selfMadeTls(join(config.dataDirectory, 'tls')) : broughtTls(own.certificate, own.key);
}

function ownCertificate({ tlsCertificateFile, tlsKeyFile }: Config) {
  const brought = tlsCertificateFile !== undefined && tlsKeyFile !== undefined;
  return brought ? { certificate: tlsCertificateFile, key: tlsKeyFile } : undefined;
}

/** Resolves with the port. Rejects with what the person who started it should do. */
export async function listen(server: Server, config: Config): Promise<number> {
  const attempt = (host: string) =>
    new Promise<number>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ port: config.port, host }, () => {
        server.off('error', reject);
        resolve((server.address() as AddressInfo).port);
      });
    });
  try {
    return await attempt(config.host);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // A host without IPv6 has no `::` to listen on.
    if (config.host === '::' && (code === 'EAFNOSUPPORT' || code === 'EADDRNOTAVAIL')) return attempt('0.0.0.0');
    if (code === 'EADDRINUSE')
      throw new Error(`port ${config.port} is in use; set ORIEL_PORT to another one`, { cause: error });
    if (code === 'EACCES')
      throw new Error(`port ${config.port} needs more rights; set ORIEL_PORT to one above 1023`, { cause: error });
    if (code === 'ENOTFOUND' || code === 'EADDRNOTAVAIL')
      throw new ConfigError('ORIEL_HOST', `"${config.host}" is no address of this computer`);
    throw error;
  }
}
