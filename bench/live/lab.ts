import type { LabServer } from '../../test/lab/server.ts';
import { BenchProcess, mayGoFirst } from './calls.ts';
import type { GeneratorPorts } from './generator/main.ts';
import { type PeerName, parseSize, REAL_SERVERS, type RealServer, streamKey } from './matrix.ts';
import { GuacdPeer } from './peers/guacd.ts';
import { NodeRdpjsPeer } from './peers/node-rdpjs.ts';
import { OrielPeer } from './peers/oriel.ts';
import type { Peer, PeerContext } from './peers/peer.ts';
import { RelayPeer } from './peers/relay.ts';
import type { ProxiedKind } from './proxy/joint.ts';
import { GeneratedSource } from './sources/generated.ts';
import { RealSource, startRealServer } from './sources/real.ts';
import type { Source } from './sources/source.ts';

export interface LabOptions {
  readonly recorded?: boolean;
  readonly guacd?: string | undefined;
  readonly nodeRdpjs?: string | undefined;
  /** Servers, the proxy and browsers go before what is measured, where the system allows it. */
  readonly first?: boolean;
}

/** What is played to whom. */
export interface SourceWish {
  readonly scenario: string;
  readonly size: string;
  /** How the load generator sends it, or a real server. */
  readonly server: string;
  /** Where the stream is, if not among those that the bench makes itself. */
  readonly file?: string;
}

/** The processes around what is measured: servers, the proxy before them, the simulated browsers, and the peers that were asked for. */
export class Lab implements AsyncDisposable {
  readonly generator: BenchProcess;
  readonly proxy: BenchProcess;
  readonly viewers: BenchProcess;
  readonly ports: GeneratorPorts;
  /** Servers, the proxy and browsers have a processor whenever they want one. */
  readonly isFirst: boolean;
  readonly #options: LabOptions;
  readonly #peers = new Map<PeerName, Promise<Peer>>();
  /** Names each row's client: what one was sent counts for no other. */
  #sources = 0;
  #real: { readonly key: string; readonly server: Promise<LabServer> } | undefined;

  private constructor(options: LabOptions) {
    this.#options = options;
    this.ports = { rdp: 0, raw: 0 };
    this.isFirst = options.first === true && mayGoFirst();
    const how = { first: this.isFirst, even: true };
    this.proxy = new BenchProcess(new URL('./proxy/main.ts', import.meta.url), [], how);
    this.generator = new BenchProcess(new URL('./generator/main.ts', import.meta.url), [], how);
    this.viewers = new BenchProcess(new URL('./viewers/main.ts', import.meta.url), [], how);
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

  /** The server of a row, behind the proxy. Rejects with `Absent` for a real one that is not there. */
  async source(wish: SourceWish, peer: PeerName): Promise<Source> {
    const { scenario, size, server, file } = wish;
    const real = REAL_SERVERS.find((name) => name === server);
    if (real !== undefined) {
      const started = await this.#realServer(real, size, peer);
      return new RealSource(started, await this.#proxied(started.port, 'rdp'), scenario);
    }
    const key = streamKey(scenario, size, server);
    if (file !== undefined) await this.generator.call('use', { key, file });
    const ports = {
      rdp: await this.#proxied(this.ports.rdp, 'rdp'),
      raw: await this.#proxied(this.ports.raw, 'tls'),
    };
    return new GeneratedSource(this.generator, ports, { key, tag: `${peer}-${this.#sources++}`, file });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const peers = await Promise.allSettled(this.#peers.values());
    await Promise.allSettled([
      ...peers.map((peer) => (peer.status === 'fulfilled' ? peer.value.stop() : undefined)),
      this.viewers.stop(),
      this.proxy.stop(),
      this.generator.stop(),
      this.#stopReal(),
    ]);
  }

  #proxied(port: number, kind: ProxiedKind): Promise<number> {
    return this.proxy.call<number>('listen', { port, kind });
  }

  /** One at a time, since each costs the others processor time; each peer begins with a desktop of its own. */
  async #realServer(name: RealServer, sizeName: string, peer: PeerName): Promise<LabServer> {
    const size = parseSize(sizeName);
    if (size === undefined) throw new TypeError(`no size: ${sizeName}`);
    const key = `${name} ${sizeName} ${peer}`;
    if (this.#real?.key !== key) {
      await this.#stopReal();
      this.#real = { key, server: startRealServer(name, size) };
    }
    return this.#real.server;
  }

  async #stopReal(): Promise<void> {
    const real = this.#real;
    this.#real = undefined;
    const server = await real?.server.catch(() => undefined);
    await server?.stop();
  }

  async #start(name: PeerName): Promise<Peer> {
    const { recorded = false, guacd, nodeRdpjs } = this.#options;
    const context: PeerContext = { viewers: this.viewers, recorded, guacd, nodeRdpjs };
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
