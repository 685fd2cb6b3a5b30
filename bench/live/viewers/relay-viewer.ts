import { WebSocket } from 'ws';
import { KeyWatch } from './key-watch.ts';
import type { SeenKey, Viewer, ViewerOptions } from './viewer.ts';

/** The far end of the bare relay: takes what comes. */
export class RelayViewer implements Viewer {
  readonly counts = { bytes: 0, messages: 0, pictures: 0 };
  ready = false;
  ended: string | undefined;
  readonly #socket: WebSocket;
  readonly #keys: KeyWatch | undefined;

  constructor({ url, user, typing }: Extract<ViewerOptions, { kind: 'relay' }>) {
    this.#socket = new WebSocket(url, { rejectUnauthorized: false, perMessageDeflate: false });
    this.#socket.on('open', () => this.#socket.send(Buffer.from(`${user}\n`)));
    this.#socket.on('message', (data: Buffer) => {
      this.counts.bytes += data.length;
      this.counts.messages++;
      this.counts.pictures++;
      this.ready = true;
      this.#keys?.seen(data);
    });
    this.#socket.on('error', (error) => {
      this.ended ??= error.message;
    });
    this.#socket.on('close', () => {
      this.ended ??= 'closed';
      this.#keys?.stop();
    });
    if (typing !== undefined) {
      this.#keys = new KeyWatch(typing, () => this.press());
    }
  }

  get keys(): readonly SeenKey[] {
    return this.#keys?.keys ?? [];
  }

  async picture(): Promise<undefined> {
    return undefined;
  }

  press(): void {
    this.#socket.send(Buffer.from('k'));
  }

  rest(): void {
    this.#keys?.stop();
  }

  close(): void {
    this.#keys?.stop();
    this.#socket.terminate();
  }
}
