/** The same numbers on every run and machine: mulberry32, a published 32-bit generator. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** 0 ≤ x < 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  }

  /** Whole, `least` ≤ x ≤ `most`. */
  integer(least: number, most: number): number {
    return least + Math.floor(this.next() * (most - least + 1));
  }

  pick<T>(values: readonly T[]): T {
    return values[Math.floor(this.next() * values.length)] as T;
  }
}

const WORDS =
  'server session update window report result archive network system access record folder manager version value account table service network client request answer memory process screen change number policy library message column budget secure review market summary project quarter customer delivery contract invoice product region growth margin forecast target meeting agenda decision option schedule manual station printer licence history general central private public regular several during between against without because through another'.split(
    ' ',
  );

/** So many words of text, with a full stop now and then. */
export function words(random: Random, count: number): string {
  const text: string[] = [];
  for (let i = 0; i < count; i++) text.push(random.pick(WORDS) + (random.next() < 0.08 ? '.' : ''));
  return text.join(' ');
}
