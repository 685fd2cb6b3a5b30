import type { InputEvent } from '#protocol/pdu/input.ts';

/**
 * How much of what a user types and clicks goes into a recording's event log. `counts` is the default: keystrokes hold
 * passwords, and the video shows what came of them.
 */
export const inputLogPolicies = ['full', 'counts', 'off'] as const;
export type InputLogPolicy = (typeof inputLogPolicies)[number];

/** One line of the event log: what was done since `since`. Fields that would be 0 or empty are left out. */
export interface InputRecord {
  /** Milliseconds that the line stands for, up to its time. */
  readonly ms: number;
  readonly keys?: number;
  readonly clicks?: number;
  /** Notches, or parts of them. */
  readonly wheel?: number;
  readonly moves?: number;
  /** `full` only. `[ms since the line's beginning, what, 1 down | 0 up]`; what: `1e` scan code, `e04b` extended, `U+0041`. */
  readonly typed?: readonly (readonly [number, string, 0 | 1])[];
  /** `full` only. `[ms since the line's beginning, button, 1 down | 0 up, x, y]` */
  readonly clicked?: readonly (readonly [number, number, 0 | 1, number, number])[];
  /** `full` only: keys and clicks past the limit, counted but not listed. */
  readonly unlisted?: number;
}

/** Lines sum up this much, so that typing without a pause is some kilobytes a minute, and a kill loses little. */
export const INPUT_LINE_MS = { full: 1000, counts: 2000 } as const;

/** Keys and clicks that one line lists. Nobody types faster; a script that does is counted. */
const MAX_LISTED = 200;

/** Sums up input into lines for the event log. */
export class InputLog {
  readonly #policy: InputLogPolicy;
  readonly #write: (record: InputRecord, at: number) => void;
  readonly #pending: (record: (at: number) => InputRecord | undefined) => void;
  #since: number | undefined;
  #timer: NodeJS.Timeout | undefined;
  #counts = { keys: 0, clicks: 0, wheel: 0, moves: 0, unlisted: 0 };
  #typed: [number, string, 0 | 1][] = [];
  #clicked: [number, number, 0 | 1, number, number][] = [];

  /** @param pending called when there is more to sum up, with what the line would be if it were written then */
  constructor(
    policy: InputLogPolicy,
    write: (record: InputRecord, at: number) => void,
    pending: (record: (at: number) => InputRecord | undefined) => void = () => {},
  ) {
    this.#policy = policy;
    this.#write = write;
    this.#pending = pending;
  }

  /** @param at milliseconds since the epoch */
  add(events: readonly InputEvent[], at: number): void {
    const policy = this.#policy;
    if (policy === 'off' || events.length === 0) return;
    if (this.#since === undefined) {
      this.#since = at;
      this.#timer = setTimeout(() => this.flush(at + INPUT_LINE_MS[policy]), INPUT_LINE_MS[policy]);
      this.#timer.unref();
    }
    for (const event of events) this.#add(event, at - this.#since);
    this.#pending((now) => this.#record(now));
  }

  /** Writes what has been summed up, if anything. */
  flush(at: number): void {
    if (this.#timer !== undefined) clearTimeout(this.#timer);
    this.#timer = undefined;
    const record = this.#record(at);
    this.#since = undefined;
    this.#counts = { keys: 0, clicks: 0, wheel: 0, moves: 0, unlisted: 0 };
    this.#typed = [];
    this.#clicked = [];
    if (record !== undefined) this.#write(record, at);
  }

  #record(at: number): InputRecord | undefined {
    const since = this.#since;
    const counted = Object.entries(this.#counts).filter(([, count]) => count > 0);
    // The state of the toggle keys alone is nothing that the user did.
    if (since === undefined || counted.length === 0) return undefined;
    const typed = this.#typed.length > 0 ? { typed: this.#typed } : {};
    const clicked = this.#clicked.length > 0 ? { clicked: this.#clicked } : {};
    return { ms: Math.max(0, Math.round(at - since)), ...Object.fromEntries(counted), ...typed, ...clicked };
  }

  #add(event: InputEvent, offset: number): void {
    const counts = this.#counts;
    const ms = Math.round(offset);
    switch (event.kind) {
      case 'scancode':
      case 'unicode':
        if (event.down) counts.keys++;
        if (this.#mayList()) this.#typed.push([ms, nameOfKey(event), event.down ? 1 : 0]);
        return;
      case 'mouse-button':
        if (event.down) counts.clicks++;
        if (this.#mayList()) this.#clicked.push([ms, event.button, event.down ? 1 : 0, event.x, event.y]);
        return;
      case 'wheel':
        counts.wheel++;
        return;
      case 'mouse-move':
        counts.moves++;
    }
  }

  #mayList(): boolean {
    if (this.#policy !== 'full') return false;
    if (this.#typed.length + this.#clicked.length < MAX_LISTED) return true;
    this.#counts.unlisted++;
    return false;
  }
}

function nameOfKey(event: Extract<InputEvent, { kind: 'scancode' | 'unicode' }>): string {
  if (event.kind === 'unicode') return `U+${event.unit.toString(16).toUpperCase().padStart(4, '0')}`;
  const prefix = event.extended ? 'e0' : event.extended1 === true ? 'e1' : '';
  return prefix + event.code.toString(16).padStart(2, '0');
}
