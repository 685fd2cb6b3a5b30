import type { BrowserRow, DensityRow, LiveReport, LiveRow, PaceRow } from './rows.ts';

/** One goal of the project for live sessions, held against what was measured. */
export interface GoalResult {
  readonly goal: string;
  /** Where: scenario, server and size, or how many sessions. */
  readonly where: string;
  readonly limit: string;
  readonly reached: string;
  readonly met: boolean;
  /** By what factor it is missed; 1 and less is met. */
  readonly factor: number;
  /** Whether it depends on nothing but what was sent: not on how fast a machine is or what else it does. */
  readonly exact: boolean;
}

/** Everything in a report that a goal speaks of. What was not measured has no line. */
export function judge(report: Pick<LiveReport, 'rows' | 'density' | 'pace' | 'browser'>): GoalResult[] {
  const cells = Map.groupBy(
    withLeastBases(report.rows),
    ({ scenario, server, size }) => `${scenario}, ${server}, ${size}`,
  );
  return [
    ...[...cells].flatMap(([where, rows]) => judgeCell(where, rows)),
    ...report.density.flatMap(judgeDensity),
    ...report.pace.map(judgePace),
    ...report.browser.map(judgeBrowser),
  ];
}

const MOVING: readonly string[] = ['scroll', 'drag', 'video', 'page'];
const QUIET: readonly string[] = ['type', 'idle'];

function judgeCell(where: string, rows: readonly LiveRow[]): GoalResult[] {
  const of = (peer: LiveRow['peer']) => rows.find((row) => row.peer === peer);
  const [stream, regions, relay, guacd] = [of('oriel-stream'), of('oriel-regions'), of('relay'), of('guacd')];
  const results: GoalResult[] = [];
  const scenario = rows[0]?.scenario ?? '';
  if (stream !== undefined) {
    if (guacd !== undefined && MOVING.includes(scenario)) {
      const perMb = ratio(perMegabyte(stream), perMegabyte(guacd));
      results.push(atMost('CPU per MB of server bytes, against guacd', where, perMb, 1 / 20, 'x'));
      results.push(atMost('CPU per minute, against guacd', where, ratio(live(stream), live(guacd)), 1 / 20, 'x'));
    }
    if (guacd !== undefined && QUIET.includes(scenario)) {
      results.push(atMost('CPU per minute, against guacd', where, ratio(live(stream), live(guacd)), 2 / 3, 'x'));
    }
    if (relay !== undefined) {
      results.push(atMost('CPU against the bare relay', where, ratio(live(stream), live(relay)), 2, 'x'));
      if (stream.p50Ms !== null && relay.p50Ms !== null) {
        const added = Math.max(0, stream.p50Ms - relay.p50Ms);
        results.push({ ...atMost('latency p50 above the bare relay', where, added, 1, ' ms'), exact: false });
      }
    }
    const bytes = ratio(stream.kbOutPerMin, stream.kbInPerMin);
    // A stream that says nothing much is not counted by its few bytes of headers.
    if (stream.kbInPerMin > 1000) {
      results.push({
        ...atMost("bytes to the browser, Stream, of the server's", where, bytes, 1.02, 'x'),
        exact: true,
      });
    }
    if (stream.p50Ms !== null) results.push(atMost('latency p50, alone', where, stream.p50Ms, 1, ' ms'));
    if (stream.p99Ms !== null) results.push(atMost('latency p99, alone', where, stream.p99Ms, 3, ' ms'));
  }
  if (regions !== undefined && guacd !== undefined && guacd.kbOutPerMin > 0) {
    const limit = scenario === 'type' || scenario === 'video' ? 1 : 1 / 2;
    const bytes = ratio(regions.kbOutPerMin, guacd.kbOutPerMin);
    if (scenario !== 'idle')
      results.push(atMost("bytes to the browser, Regions, of guacd's", where, bytes, limit, 'x'));
    if (regions.psnr !== null && guacd.psnr !== null) {
      const lost = Math.max(0, guacd.psnr - regions.psnr);
      results.push(atMost("PSNR of Regions below guacd's", where, lost, 0, ' dB'));
    }
  }
  return results;
}

function judgeDensity(row: DensityRow): GoalResult[] {
  const where = `${row.sessions} sessions, ${row.mix}${row.recorded ? ', recorded' : ''}`;
  const results: GoalResult[] = [];
  const memory = row.recorded ? 30 : 12;
  if (row.sessions >= 10) results.push(atMost('memory a session', where, row.pssMbPerSession, memory, ' MB'));
  if (row.p99Ms !== null) results.push(atMost('latency p99', where, row.p99Ms, row.sessions > 1 ? 10 : 3, ' ms'));
  if (row.recordingLagS !== null) results.push(atMost('recording behind', where, row.recordingLagS, 60, ' s'));
  results.push({ ...atMost('sessions that were lost', where, row.lost, 0, ''), exact: true });
  return results;
}

function judgePace({ server, size, framesPerSecond, desktopsPerFrame }: PaceRow): GoalResult {
  const where = `a server without limits, ${server}, ${size}`;
  // Where no frames are marked, whole desktops are what is counted.
  const shown = server === 'classic' ? framesPerSecond * desktopsPerFrame : framesPerSecond;
  return { ...atMost('frames a second that a server is let send', where, shown, PACE_LIMIT, ''), exact: true };
}

/** Thirty, and a burst of three over the seconds that are measured. */
const PACE_LIMIT = 31;

function judgeBrowser(row: BrowserRow): GoalResult {
  const where = `${row.scenario}, ${row.server}, ${row.size}`;
  const missing = 60 / Math.max(0.1, row.drawnPerSecond);
  return {
    goal: 'browser: 60 fps, no main-thread task over 16 ms',
    where,
    limit: '60 fps, 0 tasks',
    reached: `${row.drawnPerSecond.toFixed(1)} fps, ${row.longTasks} tasks`,
    met: row.drawnPerSecond >= 57 && row.longTasks === 0,
    factor: missing,
    exact: false,
  };
}

/**
 * What a peer takes without a session depends on nothing that is played then: it is the least of what was measured before its rows.
 * A few seconds of that with a collection of the heap in them are more than an idle session is.
 */
export function withLeastBases(rows: readonly LiveRow[]): LiveRow[] {
  const least = new Map<LiveRow['peer'], number>();
  for (const { peer, baseCpuSecondsPerMin } of rows) {
    least.set(peer, Math.min(baseCpuSecondsPerMin, least.get(peer) ?? baseCpuSecondsPerMin));
  }
  return rows.map((row) => ({ ...row, baseCpuSecondsPerMin: least.get(row.peer) ?? 0 }));
}

/** What a session costs: without what the peer takes when nobody is there. */
export function live(row: LiveRow): number {
  return Math.max(0, row.cpuSecondsPerMin - row.baseCpuSecondsPerMin);
}

function perMegabyte(row: LiveRow): number {
  return live(row) / Math.max(1e-6, row.kbInPerMin / 1000);
}

function ratio(one: number, other: number): number {
  return one / Math.max(1e-9, other);
}

function atMost(goal: string, where: string, value: number, limit: number, unit: string): GoalResult {
  const factor = limit === 0 ? (value > 0 ? Number.POSITIVE_INFINITY : 0) : value / limit;
  const show = (number: number) => `${Number(number.toPrecision(3))}${unit}`;
  return { goal, where, limit: `≤ ${show(limit)}`, reached: show(value), met: factor <= 1, factor, exact: false };
}
