import { X509Certificate } from 'node:crypto';
import { generate } from 'selfsigned';
import { generatePassword } from '../access/passwords.ts';
import type { Logger } from '../log.ts';
import type { SettingsStore } from '../settings/settings.ts';
import type { Target, Targets } from './targets.ts';

/** A running demo desktop. */
export interface DemoServer {
  readonly port: number;
  /** Resolves when it has ended, wanted or not. */
  readonly ended: Promise<void>;
  stop(): Promise<void>;
}

export interface DemoServerOptions {
  readonly port: number;
  readonly credentials: { readonly username: string; readonly password: string };
  readonly tls: { readonly cert: string; readonly key: string };
}

export interface DemoParts {
  readonly targets: Targets;
  readonly settings: SettingsStore;
  readonly log: Logger;
  start(options: DemoServerOptions): Promise<DemoServer>;
}

const USERNAME = 'demo';
const MARK = 'demo-target';
/** A demo desktop that dies is started again, not at once and not for ever. */
const RESTART_AFTER_MS = 2000;
const MAX_RESTARTS = 5;

/**
 * Keeps the demo desktop running and its target pointing at it: a new password and certificate with each start, the
 * password in the vault like any other's. An administrator who removed the target does not get it back.
 */
export class DemoTarget {
  readonly #parts: DemoParts;
  #server: DemoServer | undefined;
  #restarts = 0;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(parts: DemoParts) {
    this.#parts = parts;
  }

  /** Starts the demo desktop, unless its target was removed. Failing costs the demo, not the gateway. */
  async start(): Promise<void> {
    const target = await this.#target();
    if (target === undefined || this.#stopped) return;
    const password = generatePassword();
    const tls = await selfMadeCertificate();
    const server = await this.#parts.start({ port: 0, credentials: { username: USERNAME, password }, tls });
    if (this.#stopped) {
      await server.stop();
      return;
    }
    this.#server = server;
    server.ended.then(() => this.#ended(server));
    await this.#point(target, server.port, password, new X509Certificate(tls.cert));
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#server?.stop();
  }

  async #target(): Promise<Target | undefined> {
    const { targets, settings } = this.#parts;
    const found = await targets.findDemo();
    if (found !== undefined || (await settings.wasDone(MARK))) return found;
    const created = await targets.create({ name: 'Demo desktop', host: '127.0.0.1', port: 3389, demo: true });
    await settings.markDone(MARK);
    return created;
  }

  /** The pin goes in with the port: this certificate is known to be the server's, as nobody else's could be. */
  async #point(target: Target, port: number, password: string, certificate: X509Certificate): Promise<void> {
    const { targets } = this.#parts;
    await targets.change(target.id, { host: '127.0.0.1', port });
    await targets.trust(target.id, certificate.fingerprint256.replaceAll(':', '').toLowerCase());
    const account = target.accounts.find(({ username }) => username === USERNAME);
    if (account === undefined) await targets.addAccount(target.id, { username: USERNAME, password });
    else await targets.changeAccount(target.id, account.id, { password });
  }

  #ended(server: DemoServer): void {
    if (this.#server !== server) return;
    this.#server = undefined;
    if (this.#stopped) return;
    this.#restarts++;
    this.#parts.log.warn({ restarts: this.#restarts }, 'the demo desktop ended');
    if (this.#restarts > MAX_RESTARTS) return;
    this.#timer = setTimeout(() => {
      this.start().catch((error: unknown) => this.#parts.log.error({ err: error }, 'no demo desktop'));
    }, RESTART_AFTER_MS * this.#restarts);
    this.#timer.unref();
  }
}

async function selfMadeCertificate(): Promise<DemoServerOptions['tls']> {
  const made = await generate([{ name: 'commonName', value: 'oriel-demo' }], { keySize: 2048, algorithm: 'sha256' });
  return { cert: made.cert, key: made.private };
}
