import { createHash, X509Certificate } from 'node:crypto';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { createSecureContext } from 'node:tls';
import { endPointHashName, subjectPublicKeyOf, type TlsPeer } from '#protocol/security/certificate.ts';
import { DemoSession } from './session.ts';

export interface DemoCredentials {
  readonly username: string;
  readonly password: string;
}

export interface DemoServerOptions {
  /** 0, which is the default, takes a free one. */
  readonly port?: number;
  /** Loopback unless given. */
  readonly host?: string;
  readonly credentials: DemoCredentials;
  /** PEM. */
  readonly tls: { readonly cert: string; readonly key: string };
  /** `required` refuses clients without NLA; `offered`, the default, takes both; `off` does TLS alone. */
  readonly nla?: 'required' | 'offered' | 'off';
  /** Connections at one time; further ones are closed at once. 64 unless given. */
  readonly maxClients?: number;
  /** Told why a client's connection failed; for logs and tests. */
  readonly onClientError?: (error: unknown) => void;
}

export interface DemoServer {
  readonly port: number;
  /** The connections there are now. */
  readonly sessions: ReadonlySet<DemoSession>;
  /** Ends all sessions and stops listening. */
  close(): Promise<void>;
}

/** Starts an RDP server that gives each client a demo desktop of its own. Rejects if the port is taken. */
export async function startDemoServer(options: DemoServerOptions): Promise<DemoServer> {
  const { tls, maxClients = MAX_CLIENTS } = options;
  const sessions = new Set<DemoSession>();
  const settings = {
    credentials: options.credentials,
    nla: options.nla ?? ('offered' as const),
    secureContext: createSecureContext({ cert: tls.cert, key: tls.key }),
    peer: describeOwnCertificate(tls.cert),
  };

  const server = createServer({ noDelay: true }, (socket: Socket) => {
    if (sessions.size >= maxClients) {
      socket.destroy();
      return;
    }
    const session = new DemoSession(socket, settings, (error) => {
      sessions.delete(session);
      if (error !== undefined) options.onClientError?.(error);
    });
    sessions.add(session);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port ?? 0, options.host ?? '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;

  const close = async () => {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    for (const session of sessions) session.end();
    await closed;
  };
  return { port, sessions, close };
}

const MAX_CLIENTS = 64;

/** What CredSSP binds to: our own certificate, as the client sees it. */
function describeOwnCertificate(pem: string): TlsPeer {
  const certificate = new Uint8Array(new X509Certificate(pem).raw);
  const hash = endPointHashName(certificate);
  return {
    certificate,
    subjectPublicKey: subjectPublicKeyOf(certificate).slice(),
    ...(hash !== undefined && { endPointHash: new Uint8Array(createHash(hash).update(certificate).digest()) }),
  };
}
