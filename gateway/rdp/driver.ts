import { connect, type Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { ClipboardAction } from '#protocol/channels/cliprdr/clipboard-channel.ts';
import type { Redirection } from '#protocol/connector/redirection.ts';
import type { ConnectionPhase } from '#protocol/connector/types.ts';
import { UsageError } from '#protocol/core/errors.ts';
import type { InputEvent } from '#protocol/pdu/input.ts';
import type { CloseReason } from '#protocol/session/close-reason.ts';
import type { ClientOutput } from '#protocol/session/rdp-client.ts';
import { SocketGarbage } from '../socket-garbage.ts';
import type { ProtocolClient, RdpConnectionEvents, RdpConnectionOptions, TrustAnswer } from './connection-contract.ts';
import { type ConnectionEnd, closedEnd, describeFailure, endOf, type Stage, timeoutEnd } from './failures.ts';
import { type ConnectionSecurity, protocolNameOf } from './security.ts';
import { ServerPace } from './server-pace.ts';
import { SilenceWatch } from './silence-watch.ts';
import {
  describeTls,
  isAtLeast,
  peerCertificate,
  type ServerCertificate,
  type TlsVersion,
  upgradeToTls,
} from './tls-peer.ts';

/** Of all connections of this process. */
const GARBAGE = new SocketGarbage();

/**
 * One connection to an RDP server: owns the socket, moves bytes between it and the sans-IO client, upgrades to TLS,
 * and turns every way to fail into a code of docs/errors.md.
 *
 * INVARIANT: it never holds a password. The client has it, and is let go of with the connection.
 */
export class RdpConnection {
  readonly #options: RdpConnectionOptions;
  readonly #events: RdpConnectionEvents;
  #client: ProtocolClient | undefined;
  readonly #socket: Socket;
  #stream: Socket | TLSSocket;
  #stage: Stage = 'tcp';
  #over = false;
  /** Our caller has had enough for now. */
  #paused = false;
  readonly #pace: ServerPace;
  /** Updates were handed over, and the viewer was not told that these are all; it will be at the end of this turn. */
  #handedOver = false;
  #settling = false;
  #goingOn = false;
  /** When something was last read, by the wall clock. */
  #receivedAt = 0;
  #outgoing: Uint8Array[] = [];
  #flushing = false;
  #timer: NodeJS.Timeout | undefined;
  #silence: SilenceWatch | undefined;
  /** The server was told that nobody looks. */
  #suppressed = false;
  #lastError: unknown;
  #secured: Omit<ConnectionSecurity, 'protocol' | 'credSsp'> | undefined;

  constructor(client: ProtocolClient, options: RdpConnectionOptions, events: RdpConnectionEvents) {
    this.#client = client;
    this.#options = options;
    this.#events = events;
    this.#pace = new ServerPace(options.pace, {
      acknowledge: (count, depth) => this.#run((to) => to.acknowledgeFrames?.(count, depth) ?? []),
      pause: (paused) => {
        if (paused) this.#stream.pause();
        else if (!this.#paused) this.#goOn();
      },
    });
    const timeout = options.connectTimeoutMs ?? CONNECT_TIMEOUT_MS;
    this.#armTimer(timeout);
    this.#socket = connect({
      host: options.host,
      port: options.port,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: KEEP_ALIVE_MS,
      autoSelectFamilyAttemptTimeout: FAMILY_TIMEOUT_MS,
      ...(options.lookup !== undefined && { lookup: options.lookup }),
    });
    this.#stream = this.#socket;
    this.#listen(this.#socket);
    this.#socket.once('connect', () => {
      if (this.#over) return;
      this.#stage = 'negotiation';
      this.#answerExpected();
      this.#run((client) => [...(client.paceFrames?.({ kind: 'hold' }) ?? []), ...client.start()]);
    });
  }

  /** How far the connection has come. */
  get stage(): Stage {
    return this.#stage;
  }

  /** What was negotiated; once the desktop is there. */
  get security(): ConnectionSecurity | undefined {
    const connection = this.#client?.connection;
    if (connection === undefined) return undefined;
    const { protocol, credSspVersion = null } = connection;
    return {
      protocol: protocolNameOf(protocol),
      credSsp: credSspVersion,
      ...(this.#secured ?? { tls: null, cipher: null, certificate: null }),
    };
  }

  /** Sends what the user did. Goes nowhere while the desktop is not there. */
  input(events: readonly InputEvent[]): void {
    if (this.#stage !== 'active') return;
    this.#run((client) => client.input(events));
    this.#pace.input();
  }

  /** Asks the server to paint everything again. */
  refresh(): void {
    if (this.#stage === 'active') this.#run((client) => client.refresh());
  }

  /** Tells the server that nobody looks, or that somebody does again. */
  suppressOutput(suppress: boolean): void {
    this.#suppressed = suppress;
    if (this.#stage === 'active') this.#run((client) => client.suppressOutput?.(suppress) ?? []);
  }

  /** Asks for a desktop of this size; a server that cannot do that lets it be. */
  resize(width: number, height: number): void {
    if (this.#stage === 'active') this.#run((client) => client.resize?.(width, height) ?? []);
  }

  /** Says something to the desktop's clipboard; nothing where it has none. */
  clipboard(action: ClipboardAction): void {
    if (this.#stage === 'active') this.#run((client) => client.clipboard?.(action) ?? []);
  }

  /** Stops reading until `resume`: TCP then slows the server down. */
  pause(): void {
    this.#paused = true;
    this.#stream.pause();
  }

  resume(): void {
    this.#paused = false;
    if (!this.#pace.exceeded) this.#goOn();
  }

  /**
   * The viewer has drawn so many of the updates that this connection handed over. From the first report on the server
   * is kept from getting far ahead of it.
   * @param behindBytes what the viewer was sent and has not drawn
   */
  drawn(updates: number, behindBytes: number): void {
    if (this.#stage === 'active') this.#pace.drawn(updates, behindBytes);
  }

  /** The viewer has stopped to look, and so to report: it is not waited for any more. */
  unwatched(): void {
    if (this.#stage === 'active') this.#pace.unwatched();
  }

  /** Leaves the server in good form, and closes. Nothing is called back afterwards. */
  close(): void {
    if (this.#over) return;
    this.#over = true;
    if (this.#stage === 'active') {
      try {
        for (const output of this.#client?.shutdown() ?? []) if (output.kind === 'send') this.#send(output.bytes);
      } catch {
        // It is over anyway: a desktop that cannot be told goodbye is just left.
      }
    }
    this.#leave();
  }

  /** Runs one step of the client and does what it says. The client's errors end the connection, as do our caller's. */
  #run(step: (client: ProtocolClient) => readonly ClientOutput[]): void {
    if (this.#over || this.#client === undefined) return;
    let outputs: readonly ClientOutput[];
    try {
      outputs = step(this.#client);
    } catch (error) {
      this.#end(describeFailure(error, this.#stage));
      return;
    }
    try {
      for (const output of outputs) {
        if (this.#over) return;
        this.#do(output);
      }
    } catch (error) {
      this.#end(describeFailure(error, this.#stage));
    }
  }

  #do(output: ClientOutput): void {
    switch (output.kind) {
      case 'send':
        if (output.alone === true) this.#flush();
        this.#send(output.bytes);
        if (output.alone === true) this.#flush();
        break;
      case 'start-tls':
        this.#startTls();
        break;
      case 'phase':
        this.#stage = STAGE_OF_PHASE[output.phase];
        this.#events.phase(output.phase);
        break;
      case 'graphics':
        // The stream begins with the desktop's size, as soon as the connection sequence is over.
        if (this.#stage !== 'active') this.#active();
        this.#handedOver = true;
        this.#pace.handedOver(output.update);
        this.#events.graphics(output.update);
        break;
      case 'frame-ended':
        this.#pace.frameEnded();
        break;
      case 'logged-on':
        this.#events.loggedOn?.();
        break;
      case 'lock-keys':
        this.#events.lockKeys?.(output.lockKeys);
        break;
      case 'logon-notice':
        // A broker says that a computer is being started, and then nothing until it is there.
        if (this.#stage !== 'active') this.#armTimer(BROKER_TIMEOUT_MS);
        this.#events.notice?.(output.notice);
        break;
      case 'text-lost':
        this.#events.textLost?.();
        break;
      case 'auto-reconnect':
        this.#events.autoReconnect?.(output.secret);
        break;
      case 'redirect':
        this.#redirect(output.redirection);
        break;
      case 'closed':
        this.#end(endOfReason(output.reason));
        break;
      default:
        this.#events.clipboard?.(output);
    }
  }

  #redirect(redirection: Redirection): void {
    if (this.#events.redirected === undefined) {
      this.#end(endOf('disconnected_by_server', 'the server redirects the connection to another one'));
      return;
    }
    this.#over = true;
    this.#leave();
    this.#events.redirected(redirection);
  }

  #active(): void {
    this.#stage = 'active';
    clearTimeout(this.#timer);
    this.#events.connected();
    if (this.#over) return;
    this.#silence = new SilenceWatch(this.#options.liveness, {
      limit: () => this.#client?.silenceLimit,
      isDeaf: () => this.#paused || this.#pace.exceeded,
      mayAsk: () => !this.#suppressed,
      ask: () => this.#run((client) => client.probe?.() ?? []),
      lost: (detail) => this.#end(endOf('connection_lost', detail)),
    });
  }

  /** Everything that is to be sent in one turn of the event loop goes out in one write, and so in one TLS record. */
  #send(bytes: Uint8Array): void {
    this.#outgoing.push(bytes);
    if (this.#flushing) return;
    this.#flushing = true;
    process.nextTick(() => this.#flush());
  }

  #flush(): void {
    this.#flushing = false;
    const parts = this.#outgoing;
    this.#outgoing = [];
    const [first] = parts;
    if (first === undefined || !this.#stream.writable) return;
    this.#stream.write(parts.length === 1 ? first : Buffer.concat(parts));
    if (this.#stream.writableLength > MAX_UNSENT_BYTES) {
      this.#end(endOf('connection_lost', `the server leaves ${this.#stream.writableLength} bytes unread`));
    }
  }

  #startTls(): void {
    if (this.#stream !== this.#socket) throw new UsageError('TLS within TLS');
    this.#flush();
    this.#stage = 'tls';
    this.#unlisten(this.#socket);
    const { host, verifyChain = false } = this.#options;
    const secure = upgradeToTls(this.#socket, host, { verifyChain });
    this.#stream = secure;
    this.#listen(secure);
    // INVARIANT: no byte of the client's is written before the certificate is trusted.
    secure.once('secureConnect', () => {
      this.#checkTrust(secure).catch((error: unknown) => this.#end(describeFailure(error, this.#stage)));
    });
  }

  async #checkTrust(secure: TLSSocket): Promise<void> {
    if (this.#over) return;
    const { host, minimumTls = DEFAULT_MINIMUM_TLS, verifyChain = false } = this.#options;
    const certificate = peerCertificate(secure, host, { verifyChain });
    if (certificate === undefined) {
      this.#end(endOf('tls_failed', 'the server sent no certificate'));
      return;
    }
    const tls = describeTls(secure);
    if (!isAtLeast(tls.version, minimumTls)) {
      this.#end(endOf('tls_too_old', `the server negotiated TLS ${tls.version}, the target asks for ${minimumTls}`));
      return;
    }
    clearTimeout(this.#timer);
    const answer = await this.#options.trust(certificate);
    if (this.#over) return;
    const refusal = refusalOf(answer, certificate);
    if (refusal !== undefined) {
      this.#end(refusal);
      return;
    }
    this.#answerExpected();
    this.#secured = { tls: tls.version, cipher: tls.cipher, certificate: certificate.fingerprint };
    this.#events.secured?.(tls, certificate);
    this.#run((client) => client.tlsEstablished(certificate.peer, Date.now()));
  }

  #listen(stream: Socket | TLSSocket): void {
    stream.on('data', (chunk: Buffer) => this.#received(chunk));
    stream.on('error', (error) => {
      this.#lastError = error;
    });
    stream.on('close', () => this.#closed());
    if (this.#paused) stream.pause();
  }

  /** TLS takes the socket over: from now on its data and its end are TLS's to tell. */
  #unlisten(socket: Socket): void {
    for (const event of ['data', 'close', 'error']) socket.removeAllListeners(event);
    socket.on('error', (error) => {
      this.#lastError ??= error;
    });
  }

  #received(chunk: Buffer): void {
    GARBAGE.read(chunk.length);
    if (this.#over) return;
    if (this.#stage !== 'active') this.#answerExpected();
    this.#events.bytes(chunk.length);
    this.#read(new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.length));
  }

  #read(chunk: Uint8Array): void {
    const now = Date.now();
    this.#run((client) => client.receive(chunk, now));
    if (this.#hasRest) this.#goOnSoon();
    if (this.#stage !== 'active') return;
    this.#silence?.heard();
    const isAll = chunk.length <= SHORT_READ_BYTES && Math.abs(now - this.#receivedAt) >= QUIET_MS;
    this.#receivedAt = now;
    if (this.#settling || !(this.#handedOver || this.#pace.isDue)) return;
    if (isAll) {
      this.#settle();
      return;
    }
    this.#settling = true;
    setImmediate(() => {
      this.#settling = false;
      this.#settle();
    });
  }

  get #hasRest(): boolean {
    return (this.#client?.rest?.length ?? 0) > 0;
  }

  get #mayRead(): boolean {
    return !this.#over && !this.#paused && !this.#pace.exceeded;
  }

  /** Reads again, first what was left of the last time. */
  #goOn(): void {
    if (this.#hasRest) this.#goOnSoon();
    else this.#stream.resume();
  }

  /** What is left gives much to do: others have their turn before it, and it waits where its server may not give more yet. */
  #goOnSoon(): void {
    this.#stream.pause();
    if (this.#goingOn) return;
    this.#goingOn = true;
    setImmediate(() => {
      this.#goingOn = false;
      if (this.#over) return;
      this.#settle();
      if (this.#mayRead) this.#read(NOTHING);
      if (this.#mayRead && !this.#hasRest) this.#stream.resume();
    });
  }

  /** Acknowledgements come after the pictures that came with them have gone to the viewer, in the same turn of the event loop. */
  #settle(): void {
    if (this.#over) return;
    if (this.#handedOver) this.#events.settled?.();
    this.#handedOver = false;
    if (this.#pace.isDue) this.#pace.keep();
  }

  /** The stream is gone. What the server said before counts most, then the error, then how far we had come. */
  #closed(): void {
    if (this.#over) return;
    const error = this.#lastError;
    const described = error === undefined ? undefined : describeFailure(error, this.#stage);
    if (this.#stage === 'tcp' || this.#stage === 'tls') {
      this.#end(described ?? closedEnd(this.#stage, 'the server closed the connection'));
      return;
    }
    this.#run((client) => client.transportClosed());
    if (this.#over) return;
    this.#end(described ?? closedEnd(this.#stage, 'the server closed the connection'));
  }

  #answerExpected(): void {
    this.#armTimer(this.#options.answerTimeoutMs ?? ANSWER_TIMEOUT_MS);
  }

  #armTimer(milliseconds: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#end(timeoutEnd(this.#stage, milliseconds)), milliseconds);
  }

  #end(end: ConnectionEnd): void {
    if (this.#over) return;
    this.#over = true;
    this.#leave();
    this.#events.ended(end);
  }

  /** Lets go of the client (and the credentials in it), sends what is left and closes; after a moment by force. */
  #leave(): void {
    clearTimeout(this.#timer);
    this.#silence?.stop();
    this.#pace.stop();
    this.#client = undefined;
    this.#flush();
    const stream = this.#stream;
    const socket = this.#socket;
    if (this.#stage === 'tcp') {
      socket.destroy();
      return;
    }
    stream.removeAllListeners('data');
    // Data that nobody reads would keep the end from being seen.
    stream.resume();
    stream.end();
    const force = setTimeout(() => socket.destroy(), LEAVE_MS);
    force.unref();
    socket.once('close', () => clearTimeout(force));
  }
}

function refusalOf(answer: TrustAnswer, certificate: ServerCertificate): ConnectionEnd | undefined {
  if (answer === true) return undefined;
  if (answer === false) {
    return endOf('certificate_changed', `the certificate's fingerprint is ${certificate.fingerprint}`);
  }
  return answer.trusted ? undefined : endOf(answer.code, answer.problem);
}

/** What every Windows Server from 2012 on speaks, and 2008 R2 with its updates. */
export const DEFAULT_MINIMUM_TLS: TlsVersion = '1.2';

const NOTHING = new Uint8Array(0);

const CONNECT_TIMEOUT_MS = 10_000;
/** A logon that has to reach a far domain controller takes this long at worst. */
const ANSWER_TIMEOUT_MS = 30_000;
/** [MS-RDPBCGR] 3.2.6.1: as long as a connection sequence may take. */
const BROKER_TIMEOUT_MS = 300_000;
/** Before the first of ten probes, one a second, of an idle connection: under the minutes after which firewalls forget. */
const KEEP_ALIVE_MS = 15_000;
const LEAVE_MS = 2_000;
/** For each address of a name, before the next is tried; Node's quarter of a second is too short for far networks. */
const FAMILY_TIMEOUT_MS = 2_000;
/** A letter's picture. What is larger, or follows another so soon, may be a part: TLS hands out a burst record by record. */
const SHORT_READ_BYTES = 8 * 1024;
const QUIET_MS = 20;
/** What a server may leave unread: more than the clipboard has at a time. One that leaves more has stopped reading. */
const MAX_UNSENT_BYTES = 16 * 1_048_576;

/** Where a phase of the connection sequence stands, for what a failure in it means. */
const STAGE_OF_PHASE: Readonly<Record<ConnectionPhase, Stage>> = {
  negotiating: 'negotiation',
  securing: 'tls',
  authenticating: 'nla',
  settings: 'sequence',
  channels: 'sequence',
  licensing: 'sequence',
  capabilities: 'sequence',
  finalizing: 'sequence',
};

/** The server's own reason has words of its own; for all else the table's will do. */
function endOfReason(reason: CloseReason): ConnectionEnd {
  if (reason.errorInfo === undefined) return endOf(reason.code, reason.message);
  const info = `0x${reason.errorInfo.toString(16).padStart(8, '0')}`;
  return endOf(reason.code, `${reason.errorName ?? 'error info'} (${info})`, { message: reason.message });
}
