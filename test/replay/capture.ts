/**
 * Captures sessions of the lab's servers into `sessions/`, for `replay.test.ts`:
 *
 *     node test/replay/capture.ts            servers that this Debian has
 *     node test/replay/capture.ts trixie     those of Debian 13 as well (see test/lab/trixie.ts)
 *     node test/replay/capture.ts NAME …     only these
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ProtocolClient } from '../../gateway/rdp/connection-contract.ts';
import { RdpConnection } from '../../gateway/rdp/driver.ts';
import { type GraphicsKind, offerGraphics } from '../../protocol/connector/graphics-offer.ts';
import type { ClientConfig } from '../../protocol/connector/types.ts';
import { concatBytes } from '../../protocol/core/bytes.ts';
import { Compositor } from '../../protocol/graphics/compositor.ts';
import { createSurfaceCodecs } from '../../protocol/graphics/surface-codecs.ts';
import { RdpClient } from '../../protocol/session/rdp-client.ts';
import { startShadow } from '../lab/shadow.ts';
import { prepareTrixie, shadow3Command } from '../lab/trixie.ts';
import { startWeston } from '../lab/weston.ts';
import { startXrdp } from '../lab/xrdp.ts';
import { type CapturedEvent, encodeSession, pictureHash, seededCrypto } from './session-file.ts';

interface Server {
  readonly host: string;
  readonly port: number;
  readonly username: string;
  readonly password: string;
  stop(): Promise<void>;
}

/** A picture that has stayed the same for so long is what the server had to draw. */
const QUIET_MS = 3000;
/** Small, so that the files are. */
const SIZE = { width: 640, height: 480 };

async function capture(name: string, start: () => Promise<Server>, options: Partial<ClientConfig>): Promise<void> {
  const wanted = process.argv.slice(2).filter((word) => word !== 'trixie');
  if (wanted.length > 0 && !wanted.includes(name)) return;
  const server = await start();
  try {
    const seed = `oriel replay ${name}`;
    const config: ClientConfig = {
      ...{ host: server.host, username: server.username, password: server.password, domain: '', ...SIZE },
      ...{ colorDepth: 32, nla: 'preferred', keyboardLayout: 0x409, clientName: 'oriel-test', autoDetect: true },
      ...options,
    };
    const events: CapturedEvent[] = [];
    const chunks: Uint8Array[] = [];
    const compositor = new Compositor(createSurfaceCodecs());
    const client = new RdpClient(config, seededCrypto(seed));
    const watched: ProtocolClient = new Proxy(client, {
      get(target, key) {
        const value: unknown = Reflect.get(target, key, target);
        if (typeof value !== 'function') return value;
        return (...args: unknown[]) => {
          if (key === 'receive') {
            const [bytes, now] = args as [Uint8Array, number];
            chunks.push(bytes.slice());
            events.push({ kind: 'bytes', length: bytes.length, now });
          } else if (key === 'tlsEstablished') {
            const [peer, now] = args as Parameters<RdpClient['tlsEstablished']>;
            events.push({ kind: 'tls', peer: { ...peer }, now });
          }
          return value.apply(target, args);
        };
      },
    });
    let changedAt = Date.now();
    let sha256 = '';
    /** How many events it took to come to the picture that is there now. */
    let settledAt = 0;
    let ended: unknown;
    const connection = new RdpConnection(
      watched,
      { host: server.host, port: server.port, trust: () => true },
      {
        phase: () => {},
        connected: () => {},
        graphics: (update) => {
          compositor.apply(update);
          const next = pictureHash(compositor.pixels);
          if (next === sha256) return;
          sha256 = next;
          settledAt = events.length;
          changedAt = Date.now();
        },
        bytes: () => {},
        ended: (reason) => {
          ended = reason;
        },
      },
    );
    const isBlank = () => new Set(new Uint32Array(compositor.pixels.buffer)).size < 3;
    const deadline = Date.now() + 60_000;
    while (isBlank() || Date.now() - changedAt < QUIET_MS) {
      if (ended !== undefined || Date.now() > deadline)
        throw new Error(`${name}: no picture (${JSON.stringify(ended)})`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    // What is drawn again without a change only makes the file larger.
    const kept = events.slice(0, settledAt);
    const bytes = concatBytes(...chunks.slice(0, kept.filter((event) => event.kind === 'bytes').length));
    const picture = { width: compositor.width, height: compositor.height, sha256 };
    const file = encodeSession({ server: name, seed, config, events: kept, bytes, picture });
    writeFileSync(join(import.meta.dirname, 'sessions', `${name}.gz`), file);
    console.log(`${name}: ${bytes.length} bytes from the server, ${file.length} in the file`);
    connection.close();
  } finally {
    await server.stop();
  }
}

const offering = (...kinds: GraphicsKind[]) => ({ nla: 'never' as const, ...offerGraphics(kinds) });
const shadow = (security: 'nla' | 'tls') => () => startShadow({ security, ...SIZE });
await capture('xrdp-planar', startXrdp, {});
await capture('xrdp-rle-16', startXrdp, { colorDepth: 16 });
await capture('xrdp-remotefx', startXrdp, offering('remotefx'));
await capture('shadow-nla', shadow('nla'), {});
await capture('shadow-remotefx', shadow('tls'), offering('remotefx'));
// weston repeats whole pictures of a noisy desktop.
const smaller = { width: 240, height: 200 };
await capture('weston-nscodec', () => startWeston(smaller.width, smaller.height), {
  ...offering('nscodec'),
  ...smaller,
});
if (process.argv.includes('trixie')) {
  const root = prepareTrixie();
  const command = shadow3Command(root);
  const flags = ['-gfx-avc444', '-gfx-avc420'];
  const newer = () => startShadow({ security: 'tls', command, flags, ...SIZE });
  await capture('shadow3-progressive', newer, offering('rdpgfx'));
  await capture('xrdp010-gfx', () => startXrdp({ root }), offering('rdpgfx'));
}
process.exit(0);
