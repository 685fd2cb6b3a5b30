/**
 * Whether a server that says nothing is still there. TCP does not know for a quarter of an hour while data of ours is
 * on the way, and never where something between answers for the server; a server without heartbeats promises nothing.
 * So it is asked for a pixel when it has been quiet for a while, and counts as gone when it always answered such
 * questions at once and now does not, several times over.
 *
 * Sans-IO: times are milliseconds of any steady clock.
 */

export interface LivenessLimits {
  /** Silence after which the server is asked. */
  readonly quietMs: number;
  /** How long an answer may take. */
  readonly answerMs: number;
}

/** Some 27 seconds from the last sign of life to the end. */
export const LIVENESS_LIMITS: LivenessLimits = { quietMs: 12_000, answerMs: 5_000 };

/** What to do, and when to look again. */
export type LivenessStep =
  | { readonly kind: 'wait'; readonly milliseconds: number }
  | { readonly kind: 'ask'; readonly milliseconds: number }
  /** The server is gone. */
  | { readonly kind: 'lost' };

export class Liveness {
  readonly #limits: LivenessLimits;
  #heardAt: number;
  #askedAt = 0;
  /** Questions since the server was heard last. */
  #asked = 0;
  /** Questions that were answered at once, one after another. */
  #answered = 0;
  /** It does not answer questions of this kind. */
  #ignores = false;

  constructor(now: number, limits: LivenessLimits = LIVENESS_LIMITS) {
    this.#heardAt = now;
    this.#limits = limits;
  }

  /** Something came. */
  heard(now: number): void {
    if (this.#asked > 0) {
      const atOnce = this.#asked === 1 && now - this.#askedAt <= this.#limits.answerMs;
      this.#answered = atOnce ? this.#answered + 1 : 0;
      this.#asked = 0;
    }
    this.#heardAt = now;
  }

  /** @param mayAsk false where an answer could not come: then silence says nothing */
  step(now: number, mayAsk: boolean): LivenessStep {
    const { quietMs, answerMs } = this.#limits;
    if (this.#ignores || !mayAsk) {
      this.#asked = 0;
      this.#heardAt = now;
      return { kind: 'wait', milliseconds: quietMs };
    }
    const since = this.#asked === 0 ? this.#heardAt : this.#askedAt;
    const rest = since + (this.#asked === 0 ? quietMs : answerMs) - now;
    if (rest > 0) return { kind: 'wait', milliseconds: rest };
    if (this.#asked >= QUESTIONS) {
      if (this.#answered >= PROOFS) return { kind: 'lost' };
      this.#ignores = true;
      return { kind: 'wait', milliseconds: quietMs };
    }
    this.#asked++;
    this.#askedAt = now;
    return { kind: 'ask', milliseconds: answerMs };
  }
}

/** As many without an answer. */
const QUESTIONS = 3;
/** As many answers before an answer is expected: one may have been chance. */
const PROOFS = 2;
