import { X509Certificate } from 'node:crypto';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { createSecureContext, createServer as createTlsServer, type TLSSocket } from 'node:tls';
import type { RdpServer } from '#protocol/session/rdp-server.ts';
import { describeCertificate } from '../../../gateway/rdp/tls-peer.ts';
import { selfSigned } from '../../../test/rdp/fake-peer.ts';
import { answerCalls } from '../calls.ts';
import type { PassedKey } from '../proxy/passage-watch.ts';
import { readStream, streamFile } from '../streams/store.ts';
import { type ConnectionParts, type Joined, serveRaw, serveRdp } from './connection.ts';
import { connectedServer, WireFrames } from './wire.ts';

/** Where the load generator listens. */
export interface GeneratorPorts {
  /** RDP. */
  readonly rdp: number;
  /** The same bytes in TLS, without RDP's connection sequence. */
  readonly raw: number;
}

/** All that was sent to one user name, over all its connections, and when keys came and were answered here. */
export interface UserCounts {
  readonly connections: number;
  readonly open: number;
  readonly bytes: number;
  readonly frames: number;
  readonly acknowledged: number;
  readonly late: number;
  readonly lastFrame: number;
  readonly keys: readonly PassedKey[];
}

/** The load generator's process: RDP servers that replay streams, as many as are asked for. */
const identity = await selfSigned();
const { peer } = describeCertificate(new X509Certificate(identity.cert));
const streams = new Map<string, Promise<WireFrames>>();
const files = new Map<string, string>();
const joined: Joined[] = [];
const rawServers = new Map<string, RdpServer>();

const parts: ConnectionParts = {
  peer,
  secureContext: createSecureContext(identity),
  frames(key) {
    let frames = streams.get(key);
    if (frames === undefined) {
      frames = readStream(files.get(key) ?? streamFile(key)).then((stream) => new WireFrames(stream));
      streams.set(key, frames);
    }
    return frames;
  },
  joined: (connection) => joined.push(connection),
};

const rdp = createServer((socket) => serveRdp(socket, parts));
const raw = createTlsServer({ ...identity, noDelay: true }, (stream: TLSSocket) =>
  serveRaw(stream, parts, (width, height) => {
    const size = `${width}x${height}`;
    const server = rawServers.get(size) ?? connectedServer(width, height, peer);
    rawServers.set(size, server);
    return server;
  }),
);
const ports: Promise<GeneratorPorts> = Promise.all([listen(rdp), listen(raw)]).then(([one, two]) => ({
  rdp: one,
  raw: two,
}));

answerCalls({
  ports: () => ports,
  /** Plays a file under a key. */
  use: ({ key, file }: { key: string; file: string }) => {
    files.set(key, file);
  },
  counts: (user: string): UserCounts => {
    const mine = joined.filter((connection) => connection.user === user);
    const sum = (value: (connection: Joined) => number) => mine.reduce((total, one) => total + value(one), 0);
    return {
      connections: mine.length,
      open: mine.filter(({ closed }) => !closed).length,
      bytes: sum(({ counts }) => counts.bytes),
      frames: sum(({ counts }) => counts.frames),
      acknowledged: sum(({ counts }) => counts.acknowledged),
      late: sum(({ counts }) => counts.late),
      lastFrame: mine.at(-1)?.counts.lastFrame ?? -1,
      keys: mine.flatMap(({ keys }) => keys),
    };
  },
  freeze: (user: string) => {
    for (const connection of joined) if (connection.user === user) connection.freeze();
  },
  /** Streams that are played no more need no memory. */
  forget: () => {
    streams.clear();
    for (let i = joined.length - 1; i >= 0; i--) if (joined[i]?.closed === true) joined.splice(i, 1);
  },
});

function listen(server: Server): Promise<number> {
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
  });
}
