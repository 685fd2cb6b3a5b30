/** Smaller messages say more about the drawing than about the link. */
const MEASURED_BYTES = 32 * 1024;
/** What a viewer takes at any speed of the link: a frame of its screen, decoding, a turn of each event loop. */
const DRAWING_MS = 40;
/** Bytes a second below which a link is thin, and from which on it is not any more. */
const THIN_BELOW = 250_000;
const WIDE_FROM = 500_000;
/** How much one message says. */
const WEIGHT = 0.4;

/** Estimates from acknowledgements how many bytes a second reach one viewer. */
export class LinkMeter {
  /** Those on their way: sequence number, bytes, when they were sent. */
  #pending: { readonly seq: number; readonly bytes: number; readonly at: number }[] = [];
  #bytesPerSecond: number | undefined;
  #isThin = false;

  get isThin(): boolean {
    return this.#isThin;
  }

  sent(seq: number, bytes: number, at: number): void {
    this.#pending.push({ seq, bytes, at });
  }

  /** All up to this message have arrived. */
  acknowledged(seq: number, at: number): void {
    const arrived = this.#pending.filter((message) => message.seq <= seq);
    this.#pending = this.#pending.filter((message) => message.seq > seq);
    const [first] = arrived;
    if (first === undefined) return;
    const bytes = arrived.reduce((sum, message) => sum + message.bytes, 0);
    if (bytes < MEASURED_BYTES) return;
    const rate = (bytes * 1000) / Math.max(1, at - first.at - DRAWING_MS);
    this.#bytesPerSecond = this.#bytesPerSecond === undefined ? rate : mean(this.#bytesPerSecond, rate);
    this.#isThin = this.#bytesPerSecond < (this.#isThin ? WIDE_FROM : THIN_BELOW);
  }
}

/** Geometric: one quick message does not make a link wide. */
function mean(before: number, rate: number): number {
  return before ** (1 - WEIGHT) * rate ** WEIGHT;
}
