import { readFileSync } from 'node:fs';
import { type ApiUser, startGateway, type TestGateway } from '../../../test/e2e/gateway.ts';
import type { PeerName } from '../matrix.ts';
import type { ViewerReport } from '../viewers/main.ts';
import type { Peer, PeerContext, PeerSession, SessionWish } from './peer.ts';

/** The gateway itself, with all that belongs to it: its pixel host and that one's encoders. */
export class OrielPeer implements Peer {
  readonly name: PeerName;
  readonly version: string;
  readonly gateway: TestGateway;
  readonly #context: PeerContext;
  readonly #targets = new Map<number, Promise<string>>();
  readonly #accounts = new Map<string, Promise<string>>();
  readonly #users = new Map<number, Promise<ApiUser>>();
  #opened = 0;

  private constructor(name: PeerName, context: PeerContext, gateway: TestGateway) {
    const { version } = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')) as {
      version: string;
    };
    this.name = name;
    this.version = version;
    this.gateway = gateway;
    this.#context = context;
  }

  static async start(name: 'oriel-stream' | 'oriel-regions', context: PeerContext): Promise<OrielPeer> {
    const gateway = await startGateway({
      ORIEL_RECORDING: context.recorded ? 'required' : 'off',
      ORIEL_GRAPHICS: 'surface,remotefx,rdpgfx',
      ORIEL_LOG_LEVEL: process.env.ORIEL_LOG_LEVEL ?? 'info',
    });
    return new OrielPeer(name, context, gateway);
  }

  get roots(): readonly number[] {
    return [this.gateway.pid];
  }

  async open(wish: SessionWish): Promise<PeerSession> {
    const { admin, url } = this.gateway;
    const { viewers } = this.#context;
    const targetId = await this.#target(wish.port);
    const accountId = await this.#account(targetId, wish);
    const user = await this.#user(Math.floor(this.#opened++ / SESSIONS_A_USER));
    const session = await user.must<{ id: string; ticket: string }>('POST', '/api/sessions', {
      targetId,
      accountId,
      ...wish.size,
    });
    const tunnel = `wss://127.0.0.1:${url.port}/tunnel`;
    const isStream = this.name === 'oriel-stream';
    const owner = await viewers.call<number>('open', {
      ...{ kind: 'tunnel', url: tunnel, ticket: session.ticket },
      // Only an owner types; its picture comes another way where somebody watches.
      typing: isStream ? wish.typing : undefined,
    });
    const opened = [owner];
    const close = async () => {
      await admin.call('DELETE', `/api/sessions/${session.id}`);
      await viewers.call('close', opened);
    };
    if (isStream) return { viewer: owner, id: session.id, close };
    await this.#shown(owner);
    const ticket = await this.#watch(session.id);
    const shadow = await viewers.call<number>('open', {
      ...{ kind: 'tunnel', url: tunnel, ticket, keep: wish.keep, typing: wish.typing, typist: owner },
    });
    opened.push(shadow);
    return { viewer: shadow, id: session.id, close };
  }

  async stop(): Promise<void> {
    await this.gateway.stop();
  }

  /** Waits for the owner's first picture: before it there is nothing to watch. */
  async #shown(viewer: number): Promise<void> {
    for (let tries = 0; tries < 200; tries++) {
      const [report] = await this.#context.viewers.call<ViewerReport[]>('reports', [viewer]);
      if (report?.ended !== undefined) throw new Error(`the session has ended: ${report.ended}`);
      if (report?.ready === true) return;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  async #watch(id: string): Promise<string> {
    return (await this.gateway.admin.must<{ ticket: string }>('POST', `/api/sessions/${id}/watch`)).ticket;
  }

  /** Nobody may have more than twenty sessions at once. */
  #user(number: number): Promise<ApiUser> {
    return once(this.#users, number, async () => {
      const name = `bench${number}`;
      await this.gateway.admin.addUser(name, PASSWORD, ['user']);
      return this.gateway.login(name, PASSWORD);
    });
  }

  #target(port: number): Promise<string> {
    return once(this.#targets, port, async () => {
      const body = { name: `bench ${port}`, host: '127.0.0.1', port, nla: 'never' };
      return (await this.gateway.admin.must<{ id: string }>('POST', '/api/targets', body)).id;
    });
  }

  #account(targetId: string, { user, password }: SessionWish): Promise<string> {
    return once(this.#accounts, `${targetId} ${user}`, async () => {
      const body = { username: user, password };
      return (await this.gateway.admin.must<{ id: string }>('POST', `/api/targets/${targetId}/accounts`, body)).id;
    });
  }
}

const SESSIONS_A_USER = 20;
const PASSWORD = 'Bench-Pass-1!';

function once<K, V>(made: Map<K, Promise<V>>, key: K, make: () => Promise<V>): Promise<V> {
  const known = made.get(key);
  if (known !== undefined) return known;
  const value = make();
  made.set(key, value);
  return value;
}
