import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer as createHttpServer } from 'node:http';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { appOf, type Front, type FrontOptions, tlsOf } from '../http/front.ts';
import { refuseUnparsed } from '../http/unparsed.ts';
import { acceptPassedOn, INNER_HEADER_BYTES } from './forwarding.ts';
import type { WorkerPool, WorkerPoolStart } from './worker-pool.ts';

export interface WorkerFrontOptions extends FrontOptions {
  readonly pool: WorkerPool;
  readonly recordingsDirectory: string;
  readonly tellAlert: WorkerPoolStart['tellAlert'];
}

/** [RFC 5077] as Node has it: a name of the keys, and two of them. */
const TICKET_KEYS_BYTES = 48;

/** HTTPS and tunnels in worker processes: connections go to them, and requests come back over a Unix socket. */
export async function createWorkerFront(options: WorkerFrontOptions): Promise<Front> {
  const { config, gate, pool, services } = options;
  // Only for this user. Not in the data folder: a Unix socket's path is short.
  const folder = await mkdtemp(join(tmpdir(), 'oriel-'));
  const controlPath = join(folder, 'control.sock');
  const app = appOf(options);
  const inner = createHttpServer({ maxHeaderSize: INNER_HEADER_BYTES }, (request, answer) => {
    acceptPassedOn(request);
    app(request, answer);
  });
  inner.on('clientError', refuseUnparsed);
  // Workers keep their connections and decide when to close them; and the times that browsers may take, they hold them to.
  inner.keepAliveTimeout = 0;
  inner.requestTimeout = 0;
  const outer = createServer({ pauseOnConnect: true }, (socket) => pool.connection(socket));
  const stop = async () => {
    outer.close();
    await pool.stop();
    inner.close();
    inner.closeAllConnections();
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await new Promise<void>((resolve, reject) => {
      inner.once('error', reject).listen(controlPath, resolve);
    });
    await pool.start({
      folder,
      gate,
      readTicket: (text) => services.tickets.read(text),
      tellAlert: options.tellAlert,
      setup: {
        tls: await tlsOf(config),
        tlsTicketKeys: randomBytes(TICKET_KEYS_BYTES),
        controlPath,
        origins: config.origins,
        proxies: config.proxies?.text,
        recordingsDirectory: options.recordingsDirectory,
        ffmpegPath: config.ffmpegPath,
        encoders: config.encoders,
        workers: config.workers,
        signingKeyFile: config.evidenceKeyFile,
        graphics: config.graphics,
        hardwareId: await services.settings.hardwareId(),
      },
    });
  } catch (error) {
    await stop();
    throw error;
  }
  return { server: outer, stop };
}
