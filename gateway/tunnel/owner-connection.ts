import type { GraphicsUpdate } from '#protocol/graphics/update.ts';
import type { LockKeys } from '#protocol/session/client-active-stage.ts';
import type { ClipboardNews } from '#protocol/tunnel/messages.ts';
import type { SessionEnd } from '#protocol/tunnel/sink.ts';
import type { Notice, Owner } from '../sessions/ports.ts';
import type { TunnelConnection } from './connection.ts';
import { GraphicsBatch } from './graphics-batch.ts';

/** Sent and not yet drawn: above this the server is held back, and let go again below the lower mark. */
export const HOLD_BYTES = 4 * 1024 * 1024;
export const RELEASE_BYTES = 2 * 1024 * 1024;
/** What may wait in the socket: reached only by a browser that acknowledges what it has not read. */
const SOCKET_BUFFER_BYTES = 32 * 1024 * 1024;

/** What the session learns of how far the browser is. */
export interface OwnerProgress {
  /** Of all the updates the browser has drawn so many, and it has yet to draw so many bytes. */
  drawn(updates: number, behindBytes: number): void;
  /** Whether it is behind by more than it may be. */
  holdBack(hold: boolean): void;
}

/**
 * The owner's browser in Stream mode: passes the server's own updates on, and measures how far the browser is behind.
 * What arrives together (in one turn of the event loop: TLS hands out a burst record by record) goes out as one message.
 */
export class OwnerConnection implements Owner {
  readonly #connection: TunnelConnection;
  readonly #progress: OwnerProgress;
  readonly #batch = new GraphicsBatch();
  /** The messages that are not acknowledged yet; the oldest has number `#oldest`. */
  #unacknowledged: { readonly size: number; readonly updates: number }[] = [];
  #oldest = 1;
  #next = 1;
  /** Bytes of those. */
  #behind = 0;
  /** Updates that the browser has drawn. */
  #drawn = 0;
  #holding = false;
  #flushing = false;
  #bytesSent = 0;

  constructor(connection: TunnelConnection, progress: OwnerProgress) {
    this.#connection = connection;
    this.#progress = progress;
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

  notice(notice: Notice): void {
    this.#flush();
    this.#connection.send({ type: 'notice', ...notice });
  }

  lockKeys(lockKeys: LockKeys): void {
    this.#connection.send({ type: 'lock-keys', ...lockKeys });
  }

  clipboard(news: ClipboardNews): void {
    this.#connection.send(news);
  }

  end(end: SessionEnd): void {
    this.#flush();
    this.#connection.end(end);
  }

  /** The browser has drawn everything up to and including `seq`. A number never sent, or seen before, says nothing. */
  acknowledge(seq: number): void {
    const count = (seq - this.#oldest + 1) >>> 0; // sequence numbers wrap around at 2^32
    if (count === 0 || count > this.#unacknowledged.length) return;
    for (const { size, updates } of this.#unacknowledged.splice(0, count)) {
      this.#behind -= size;
      this.#drawn += updates;
    }
    this.#oldest = (this.#oldest + count) >>> 0;
    this.#progress.drawn(this.#drawn, this.#behind);
    if (this.#holding && this.#behind < RELEASE_BYTES) {
      this.#holding = false;
      this.#progress.holdBack(false);
    }
  }

  #flush(): void {
    if (this.#batch.empty) return;
    if (this.#connection.bufferedBytes > SOCKET_BUFFER_BYTES) {
      this.#batch.take(0).release();
      this.#connection.endWith('viewer_too_slow');
      return;
    }
    const { updates } = this.#batch;
    const { message, release } = this.#batch.take(this.#next);
    this.#next = (this.#next + 1) >>> 0;
    this.#unacknowledged.push({ size: message.length, updates });
    this.#behind += message.length;
    this.#bytesSent += message.length;
    this.#connection.sendBytes(message, release);
    if (!this.#holding && this.#behind > HOLD_BYTES) {
      this.#holding = true;
      this.#progress.holdBack(true);
    }
  }
}
