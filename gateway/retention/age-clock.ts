import { DAY_MS } from './policy.ts';
import type { RetentionSettings } from './retention-settings.ts';

/** The gateway was started so much later than it last ran that its clock may be wrong. Milliseconds since the epoch. */
export interface ClockDoubt {
  /** When it ran before, to an hour. */
  readonly lastSeen: number;
  /** What the clock said at that start. */
  readonly since: number;
}

/** What is kept of the clock that recordings are old by. */
export interface SeenClock {
  /** What it said when the gateway last ran, to an hour. */
  readonly seenAt: number;
  readonly doubt?: ClockDoubt;
}

/**
 * Whether the clock that recordings are old by is to be believed. While the gateway runs it cannot be set; started with
 * another year it would have all that was ever recorded deleted in its first minute. So a start that comes more than a
 * week after the gateway last ran is believed when somebody says that the time is right, or a week later. Nothing else
 * tells a wrong clock from a gateway that stood still for so long.
 */
export class AgeClock {
  readonly #settings: Pick<RetentionSettings, 'clock' | 'setClock'>;
  #seen: SeenClock | undefined;

  constructor(settings: Pick<RetentionSettings, 'clock' | 'setClock'>) {
    this.#settings = settings;
  }

  /** As of the last look; nothing where the clock is believed. */
  get doubt(): ClockDoubt | undefined {
    return this.#seen?.doubt;
  }

  /**
   * Call it while the gateway runs, more often than hourly.
   * @returns a doubt that has just begun
   */
  async look(now: number): Promise<ClockDoubt | undefined> {
    const isStart = this.#seen === undefined;
    const before = this.#seen ?? (await this.#settings.clock()) ?? { seenAt: now };
    const leapt = isStart && now - before.seenAt > LEAP_MS ? { lastSeen: before.seenAt, since: now } : undefined;
    const doubt = leapt ?? (isStillDoubted(before.doubt, now) ? before.doubt : undefined);
    const isNews = doubt !== before.doubt || now - before.seenAt >= WRITE_EVERY_MS || now < before.seenAt;
    if (!isStart && !isNews) return undefined;
    await this.#keep(now, doubt);
    return leapt;
  }

  /** Somebody says that the time is right. @returns what was doubted */
  async believe(now: number): Promise<ClockDoubt | undefined> {
    const { doubt } = this;
    if (doubt !== undefined) await this.#keep(now, undefined);
    return doubt;
  }

  async #keep(seenAt: number, doubt: ClockDoubt | undefined): Promise<void> {
    const seen = { seenAt: Math.round(seenAt), ...(doubt === undefined ? {} : { doubt }) };
    await this.#settings.setClock(seen);
    this.#seen = seen;
  }
}

/** When a clock that is doubted is believed all the same. */
function believedFrom({ since }: ClockDoubt): number {
  return since + PATIENCE_MS;
}

/** For people and the audit log. */
export function describeDoubt(doubt: ClockDoubt): Readonly<Record<'lastSeen' | 'since' | 'until', string>> {
  const iso = (at: number) => new Date(at).toISOString();
  return { lastSeen: iso(doubt.lastSeen), since: iso(doubt.since), until: iso(believedFrom(doubt)) };
}

/** A clock that says less than it did at the start in question has been set right. */
function isStillDoubted(doubt: ClockDoubt | undefined, now: number): boolean {
  return doubt !== undefined && now >= doubt.since && now < believedFrom(doubt);
}

/** Holidays are shorter; and what a clock that is wrong by less costs is so many days of a recording's last ones. */
const LEAP_MS = 7 * DAY_MS;
const PATIENCE_MS = 7 * DAY_MS;
const WRITE_EVERY_MS = 60 * 60_000;
