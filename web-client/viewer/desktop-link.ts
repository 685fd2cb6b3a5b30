import { Compositor } from '#protocol/graphics/compositor.ts';
import { createSurfaceCodecs } from '#protocol/graphics/surface-codecs.ts';
import type { InputEvent } from '#protocol/pdu/input.ts';
import type { FileOffer, GatewayMessage, ModeMessage, PictureChoice } from '#protocol/tunnel/messages.ts';
import {
  decodeGatewayMessage,
  encodeBrowserMessage,
  partsOfText,
  TUNNEL_VERSION,
  TunnelLimits,
} from '#protocol/tunnel/messages.ts';
import { inflate } from './inflate.ts';
import type { Painted, Painter, PainterEvents, Surface } from './painter.ts';
import type { DecodeRegion } from './regions-painter.ts';
import { RegionsPainter } from './regions-painter.ts';
import { StreamPainter } from './stream-painter.ts';
import type { EndReason, WorkerEvent } from './worker-messages.ts';

/** The one WebSocket of a link, as far as it is used. */
export interface LinkSocket {
  send(bytes: Uint8Array<ArrayBuffer>): void;
  close(code?: number): void;
}

export interface LinkOptions {
  readonly ticket: string;
  /** How an owner would like to be served. */
  readonly pictures: PictureChoice;
  readonly socket: LinkSocket;
  readonly surface: Surface;
  readonly decodeRegion: DecodeRegion;
  /** Milliseconds from any start; never backwards. */
  readonly now: () => number;
  /** Runs `run` before the next frame, or soon where frames do not come (a tab in the background). */
  nextFrame(run: () => void): void;
  /** Runs `run` when what has already come on the socket is received. */
  soon(run: () => void): void;
  emit(event: WorkerEvent): void;
}

/**
 * The worker's end of the tunnel: attaches, draws what comes once a frame, tells the gateway what is drawn and passes
 * input on. Whoever owns the socket calls `opened`, `received`, `closed` and `tick`. Ends once, with one reason.
 */
export class DesktopLink implements PainterEvents {
  readonly #options: LinkOptions;
  #painter: Painter | undefined;
  /** Pictures of the next mode, while its painter is being made. */
  #waiting: GatewayMessage[] | undefined;
  #pictures: PictureChoice;
  #isOwner = false;
  #frameAsked = false;
  #active = false;
  #open = false;
  #ended = false;
  #lastReceived = 0;
  #lastTick = 0;
  #lastPing = Number.NEGATIVE_INFINITY;
  #pingValue = 0;

  constructor(options: LinkOptions) {
    this.#options = options;
    this.#pictures = options.pictures;
  }

  opened(): void {
    this.#open = true;
    this.#lastReceived = this.#options.now();
    this.#lastTick = this.#lastReceived;
    this.#send({ type: 'attach', ticket: this.#options.ticket, version: TUNNEL_VERSION });
  }

  received(bytes: Uint8Array): void {
    if (this.#ended) return;
    this.#lastReceived = this.#options.now();
    this.#attempt(() => this.#take(decodeGatewayMessage(bytes)));
  }

  /** The socket is closed, by whichever side. */
  closed(): void {
    if (!this.#open) this.#end(unreachable);
    this.#open = false;
    this.#end(gatewayLost);
  }

  input(events: readonly InputEvent[]): void {
    for (let at = 0; at < events.length; at += TunnelLimits.inputEvents) {
      this.#send({ type: 'input', events: events.slice(at, at + TunnelLimits.inputEvents) });
    }
  }

  resize(size: { readonly width: number; readonly height: number }): void {
    this.#send({ type: 'resize', width: size.width, height: size.height });
  }

  pictures(choice: PictureChoice): void {
    this.#pictures = choice;
    if (this.#isOwner) this.#send({ type: 'pictures', choice });
  }

  visibility(visible: boolean): void {
    this.#send({ type: 'visibility', visible });
  }

  /** Gives the desktop's clipboard a text; what is too large, the gateway says. */
  offerText(text: string): void {
    for (const part of partsOfText(text)) this.#send({ type: 'clipboard-offer', ...part });
  }

  offerFiles(offer: FileOffer): void {
    this.#send({ type: 'file-offer', ...offer });
  }

  /** Answers what the gateway asked for of a file, in as many messages as it takes; nothing: it cannot be read. */
  fileRead(request: number, data: Uint8Array | undefined): void {
    if (data === undefined) {
      this.#send({ type: 'file-part', request, state: 'failed', part: new Uint8Array() });
      return;
    }
    const size = TunnelLimits.clipboardPartBytes;
    for (let at = 0; at === 0 || at < data.length; at += size) {
      const state = at + size < data.length ? 'more' : 'last';
      this.#send({ type: 'file-part', request, state, part: data.subarray(at, at + size) });
    }
  }

  cancelFile(id: number): void {
    this.#send({ type: 'file-cancel', id });
  }

  endSession(): void {
    this.#send({ type: 'end-session' });
  }

  /** Call about once a second: measures latency and notices a gateway that has gone silent. */
  tick(): void {
    if (!this.#open || this.#ended) return;
    const now = this.#options.now();
    // A worker that was stopped (a frozen tab, a closed lid) wakes to this before it is given what has come meanwhile.
    if (now - this.#lastTick > sleepLimit) this.#lastReceived = now;
    this.#lastTick = now;
    if (now - this.#lastReceived > silenceLimit) {
      this.#end(gatewayLost);
      this.#options.socket.close();
      return;
    }
    if (now - this.#lastPing < pingInterval) return;
    this.#lastPing = now;
    this.#pingValue = (this.#pingValue + 1) >>> 0;
    this.#send({ type: 'ping', value: this.#pingValue });
  }

  size(size: { readonly width: number; readonly height: number }): void {
    this.#options.emit({ type: 'size', size });
  }

  pointer(look: Parameters<PainterEvents['pointer']>[0]): void {
    this.#options.emit({ type: 'pointer', look });
  }

  pointerPosition(x: number, y: number): void {
    this.#options.emit({ type: 'pointer-position', x, y });
  }

  dirty(): void {
    if (this.#frameAsked) return;
    this.#frameAsked = true;
    this.#options.nextFrame(() => this.#paint());
  }

  soon(decode: () => void): void {
    this.#options.soon(() => {
      if (!this.#ended) this.#attempt(decode);
    });
  }

  failed(error: unknown): void {
    const detail = error instanceof Error ? error.message : String(error);
    this.#end({
      code: 'protocol_error',
      message: 'The picture of the remote desktop could not be read.',
      hint: `Reload the page and try again. If it happens again, tell an administrator: ${detail}`,
    });
    this.#options.socket.close(protocolErrorClose);
  }

  #take(message: GatewayMessage): void {
    switch (message.type) {
      case 'hello':
        this.#painter =
          message.mode === 'stream' ? new StreamPainter(this) : new RegionsPainter(this, this.#options.decodeRegion);
        this.#options.emit({ type: 'hello', role: message.role, mode: message.mode });
        this.#isOwner = message.role === 'owner';
        if (this.#isOwner) this.#send({ type: 'pictures', choice: this.#pictures });
        return;
      case 'phase':
        this.#options.emit({ type: 'phase', phase: message.phase });
        return;
      case 'notice': {
        const { type: _, ...notice } = message;
        this.#options.emit({ type: 'notice', notice });
        return;
      }
      case 'lock-keys': {
        const { type: _, ...lockKeys } = message;
        this.#options.emit({ type: 'lock-keys', lockKeys });
        return;
      }
      case 'clipboard-terms':
      case 'clipboard-copied':
      case 'clipboard-text':
      case 'clipboard-files':
      case 'file-wanted':
      case 'file-transfer':
        this.#options.emit({ type: 'clipboard', news: message });
        return;
      case 'ended': {
        const { type: _, ...reason } = message;
        this.#end(reason);
        return;
      }
      case 'pong':
        if (message.value === this.#pingValue) {
          this.#options.emit({ type: 'latency', milliseconds: this.#options.now() - this.#lastPing });
        }
        return;
      case 'mode':
        if (this.#waiting === undefined) this.#switch(message);
        else this.#waiting.push(message);
        return;
      default:
        if (this.#waiting === undefined) this.#painter?.take(message);
        else this.#waiting.push(message);
    }
  }

  /** What is shown stays until the next mode's pictures take its place. */
  #switch(message: ModeMessage): void {
    if (message.mode === 'regions') {
      const painted = this.#painter?.leave(this.#options.surface);
      this.#painter = new RegionsPainter(this, this.#options.decodeRegion);
      this.#painted({ seq: message.seq, picture: painted?.picture ?? false });
      this.#options.emit({ type: 'mode', mode: 'regions' });
      return;
    }
    this.#waiting = [];
    inflate(message.state, message.size)
      .then((state) =>
        this.#toStream(message.seq, Compositor.fromState(state, createSurfaceCodecs(), { borrows: true })),
      )
      .catch((error: unknown) => this.failed(error));
  }

  #toStream(seq: number, compositor: Compositor): void {
    if (this.#ended) return;
    this.#painter?.leave(this.#options.surface);
    this.#painter = new StreamPainter(this, { compositor, seq });
    this.#options.emit({ type: 'mode', mode: 'stream' });
    const waiting = this.#waiting ?? [];
    this.#waiting = undefined;
    for (const message of waiting) this.#take(message);
  }

  #paint(): void {
    this.#frameAsked = false;
    if (this.#ended) return;
    this.#attempt(() => {
      const painted = this.#painter?.paint(this.#options.surface);
      if (painted !== undefined) this.#painted(painted);
    });
  }

  #attempt(run: () => void): void {
    try {
      run();
    } catch (error) {
      this.failed(error);
    }
  }

  #painted({ seq, picture }: Painted): void {
    if (seq !== undefined) this.#send({ type: 'ack', seq });
    if (picture && !this.#active) {
      this.#active = true;
      this.#options.emit({ type: 'active' });
    }
  }

  #send(message: Parameters<typeof encodeBrowserMessage>[0]): void {
    if (this.#open && !this.#ended) this.#options.socket.send(encodeBrowserMessage(message));
  }

  #end(reason: EndReason): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#options.emit({ type: 'ended', reason });
  }
}

/** Milliseconds between pings. */
const pingInterval = 5000;
/** Milliseconds without any message, pongs included, after which the gateway counts as gone. */
const silenceLimit = 30_000;
/** Milliseconds between ticks after which it was not the gateway that was silent. */
const sleepLimit = 5000;
/** RFC 6455 7.4.1 keeps 4000 to 4999 for applications; the gateway's errors table has this one for `protocol_error`. */
const protocolErrorClose = 4012;

const unreachable: EndReason = {
  code: 'gateway_unreachable',
  message: 'The gateway did not take the connection.',
  hint: 'Check your network. A proxy on the way may not allow WebSocket connections.',
};
const gatewayLost: EndReason = {
  code: 'gateway_lost',
  message: 'The connection to the gateway was lost.',
  hint: 'Check your network and try again. Programs on the remote desktop usually keep running.',
};
