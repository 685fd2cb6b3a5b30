import { sql } from 'kysely';
import type { Store } from '../store/store.ts';
import type { Targets } from '../targets/targets.ts';
import { describeDoubt } from './age-clock.ts';
import { DAY_MS, daysUntilFull, type RetentionRule, ruleFor, sizeInTheEnd } from './policy.ts';
import type { RecordingStorage, Retention, SweepResult } from './retention.ts';
import type { RetentionSettings } from './retention-settings.ts';
import { type SpaceState, spaceState, type Watermarks } from './storage-space.ts';

/** What recordings take, how fast that grows, and how long there is room for it. */
export interface StorageReport {
  readonly state: SpaceState;
  readonly freeBytes: number | null;
  readonly totalBytes: number | null;
  readonly watermarks: Watermarks;
  readonly recordings: number;
  readonly bytes: number;
  readonly held: { readonly recordings: number; readonly bytes: number };
  readonly bytesPerDay: number;
  /** Until sessions are refused; null: with these rules, never. */
  readonly daysLeft: number | null;
  readonly lastSweep: SweepResult | null;
  /** Why nothing is deleted for its age: the clock may be wrong. It was started at `since`, and is believed from `until` on. */
  readonly clockDoubt: Readonly<Record<'lastSeen' | 'since' | 'until', string>> | null;
  readonly targets: readonly TargetStorage[];
}

export interface TargetStorage {
  readonly target: { readonly id: string; readonly name: string };
  readonly recordings: number;
  readonly bytes: number;
  readonly minutes: number;
  /** 1 KB is 1000 bytes; null where nothing was recorded yet. */
  readonly kbPerMinute: number | null;
  readonly bytesPerDay: number;
  readonly rule: RetentionRule;
  /** Whether the rule is this target's own. */
  readonly ownRule: boolean;
  /** What it comes to when as much is recorded as now; null: more every day. */
  readonly bytesInTheEnd: number | null;
}

/** Growth is what was recorded in this time. */
const SEEN_DAYS = 30;

interface ReportParts {
  readonly store: Store;
  readonly targets: Pick<Targets, 'list'>;
  readonly settings: RetentionSettings;
  readonly storage: RecordingStorage;
  readonly retention: Retention;
}

export async function storageReport(parts: ReportParts, now = Date.now()): Promise<StorageReport> {
  const { store, settings, storage, retention } = parts;
  const { clockDoubt } = retention;
  const [rules, watermarks, space, recorded, held, known] = await Promise.all([
    settings.rules(),
    settings.watermarks(),
    storage.space(),
    sumsByTarget(store, now),
    heldSum(store),
    parts.targets.list(),
  ]);
  const names = new Map(known.map(({ id, name }) => [id, name]));
  // Targets of which there is nothing yet can have a rule, too.
  const unused = known.filter(({ id }) => !recorded.some((sum) => sum.target_id === id));
  const sums = [
    ...recorded,
    ...unused.map(({ id, name }) => ({ ...NOTHING, target_id: id, target_name: name, first: now })),
  ];
  const targets = sums.map((sum): TargetStorage => {
    const rule = ruleFor(rules, sum.target_id);
    // A target that is new has not had all these days to grow in.
    const days = Math.min(SEEN_DAYS, Math.max(1, (now - sum.first) / DAY_MS));
    const growth = { bytes: sum.bytes, bytesPerDay: Math.round(sum.recent_bytes / days), rule };
    return {
      // As it is called now; one that is gone, as a recording of it was.
      target: { id: sum.target_id, name: names.get(sum.target_id) ?? sum.target_name },
      recordings: sum.recordings,
      // To a hundredth: KB a minute are to be seen in them.
      minutes: Math.round(sum.duration / 600) / 100,
      kbPerMinute: perMinute(sum.recent_bytes, sum.recent_duration) ?? perMinute(sum.bytes, sum.duration),
      ...growth,
      ownRule: rules.targets.has(sum.target_id),
      bytesInTheEnd: sizeInTheEnd(growth),
    };
  });
  const left = space === undefined ? null : daysUntilFull(targets, space.free - watermarks.stopFreeBytes);
  return {
    state: spaceState(space, watermarks),
    freeBytes: space?.free ?? null,
    totalBytes: space?.total ?? null,
    watermarks,
    recordings: targets.reduce((sum, { recordings }) => sum + recordings, 0),
    bytes: targets.reduce((sum, { bytes }) => sum + bytes, 0),
    held,
    bytesPerDay: targets.reduce((sum, { bytesPerDay }) => sum + bytesPerDay, 0),
    daysLeft: left === null ? null : Math.floor(left),
    lastSweep: retention.lastSweep ?? null,
    clockDoubt: clockDoubt === undefined ? null : describeDoubt(clockDoubt),
    targets,
  };
}

const NOTHING = { recordings: 0, bytes: 0, duration: 0, recent_bytes: 0, recent_duration: 0 };

async function sumsByTarget(store: Store, now: number) {
  const since = now - SEEN_DAYS * DAY_MS;
  const ready = sql`recording = 'ready'`;
  const recent = sql`created_at >= ${since}`;
  const sumWhere = (column: string, condition: typeof ready) =>
    sql<number>`coalesce(sum(case when ${condition} then ${sql.ref(column)} else 0 end), 0)`;
  return await store
    .selectFrom('sessions')
    // What was deleted since counts as growth all the same.
    .where('recording', 'in', ['ready', 'deleting', 'deleted'])
    .groupBy('target_id')
    .select(['target_id', sql<string>`max(target_name)`.as('target_name')])
    .select(({ fn }) => fn.min('created_at').as('first'))
    .select([
      sql<number>`sum(case when ${ready} then 1 else 0 end)`.as('recordings'),
      sumWhere('recording_bytes', ready).as('bytes'),
      sumWhere('recording_duration_ms', ready).as('duration'),
      sumWhere('recording_bytes', recent).as('recent_bytes'),
      sumWhere('recording_duration_ms', recent).as('recent_duration'),
    ])
    .orderBy('bytes', 'desc')
    .execute();
}

async function heldSum(store: Store) {
  return await store
    .selectFrom('legal_holds')
    .innerJoin('sessions', 'sessions.id', 'legal_holds.session_id')
    .select(({ fn }) => fn.countAll<number>().as('recordings'))
    .select(sql<number>`coalesce(sum(recording_bytes), 0)`.as('bytes'))
    .executeTakeFirstOrThrow();
}

function perMinute(bytes: number, durationMs: number): number | null {
  return durationMs === 0 ? null : Math.round(((bytes * 60) / durationMs) * 10) / 10;
}
