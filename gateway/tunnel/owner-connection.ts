import type { GraphicsUpdate } from '#protocol/graphics/update.ts';
import type { LockKeys } from '#protocol/session/client-active-stage.ts';
import type { SessionEnd } from '#protocol/tunnel/sink.ts';
import type { Owner } from '../sessions/ports.ts';
import type { TunnelConnection } from './connection.ts';
import { GraphicsBatch } from './graphics-batch.ts';

/** Sent and not yet drawn: above this the server is held back, and let go again below the lower mark. */
export const HOLD_BYTES = 4 * 1024 * 1024;
export const RELEASE_BYTES = 2 * 1024 * 1024;
/** What may wait in the socket: reached only by a browser that acknowledges what it has not read. */
const SOCKET_BUFFER_BYTES = 32 * 1024 * 1024;

/**
 * The owner's browser in Stream mode: passes the server's own updates on, and measures how far the browser is behind.
 * What arrives together (in one turn of the event loop: TLS hands out a burst record by record) goes out as one message.
 */
export class OwnerConnection implements Owner {
  readonly #connection: TunnelConnection;
  readonly #holdBack: (hold: boolean) => void;
  readonly #batch = new GraphicsBatch();
  /** Sizes of the messages that are not acknowledged yet; the oldest has number `#oldest`. */
  #sizes: number[] = [];
  #oldest = 1;
  #next = 1;
  #behind = 0;
  #holding = false;
  #flushing = false;
  #bytesSent = 0;

  constructor(connection: TunnelConnection, holdBack: (hold: boolean) => void) {
    this.#connection = connection;
    this.#holdBack = holdBack;
  }

  get bytesSent(): number {
    return this.#bytesSent;
  }

  phase(name: string): void {
    this.#flush();
    this.#connection.send({ type: 'phase', phase: name });
  }

  graphics(update: GraphicsUpdate): void {
    this.#batch.add(update);
    if (this.#batch.full) {
      this.#flush();
    } else if (!this.#flushing) {
      this.#flushing = true;
      setImmediate(() => {
        this.#flushing = false;
        this.#flush();
      });
    }
  }

  notice(notice: { code: string; message: string; viewers?: number }): void {
    this.#flush();
    this.#connection.send({ type: 'notice', ...notice });
  }

  lockKeys(lockKeys: LockKeys): void {
    this.#connection.send({ type: 'lock-keys', ...lockKeys });
  }

  end(end: SessionEnd): void {
    this.#flush();
    this.#connection.end(end);
  }

  /** The browser has drawn everything up to and including `seq`. A number never sent, or seen before, says nothing. */
  acknowledge(seq: number): void {
    const drawn = (seq - this.#oldest + 1) >>> 0; // sequence numbers wrap around at 2^32
    if (drawn === 0 || drawn > this.#sizes.length) return;
    for (const size of this.#sizes.splice(0, drawn)) this.#behind -= size;
    this.#oldest = (this.#oldest + drawn) >>> 0;
    if (this.#holding && this.#behind < RELEASE_BYTES) {
      this.#holding = false;
      this.#holdBack(false);
    }
  }

  #flush(): void {
    if (this.#batch.empty) return;
    if (this.#connection.bufferedBytes > SOCKET_BUFFER_BYTES) {
      this.#batch.take(0);
      this.#connection.endWith('viewer_too_slow');
      return;
    }
    const message = this.#batch.take(this.#next);
    this.#next = (this.#next + 1) >>> 0;
    this.#sizes.push(message.length);
    this.#behind += message.length;
    this.#bytesSent += message.length;
    this.#connection.sendBytes(message);
    if (!this.#holding && this.#behind > HOLD_BYTES) {
      this.#holding = true;
      this.#holdBack(true);
    }
  }
}
