/**
 * How long recordings are kept, as pure functions of what there is. Sizes are bytes, times milliseconds since the epoch.
 */

/** What a target's recordings may come to; null: no limit. */
export interface RetentionRule {
  readonly maxAgeDays: number | null;
  readonly maxBytes: number | null;
}

/** Rules by target, and the one for all others. */
export interface RetentionRules {
  readonly default: RetentionRule;
  readonly targets: ReadonlyMap<string, RetentionRule>;
}

export const KEEP_ALL: RetentionRule = { maxAgeDays: null, maxBytes: null };
export const DAY_MS = 24 * 60 * 60 * 1000;

/** A recording that is over. */
export interface KeptRecording {
  readonly id: string;
  readonly targetId: string;
  readonly endedAt: number;
  readonly bytes: number;
  /** Under legal hold: kept whatever the rules say. */
  readonly held: boolean;
}

export type DeletionReason = 'age' | 'size';

export interface DueRecording {
  readonly id: string;
  readonly reason: DeletionReason;
}

export function ruleFor(rules: RetentionRules, targetId: string): RetentionRule {
  return rules.targets.get(targetId) ?? rules.default;
}

/** The same sizes, and nothing is ever too old. */
export function withoutAges({ default: fallback, targets }: RetentionRules): RetentionRules {
  const ageless = (rule: RetentionRule): RetentionRule => ({ ...rule, maxAgeDays: null });
  return {
    default: ageless(fallback),
    targets: new Map([...targets].map(([id, rule]) => [id, ageless(rule)])),
  };
}

/** When a recording is too old by a rule; null when it never is. */
export function keptUntil(rule: RetentionRule, endedAt: number): number | null {
  return rule.maxAgeDays === null ? null : endedAt + rule.maxAgeDays * DAY_MS;
}

/**
 * Recordings that the rules no longer keep, the oldest first. By size, a target's newest recordings stay as long as they
 * fit together. What is under legal hold is neither deleted nor counted: a hold must not push out other recordings.
 */
export function dueRecordings(
  recordings: readonly KeptRecording[],
  rules: RetentionRules,
  now: number,
): readonly DueRecording[] {
  const due: (DueRecording & { readonly endedAt: number })[] = [];
  const kept = new Map<string, number>();
  for (const { id, targetId, endedAt, bytes } of recordings
    .filter(({ held }) => !held)
    .sort((a, b) => b.endedAt - a.endedAt)) {
    const rule = ruleFor(rules, targetId);
    const until = keptUntil(rule, endedAt);
    const sum = (kept.get(targetId) ?? 0) + bytes;
    if (until !== null && now >= until) due.push({ id, reason: 'age', endedAt });
    else {
      // Once one does not fit, none that is older does: gaps in what is kept would be hard to explain.
      kept.set(targetId, sum);
      if (rule.maxBytes !== null && sum > rule.maxBytes) due.push({ id, reason: 'size', endedAt });
    }
  }
  return due.sort((a, b) => a.endedAt - b.endedAt).map(({ id, reason }) => ({ id, reason }));
}

/** How a target's recordings grow. */
export interface Growth {
  readonly bytes: number;
  readonly bytesPerDay: number;
  readonly rule: RetentionRule;
}

/** What a target's recordings come to in the end, when as much is recorded as now; null: more every day. */
export function sizeInTheEnd({ bytes, bytesPerDay, rule }: Growth): number | null {
  const byAge = rule.maxAgeDays === null ? Number.POSITIVE_INFINITY : bytesPerDay * rule.maxAgeDays;
  const end = Math.min(byAge, rule.maxBytes ?? Number.POSITIVE_INFINITY);
  if (end === Number.POSITIVE_INFINITY) return bytesPerDay === 0 ? bytes : null;
  return Math.round(end);
}

/** In how many days `available` bytes are used up; null when the rules stop the growth before. */
export function daysUntilFull(targets: readonly Growth[], available: number): number | null {
  if (available <= 0) return 0;
  const growing = targets
    .filter(({ bytesPerDay }) => bytesPerDay > 0)
    .map((target) => ({
      rate: target.bytesPerDay,
      room: (sizeInTheEnd(target) ?? Number.POSITIVE_INFINITY) - target.bytes,
    }))
    .filter(({ room }) => room > 0)
    .map(({ rate, room }) => ({ rate, until: room / rate }))
    .sort((a, b) => a.until - b.until);
  let rate = growing.reduce((sum, target) => sum + target.rate, 0);
  let left = available;
  let day = 0;
  for (const target of growing) {
    const span = target.until - day;
    if (rate * span >= left) return day + left / rate;
    left -= rate * span;
    rate -= target.rate;
    day = target.until;
  }
  return null;
}
