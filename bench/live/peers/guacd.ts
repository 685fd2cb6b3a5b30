import { execFileSync } from 'node:child_process';
import { readlinkSync } from 'node:fs';
import { listenerOf } from '../processes.ts';
import { Absent, type Peer, type PeerContext, type PeerSession, type SessionWish } from './peer.ts';

/** Apache Guacamole's proxy, which somebody has started on this machine; `--guacd HOST:PORT` says where. */
export class GuacdPeer implements Peer {
  readonly name = 'guacd';
  readonly version: string;
  readonly roots: readonly number[];
  readonly #context: PeerContext;
  readonly #host: string;
  readonly #port: number;

  private constructor(context: PeerContext, host: string, port: number, pid: number) {
    this.#context = context;
    this.#host = host;
    this.#port = port;
    this.roots = [pid];
    this.version = versionOf(pid);
  }

  /** @throws Absent where no address is given, or nobody listens there */
  static start(context: PeerContext): GuacdPeer {
    if (context.guacd === undefined) throw new Absent('no address given: --guacd HOST:PORT');
    const [host = '', port = ''] = context.guacd.split(':');
    const pid = listenerOf(Number(port));
    if (pid === undefined)
      throw new Absent(`no process of this machine listens on port ${port}, so none can be measured`);
    return new GuacdPeer(context, host, Number(port), pid);
  }

  async open({ user, password, port, size, typing, keep }: SessionWish): Promise<PeerSession> {
    const { viewers } = this.#context;
    const target = { host: '127.0.0.1', port, username: user, password, ...size };
    const options = { kind: 'guacd', host: this.#host, port: this.#port, target, typing, keep };
    const viewer = await viewers.call<number>('open', options);
    return { viewer, close: () => viewers.call('close', [viewer]) };
  }

  /** It goes on: somebody else has started it. */
  async stop(): Promise<void> {}
}

function versionOf(pid: number): string {
  try {
    const program = readlinkSync(`/proc/${pid}/exe`);
    return execFileSync(program, ['-v'], { encoding: 'utf8' }).trim();
  } catch {
    return 'unknown';
  }
}
