import type { ClipboardAction } from '../channels/cliprdr/clipboard-channel.ts';
import type { SentGfxPdu } from '../channels/rdpgfx/server-graphics.ts';
import { ServerAcceptor } from '../connector/server-acceptor.ts';
import { agreeShare, demandActive } from '../connector/server-capabilities.ts';
import { takesErrorInfo } from '../connector/server-settings.ts';
import type { AcceptedConnection, AcceptorOutput, RefusalReason, ServerConfig } from '../connector/server-types.ts';
import type { CryptoProvider } from '../core/crypto.ts';
import { DecodeError, UnsupportedError } from '../core/errors.ts';
import type { Heartbeat } from '../pdu/heartbeat.ts';
import type { ServerRedirection } from '../pdu/server-redirection.ts';
import type { TlsPeer } from '../security/certificate.ts';
import { FrameReader } from './frame-reader.ts';
import { type ServerActiveOutput, ServerActiveStage } from './server-active-stage.ts';

export type ServerOutput =
  | ServerActiveOutput
  /** Send what is queued, start TLS as its server, then call `tlsEstablished`. */
  | { readonly kind: 'start-tls' }
  /** The client is in and its desktop may be drawn. Input that came with it follows. */
  | { readonly kind: 'connected'; readonly connection: AcceptedConnection }
  /** The client was not let in; nothing comes after this. Close the transport once everything is sent. */
  | { readonly kind: 'refused'; readonly reason: RefusalReason; readonly error?: Error };

/**
 * An RDP server for one client, without a socket: the mirror image of `RdpClient`. Feed it what the client sends, carry
 * out what comes back, in order.
 *
 * `receive` throws `DecodeError` when the client breaks the protocol. That is the end, as are `closed` and `refused`:
 * from then on every method returns nothing.
 */
export class RdpServer {
  #state: State;
  readonly #compressesGraphics: boolean;

  constructor(config: ServerConfig, crypto: CryptoProvider) {
    this.#compressesGraphics = config.compressesGraphics ?? true;
    this.#state = { name: 'accepting', acceptor: new ServerAcceptor(config, crypto) };
  }

  /** Whether updates may be sent: the client is in, and no reactivation is under way. */
  get active(): boolean {
    return this.#state.name === 'active' && this.#state.stage.active;
  }

  /** What was agreed; once the client is in. */
  get connection(): AcceptedConnection | undefined {
    return this.#state.name === 'active' ? this.#state.connection : undefined;
  }

  /** @param now milliseconds since the epoch; here and below */
  receive(bytes: Uint8Array, now: number): ServerOutput[] {
    return this.#guard((state, out) => {
      if (state.name === 'accepting') this.#acceptor(state.acceptor.receive(bytes, now), now, out);
      else if (state.name === 'active') this.#active(state, bytes, now, out);
    });
  }

  /** @param own this server's certificate, as the client sees it */
  tlsEstablished(own: TlsPeer, now: number): ServerOutput[] {
    return this.#guard((state, out) => {
      if (state.name === 'accepting') this.#acceptor(state.acceptor.tlsEstablished(own, now), now, out);
    });
  }

  /**
   * Sends one update. Nothing while no client is in.
   * @throws UsageError if it is larger than the client takes, or during a reactivation (see `active`)
   */
  update(code: number, data: Uint8Array): ServerOutput[] {
    return this.#state.name === 'active' ? this.#sealed(this.#state.stage.update(code, data)) : [];
  }

  /** Opens the graphics pipeline; `graphics-ready` or `graphics-refused` follows. Nothing without `drdynvc`. */
  openGraphics(): ServerOutput[] {
    return this.#state.name === 'active' ? this.#sealed(this.#state.stage.openGraphics()) : [];
  }

  /** Sends messages of the graphics pipeline; nothing while it is not open. */
  graphics(pdus: readonly SentGfxPdu[]): ServerOutput[] {
    return this.#state.name === 'active' ? this.#sealed(this.#state.stage.graphics(pdus)) : [];
  }

  /** Begins with the clipboard; `clipboard-ready` follows. Nothing at a client without `cliprdr`. */
  openClipboard(): ServerOutput[] {
    return this.#state.name === 'active' ? this.#sealed(this.#state.stage.openClipboard()) : [];
  }

  /** Says something to the client's clipboard. */
  clipboard(action: ClipboardAction): ServerOutput[] {
    return this.#state.name === 'active' ? this.#sealed(this.#state.stage.clipboard(action)) : [];
  }

  /** Gives the desktop a new size; `activated` says when it may be drawn again. */
  resize(width: number, height: number): ServerOutput[] {
    return this.#guard((state, out) => {
      if (state.name === 'active') out.push(...state.stage.resize(width, height));
    });
  }

  /**
   * Time has passed: gives up on answers of network detection that do not come. Call it now and then where
   * `ServerConfig.autoDetect` is set, while the client connects above all.
   */
  tick(now: number): ServerOutput[] {
    return this.#guard((state, out) => {
      if (state.name === 'accepting') this.#acceptor(state.acceptor.tick(now), now, out);
      else if (state.name === 'active') state.connection.messageChannel?.detection.expire(now);
    });
  }

  /** Asks for an answer to measure the round trip by; `network-measured` follows. Nothing at a client without auto-detection. */
  measureRoundTrip(now: number): ServerOutput[] {
    return this.#message((detection) => detection.requestRoundTrip(now, false));
  }

  /**
   * Begins (`start`) and ends (`stop`) a stretch of the session's ordinary data to measure the bandwidth by;
   * `network-measured` follows the end.
   */
  measureBandwidth(edge: 'start' | 'stop', now: number): ServerOutput[] {
    return this.#message((detection) => (edge === 'start' ? detection.startBandwidth() : detection.stopBandwidth(now)));
  }

  /** Tells the client what was measured so far. */
  reportNetwork(): ServerOutput[] {
    return this.#message((detection) => detection.report());
  }

  /** A sign of life; the first one is a promise of more. */
  heartbeat(heartbeat: Heartbeat): ServerOutput[] {
    return this.#message((detection) => detection.heartbeat(heartbeat));
  }

  /** Says what is wrong with the logon, and what brings the client back after a lost connection: a secret. */
  logonInfo(info: Parameters<ServerActiveStage['logonInfo']>[0]): ServerOutput[] {
    return this.#guard((state, out) => {
      if (state.name === 'active') out.push(...state.stage.logonInfo(info));
    });
  }

  /** Sends the client elsewhere. */
  redirect(packet: ServerRedirection): ServerOutput[] {
    return this.#guard((state, out) => {
      if (state.name === 'active') out.push(...state.stage.redirect(packet), { kind: 'closed' });
    });
  }

  /** Ends the connection. @param errorInfo what to tell the client, one of `ErrorInfo` */
  disconnect(errorInfo?: number): ServerOutput[] {
    return this.#guard((state, out) => {
      if (state.name === 'active') out.push(...state.stage.disconnect(errorInfo));
      else if (state.name === 'accepting') out.push({ kind: 'closed' });
    });
  }

  #message(write: Parameters<ServerActiveStage['message']>[0]): ServerOutput[] {
    return this.#state.name === 'active' ? this.#sealed(this.#state.stage.message(write)) : [];
  }

  #acceptor(outputs: readonly AcceptorOutput[], now: number, out: ServerOutput[]): void {
    for (const output of outputs) {
      if (output.kind !== 'connected') out.push(output);
      else this.#connected(output.result, now, out);
    }
  }

  #connected(connection: AcceptedConnection, now: number, out: ServerOutput[]): void {
    const { userId, ioChannelId, share, channels, messageChannel, clientData } = connection;
    const { colorDepth } = share;
    const stage = new ServerActiveStage({
      userId,
      ioChannelId,
      share,
      channels,
      compressesGraphics: this.#compressesGraphics,
      errorInfo: takesErrorInfo(clientData),
      ...(messageChannel !== undefined && { messageChannel }),
      demand: (shareId, width, height) => demandActive(shareId, width, height, colorDepth),
      agree: (confirm, size) => agreeShare(confirm, { ...size, colorDepth }).share,
    });
    const state: ActiveState = { name: 'active', stage, connection, frames: new FrameReader() };
    this.#state = state;
    const { security } = connection;
    const active: ServerOutput[] = [...stage.start(), { kind: 'connected', connection }];
    if (security === undefined) {
      this.#active(state, connection.pending, now, active);
    } else {
      new FrameReader().push(connection.pending, (frame) => this.#frame(state, frame, now, active));
      if (!isLast(active.at(-1))) this.#active(state, security.sealed, now, active);
    }
    // The acceptor has sealed its own.
    out.push(...this.#sealed(active));
  }

  #sealed(outputs: readonly ServerOutput[]): ServerOutput[] {
    const frames = this.#state.name === 'active' ? this.#state.connection.security?.frames : undefined;
    if (frames === undefined) return [...outputs];
    return outputs.map((output) =>
      output.kind === 'send' ? { kind: 'send', bytes: frames.seal(output.bytes) } : output,
    );
  }

  #active(state: ActiveState, bytes: Uint8Array, now: number, out: ServerOutput[]): void {
    const security = state.connection.security?.frames;
    state.frames.push(bytes, (frame) => this.#frame(state, security?.open(frame) ?? frame, now, out));
  }

  #frame(state: ActiveState, frame: Uint8Array, now: number, out: ServerOutput[]): boolean {
    state.stage.receiveFrame(frame, out, now);
    return !isLast(out.at(-1));
  }

  #guard(run: (state: State, out: ServerOutput[]) => void): ServerOutput[] {
    const out: ServerOutput[] = [];
    const wasActive = this.#state.name === 'active';
    try {
      run(this.#state, out);
    } catch (error) {
      this.#state = CLOSED;
      if (!(error instanceof UnsupportedError)) throw error;
      throw new DecodeError('invalid_value', 'RDP', error.feature, 0, error.message, { cause: error });
    }
    const sealed = wasActive ? this.#sealed(out) : out;
    if (isLast(out.at(-1))) this.#state = CLOSED;
    return sealed;
  }
}

interface ActiveState {
  readonly name: 'active';
  readonly stage: ServerActiveStage;
  readonly connection: AcceptedConnection;
  readonly frames: FrameReader;
}

type State =
  | { readonly name: 'accepting'; readonly acceptor: ServerAcceptor }
  | ActiveState
  | { readonly name: 'closed' };

const CLOSED: State = { name: 'closed' };

function isLast(output: ServerOutput | undefined): boolean {
  return output?.kind === 'closed' || output?.kind === 'refused';
}
