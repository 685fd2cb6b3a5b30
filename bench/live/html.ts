import { type GoalResult, live, withLeastBases } from './goals.ts';
import { parseFilm } from './matrix.ts';
import type { LiveReport, LiveRow } from './rows.ts';
import { verdict } from './table.ts';

/** One file with everything in it: tables, and plots as SVG. Follows the reader's choice of light or dark. */
export function reportHtml(report: LiveReport, goals: readonly GoalResult[]): string {
  const rows = withLeastBases(report.rows);
  const sections = [
    goals.length > 0 ? section('Goals', goalsTable(goals)) : '',
    ...rowSections(rows),
    ...growthSections(rows),
    report.density.length > 0 ? section('Many sessions', densityPlots(report) + densityTable(report)) : '',
    report.skipped.length > 0 ? section('Skipped', list(report.skipped.map(({ what, why }) => `${what}: ${why}`))) : '',
  ];
  const versions = Object.entries(report.versions).map(([name, version]) => `${name} ${version}`);
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Live sessions, ${text(report.startedAt)}</title>
<style>${STYLE}</style>
<main>
<h1>What live sessions cost</h1>
<p>${text(report.startedAt)} · ${text(report.machine)} · ${text(versions.join(' · '))}</p>
${sections.join('\n')}
</main>
</html>
`;
}

const STYLE = `
:root { color-scheme: light dark; --ink: #1a1f24; --paper: #ffffff; --line: #c8d0d8; --good: #1a7340; --bad: #b3261e; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e4e8ec; --paper: #14181c; --line: #3a444e; --good: #67c98b; --bad: #ff8a80; }
}
body { margin: 0; background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
main { max-width: 78rem; margin: 0 auto; padding: 1rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .25rem .6rem; border-bottom: 1px solid var(--line); text-align: right; white-space: nowrap; }
th.text, td.text { text-align: left; }
.met { color: var(--good); } .missed { color: var(--bad); }
svg { max-width: 100%; height: auto; display: block; margin: .5rem 0 1rem; }
svg text { fill: var(--ink); font: 12px system-ui, sans-serif; }
svg .axis { stroke: var(--line); }
`;

/** Told apart by shade in either scheme, and named beside each bar anyway. */
const COLOURS: Readonly<Record<string, string>> = {
  'oriel-stream': '#2f80ed',
  'oriel-regions': '#9b51e0',
  relay: '#7a8794',
  guacd: '#d9822b',
  'node-rdpjs': '#c0392b',
};

function section(title: string, body: string): string {
  return `<section><h2>${text(title)}</h2>${body}</section>`;
}

function goalsTable(goals: readonly GoalResult[]): string {
  const rows = goals.map((goal) => [
    ...[goal.goal, goal.where, goal.limit, goal.reached],
    `<span class="${goal.met ? 'met' : 'missed'}">${text(verdict(goal))}</span>`,
  ]);
  return table(['goal', 'where', 'limit', 'reached', 'verdict'], rows, 2, 4);
}

function rowSections(rows: readonly LiveRow[]): string[] {
  const cells = Map.groupBy(rows, ({ server, size }) => `${server}, ${size}`);
  return [...cells].map(([title, mine]) => {
    const scenarios = [...new Set(mine.map(({ scenario }) => scenario))];
    const bars = (value: (row: (typeof mine)[number]) => number) =>
      scenarios.map((scenario) => ({
        label: scenario,
        bars: mine.filter((row) => row.scenario === scenario).map((row) => ({ name: row.peer, value: value(row) })),
      }));
    const head = [
      'scenario',
      'peer',
      'CPU s/min',
      'ms/MB',
      'KB in/min',
      'KB out/min',
      'p50 ms',
      'p99 ms',
      'PSS MB',
      'PSNR',
    ];
    const lines = mine.map((row) => [
      ...[row.scenario, row.peer, row.cpuSecondsPerMin.toFixed(2), shown(row.cpuMsPerMb, 1)],
      ...[row.kbInPerMin.toFixed(0), row.kbOutPerMin.toFixed(0), shown(row.p50Ms, 2), shown(row.p99Ms, 2)],
      ...[row.pssMb.toFixed(0), shown(row.psnr, 1)],
    ]);
    return section(
      title,
      barPlot('CPU seconds a minute', bars(live)) +
        barPlot(
          'KB a minute to the browser',
          bars(({ kbOutPerMin }) => kbOutPerMin),
        ) +
        table(head, lines, 2),
    );
  });
}

/** Cost as pictures grow, and as more of them come; straight lines, again. */
function growthSections(rows: readonly LiveRow[]): string[] {
  const films = rows.flatMap((row) => {
    const film = parseFilm(row.scenario);
    return film === undefined ? [] : [{ ...film, row }];
  });
  const cells = Map.groupBy(films, ({ row }) => `${row.server}, ${row.size}: ${row.peer}`);
  return [...cells].map(([title, mine]) => {
    type Value = (film: (typeof mine)[number]) => number;
    // What most have in common, so that one thing grows at a time.
    const common = (value: Value) =>
      [...Map.groupBy(mine, value).values()].reduce((most, some) => (some.length > most.length ? some : most));
    const line = (name: string, of: typeof mine, x: Value) => {
      const points = of.map((film) => ({ x: x(film), y: live(film.row) })).sort((a, b) => a.x - b.x);
      return points.length > 1 ? linePlot(name, points) : '';
    };
    const pixels: Value = ({ width, height }) => width * height;
    const rate: Value = ({ perSecond }) => perSecond;
    const kbAPicture: Value = ({ row, perSecond }) => Number((row.kbInPerMin / (60 * perSecond)).toPrecision(3));
    return section(
      `Growth: ${title}`,
      line('CPU seconds a minute, by KB a picture', common(rate), kbAPicture) +
        line('CPU seconds a minute, by pictures a second', common(pixels), rate),
    );
  });
}

function densityTable({ density }: LiveReport): string {
  const head = [
    'mix',
    'recorded',
    'sessions',
    'CPU s/min',
    'PSS MB',
    'MB/session',
    'p50 ms',
    'p99 ms',
    'lag s',
    'lost',
  ];
  const rows = density.map((row) => [
    ...[
      row.mix,
      row.recorded ? 'yes' : 'no',
      String(row.sessions),
      row.cpuSecondsPerMin.toFixed(1),
      row.pssMb.toFixed(0),
    ],
    ...[
      row.pssMbPerSession.toFixed(1),
      shown(row.p50Ms, 2),
      shown(row.p99Ms, 2),
      shown(row.recordingLagS, 1),
      String(row.lost),
    ],
  ]);
  return table(head, rows, 2);
}

/** Cost as the number of sessions grows; a straight line is what it should be. */
function densityPlots({ density }: LiveReport): string {
  const groups = [...Map.groupBy(density, ({ mix, recorded }) => `${mix}${recorded ? ', recorded' : ''}`)];
  return groups
    .filter(([, rows]) => rows.length > 1)
    .map(([name, rows]) => {
      const sorted = [...rows].sort((a, b) => a.sessions - b.sessions);
      const line = (title: string, value: (row: (typeof rows)[number]) => number) =>
        linePlot(
          `${title}, ${name}`,
          sorted.map((row) => ({ x: row.sessions, y: value(row) })),
        );
      return line('CPU seconds a minute', (row) => row.cpuSecondsPerMin) + line('PSS MB', (row) => row.pssMb);
    })
    .join('');
}

interface BarGroup {
  readonly label: string;
  readonly bars: readonly { readonly name: string; readonly value: number }[];
}

/** Logarithmic: peers differ by factors. */
function barPlot(title: string, groups: readonly BarGroup[]): string {
  const values = groups.flatMap(({ bars }) => bars.map(({ value }) => value)).filter((value) => value > 0);
  if (values.length === 0) return '';
  const least = Math.log10(Math.min(...values)) - 0.2;
  const most = Math.log10(Math.max(...values));
  const width = (value: number) =>
    value <= 0 ? 0 : Math.max(2, ((Math.log10(value) - least) / (most - least + 1e-9)) * 460);
  let y = 24;
  const marks: string[] = [];
  for (const { label, bars } of groups) {
    marks.push(`<text x="0" y="${y + 12}">${text(label)}</text>`);
    for (const { name, value } of bars) {
      const colour = COLOURS[name] ?? '#7a8794';
      marks.push(`<rect x="90" y="${y}" width="${width(value).toFixed(1)}" height="14" fill="${colour}"/>`);
      marks.push(
        `<text x="${(96 + width(value)).toFixed(1)}" y="${y + 12}">${text(name)} ${Number(value.toPrecision(3))}</text>`,
      );
      y += 17;
    }
    y += 8;
  }
  const name = `${title}, logarithmic`;
  return `<svg viewBox="0 0 720 ${y}" width="720" role="img" aria-label="${text(name)}"><text x="0" y="12">${text(name)}</text>${marks.join('')}</svg>`;
}

function linePlot(title: string, points: readonly { readonly x: number; readonly y: number }[]): string {
  const right = Math.max(...points.map(({ x }) => x));
  const top = Math.max(1e-9, ...points.map(({ y }) => y));
  const place = ({ x, y }: { x: number; y: number }) => ({ x: 60 + (x / right) * 420, y: 200 - (y / top) * 160 });
  const path = points.map(place).map(({ x, y }) => `${x.toFixed(1)},${y.toFixed(1)}`);
  const marks = points.map((point) => {
    const { x, y } = place(point);
    const label = `${point.x}: ${Number(point.y.toPrecision(3))}`;
    return `<circle cx="${x.toFixed(1)}" cy="${y.toFixed(1)}" r="3" fill="#2f80ed"/><text x="${(x + 5).toFixed(1)}" y="${(y - 6).toFixed(1)}">${label}</text>`;
  });
  return `<svg viewBox="0 0 580 220" width="580" role="img" aria-label="${text(title)}"><text x="0" y="12">${text(title)}</text><path class="axis" d="M60 30V200H500" fill="none"/><polyline points="${path.join(' ')}" fill="none" stroke="#2f80ed" stroke-width="2"/>${marks.join('')}</svg>`;
}

/** @param left so many columns are text @param html the column that is HTML already */
function table(head: readonly string[], rows: readonly (readonly string[])[], left: number, html = -1): string {
  const attribute = (i: number) => (i < left ? ' class="text"' : '');
  const titles = head.map((title, i) => `<th scope="col"${attribute(i)}>${text(title)}</th>`);
  const lines = rows.map(
    (row) => `<tr>${row.map((cell, i) => `<td${attribute(i)}>${i === html ? cell : text(cell)}</td>`).join('')}</tr>`,
  );
  return `<div class="scroll" tabindex="0" role="region" aria-label="table"><table><thead><tr>${titles.join('')}</tr></thead><tbody>${lines.join('')}</tbody></table></div>`;
}

function list(items: readonly string[]): string {
  return `<ul>${items.map((item) => `<li>${text(item)}</li>`).join('')}</ul>`;
}

function shown(value: number | null, digits: number): string {
  return value === null ? '–' : value.toFixed(digits);
}

function text(value: string): string {
  return value.replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`);
}
