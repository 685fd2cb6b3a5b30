import { type AddressInfo, createServer } from 'node:net';
import { createSecureContext } from 'node:tls';
import { selfSigned } from '../../../test/rdp/fake-peer.ts';
import { answerCalls } from '../calls.ts';
import { joinPeers, type ProxiedKind } from './joint.ts';
import { PassageWatch, type PassedKey } from './passage-watch.ts';

/** What has passed between the peer that is measured and the server since the last `reset`. Bytes are those inside TLS. */
export interface Passage {
  readonly bytes: number;
  readonly pictures: number;
  readonly connections: number;
  readonly open: number;
  readonly keys: readonly PassedKey[];
  /** Why nothing can be seen in it, or went wrong. */
  readonly failure: string | undefined;
}

/**
 * The process of the in-path proxy: stands between the peers and the servers, and stamps keys as they reach the server and
 * pictures as they leave it. What lies between the two stamps is the server's own time, and nobody else's.
 */
const secureContext = createSecureContext(await selfSigned());
const ports = new Map<string, Promise<number>>();
let watches: PassageWatch[] = [];
let byMark = false;

answerCalls({
  /** @returns the port that leads to this one */
  listen: ({ port, kind }: { port: number; kind: ProxiedKind }): Promise<number> => {
    const key = `${kind} ${port}`;
    const known = ports.get(key) ?? listen(port, kind);
    ports.set(key, known);
    return known;
  },
  /** Forgets what has passed. @param marked answers are known by the load generator's mark */
  reset: (marked: boolean) => {
    watches = [];
    byMark = marked;
  },
  passage: (): Passage => {
    const sum = (value: (watch: PassageWatch) => number) => watches.reduce((total, watch) => total + value(watch), 0);
    return {
      bytes: sum((watch) => watch.bytes),
      pictures: sum((watch) => watch.pictures),
      connections: watches.length,
      open: watches.filter((watch) => !watch.closed).length,
      keys: watches.flatMap((watch) => watch.keys),
      failure: watches.find((watch) => watch.failure !== undefined)?.failure,
    };
  },
});

function listen(port: number, kind: ProxiedKind): Promise<number> {
  const server = createServer((socket) => {
    const watch = new PassageWatch(kind, byMark);
    watches.push(watch);
    joinPeers(socket, { port, kind, secureContext, watch });
  });
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
  });
}
