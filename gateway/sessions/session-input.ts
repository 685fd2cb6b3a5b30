import type { InputEvent } from '#protocol/pdu/input.ts';
import { type Freeze, InputGate } from './input-gate.ts';
import type { Driver, Owner } from './ports.ts';
import type { Inspection } from './session-contract.ts';
import type { SessionEvidence } from './session-evidence.ts';
import { textKeys } from './text-keys.ts';

/** From whom input comes and where it goes, while the desktop is there. */
export interface InputEnds {
  readonly owner: Owner;
  readonly driver: Driver;
}

export interface InputParts {
  /** Looks at input before the server gets it. */
  inspect(events: readonly InputEvent[]): Inspection | undefined;
  /** @returns whether it is kept until what the browser pastes is there */
  holds(events: readonly InputEvent[]): boolean;
  readonly evidence: SessionEvidence;
  pointerMoved(x: number, y: number, at: number): void;
  /** Milliseconds, never backwards. */
  now(): number;
}

/**
 * What the owner of one session types and clicks, on its way to the server: held back by a freeze, by a browser that draws nothing and by
 * what is being pasted, looked at by rules, and written down. Knows since when nobody has done anything.
 */
export class SessionInput {
  readonly #parts: InputParts;
  readonly #gate = new InputGate();
  #lastAt: number | undefined;
  /** A freeze does not count as idleness: from here on it is counted. */
  #idleFrom = 0;
  /** That input waits for the browser to draw. */
  #isWaitingToldOf = false;
  #isLost = false;

  constructor(parts: InputParts) {
    this.#parts = parts;
  }

  /** Since when and by whom it is held back, if it is. */
  get frozen(): Freeze | undefined {
    return this.#gate.freeze;
  }

  /** When something was last typed or clicked; when the desktop was there, until then. */
  get lastAt(): number | undefined {
    return this.#lastAt;
  }

  /** From when on idleness counts, if it does: the last input, or the end of a freeze since. */
  get idleSince(): number | undefined {
    if (this.#lastAt === undefined || this.frozen !== undefined) return undefined;
    return Math.max(this.#lastAt, this.#idleFrom);
  }

  /** The desktop is there. */
  began(at: number): void {
    this.#lastAt = at;
  }

  /** Whether the server is lost, and may come back. */
  get isLost(): boolean {
    return this.#isLost;
  }

  /** The server is lost: what is typed until it is back goes nowhere, and is not said to have been typed. */
  lost(): void {
    this.#isLost = true;
    // The next connection knows nothing of what was held down in this one.
    this.#gate.release();
  }

  back(): void {
    this.#isLost = false;
  }

  pass(events: readonly InputEvent[], ends: InputEnds): void {
    if (this.frozen !== undefined || this.#isLost) return;
    if (ends.owner.isBlind) {
      this.#waits(ends);
      return;
    }
    this.#isWaitingToldOf = false;
    const parts = this.#parts;
    if (parts.holds(events)) return;
    const { pass, act } = parts.inspect(events) ?? { pass: events.length };
    const passed = this.#gate.pass(pass < events.length ? events.slice(0, pass) : events);
    if (passed.length > 0) ends.driver.input(passed);
    parts.evidence.input(passed);
    const at = parts.now();
    this.#lastAt = at;
    for (const event of passed) {
      if ('x' in event) parts.pointerMoved(event.x, event.y, at);
    }
    act?.();
  }

  /**
   * Types a secret where the caret is, as composed text is typed. It passes by all that looks at what the owner types:
   * no rule sees it, and the event log says that it was typed and not what.
   */
  typeSecret(secret: Uint8Array, enter: boolean, { driver }: InputEnds): void {
    driver.input(textKeys(secret, enter));
    this.#lastAt = this.#parts.now();
    this.#parts.evidence.secretTyped();
  }

  /** Holds it back, and lets go of what is held down. @param driver nothing while there is no desktop */
  freeze(freeze: Freeze, driver: Driver | undefined): void {
    const releases = this.#gate.close(freeze);
    if (releases.length > 0) driver?.input(releases);
  }

  unfreeze(): void {
    this.#gate.open();
    this.#idleFrom = this.#parts.now();
  }

  /**
   * The server waits for the owner's browser, so nothing of what would happen now is in the recording: a browser that draws nothing
   * is no way to do something unseen ([ADR 0068]).
   */
  #waits({ owner, driver }: InputEnds): void {
    if (this.#isWaitingToldOf) return;
    this.#isWaitingToldOf = true;
    const releases = this.#gate.release();
    if (releases.length > 0) driver.input(releases);
    const message = 'Your browser has shown nothing new for some seconds. Keyboard and mouse wait until it does.';
    this.#parts.evidence.warned('input_waits', message);
    owner.notice({ code: 'input_waits', message });
  }
}
