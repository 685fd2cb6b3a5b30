import { setFlagsFromString } from 'node:v8';

/** Of V8. */
const DEFAULT_COLLECTIONS = 2;

/**
 * Lets V8 make the heap smaller, or keeps it from that while somebody works.
 *
 * Eight seconds after V8 has gone through the whole heap its *memory reducer* does so again, up to twice, when little is allocated
 * meanwhile, and moves what is left together. A gateway allocates little however much it has to do, so that this comes each time,
 * and stops all sessions for 25 to 60 ms. Whether there is a reducer is settled when the heap is made; how often it may collect,
 * V8 looks up each time.
 */
export function letHeapShrink(may: boolean): void {
  setFlagsFromString(`--memory-reducer-gc-count=${may ? DEFAULT_COLLECTIONS : 0}`);
}
