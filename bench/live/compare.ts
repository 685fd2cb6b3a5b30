import type { LiveReport } from './rows.ts';

/** One figure of two runs. */
export interface Difference {
  readonly what: string;
  readonly metric: string;
  readonly before: number;
  readonly after: number;
  readonly worse: boolean;
  readonly better: boolean;
}

interface Tolerance {
  readonly metric: string;
  /** As a share of what it was. */
  readonly relative: number;
  /** In the metric's unit: less is nothing. */
  readonly absolute: number;
  readonly more?: 'better';
}

/** What noise does to a metric; only more than both counts. Bytes have none. */
export const TOLERANCES: readonly Tolerance[] = [
  { metric: 'cpuSecondsPerMin', relative: 0.25, absolute: 0.1 },
  { metric: 'cpuMsPerMb', relative: 0.25, absolute: 0.5 },
  { metric: 'kbOutPerMin', relative: 0.03, absolute: 5 },
  { metric: 'p50Ms', relative: 0.5, absolute: 0.5 },
  { metric: 'p99Ms', relative: 1, absolute: 3 },
  { metric: 'pssMb', relative: 0.15, absolute: 10 },
  { metric: 'pssMbPerSession', relative: 0.25, absolute: 1 },
  { metric: 'recordingLagS', relative: 0.5, absolute: 5 },
  { metric: 'psnr', relative: 0, absolute: 0.5, more: 'better' },
  { metric: 'drawnPerSecond', relative: 0.05, absolute: 1, more: 'better' },
];

/** Every figure that both runs have, by what was measured. */
export function compareReports(base: LiveReport, report: LiveReport): Difference[] {
  const before = figuresOf(base);
  return [...figuresOf(report)].flatMap(([what, figures]) => {
    const earlier = before.get(what);
    return earlier === undefined ? [] : TOLERANCES.flatMap((tolerance) => differ(what, tolerance, earlier, figures));
  });
}

export function comparisonText(differences: readonly Difference[]): string {
  const changed = differences.filter(({ worse, better }) => worse || better);
  const lines = changed.map(
    ({ what, metric, before, after, worse }) =>
      `${worse ? 'worse ' : 'better'}  ${what}: ${metric} ${before} → ${after}\n`,
  );
  const worse = changed.filter((difference) => difference.worse).length;
  return `\n${lines.join('')}${differences.length} figures compared, ${worse} worse, ${changed.length - worse} better\n`;
}

type Figures = Readonly<Record<string, unknown>>;

function figuresOf({ rows, density, browser = [] }: LiveReport): Map<string, Figures> {
  return new Map<string, Figures>([
    ...rows.map((row) => [`${row.peer}, ${row.scenario}, ${row.server}, ${row.size}`, { ...row }] as const),
    ...density.map(
      (row) => [`${row.sessions} sessions, ${row.mix}, ${row.recorded ? 'recorded' : 'live'}`, { ...row }] as const,
    ),
    ...browser.map((row) => [`browser, ${row.scenario}, ${row.server}, ${row.size}`, { ...row }] as const),
  ]);
}

function differ(what: string, tolerance: Tolerance, base: Figures, now: Figures): Difference[] {
  const { metric, relative, absolute, more } = tolerance;
  const before = base[metric];
  const after = now[metric];
  if (typeof before !== 'number' || typeof after !== 'number') return [];
  const change = more === 'better' ? before - after : after - before;
  const counts = Math.abs(change) > Math.max(Math.abs(before) * relative, absolute);
  return [{ what, metric, before, after, worse: counts && change > 0, better: counts && change < 0 }];
}
