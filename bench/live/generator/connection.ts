import type { Socket } from 'node:net';
import { type SecureContext, TLSSocket } from 'node:tls';
import type { TlsPeer } from '#protocol/security/certificate.ts';
import { RdpServer, type ServerOutput } from '#protocol/session/rdp-server.ts';
import { nodeCrypto } from '../../../gateway/rdp/node-crypto.ts';
import { machineClock } from '../clock.ts';
import type { PassedKey } from '../proxy/passage-watch.ts';
import { markPdu } from './mark.ts';
import { Player, type PlayerCounts } from './player.ts';
import type { WireFrames } from './wire.ts';

/** What a client asks for with its user name: `KEY`, `KEY.TAG` (to be told apart) or `flood-KEY`. */
export interface Wish {
  readonly user: string;
  readonly key: string;
  readonly flood: boolean;
}

export function parseWish(user: string): Wish {
  const flood = user.startsWith(FLOOD);
  const [key = ''] = (flood ? user.slice(FLOOD.length) : user).split('.');
  return { user, key, flood };
}

const FLOOD = 'flood-';

export interface ConnectionParts {
  readonly secureContext: SecureContext;
  readonly peer: TlsPeer;
  frames(key: string): Promise<WireFrames>;
  /** Called once for each connection that says what it wants. */
  joined(connection: Joined): void;
}

export interface Joined {
  readonly user: string;
  readonly counts: PlayerCounts;
  /** When each key came, and when its answer was written. */
  readonly keys: PassedKey[];
  freeze(): void;
  closed: boolean;
}

/** One RDP client of the load generator: lets everybody in, and plays what the user name asks for. */
export function serveRdp(socket: Socket, parts: ConnectionParts): void {
  const server = new RdpServer(
    {
      computerName: 'BENCH',
      tls: { authenticate: () => true },
      nla: { lookup: () => ({ password: 'bench' }) },
      compressesGraphics: false,
    },
    nodeCrypto,
  );
  let stream: Socket = socket;
  let session: Session | undefined;
  let wire: WireFrames | undefined;
  const begin = () => {
    const user = server.connection?.identity?.user ?? server.connection?.clientInfo.userName ?? '';
    if (wire === undefined || session !== undefined) return;
    const { flood } = parseWish(user);
    session = new Session(user, new Player(wire.stream, wire.of(server), stream, flood));
    stream.on('drain', () => session?.player.drained());
    parts.joined(session);
    session.player.start();
  };
  const carryOut = (outputs: readonly ServerOutput[], at: number) => {
    for (const output of outputs) {
      switch (output.kind) {
        case 'send':
          stream.write(output.bytes);
          break;
        case 'start-tls':
          startTls();
          break;
        case 'connected': {
          const user = output.connection.identity?.user ?? output.connection.clientInfo.userName;
          const { key } = parseWish(user);
          parts
            .frames(key)
            .then((frames) => {
              wire = frames;
              if (frames.usesPipeline) carryOut(server.openGraphics(), machineClock());
              else begin();
            })
            .catch(fail);
          break;
        }
        case 'graphics-ready':
          // What agrees on the version is yet to be written.
          setImmediate(() => {
            try {
              begin();
            } catch (error) {
              fail(error);
            }
          });
          break;
        case 'graphics-refused':
          fail(new Error('the client refuses the graphics pipeline'));
          break;
        case 'frame-acknowledged':
        case 'surface-frame-acknowledged':
          session?.player.acknowledged();
          break;
        case 'input':
          for (const event of output.events) {
            if ((event.kind === 'scancode' || event.kind === 'unicode') && event.down) session?.key(at);
          }
          break;
        case 'refused':
          fail(output.error ?? new Error(`refused: ${output.reason}`));
          break;
        case 'closed':
          stream.end();
          break;
      }
    }
  };
  const fail = (error: unknown) => {
    process.stderr.write(`load generator: ${String(error)}\n`);
    socket.destroy();
  };
  const receive = (chunk: Buffer) => {
    const at = machineClock();
    try {
      carryOut(server.receive(new Uint8Array(chunk), Date.now()), at);
    } catch (error) {
      fail(error);
    }
  };
  const startTls = () => {
    socket.off('data', receive);
    stream = new TLSSocket(socket, { isServer: true, secureContext: parts.secureContext });
    stream.on('error', () => {});
    (stream as TLSSocket).once('secure', () => {
      carryOut(server.tlsEstablished(parts.peer, Date.now()), machineClock());
    });
    stream.on('data', receive);
  };
  socket.setNoDelay(true);
  socket.on('error', () => {});
  socket.on('close', () => session?.close());
  socket.on('data', receive);
}

/** One client without RDP: says its user name and a line feed, then a byte for each key. Gets the same bytes as RDP's clients. */
export function serveRaw(
  stream: TLSSocket,
  parts: ConnectionParts,
  server: (width: number, height: number) => RdpServer,
): void {
  let session: Session | undefined;
  let line = '';
  stream.on('error', () => {});
  stream.on('close', () => session?.close());
  stream.on('data', (chunk: Buffer) => {
    const at = machineClock();
    if (session !== undefined) {
      for (const _ of chunk) session.key(at);
      return;
    }
    line += chunk.toString('latin1');
    if (!line.endsWith('\n')) return;
    const { user, key, flood } = parseWish(line.trim());
    parts.frames(key).then(
      (wire) => {
        const { width, height } = wire.stream;
        session = new Session(user, new Player(wire.stream, wire.of(server(width, height)), stream, flood));
        stream.on('drain', () => session?.player.drained());
        parts.joined(session);
        session.player.start();
      },
      (error: unknown) => {
        process.stderr.write(`load generator: ${String(error)}\n`);
        stream.destroy();
      },
    );
  });
}

class Session implements Joined {
  readonly user: string;
  readonly player: Player;
  readonly keys: PassedKey[] = [];
  closed = false;

  constructor(user: string, player: Player) {
    this.user = user;
    this.player = player;
  }

  get counts(): PlayerCounts {
    return this.player.counts;
  }

  key(at: number): void {
    this.player.key(markPdu);
    this.keys.push({ keyAt: at, pictureAt: machineClock() });
  }

  freeze(): void {
    this.player.freeze();
  }

  close(): void {
    this.closed = true;
    this.player.freeze();
  }
}
