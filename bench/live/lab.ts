import { BenchProcess } from './calls.ts';
import type { GeneratorPorts } from './generator/main.ts';
import type { PeerName } from './matrix.ts';
import { GuacdPeer } from './peers/guacd.ts';
import { NodeRdpjsPeer } from './peers/node-rdpjs.ts';
import { OrielPeer } from './peers/oriel.ts';
import type { Peer, PeerContext } from './peers/peer.ts';
import { RelayPeer } from './peers/relay.ts';

export interface LabOptions {
  readonly recorded?: boolean;
  readonly guacd?: string | undefined;
  readonly nodeRdpjs?: string | undefined;
}

/** The processes around what is measured: the load generator, the simulated browsers, and the peers that were asked for. */
export class Lab implements AsyncDisposable {
  readonly generator = new BenchProcess(new URL('./generator/main.ts', import.meta.url));
  readonly viewers = new BenchProcess(new URL('./viewers/main.ts', import.meta.url));
  readonly ports: GeneratorPorts;
  readonly #options: LabOptions;
  readonly #peers = new Map<PeerName, Promise<Peer>>();

  private constructor(options: LabOptions) {
    this.#options = options;
    this.ports = { rdp: 0, raw: 0 };
  }

  static async start(options: LabOptions = {}): Promise<Lab> {
    const lab = new Lab(options);
    Object.assign(lab.ports, await lab.generator.call<GeneratorPorts>('ports'));
    return lab;
  }

  /** Starts a peer when it is first asked for. Rejects with `Absent` for one that is not there. */
  peer(name: PeerName): Promise<Peer> {
    let peer = this.#peers.get(name);
    if (peer === undefined) {
      peer = this.#start(name);
      this.#peers.set(name, peer);
    }
    return peer;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const peers = await Promise.allSettled(this.#peers.values());
    await Promise.allSettled([
      ...peers.map((peer) => (peer.status === 'fulfilled' ? peer.value.stop() : undefined)),
      this.viewers.stop(),
      this.generator.stop(),
    ]);
  }

  async #start(name: PeerName): Promise<Peer> {
    const { recorded = false, guacd, nodeRdpjs } = this.#options;
    const context: PeerContext = { ports: this.ports, viewers: this.viewers, recorded, guacd, nodeRdpjs };
    switch (name) {
      case 'oriel-stream':
      case 'oriel-regions':
        return OrielPeer.start(name, context);
      case 'relay':
        return RelayPeer.start(context);
      case 'guacd':
        return GuacdPeer.start(context);
      case 'node-rdpjs':
        return NodeRdpjsPeer.start(context);
    }
  }
}
