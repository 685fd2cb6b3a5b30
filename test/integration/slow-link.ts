import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** A way to a port of this machine that takes so many bytes a second, and so long. It passes all bytes on, late and in order. */
export class SlowLink implements AsyncDisposable {
  /** Towards whoever connects; what it sends itself is never much. Unlimited without. */
  bytesPerSecond = Number.POSITIVE_INFINITY;
  /** One way, each way. */
  latencyMs = 0;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(server: Server) {
    this.#server = server;
  }

  static async to(port: number): Promise<SlowLink> {
    const server = createServer();
    const link = new SlowLink(server);
    server.on('connection', (near) => {
      const far = connect({ port, host: '127.0.0.1', noDelay: true });
      near.setNoDelay(true);
      link.#pass(near, far, false);
      link.#pass(far, near, true);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return link;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  /** What waits is bounded as in a router; more stays with the sender. */
  #pass(from: Socket, to: Socket, isNarrow: boolean): void {
    this.#sockets.add(from);
    from.on('error', () => to.destroy());
    from.on('close', () => {
      this.#sockets.delete(from);
      to.destroy();
    });
    /** When the last byte is through the narrow part. */
    let free = 0;
    let waiting = 0;
    /** Timers of about the same time may come in another order. */
    const slices: Buffer[] = [];
    const passOn = (): void => {
      const slice = slices.shift();
      if (slice === undefined) return;
      waiting -= slice.length;
      if (!to.destroyed) to.write(slice);
      if (waiting < QUEUE_BYTES) from.resume();
    };
    from.on('data', (chunk: Buffer) => {
      for (let at = 0; at < chunk.length; at += SLICE_BYTES) {
        const slice = chunk.subarray(at, at + SLICE_BYTES);
        free = Math.max(performance.now(), free) + (isNarrow ? (slice.length * 1000) / this.bytesPerSecond : 0);
        waiting += slice.length;
        slices.push(slice);
        setTimeout(passOn, Math.max(0, free - performance.now()) + this.latencyMs);
      }
      if (waiting >= QUEUE_BYTES) from.pause();
    });
  }
}

const SLICE_BYTES = 4096;
const QUEUE_BYTES = 64 * 1024;
