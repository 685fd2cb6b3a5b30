import { setTimeout as sleep } from 'node:timers/promises';
import type { ConnectionEnd } from '../../gateway/rdp/failures.ts';
import { DEFAULT_GRAPHICS, offerGraphics } from '../../protocol/connector/graphics-offer.ts';
import { openConnection } from '../../test/lab/client.ts';
import type { LabServer } from '../../test/lab/server.ts';
import { startXrdp } from '../../test/lab/xrdp.ts';
import { BenchError } from '../cli.ts';
import { RealDesktop } from './real-desktop.ts';
import type { RealWork } from './real-work.ts';
import { SessionStreamWriter } from './session-stream.ts';

export const REAL_SIZE = { width: 1920, height: 1080 } as const;

/**
 * Logs on to an xrdp of our own as the gateway does, and works there for so long in real programs and in real time. What the
 * server sent is then in `path`, for `ReplayedSession`.
 * @throws BenchError where there is no xrdp, or this is not root, who it needs
 */
export async function workOnXrdp(work: RealWork, minutes: number, path: string): Promise<void> {
  const server = await start();
  const stream = await SessionStreamWriter.create(path);
  let end: ConnectionEnd | undefined;
  let beganAt = 0;
  try {
    const connection = openConnection({ ...server, ...REAL_SIZE }, offerGraphics(DEFAULT_GRAPHICS), {
      graphics: (update) => stream.update(performance.now(), update),
      ended: (reason) => {
        end = reason;
      },
    });
    const desktop = new RealDesktop(await server.desktop(), {
      send: (event) => connection.input([event]),
      pointed: (x, y) => stream.pointer(performance.now(), x, y),
    });
    beganAt = await work.run(desktop, minutes);
    if (end !== undefined) throw new Error(`the session ended: ${JSON.stringify(end)}`);
    connection.close();
    await sleep(CLOSING_MS);
  } finally {
    await server.stop();
    await stream.end(beganAt);
  }
}

const CLOSING_MS = 500;

async function start(): Promise<LabServer> {
  try {
    return await startXrdp();
  } catch (cause) {
    throw new BenchError('server_missing', `xrdp does not start: ${(cause as Error).message}`, { cause });
  }
}
