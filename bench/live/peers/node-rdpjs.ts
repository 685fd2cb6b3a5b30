import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { BenchProcess } from '../calls.ts';
import type { ViewerReport } from '../viewers/main.ts';
import { Absent, type Peer, type PeerContext, type PeerSession, type SessionWish } from './peer.ts';

/**
 * `node-rdpjs-2`, decompressing, in a process of its own; it has no browser's side. Its licence (AGPL-3.0) keeps it out of our
 * dependencies: `npm install node-rdpjs-2@0.3.5` in a folder of one's own, and `--node-rdpjs FOLDER`.
 */
export class NodeRdpjsPeer implements Peer {
  readonly name = 'node-rdpjs';
  readonly version: string;
  readonly #process: BenchProcess;

  private constructor(process: BenchProcess, version: string) {
    this.#process = process;
    this.version = version;
  }

  /** @throws Absent */
  static start(context: PeerContext): NodeRdpjsPeer {
    const folder = resolve(context.nodeRdpjs ?? '.');
    let main: string;
    try {
      main = createRequire(pathToFileURL(`${folder}/`)).resolve('node-rdpjs-2/package.json');
    } catch {
      throw new Absent('not installed: npm install node-rdpjs-2 in a folder, and --node-rdpjs FOLDER');
    }
    const { version } = JSON.parse(readFileSync(join(main), 'utf8')) as { version: string };
    return new NodeRdpjsPeer(new BenchProcess(new URL('./node-rdpjs-main.ts', import.meta.url), [folder]), version);
  }

  get roots(): readonly number[] {
    return [this.#process.pid];
  }

  refuses(server: string): string | undefined {
    if (server === 'remotefx' || server === 'gfx') return 'node-rdpjs-2 knows classic bitmaps alone';
    return undefined;
  }

  async open({ user, password, port, size, typing }: SessionWish): Promise<PeerSession> {
    const id = await this.#process.call<number>('open', { user, password, port, size, typing });
    return {
      report: () => this.#process.call<ViewerReport>('report', id),
      close: () => this.#process.call('close', id),
    };
  }

  async stop(): Promise<void> {
    await this.#process.stop();
  }
}
