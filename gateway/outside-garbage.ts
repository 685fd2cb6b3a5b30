import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** A few times less than what makes V8 go through all of the heap; seven scavenges a second where 30 MB/s come in. */
const EVERY_BYTES = 4 * 1024 * 1024;

/**
 * Has V8 collect young objects as often as it takes for what they hold outside of its heap ([ADR 0050]).
 *
 * What sockets have read, and most of what becomes of it, are buffers outside of the heap, each held by a small object within.
 * Young objects are collected when there are tens of megabytes of them, and by then the buffers would be gigabytes: past some
 * eight megabytes outside, V8 marks the whole heap instead, which stops a gateway with many sessions for tens of milliseconds,
 * once a second. A scavenge takes less than one, and frees the same.
 */
export class OutsideGarbage {
  readonly #collect: () => void;
  readonly #outside: () => number;
  /** The least there was outside since the last collection. */
  #least: number;
  #scheduled = false;

  constructor(collect = scavenge, outside = () => getHeapStatistics().external_memory) {
    this.#collect = collect;
    this.#outside = outside;
    this.#least = outside();
  }

  /**
   * To be called whenever something was read; takes a third of a microsecond. Collects, where it is time to, when this turn of
   * the event loop is over: whoever waits for what was read goes first.
   */
  look(): void {
    if (this.#scheduled) return;
    const now = this.#outside();
    this.#least = Math.min(this.#least, now);
    if (now - this.#least < EVERY_BYTES) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#collect();
      this.#least = this.#outside();
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
