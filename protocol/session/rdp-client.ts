import type { ClipboardAction, ClipboardOutput } from '../channels/cliprdr/clipboard-channel.ts';
import type { FramePace } from '../channels/rdpgfx/graphics-channel.ts';
import { activateShare } from '../connector/client-capabilities.ts';
import { ClientConnector } from '../connector/client-connector.ts';
import type { Redirection } from '../connector/redirection.ts';
import type {
  AutoReconnectSecret,
  ClientConfig,
  ConnectionPhase,
  ConnectionResult,
  ConnectorOutput,
} from '../connector/types.ts';
import { concatBytes } from '../core/bytes.ts';
import type { CryptoProvider } from '../core/crypto.ts';
import { DecodeError, UnsupportedError } from '../core/errors.ts';
import type { GraphicsUpdate } from '../graphics/update.ts';
import type { InputEvent } from '../pdu/input.ts';
import type { LockKeys } from '../pdu/lock-keys.ts';
import type { TlsPeer } from '../security/certificate.ts';
import type { SecuredFrames } from '../security/secured-frames.ts';
import { ClientActiveStage, type SkippedCounts } from './client-active-stage.ts';
import type { CloseReason } from './close-reason.ts';
import { FrameReader } from './frame-reader.ts';
import { type LogonNotice, statusNotice } from './logon-notice.ts';

export type ClientOutput =
  /** To be written to the server, in order. `alone`: in a TLS record of its own, with nothing before or behind it. */
  | { readonly kind: 'send'; readonly bytes: Uint8Array; readonly alone?: true }
  /** Send what is queued, start TLS as its client, then call `tlsEstablished`. */
  | { readonly kind: 'start-tls' }
  /** Progress while connecting. The first graphics output says that the session is up. */
  | { readonly kind: 'phase'; readonly phase: ConnectionPhase }
  /** The next update of the one ordered stream. Its data is only good until the next call of any method. */
  | { readonly kind: 'graphics'; readonly update: GraphicsUpdate }
  /** A frame is whole, with what was handed over last; `paceFrames` says when it is acknowledged. */
  | { readonly kind: 'frame-ended' }
  /** The server says that the user is logged on. Not every server does. */
  | { readonly kind: 'logged-on' }
  /** What the user should know of a logon that is not done yet. */
  | { readonly kind: 'logon-notice'; readonly notice: LogonNotice }
  /** What `ClientConfig.autoReconnect` of the client after a lost connection wants. A secret; the last one counts. */
  | { readonly kind: 'auto-reconnect'; readonly secret: AutoReconnectSecret | undefined }
  /** Some of what was typed has no key on the keyboard layout, and the server takes nothing but keys. Told once. */
  | { readonly kind: 'text-lost' }
  /** The toggle keys as the server has them. */
  | { readonly kind: 'lock-keys'; readonly lockKeys: LockKeys }
  /** What happens to the server's clipboard, and what it wants of ours. Its data is only good until the next call. */
  | ClipboardOutput
  /** The session goes on elsewhere; nothing comes after this. Close the transport, make a client with the changes. */
  | { readonly kind: 'redirect'; readonly redirection: Redirection }
  /** The session is over; nothing comes after this. Close the transport once everything is sent. */
  | { readonly kind: 'closed'; readonly reason: CloseReason };

/**
 * An RDP client without a socket: the connection sequence, then the active stage. A driver feeds it what the server
 * sends and carries out what comes back, in order.
 *
 * `receive` and `tlsEstablished` throw `DecodeError` when the server breaks the protocol and `ConnectError` when the
 * connection cannot be made. Either is the end: from then on every method returns nothing.
 */
export class RdpClient {
  #config: ClientConfig;
  #state: State;
  #pace: FramePace | undefined;
  #rest = NOTHING;

  constructor(config: ClientConfig, crypto: CryptoProvider) {
    this.#config = config;
    this.#state = { name: 'connecting', connector: new ClientConnector(config, crypto) };
  }

  /** What was agreed; once the session is up. */
  get connection(): ConnectionResult | undefined {
    return this.#state.name === 'active' ? this.#state.connection : undefined;
  }

  /** What came and was not acted on; once the session is up. */
  get skipped(): Readonly<SkippedCounts> | undefined {
    return this.#state.name === 'active' ? this.#state.stage.skipped : undefined;
  }

  /**
   * Milliseconds of silence after which the server is gone: it promised heartbeats. `undefined` where it did not.
   */
  get silenceLimit(): number | undefined {
    if (this.#state.name !== 'active') return undefined;
    const heartbeat = this.#state.connection.messageChannel?.channel.heartbeat;
    if (heartbeat === undefined) return undefined;
    const { period, missedForWarning, missedAfterWarning } = heartbeat;
    const missed = missedForWarning + missedAfterWarning;
    return period === 0 || missed === 0 ? undefined : (missed + 1) * period * 1000;
  }

  /** The first bytes, once the TCP connection is there. */
  start(): ClientOutput[] {
    return this.#guard((state, out) => {
      if (state.name === 'connecting') this.#connector(state.connector.start(), 0, out);
    });
  }

  /** @param now milliseconds since the epoch; here and below */
  receive(bytes: Uint8Array, now: number): ClientOutput[] {
    return this.#guard((state, out) => {
      if (state.name === 'connecting') this.#connector(state.connector.receive(bytes, now), now, out);
      else if (state.name === 'active') {
        state.stage.reclaim();
        const { rest } = this;
        this.#rest = NOTHING;
        this.#active(state, rest.length === 0 ? bytes : concatBytes(rest, bytes), now, out);
      }
    });
  }

  /**
   * What was received and is left for another turn, for drawing what was handed over takes so long. `receive` goes on with it, whether more has come
   * or not.
   */
  get rest(): Uint8Array {
    return this.#rest;
  }

  tlsEstablished(peer: TlsPeer, now: number): ClientOutput[] {
    return this.#guard((state, out) => {
      if (state.name === 'connecting') this.#connector(state.connector.tlsEstablished(peer, now), now, out);
    });
  }

  /**
   * Says that the transport is gone, whoever closed it: the session ends, with a reason. While connecting, that is a
   * `ConnectError` thrown.
   */
  transportClosed(): ClientOutput[] {
    return this.#guard((state, out) => {
      if (state.name === 'connecting') throw state.connector.explainClose();
      if (state.name === 'active') out.push({ kind: 'closed', reason: state.stage.transportClosed() });
    });
  }

  /** Sends input, as few PDUs as hold it. Dropped while the server changes the desktop's size. */
  input(events: readonly InputEvent[]): ClientOutput[] {
    return this.#guard((state, out) => {
      if (state.name === 'active') out.push(...state.stage.input(events));
    });
  }

  /** Has the server draw the whole desktop again. */
  refresh(): ClientOutput[] {
    return this.#guard((state, out) => {
      if (state.name === 'active') out.push(...state.stage.refresh());
    });
  }

  /** Asks for a sign of life: one pixel, drawn again. Nothing at a server that draws nothing on demand. */
  probe(): ClientOutput[] {
    return this.#guard((state, out) => {
      if (state.name === 'active') out.push(...state.stage.probe());
    });
  }

  /** Tells the server that nobody looks at the desktop, or that somebody does again. */
  suppressOutput(suppress: boolean): ClientOutput[] {
    return this.#guard((state, out) => {
      if (state.name === 'active') out.push(...state.stage.suppressOutput(suppress));
    });
  }

  /** When drawn frames are acknowledged: see `FramePace`. At once unless told otherwise, in time or before the session is up. */
  paceFrames(pace: FramePace): ClientOutput[] {
    this.#pace = pace;
    return this.#guard((state, out) => {
      if (state.name === 'active') out.push(...state.stage.paceFrames(pace));
    });
  }

  /** Acknowledges the oldest frames that are held. @param queueDepth bytes that wait to be decoded, if somebody knows */
  acknowledgeFrames(count: number, queueDepth?: number): ClientOutput[] {
    return this.#guard((state, out) => {
      if (state.name === 'active') out.push(...state.stage.acknowledgeFrames(count, queueDepth));
    });
  }

  /**
   * Asks for a desktop of this size. A new size comes as `desktopReset` among the graphics; a server that has no Display
   * Control, or does not want to, leaves the desktop as it is.
   */
  resize(width: number, height: number): ClientOutput[] {
    return this.#guard((state, out) => {
      if (state.name === 'active') out.push(...state.stage.resize(width, height));
    });
  }

  /** Says something to the server's clipboard; nothing before the session is up, or where the server has none. */
  clipboard(action: ClipboardAction): ClientOutput[] {
    return this.#guard((state, out) => {
      if (state.name === 'active') out.push(...state.stage.clipboard(action));
    });
  }

  /** Leaves the session, in whatever state it is. The desktop on the server goes on. */
  shutdown(): ClientOutput[] {
    return this.#guard((state, out) => {
      if (state.name === 'active') out.push(...state.stage.shutdown());
      else if (state.name === 'connecting') {
        out.push({ kind: 'closed', reason: { code: 'ended_by_user', message: 'You ended the session.' } });
      }
    });
  }

  #connector(outputs: readonly ConnectorOutput[], now: number, out: ClientOutput[]): void {
    for (const output of outputs) {
      if (output.kind === 'connected') this.#connected(output.result, now, out);
      else if (output.kind === 'status') this.#status(output.statusCode, out);
      else out.push(output);
    }
  }

  #status(statusCode: number, out: ClientOutput[]): void {
    const notice = statusNotice(statusCode);
    if (notice !== undefined) out.push({ kind: 'logon-notice', notice });
  }

  #connected(connection: ConnectionResult, now: number, out: ClientOutput[]): void {
    const { userId, ioChannelId, share, channels, messageChannel, errorInfo } = connection;
    const stage = new ClientActiveStage({
      userId,
      ioChannelId,
      share,
      channels,
      keyboardLayout: this.#config.keyboardLayout,
      ...(messageChannel !== undefined && { messageChannel }),
      ...(errorInfo !== undefined && { errorInfo }),
      activate: (demand) => activateShare(demand, this.#config),
    });
    const state: ActiveState = { name: 'active', stage, connection, frames: new FrameReader() };
    this.#state = state;
    // What logged us on is not needed again: from here on nothing in memory holds it for us.
    const { redirected: _redirected, autoReconnect: _autoReconnect, ...config } = this.#config;
    this.#config = { ...config, username: '', domain: '', password: '' };
    out.push(...stage.start());
    if (this.#pace !== undefined) out.push(...stage.paceFrames(this.#pace));
    const { security } = connection;
    if (security === undefined) {
      this.#active(state, connection.pending, now, out);
      return;
    }
    const active: ClientOutput[] = [];
    new FrameReader().push(connection.pending, (frame) => {
      stage.receiveFrame(frame, active, now);
      return !isLast(active.at(-1));
    });
    this.#active(state, security.sealed, now, active);
    // The connector has sealed its own.
    out.push(...active.map((output) => sealed(output, security.frames)));
  }

  #active(state: ActiveState, bytes: Uint8Array, now: number, out: ClientOutput[]): void {
    if (isLast(out.at(-1))) return;
    const { stage, connection, frames } = state;
    const security = connection.security?.frames;
    const taken =
      security === undefined
        ? frames.push(bytes, (frame) => this.#frame(state, frame, now, out), stage.goOn)
        : frames.push(bytes, (frame) => this.#frame(state, security.open(frame), now, out));
    if (taken < bytes.length) this.#rest = bytes.slice(taken);
  }

  #frame({ stage }: ActiveState, frame: Uint8Array, now: number, out: ClientOutput[]): boolean {
    stage.receiveFrame(frame, out, now);
    return !isLast(out.at(-1)) && !stage.isSated;
  }

  /** One way out for all: after a `closed` output or an error nothing happens any more. */
  #guard(run: (state: State, out: ClientOutput[]) => void): ClientOutput[] {
    const out: ClientOutput[] = [];
    const security = this.#state.name === 'active' ? this.#state.connection.security?.frames : undefined;
    try {
      run(this.#state, out);
    } catch (error) {
      this.#state = CLOSED;
      if (!(error instanceof UnsupportedError)) throw error;
      // What we did not offer, the server may not use.
      throw new DecodeError('invalid_value', 'RDP', error.feature, 0, error.message, { cause: error });
    }
    if (isLast(out.at(-1))) this.#state = CLOSED;
    return security === undefined ? out : out.map((output) => sealed(output, security));
  }
}

const NOTHING = new Uint8Array(0);

function isLast(output: ClientOutput | undefined): boolean {
  return output?.kind === 'closed' || output?.kind === 'redirect';
}

function sealed(output: ClientOutput, security: SecuredFrames): ClientOutput {
  return output.kind === 'send' ? { kind: 'send', bytes: security.seal(output.bytes) } : output;
}

interface ActiveState {
  readonly name: 'active';
  readonly stage: ClientActiveStage;
  readonly connection: ConnectionResult;
  readonly frames: FrameReader;
}

type State =
  | { readonly name: 'connecting'; readonly connector: ClientConnector }
  | ActiveState
  | { readonly name: 'closed' };

const CLOSED: State = { name: 'closed' };
