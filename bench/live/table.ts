import type { GoalResult } from './goals.ts';
import type { LiveReport } from './rows.ts';

/** A report as text: rows, density, and the goals beside what was reached. */
export function reportText(report: LiveReport, goals: readonly GoalResult[]): string {
  const parts: string[] = [];
  if (report.rows.length > 0) {
    parts.push(
      table(
        [
          'scenario',
          'size',
          'server',
          'peer',
          'CPU s/min',
          'ms/MB',
          'KB in/min',
          'KB out/min',
          'p50 ms',
          'p99 ms',
          'PSS MB',
          'PSNR',
        ],
        report.rows.map((row) => [
          ...[row.scenario, row.size, row.server, row.peer],
          ...[row.cpuSecondsPerMin.toFixed(row.cpuSecondsPerMin < 1 ? 3 : 2), shown(row.cpuMsPerMb, 1)],
          ...[row.kbInPerMin.toFixed(0), row.kbOutPerMin.toFixed(0), shown(row.p50Ms, 2), shown(row.p99Ms, 2)],
          ...[row.pssMb.toFixed(0), shown(row.psnr, 1)],
        ]),
        4,
      ),
    );
  }
  if (report.density.length > 0) {
    parts.push(
      table(
        [
          ...['sessions', 'mix', 'recorded', 'CPU s/min', 'PSS MB', 'MB/session', 'p50 ms', 'p99 ms', 'waits s/min'],
          ...['lag s', 'lost'],
        ],
        report.density.map((row) => [
          ...[String(row.sessions), row.mix, row.recorded ? 'yes' : 'no', row.cpuSecondsPerMin.toFixed(1)],
          ...[row.pssMb.toFixed(0), row.pssMbPerSession.toFixed(1), shown(row.p50Ms, 2), shown(row.p99Ms, 2)],
          ...[row.gatewayWaitSecondsPerMin.toFixed(1), shown(row.recordingLagS, 1), String(row.lost)],
        ]),
        3,
      ),
    );
  }
  if (report.browser.length > 0) {
    parts.push(
      table(
        [
          ...['Chromium', 'server', 'size', 'drawn/s', 'from memory', 'worker ms', 'page fps', 'tasks > 16 ms'],
          ...['by the clock', 'longest ms'],
        ],
        report.browser.map((row) => [
          ...[row.scenario, row.server, row.size, row.drawnPerSecond.toFixed(1)],
          ...[row.drawnFromMemoryPerSecond.toFixed(1), row.workerMsPerFrame.toFixed(1)],
          row.pageFramesPerSecond.toFixed(1),
          ...[String(row.longTasks), String(row.longTasksByClock), row.longestTaskMs.toFixed(1)],
        ]),
        3,
      ),
    );
  }
  if (goals.length > 0) {
    parts.push(
      table(
        ['goal', 'where', 'limit', 'reached', ''],
        goals.map((goal) => [goal.goal, goal.where, goal.limit, goal.reached, verdict(goal)]),
        2,
      ),
    );
  }
  if (report.skipped.length > 0)
    parts.push(report.skipped.map(({ what, why }) => `skipped ${what}: ${why}\n`).join(''));
  return `${report.machine}\n\n${parts.join('\n')}`;
}

export function verdict({ met, factor }: GoalResult): string {
  if (met) return 'met';
  return Number.isFinite(factor) ? `missed ${factor.toFixed(factor < 10 ? 2 : 0)}-fold` : 'missed';
}

function shown(value: number | null, digits: number): string {
  return value === null ? '–' : value.toFixed(digits);
}

/** @param left so many columns are text, the others are numbers */
export function table(head: readonly string[], rows: readonly (readonly string[])[], left: number): string {
  const widths = head.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i]?.length ?? 0)));
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, i) => (i < left ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0)))
      .join('  ')
      .trimEnd();
  return `${[line(head), ...rows.map(line)].join('\n')}\n`;
}
