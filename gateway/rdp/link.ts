import { setTimeout as startTimer } from 'node:timers';
import type { ClipboardAction } from '#protocol/channels/cliprdr/clipboard-channel.ts';
import type { Redirection } from '#protocol/connector/redirection.ts';
import type { AutoReconnectSecret, ClientConfig } from '#protocol/connector/types.ts';
import type { InputEvent } from '#protocol/pdu/input.ts';
import { type ErrorCode, isErrorCode } from '../errors.ts';
import type { Driver, DriverEvents, DriverOptions } from '../sessions/ports.ts';
import type { Credentials } from '../targets/targets.ts';
import { Secret } from '../vault/secret.ts';
import type { ProtocolClient, RdpConnectionEvents, RdpConnectionOptions } from './connection-contract.ts';
import type { RdpConnection } from './driver.ts';
import { type ConnectionEnd, describeFailure, endOf } from './failures.ts';
import { Redirections } from './redirections.ts';

export interface LinkParts {
  /** The configuration of every client of this session, but for what a connection of its own has. */
  config(credentials: Credentials): ClientConfig;
  client(config: ClientConfig): ProtocolClient;
  open(client: ProtocolClient, options: RdpConnectionOptions, events: RdpConnectionEvents): RdpConnection;
  /** Milliseconds to wait before each attempt to bring a lost connection back; `RECONNECT_DELAYS_MS` unless given. */
  readonly delays?: readonly number[];
}

/** Some twenty-five seconds in all, besides what the attempts themselves take. */
export const RECONNECT_DELAYS_MS: readonly number[] = [500, 1_500, 3_000, 6_000, 12_000];

/**
 * A session's way to its server over however many connections that takes: follows redirections, and brings a connection
 * back that was lost in mid-session.
 *
 * INVARIANT: credentials are read anew for each connection and not kept. A secret for automatic reconnection stays with
 * the link, in memory, as long as the session lives.
 */
export class RdpLink implements Driver {
  readonly #options: DriverOptions;
  readonly #events: DriverEvents;
  readonly #parts: LinkParts;
  #connection: RdpConnection | undefined;
  #over = false;
  #paused = false;
  #suppressed = false;
  /** Whether the desktop was there once. */
  #wasActive = false;
  /** When the desktop was there, while it is. */
  #upSince: number | undefined;
  /** To bring the connection back, since it last stayed for a while. */
  #attempts = 0;
  #timer: NodeJS.Timeout | undefined;
  #secret: AutoReconnectSecret | undefined;
  /** What they changed holds as long as the session does, since a lost connection is to come back there; but for what is good once. */
  readonly #redirections = new Redirections();
  /** Whether the redirection has led to a desktop. */
  #arrived = false;
  /** Updates that were handed over, over all connections; and those before the present one. */
  #updates = 0;
  #updatesBefore = 0;
  #size: { readonly width: number; readonly height: number } | undefined;

  constructor(options: DriverOptions, events: DriverEvents, parts: LinkParts) {
    const { credentials, ...rest } = options;
    this.#options = { ...rest, credentials: NOBODY };
    this.#events = events;
    this.#parts = parts;
    this.#open(credentials);
  }

  input(events: readonly InputEvent[]): void {
    this.#connection?.input(events);
  }

  pause(): void {
    this.#paused = true;
    this.#connection?.pause();
  }

  resume(): void {
    this.#paused = false;
    this.#connection?.resume();
  }

  drawn(updates: number, behindBytes: number): void {
    this.#connection?.drawn(updates - this.#updatesBefore, behindBytes);
  }

  unwatched(): void {
    this.#connection?.unwatched();
  }

  refresh(): void {
    this.#connection?.refresh();
  }

  suppressOutput(suppress: boolean): void {
    if (suppress === this.#suppressed) return;
    this.#suppressed = suppress;
    this.#connection?.suppressOutput(suppress);
  }

  resize(width: number, height: number): void {
    this.#size = { width, height };
    this.#connection?.resize(width, height);
  }

  clipboard(action: ClipboardAction): void {
    this.#connection?.clipboard(action);
  }

  close(): void {
    this.#over = true;
    clearTimeout(this.#timer);
    this.#secret = undefined;
    this.#connection?.close();
    this.#connection = undefined;
  }

  #open(credentials: Credentials): void {
    const { host, port, trustCertificate, security } = this.#options;
    const redirections = this.#redirections;
    const destination = redirections.host ?? host;
    const comesBack = this.#wasActive && (!redirections.any || this.#arrived);
    const config: ClientConfig = {
      ...this.#parts.config(credentials),
      ...redirections.changes,
      host: destination,
      ...this.#size,
      ...(comesBack && this.#secret !== undefined && { autoReconnect: this.#secret }),
    };
    credentials.password.wipe();
    this.#updatesBefore = this.#updates;
    // Made before its events come: a connection that fails at once must not find the one before.
    this.#connection = this.#parts.open(
      this.#parts.client(config),
      {
        host: destination,
        port,
        trust: (certificate) => redirections.vouchesFor(certificate) || trustCertificate(certificate),
        ...(security !== undefined && { minimumTls: security.minimumTls, verifyChain: security.verifyChain }),
      },
      this.#connectionEvents(),
    );
    if (this.#paused) this.#connection.pause();
  }

  #connectionEvents(): RdpConnectionEvents {
    const events = this.#events;
    return {
      // While the user waits for the desktop to come back, the steps of it say nothing more.
      phase: (phase) => {
        if (!this.#wasActive) events.phase(phase);
      },
      connected: () => this.#connected(),
      graphics: (update) => {
        this.#updates++;
        events.graphics(update);
      },
      settled: () => events.settled(),
      bytes: (count) => events.bytes(count),
      lockKeys: (lockKeys) => events.lockKeys(lockKeys),
      clipboard: (output) => events.clipboard?.(output),
      notice: (notice) => events.notice(notice),
      textLost: () => events.notice(TEXT_LOST),
      autoReconnect: (secret) => {
        this.#secret = secret;
      },
      redirected: (redirection) => this.#redirected(redirection),
      ended: (end) => this.#ended(end),
    };
  }

  #connected(): void {
    const again = this.#wasActive;
    this.#wasActive = true;
    this.#arrived = true;
    const security = this.#connection?.security;
    if (security !== undefined) this.#events.secured?.(security);
    this.#upSince = performance.now();
    if (!again) this.#events.connected();
    else this.#events.phase('connected');
    if (this.#suppressed) this.#connection?.suppressOutput(true);
  }

  #redirected(redirection: Redirection): void {
    this.#wentDown();
    if (!this.#redirections.follow(redirection)) {
      this.#close(endOf('protocol_error', `redirected ${this.#redirections.inARow} times`));
      return;
    }
    this.#arrived = false;
    this.#reopen();
  }

  #ended(end: ConnectionEnd): void {
    if (this.#over) return;
    if (this.#triesNextHost(end)) return;
    const wasUp = this.#wentDown();
    const isPassing = PASSING.has(end.code) || end.silent === true;
    const isLost = this.#wasActive && (wasUp ? end.code === 'connection_lost' : isPassing);
    if (!isLost || this.#options.readCredentials === undefined) {
      this.#close(end);
      return;
    }
    const delay = (this.#parts.delays ?? RECONNECT_DELAYS_MS)[this.#attempts];
    if (delay === undefined) {
      this.#close(endOf('connection_lost', `not back after ${this.#attempts} attempts: ${end.detail}`));
      return;
    }
    this.#attempts++;
    this.#connection = undefined;
    // Its way does not lead back there: the cookie would come to a broker that has not given it.
    if (this.#redirections.forgetPassing()) this.#secret = undefined;
    this.#events.phase('reconnecting');
    this.#timer = startTimer(() => this.#reopen(), delay);
  }

  /** Whether the desktop was there. One that stayed for a while starts the counting anew; one that did not is no success. */
  #wentDown(): boolean {
    const since = this.#upSince;
    this.#upSince = undefined;
    if (since !== undefined && performance.now() - since > SETTLED_MS) {
      this.#attempts = 0;
      this.#redirections.settled();
    }
    return since !== undefined;
  }

  #triesNextHost(end: ConnectionEnd): boolean {
    if (this.#arrived || !UNREACHED.has(end.code) || !this.#redirections.nextHost()) return false;
    this.#reopen();
    return true;
  }

  #reopen(): void {
    this.#connection = undefined;
    const read = this.#options.readCredentials;
    if (read === undefined) {
      this.#close(endOf('internal_error', 'no credentials for another connection'));
      return;
    }
    read().then(
      (credentials) => {
        if (this.#over) credentials.password.wipe();
        else this.#open(credentials);
      },
      (error: unknown) => {
        const { code } = error as { code?: unknown };
        if (typeof code === 'string' && isErrorCode(code))
          this.#close(endOf(code, 'credentials for another connection'));
        else this.#close(describeFailure(error, 'tcp'));
      },
    );
  }

  #close(end: ConnectionEnd): void {
    if (this.#over) return;
    this.close();
    this.#events.closed(end.code, end.detail, end);
  }
}

/** A connection that has stayed for so long is there; one that is gone sooner counts as a failed attempt. */
const SETTLED_MS = 30_000;

const TEXT_LOST = {
  code: 'text_not_typed',
  message:
    'Some of what you typed has no key on the keyboard layout of this session, and the remote desktop takes nothing else.',
};

const NOBODY: Credentials = { username: '', domain: '', password: new Secret('') };

/** The host was not there at all. */
const UNREACHED: ReadonlySet<ErrorCode> = new Set(['target_unresolved', 'target_refused', 'target_timeout']);

/** What a server that is just starting, or a network that is just coming back, may look like. */
const PASSING: ReadonlySet<ErrorCode> = new Set([...UNREACHED, 'connection_lost', 'target_not_rdp', 'tls_failed']);
