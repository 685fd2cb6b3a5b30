import { LinkSpeed } from '../link-speed.ts';

/** Bytes a second below which a link is thin, and from which on it is not any more. */
const THIN_BELOW = 250_000;
const WIDE_FROM = 500_000;
/** Pictures on their way, where nothing is known of the link: one is drawn while the next one comes. */
const IN_FLIGHT = 2;
/** One more for so much of the way, up to this many: on a long one they would be far between. */
const PICTURE_MS = 50;
const MOST_IN_FLIGHT = 8;
/** A picture is begun so long before the link is done with the one before: that is what encoding it takes. */
const LEAD_MS = 40;
/** An answer that comes so much later than it should: the link is slower than it was. */
const OVERDUE_MS = 60;

/** What one viewer's acknowledgements say of the link: whether it is thin, and when it is ready for another picture. */
export class LinkMeter {
  readonly #speed = new LinkSpeed();
  /** Of those on their way: sequence number, and when it should be answered. */
  #pending: { readonly seq: number; readonly answerAt: number }[] = [];
  /** When the link is done with all that it was given. */
  #freeAt = Number.NEGATIVE_INFINITY;
  #isThin = false;

  get isThin(): boolean {
    return this.#isThin;
  }

  sent(seq: number, bytes: number, at: number): void {
    const { bytesPerSecond = Number.POSITIVE_INFINITY, wayMs = 0 } = this.#speed;
    this.#freeAt = Math.max(this.#freeAt, at) + (bytes * 1000) / bytesPerSecond;
    this.#speed.sent(bytes, at);
    this.#pending.push({ seq, answerAt: this.#freeAt + wayMs });
  }

  /** All up to this message have arrived. */
  acknowledged(seq: number, at: number): void {
    const arrived = this.#pending.filter((message) => message.seq <= seq).length;
    this.#pending.splice(0, arrived);
    this.#speed.acknowledged(arrived, at);
    if (this.#pending.length === 0) this.#freeAt = Number.NEGATIVE_INFINITY;
    const { bytesPerSecond } = this.#speed;
    if (bytesPerSecond !== undefined) this.#isThin = bytesPerSecond < (this.#isThin ? WIDE_FROM : THIN_BELOW);
  }

  /**
   * From when on another picture would not have to wait for those on their way, so that it shows what is new by then.
   * @returns nothing where that is not before one of them is acknowledged
   */
  readyAt(now: number): number | undefined {
    const [oldest] = this.#pending;
    if (oldest === undefined) return Number.NEGATIVE_INFINITY;
    const { bytesPerSecond, wayMs = 0 } = this.#speed;
    if (bytesPerSecond === undefined) return this.#pending.length < IN_FLIGHT ? Number.NEGATIVE_INFINITY : undefined;
    const most = Math.min(MOST_IN_FLIGHT, IN_FLIGHT + Math.floor(wayMs / PICTURE_MS));
    if (this.#pending.length >= most || now > oldest.answerAt + OVERDUE_MS) return undefined;
    return this.#freeAt - LEAD_MS;
  }
}
