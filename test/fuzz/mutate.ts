/** A small generator that gives the same numbers for the same seed: a crash has to come again. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** 0 to `below` - 1. */
  next(below: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  }

  pick<T>(items: readonly T[]): T {
    return items[this.next(items.length)] as T;
  }
}

/** Values at which lengths, counts and signs go wrong. */
const EDGES = [
  0, 1, 2, 3, 7, 8, 63, 64, 65, 127, 128, 255, 256, 1023, 32767, 32768, 65534, 65535, 0x7fffffff, 0xffffffff,
];

/** Changes a valid message in one to four places, so that most of it still makes sense. */
export function mutate(random: Random, seeds: readonly Uint8Array[]): Uint8Array {
  let bytes: Uint8Array = random.pick(seeds).slice();
  for (let times = 1 + random.next(4); times > 0; times--)
    bytes = STEPS[random.next(STEPS.length)]!(random, bytes, seeds);
  return bytes;
}

type Step = (random: Random, bytes: Uint8Array, seeds: readonly Uint8Array[]) => Uint8Array;

/** Places near the beginning are taken more often: headers are there. */
function place(random: Random, length: number): number {
  const reach = random.next(3) === 0 ? Math.min(length, 64) : length;
  return reach === 0 ? 0 : random.next(reach);
}

const STEPS: readonly Step[] = [
  function bit(random, bytes) {
    const at = place(random, bytes.length);
    if (at < bytes.length) bytes[at]! ^= 1 << random.next(8);
    return bytes;
  },
  function byte(random, bytes) {
    const at = place(random, bytes.length);
    if (at < bytes.length) bytes[at] = random.next(256);
    return bytes;
  },
  function edge(random, bytes) {
    const at = place(random, bytes.length);
    const width = random.pick([1, 2, 4]);
    const value = random.pick(EDGES);
    const bigEndian = random.next(4) === 0;
    for (let i = 0; i < width && at + i < bytes.length; i++) {
      bytes[at + i] = (value >>> (8 * (bigEndian ? width - 1 - i : i))) & 0xff;
    }
    return bytes;
  },
  function cut(random, bytes) {
    return bytes.slice(0, place(random, bytes.length + 1));
  },
  function drop(random, bytes) {
    const at = place(random, bytes.length);
    const end = at + 1 + random.next(16);
    return join(bytes.subarray(0, at), bytes.subarray(end));
  },
  function insert(random, bytes) {
    const at = place(random, bytes.length);
    const noise = Uint8Array.from({ length: 1 + random.next(16) }, () => random.next(256));
    return join(bytes.subarray(0, at), noise, bytes.subarray(at));
  },
  function repeat(random, bytes) {
    const at = place(random, bytes.length);
    const part = bytes.subarray(at, at + 1 + random.next(64));
    return join(bytes.subarray(0, at), part, part, bytes.subarray(at));
  },
  function splice(random, bytes, seeds) {
    const other = random.pick(seeds);
    const at = place(random, bytes.length);
    return join(bytes.subarray(0, at), other.subarray(place(random, other.length)));
  },
];

function join(...parts: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}
