/** Fewer say more about the drawing than about the link. */
const MEASURED_BYTES = 32 * 1024;
/** Together they are as good, unless each of them is smaller than this. */
const PORTION_BYTES = 12 * 1024;
/** Smaller ones, alone, say how long the way is. */
const SMALL_BYTES = 4096;
/** A way that was longer all this time has become longer, if so many that are smaller still, and hardly keep themselves waiting, say so. */
const LONGER_FOR_MS = 10_000;
const TINY_BYTES = 1024;
const TINY_COUNT = 4;
/** Drawing waits for the next frame, by chance for all of it: a link is not taken for quicker than it is. */
const FRAME_MS = 17;
/** What comes no later than this, beyond the way, was not kept waiting by the link: it takes at least that much. */
const UNHINDERED_MS = 60;
/** How much one measurement says. */
const WEIGHT = 0.4;

/** A message that is on its way. */
export interface Underway {
  readonly bytes: number;
  /** Of those before it that nobody acknowledges. */
  readonly before: number;
  readonly at: number;
}

/**
 * How fast a link to a browser is, learnt from how long messages take until they are drawn and acknowledged, in order. Times are milliseconds
 * of a steady clock.
 */
export class LinkSpeed {
  /** The oldest first. */
  #underway: (Underway & { readonly isProbe: boolean })[] = [];
  #acknowledgedAt = Number.NEGATIVE_INFINITY;
  /** What the link is measured by: so many bytes in so many milliseconds in which it had something to carry. */
  #measuredBytes = 0;
  #measuredMs = 0;
  #isSeen = true;
  #shortest: number | undefined;
  /** Of late. */
  #span = { since: Number.NEGATIVE_INFINITY, shortest: Number.POSITIVE_INFINITY, tiny: 0 };
  #greeting: number | undefined;
  #bytesPerSecond: number | undefined;
  #hindered = false;
  #hinderedAt = Number.NEGATIVE_INFINITY;

  /** What it takes, where that was measured. */
  get bytesPerSecond(): number | undefined {
    return this.#bytesPerSecond;
  }

  /** When it was last found to take no more than it was given. */
  get hinderedAt(): number {
    return this.#hinderedAt;
  }

  /**
   * The way there and back, and drawing, with nothing else to carry: the shortest time that a small message took, once there was one, and of late
   * where that is longer. Before, what is known of the way without drawing.
   */
  get wayMs(): number | undefined {
    return this.#shortest ?? this.#greeting;
  }

  get oldest(): Underway | undefined {
    return this.#underway[0];
  }

  /** How many messages are on their way. */
  get count(): number {
    return this.#underway.length;
  }

  sent(bytes: number, at: number, before = 0): void {
    this.#underway.push({
      bytes,
      before,
      at,
      isProbe: this.#isSeen && bytes <= SMALL_BYTES && this.#underway.length === 0,
    });
  }

  /** The oldest so many have been drawn. @returns the first and the last of them */
  acknowledged(count: number, at: number): readonly [Underway, Underway] | undefined {
    const arrived = this.#underway.splice(0, count);
    const [first] = arrived;
    const last = arrived.at(-1);
    if (first === undefined || last === undefined) return undefined;
    if (first.isProbe) this.#probed(first.bytes, at - first.at, at);
    this.#measure(
      arrived.reduce((sum, { bytes, before }) => sum + bytes + before, 0),
      first,
      last,
      at,
    );
    this.#acknowledgedAt = at;
    return [first, last];
  }

  /** Something small that was not drawn went there and back on an empty link in this time. */
  greeted(milliseconds: number): void {
    this.#greeting = milliseconds;
  }

  /** Somebody looks from now on, or nobody: what is on its way counts from here, and says nothing of how long the way is; nor does what nobody sees. */
  looks(isSeen: boolean, at: number): void {
    this.#isSeen = isSeen;
    this.#underway = this.#underway.map((message) => ({ ...message, at, isProbe: false }));
    this.#span = { since: at, shortest: Number.POSITIVE_INFINITY, tiny: 0 };
  }

  /** What it takes is to be measured anew. */
  forget(): void {
    this.#bytesPerSecond = undefined;
    this.#hindered = false;
    this.#measuredBytes = 0;
    this.#measuredMs = 0;
  }

  #probed(bytes: number, ms: number, at: number): void {
    const { since, shortest, tiny } = this.#span;
    const span = { since, shortest: Math.min(shortest, ms), tiny: tiny + (bytes <= TINY_BYTES ? 1 : 0) };
    this.#shortest = Math.min(this.#shortest ?? Number.POSITIVE_INFINITY, ms);
    if (at - since < LONGER_FOR_MS || span.tiny < TINY_COUNT) {
      this.#span = span;
      return;
    }
    this.#shortest = span.shortest;
    this.#span = { since: at, shortest: Number.POSITIVE_INFINITY, tiny: 0 };
  }

  /** A link that had nothing to carry is measured from when it was given something, one that is busy without a gap. */
  #measure(bytes: number, first: Underway, last: Underway, at: number): void {
    const hadNothing = first.at >= this.#acknowledgedAt;
    // What went before the first was on its way already.
    const counted = hadNothing ? bytes - first.before : bytes;
    if (hadNothing && counted < PORTION_BYTES) return;
    const from = hadNothing ? first.at + (this.wayMs ?? 0) : this.#acknowledgedAt;
    this.#measuredMs += Math.max(0, at - from) + (hadNothing || this.#measuredBytes === 0 ? FRAME_MS : 0);
    this.#measuredBytes += counted;
    this.#hindered ||= at - last.at - (this.wayMs ?? 0) > UNHINDERED_MS;
    if (this.#measuredBytes < MEASURED_BYTES) return;
    const rate = (this.#measuredBytes * 1000) / this.#measuredMs;
    const before = this.#bytesPerSecond;
    if (this.#hindered) this.#hinderedAt = at;
    // Geometric: one quick message does not make a link wide. What was not more because no more was sent makes none narrow.
    if (before === undefined) this.#bytesPerSecond = rate;
    else if (this.#hindered || rate > before) this.#bytesPerSecond = before ** (1 - WEIGHT) * rate ** WEIGHT;
    this.#hindered = false;
    this.#measuredBytes = 0;
    this.#measuredMs = 0;
  }
}
