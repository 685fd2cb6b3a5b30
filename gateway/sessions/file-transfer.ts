import { createHash } from 'node:crypto';
import type { TransferProgress } from '#protocol/tunnel/messages.ts';

/** A file that went through the clipboard, or did not get all the way. */
export interface FileTransferRecord {
  readonly direction: TransferProgress['direction'];
  readonly name: string;
  readonly size: number;
  /** How much of it passed. */
  readonly bytes: number;
  /** Of the whole file, in hexadecimal; only where all of it passed, in order. */
  readonly sha256?: string;
  readonly state: Exclude<TransferProgress['state'], 'running'>;
}

export interface TransferEvents {
  /** How far it has come. */
  progress(progress: TransferProgress): void;
  record(record: FileTransferRecord): void;
}

/** No page shows progress more often. */
const PROGRESS_MS = 200;

/** One file on its way: counts and hashes what passes, tells of it, and is written down once. */
export class FileTransfer {
  readonly id: number;
  readonly name: string;
  readonly size: number;
  readonly #direction: TransferProgress['direction'];
  readonly #events: TransferEvents;
  readonly #hash = createHash('sha256');
  #done = 0;
  #state: TransferProgress['state'] = 'running';
  #toldAt = Number.NEGATIVE_INFINITY;

  constructor(
    { id, direction, name, size }: Pick<TransferProgress, 'id' | 'direction' | 'name' | 'size'>,
    events: TransferEvents,
  ) {
    this.id = id;
    this.name = name;
    this.size = size;
    this.#direction = direction;
    this.#events = events;
    this.#tell();
  }

  /** Bytes that have passed; the next ones belong there. */
  get done(): number {
    return this.#done;
  }

  get running(): boolean {
    return this.#state === 'running';
  }

  /** Cancelled, or failed: nothing more of it may pass. */
  get stopped(): boolean {
    return this.#state === 'cancelled' || this.#state === 'failed';
  }

  get cancelled(): boolean {
    return this.#state === 'cancelled';
  }

  /** The next bytes of the file pass. */
  passed(bytes: Uint8Array): void {
    this.#hash.update(bytes);
    this.#done += bytes.length;
    if (this.#done < this.size && performance.now() - this.#toldAt > PROGRESS_MS) this.#tell();
  }

  /** The first end counts. */
  end(state: FileTransferRecord['state']): void {
    if (!this.running) return;
    this.#state = state;
    this.#tell();
    const { name, size } = this;
    const sha256 = state === 'done' ? { sha256: this.#hash.digest('hex') } : {};
    this.#events.record({ direction: this.#direction, name, size, bytes: this.#done, state, ...sha256 });
  }

  #tell(): void {
    this.#toldAt = performance.now();
    const { id, name, size } = this;
    this.#events.progress({ id, direction: this.#direction, name, size, done: this.#done, state: this.#state });
  }
}
