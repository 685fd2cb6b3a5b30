import { BenchProcess } from '../calls.ts';
import { REAL_SERVERS } from '../matrix.ts';
import type { Peer, PeerContext, PeerSession, SessionWish } from './peer.ts';

/** The floor: see `relay-main.ts`. It speaks to the load generator alone. */
export class RelayPeer implements Peer {
  readonly name = 'relay';
  readonly version = `ws on Node ${process.versions.node}`;
  readonly #context: PeerContext;
  readonly #process: BenchProcess;
  readonly #port: number;

  private constructor(context: PeerContext, process: BenchProcess, port: number) {
    this.#context = context;
    this.#process = process;
    this.#port = port;
  }

  static async start(context: PeerContext): Promise<RelayPeer> {
    const process = new BenchProcess(new URL('./relay-main.ts', import.meta.url));
    return new RelayPeer(context, process, await process.call<number>('port'));
  }

  get roots(): readonly number[] {
    return [this.#process.pid];
  }

  refuses(server: string): string | undefined {
    return REAL_SERVERS.some((name) => name === server)
      ? 'the bare relay speaks no RDP, so to no real server'
      : undefined;
  }

  async open({ user, typing, rawPort }: SessionWish): Promise<PeerSession> {
    const { viewers } = this.#context;
    const url = `wss://127.0.0.1:${this.#port}/${rawPort}`;
    const viewer = await viewers.call<number>('open', { kind: 'relay', url, user, typing });
    return { viewer, close: () => viewers.call('close', [viewer]) };
  }

  async stop(): Promise<void> {
    await this.#process.stop();
  }
}
