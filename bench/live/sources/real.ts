import type { Desktop } from '../../../test/lab/desktop.ts';
import type { LabProcess } from '../../../test/lab/processes.ts';
import type { LabServer } from '../../../test/lab/server.ts';
import { startShadow } from '../../../test/lab/shadow.ts';
import { startXrdp } from '../../../test/lab/xrdp.ts';
import type { RealServer, Size } from '../matrix.ts';
import { Absent } from '../peers/peer.ts';
import type { Picture } from '../viewers/viewer.ts';
import { DESKTOP_WORKS, type DesktopWork, workOn } from './desktop-work.ts';
import type { Source, SourceCounts } from './source.ts';

/**
 * Starts a real server that is installed here, without NLA: what is bound to its certificate passes no proxy.
 * @throws Absent where it is not, or cannot be started
 */
export async function startRealServer(name: RealServer, size: Size): Promise<LabServer> {
  try {
    return await (name === 'xrdp' ? startXrdp() : startShadow({ security: 'tls', ...size }));
  } catch (error) {
    throw new Absent(`${name} does not start: ${(error as Error).message}`, { cause: error });
  }
}

/** A real server and its desktop; one after another, whoever is measured logs on to the same one. */
export class RealSource implements Source {
  readonly user: string;
  readonly password: string;
  readonly port: number;
  readonly rawPort = undefined;
  readonly marksKeys = false;
  readonly #server: LabServer;
  readonly #work: DesktopWork;
  #desktop: Desktop | undefined;
  #working: LabProcess | undefined;

  /** @param port of the proxy before it @throws Absent for work that real desktops do not know */
  constructor(server: LabServer, port: number, scenario: string) {
    const work = DESKTOP_WORKS.find((known) => known === scenario);
    if (work === undefined) throw new Absent(`nobody does "${scenario}" on a real desktop`);
    this.user = server.username;
    this.password = server.password;
    this.port = port;
    this.#server = server;
    this.#work = work;
  }

  async begin(): Promise<void> {
    this.#desktop = await this.#server.desktop();
    this.#working = await workOn(this.#desktop, this.#work);
  }

  async counts(): Promise<SourceCounts> {
    return { frames: null, hasClient: true };
  }

  async freeze(): Promise<void> {
    // Stands still where it is: what ends would be drawn over.
    if (this.#working !== undefined) process.kill(-this.#working.pid, 'SIGSTOP');
  }

  async truth(): Promise<Picture> {
    if (this.#desktop === undefined) throw new Error('the work has not begun');
    const { width, height, rgb } = await this.#desktop.screenshot();
    const pixels = new Uint8Array(width * height * 4).fill(0xff);
    for (let from = 0, to = 0; from < rgb.length; from += 3, to += 4) pixels.set(rgb.subarray(from, from + 3), to);
    return { width, height, pixels };
  }

  async end(): Promise<void> {
    const working = this.#working;
    this.#working = undefined;
    await working?.stop('SIGKILL');
    if (this.#work === 'type') await this.#desktop?.key('ctrl+c');
  }
}
