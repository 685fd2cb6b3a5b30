// The global one is looked up anew each time.
import { performance } from 'node:perf_hooks';
import { BEAT_MS, every } from '../beat.ts';
import { Liveness, type LivenessLimits } from './liveness.ts';

/** What watching over a server's silence asks of its connection. */
export interface SilenceActions {
  /** Milliseconds of silence that the server itself has allowed, by promising heartbeats. */
  limit(): number | undefined;
  /** Whether we do not read: what we do not read, we do not hear. */
  isDeaf(): boolean;
  /** Whether the server would answer: not while it was told that nobody looks. */
  mayAsk(): boolean;
  /** Ask the server for a sign of life. */
  ask(): void;
  /** The server is gone, whatever TCP still believes. */
  lost(detail: string): void;
}

/** Finds out that a server is gone by its silence: with heartbeats by their absence, without by asking. */
export class SilenceWatch {
  readonly #actions: SilenceActions;
  readonly #liveness: Liveness;
  #heardAt = performance.now();
  #timer: NodeJS.Timeout | undefined;
  readonly #endBeats: () => void;

  constructor(limits: LivenessLimits | undefined, actions: SilenceActions) {
    this.#actions = actions;
    this.#liveness = new Liveness(this.#heardAt, limits);
    this.#endBeats = every(BEAT_MS, () => {
      if (this.#timer === undefined) this.#look();
    });
    this.#look();
  }

  /** Something came. Whoever looks next looks at the clock. */
  heard(): void {
    this.#heardAt = performance.now();
    this.#liveness.heard(this.#heardAt);
  }

  stop(): void {
    this.#endBeats();
    clearTimeout(this.#timer);
  }

  #look(): void {
    const actions = this.#actions;
    const now = performance.now();
    const silence = now - this.#heardAt;
    const limit = actions.limit();
    if (limit !== undefined) {
      const rest = limit - silence;
      if (rest <= 0 && !actions.isDeaf()) actions.lost(`no heartbeat within ${limit} ms`);
      else this.#again(rest > 0 ? rest : DEAF_MS);
      return;
    }
    const step = this.#liveness.step(now, !actions.isDeaf() && actions.mayAsk());
    if (step.kind === 'lost') {
      actions.lost(`no sign of life for ${Math.round(silence / 1000)} s`);
      return;
    }
    this.#again(step.milliseconds);
    if (step.kind === 'ask') actions.ask();
  }

  /** A server that speaks needs no timer: the beat comes before it could have been silent for long enough. */
  #again(milliseconds: number): void {
    if (milliseconds > BEAT_MS) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#look();
    }, milliseconds);
  }
}

/** Between two looks whether we listen again. */
const DEAF_MS = 1_000;
