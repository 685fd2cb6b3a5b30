import type { Socket } from 'node:net';
import { type SecureContext, TLSSocket } from 'node:tls';
import type { ServerShare } from '#protocol/connector/server-types.ts';
import { UpdateCode } from '#protocol/graphics/update.ts';
import { ErrorInfo } from '#protocol/pdu/error-info.ts';
import type { TlsPeer } from '#protocol/security/certificate.ts';
import { RdpServer, type ServerOutput } from '#protocol/session/rdp-server.ts';
import { nodeCrypto } from '../rdp/node-crypto.ts';
import { DemoClipboard } from './clipboard.ts';
import { DemoDesktop } from './desktop.ts';
import { type DemoDepth, encodeDamage } from './encode-damage.ts';
import { PointerUpdates } from './pointers.ts';

export interface DemoSessionSettings {
  readonly credentials: { readonly username: string; readonly password: string };
  readonly nla: 'required' | 'offered' | 'off';
  readonly secureContext: SecureContext;
  readonly peer: TlsPeer;
}

/**
 * One client of the demo server: its socket, its protocol, its desktop.
 *
 * INVARIANT: what waits to be sent is bounded: nothing is drawn or encoded while the socket wants to be drained, and
 * what changes meanwhile is drawn once, later.
 */
export class DemoSession {
  readonly #settings: DemoSessionSettings;
  readonly #server: RdpServer;
  readonly #socket: Socket;
  #stream: Socket;
  readonly #onEnd: (error: unknown) => void;
  #over = false;
  readonly #loginTimer: NodeJS.Timeout;
  #desktop: DemoDesktop | undefined;
  #depth: DemoDepth = 32;
  readonly #pointers = new PointerUpdates();
  readonly #clipboard = new DemoClipboard(
    (action) => this.#run(() => this.#server.clipboard(action)),
    (text) => this.#desktop?.paste(text),
  );
  #suppressed = false;
  /** The rest of the frame that is being sent. */
  #encoding: Iterator<Uint8Array> | undefined;
  #draining = false;
  #timer: NodeJS.Timeout | undefined;
  #lastFrame = 0;

  /** @param onEnd called once, with what went wrong if something did */
  constructor(socket: Socket, settings: DemoSessionSettings, onEnd: (error: unknown) => void) {
    this.#settings = settings;
    this.#socket = socket;
    this.#stream = socket;
    this.#onEnd = onEnd;
    const { username, password } = settings.credentials;
    this.#server = new RdpServer(
      {
        computerName: 'ORIELDEMO',
        ...(settings.nla !== 'off' && {
          nla: { lookup: (user) => (sameName(user, username) ? { password } : undefined) },
        }),
        ...(settings.nla !== 'required' && {
          tls: { authenticate: (logon) => sameName(logon.user, username) && logon.password === password },
        }),
      },
      nodeCrypto,
    );
    this.#loginTimer = setTimeout(
      () => this.#finish(new Error('the client did not connect in time')),
      LOGIN_TIMEOUT_MS,
    );
    this.#listen(socket);
  }

  /** What the client sees; once it is connected. */
  get desktop(): DemoDesktop | undefined {
    return this.#desktop;
  }

  /** Bytes that wait for the client to read. */
  get queuedBytes(): number {
    return this.#stream.writableLength;
  }

  /** Gives the desktop a new size, as a user does in a server's display settings. */
  resize(width: number, height: number): void {
    this.#run(() => this.#server.resize(width, height));
  }

  /** Tells the client that the session is over, and why, and closes. @param errorInfo one of `ErrorInfo` */
  end(errorInfo: number = ErrorInfo.rpcInitiatedDisconnect): void {
    this.#run(() => this.#server.disconnect(errorInfo));
    this.#finish();
  }

  #listen(stream: Socket): void {
    stream.on('data', (chunk: Uint8Array) => this.#run(() => this.#server.receive(chunk, Date.now())));
    stream.on('error', (error) => this.#finish(error));
    stream.on('close', () => this.#finish());
    stream.on('drain', () => {
      this.#draining = false;
      this.#pump();
    });
  }

  #run(step: () => readonly ServerOutput[]): void {
    if (this.#over) return;
    try {
      for (const output of step()) this.#do(output);
    } catch (error) {
      this.#finish(error);
    }
  }

  #do(output: ServerOutput): void {
    switch (output.kind) {
      case 'send':
        if (!this.#stream.write(output.bytes)) this.#draining = true;
        break;
      case 'start-tls':
        this.#startTls();
        break;
      case 'connected':
        clearTimeout(this.#loginTimer);
        this.#show(output.connection.share);
        this.#run(() => this.#server.openClipboard());
        break;
      case 'activated':
        this.#show(output.share);
        break;
      case 'input':
        this.#desktop?.input(output.events);
        this.#pump();
        break;
      case 'refresh':
        this.#desktop?.invalidate();
        this.#pump();
        break;
      case 'suppress':
        this.#suppressed = output.suppressed;
        if (!output.suppressed) this.#desktop?.invalidate();
        this.#pump();
        break;
      case 'closed':
        this.#finish();
        break;
      case 'clipboard-ready':
      case 'clipboard-offered':
      case 'clipboard-wanted':
      case 'clipboard-data':
      case 'clipboard-file-wanted':
      case 'clipboard-file-data':
        this.#clipboard.heard(output);
        this.#pump();
        break;
      case 'refused':
        this.#finish(output.error ?? new Error(`the client was refused: ${output.reason}`));
        break;
    }
  }

  #startTls(): void {
    const socket = this.#socket;
    socket.removeAllListeners('data').removeAllListeners('drain');
    const stream = new TLSSocket(socket, { isServer: true, secureContext: this.#settings.secureContext });
    this.#stream = stream;
    this.#draining = false;
    stream.once('secure', () => this.#run(() => this.#server.tlsEstablished(this.#settings.peer, Date.now())));
    this.#listen(stream);
  }

  /** A desktop of the size that was agreed; its state is kept if only the depth or nothing has changed. */
  #show(share: ServerShare): void {
    this.#depth = share.colorDepth === 15 ? 16 : share.colorDepth;
    this.#pointers.reset();
    this.#encoding = undefined;
    if (this.#desktop?.width === share.width && this.#desktop.height === share.height) this.#desktop.invalidate();
    else this.#desktop = this.#newDesktop(share);
    this.#lastFrame = 0;
    this.#pump();
  }

  #newDesktop({ width, height }: ServerShare): DemoDesktop {
    const desktop = new DemoDesktop(width, height);
    desktop.onCopy = (text, file) => this.#clipboard.copy(text, file);
    desktop.onPaste = () => this.#clipboard.paste();
    return desktop;
  }

  /** Sends what there is to send now, and sees to it that it is called again. */
  #pump(): void {
    clearTimeout(this.#timer);
    const desktop = this.#desktop;
    if (!desktop || this.#over || !this.#server.active) return;
    const now = Date.now();
    const next = desktop.tick(now);
    this.#sendPointer(desktop);
    while (!this.#draining && !this.#over) {
      if (this.#encoding) {
        const step = this.#encoding.next();
        if (step.done) this.#encoding = undefined;
        else this.#update(UpdateCode.bitmap, step.value);
      } else if (desktop.dirty && !this.#suppressed && now - this.#lastFrame >= FRAME_MS) {
        this.#lastFrame = now;
        this.#encoding = encodeDamage(desktop.paint(), this.#depth, (rect) => desktop.read(rect));
      } else {
        break;
      }
    }
    // A client that does not drain is waited for without a timer.
    if (this.#draining || this.#over) return;
    const due = desktop.dirty && !this.#suppressed ? this.#lastFrame + FRAME_MS : next;
    this.#timer = setTimeout(() => this.#pump(), Math.max(1, due - now));
  }

  #sendPointer(desktop: DemoDesktop): void {
    if (this.#draining) return;
    const change = this.#pointers.change(desktop.pointer);
    if (change) this.#update(change.code, change.data);
  }

  #update(code: number, data: Uint8Array): void {
    this.#run(() => this.#server.update(code, data));
  }

  #finish(error?: unknown): void {
    if (this.#over) return;
    this.#over = true;
    clearTimeout(this.#loginTimer);
    clearTimeout(this.#timer);
    this.#encoding = undefined;
    // What is queued, such as why, still goes out; a client that does not take it is cut off.
    this.#stream.end();
    this.#socket.setTimeout(CLOSE_TIMEOUT_MS, () => this.#socket.destroy());
    this.#onEnd(error);
  }
}

const LOGIN_TIMEOUT_MS = 20_000;
const CLOSE_TIMEOUT_MS = 2_000;
/** About thirty frames a second. */
const FRAME_MS = 33;

/** Windows' names know no case. */
function sameName(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}
