import { WebSocket } from 'ws';
import {
  decodeGatewayMessage,
  encodeBrowserMessage,
  MessageType,
  NOT_ACKNOWLEDGED,
  type PictureRegion,
  TUNNEL_SUBPROTOCOL,
  TUNNEL_VERSION,
} from '#protocol/tunnel/messages.ts';
import { KeyWatch } from './key-watch.ts';
import { Pasteboard } from './pasteboard.ts';
import type { Picture, SeenKey, Viewer, ViewerOptions } from './viewer.ts';

/** A screen is drawn so often; what came is acknowledged then. */
const FRAME_MS = 1000 / 60;
/** Set 1 make code of `A`. */
const KEY = 0x1e;

/**
 * Takes the part of our viewer in a tunnel without drawing anything: counts what comes and acknowledges it at the next frame
 * of a screen that it imagines, as the viewer does.
 */
export class TunnelViewer implements Viewer {
  readonly counts = { bytes: 0, messages: 0, pictures: 0 };
  ready = false;
  ended: string | undefined;
  readonly #socket: WebSocket;
  readonly #keys: KeyWatch | undefined;
  readonly #kept: Pasteboard | undefined;
  /** Screens are not in step with each other. */
  readonly #phase = Math.random() * FRAME_MS;
  #acknowledging = false;
  #seq = 0;

  /** @param press who presses keys in its place */
  constructor(options: Extract<ViewerOptions, { kind: 'tunnel' }>, press = () => this.press()) {
    const { url, ticket, typing, keep } = options;
    this.#kept = keep === true ? new Pasteboard() : undefined;
    this.#socket = new WebSocket(url, TUNNEL_SUBPROTOCOL, { rejectUnauthorized: false, perMessageDeflate: false });
    this.#socket.on('open', () =>
      this.#socket.send(encodeBrowserMessage({ type: 'attach', ticket, version: TUNNEL_VERSION })),
    );
    this.#socket.on('message', (data: Buffer) => this.#received(data));
    this.#socket.on('error', (error) => {
      this.ended ??= error.message;
    });
    this.#socket.on('close', (_code, reason) => {
      this.ended ??= `closed: ${reason}`;
      this.#keys?.stop();
    });
    if (typing !== undefined) this.#keys = new KeyWatch(typing, press);
  }

  get keys(): readonly SeenKey[] {
    return this.#keys?.keys ?? [];
  }

  async picture(): Promise<Picture | undefined> {
    return this.#kept?.picture();
  }

  press(): void {
    if (this.#socket.readyState !== WebSocket.OPEN) return;
    const key = { kind: 'scancode', code: KEY, extended: false } as const;
    const events = [
      { ...key, down: true },
      { ...key, down: false },
    ];
    this.#socket.send(encodeBrowserMessage({ type: 'input', events }));
  }

  rest(): void {
    this.#keys?.stop();
  }

  close(): void {
    this.#keys?.stop();
    this.#socket.terminate();
  }

  #received(message: Buffer): void {
    this.counts.bytes += message.length;
    this.counts.messages++;
    const type = message[0];
    if (type === MessageType.graphics || type === MessageType.regions) {
      this.counts.pictures++;
      this.ready = true;
      this.#keys?.seen(message);
      const seq = message.readUInt32LE(1);
      if (seq !== NOT_ACKNOWLEDGED) this.#acknowledgeSoon(seq);
    } else if (type === MessageType.ended) {
      this.ended = message.toString('utf8', 1);
    }
    if (this.#kept !== undefined) this.#keep(this.#kept, message);
  }

  #keep(board: Pasteboard, bytes: Buffer): void {
    const message = decodeGatewayMessage(bytes);
    if (message.type === 'desktop-size') board.resize(message.width, message.height);
    else if (message.type === 'regions') {
      for (const region of message.regions) {
        const { x, y, width, height } = region;
        if (region.encoding === 'copy') board.copy({ x: region.fromX, y: region.fromY, width, height }, x, y);
        else board.paste(x, y, encodedPicture(region));
      }
    }
  }

  #acknowledgeSoon(seq: number): void {
    this.#seq = seq;
    if (this.#acknowledging) return;
    this.#acknowledging = true;
    const now = performance.now() + this.#phase;
    setTimeout(
      () => {
        this.#acknowledging = false;
        if (this.#socket.readyState === WebSocket.OPEN) {
          this.#socket.send(encodeBrowserMessage({ type: 'ack', seq: this.#seq }));
        }
      },
      FRAME_MS - (now % FRAME_MS),
    );
  }
}

function encodedPicture({ encoding, bytes, width, height }: PictureRegion) {
  return { encoding, bytes, width, height };
}
