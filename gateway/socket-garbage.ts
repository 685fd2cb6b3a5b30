import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** A few times less than what makes V8 go through all of the heap; seven scavenges a second where 30 MB/s come in. */
const EVERY_BYTES = 4 * 1024 * 1024;

/**
 * Has V8 collect young objects as often as it takes for what sockets have read.
 *
 * Each read is a buffer outside of V8's heap, held by a small object within. Young objects are collected when there are tens of
 * megabytes of them, and by then the buffers would be gigabytes: past some eight megabytes outside, V8 marks the whole heap
 * instead, which stops a gateway with many sessions for tens of milliseconds, once a second. A scavenge takes less than one, and
 * frees the same.
 */
export class SocketGarbage {
  readonly #collect: () => void;
  #bytes = 0;
  #scheduled = false;

  constructor(collect: () => void = scavenge) {
    this.#collect = collect;
  }

  /** So many bytes were read. Collects when this turn of the event loop is over: whoever waits for them goes first. */
  read(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes < EVERY_BYTES || this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#bytes = 0;
      this.#scheduled = false;
      this.#collect();
    });
  }
}

let collector: ((options: { type: 'minor' }) => void) | undefined;

/** By V8's own function, which is there when it is asked for; on this thread alone, since helpers may have to wait for a processor. */
function scavenge(): void {
  if (collector === undefined) {
    setFlagsFromString('--no-parallel-scavenge');
    setFlagsFromString('--expose-gc');
    collector = runInNewContext('gc') as NonNullable<typeof collector>;
  }
  collector({ type: 'minor' });
}
