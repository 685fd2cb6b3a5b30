import { readFile, writeFile } from 'node:fs/promises';
import { arch, cpus, platform, totalmem } from 'node:os';
import { type BenchCommand, BenchError, type BenchOptions, Progress } from './cli.ts';
import { claim } from './files.ts';
import { compareReports, comparisonText } from './live/compare.ts';
import { DENSITY_SERVER, DENSITY_SIZE, type DensityMix, measureDensity, worksOf } from './live/density.ts';
import { judge } from './live/goals.ts';
import { reportHtml } from './live/html.ts';
import { Lab } from './live/lab.ts';
import {
  FILMS,
  type Film,
  PEERS,
  type PeerName,
  REAL_SERVERS,
  SCENARIOS,
  type Scenario,
  SENDERS,
  SERVERS,
  type Sender,
  type Server,
  SIZES,
  type Work,
} from './live/matrix.ts';
import { measureRow, warmUp } from './live/measure.ts';
import { measurePace } from './live/pace.ts';
import { OrielPeer } from './live/peers/oriel.ts';
import { Absent, type Peer } from './live/peers/peer.ts';
import { Profiler } from './live/profile/profiler.ts';
import type { BrowserRow, DensityRow, LiveReport, LiveRow, PaceRow, Skipped } from './live/rows.ts';
import { capturedStreams } from './live/streams/captured.ts';
import { ensureStream } from './live/streams/store.ts';
import { reportText } from './live/table.ts';

export const command: BenchCommand = {
  usage: 'live [options]',
  about: `What a live session costs, beside other gateways and the floor: a bare relay of bytes. Our own RDP server plays
streams that are drawn and encoded once; browsers are simulated. Everything is on this machine's loopback.`,
  options: {
    scenario: { type: 'string', value: 'LIST', meaning: `${SCENARIOS.join(', ')}, or all`, fallback: 'all' },
    size: { type: 'string', value: 'LIST', meaning: `${SIZES.join(', ')}, or all`, fallback: '1280x800' },
    server: {
      type: 'string',
      value: 'LIST',
      meaning: `how pictures are sent: ${SENDERS.join(', ')}; or a real server, as root: ${REAL_SERVERS.join(', ')}; or all`,
      fallback: SENDERS.join(),
    },
    stream: {
      type: 'string',
      value: 'FILES',
      meaning: 'captured streams to play besides, or alone with --scenario ""',
      fallback: '',
    },
    peer: { type: 'string', value: 'LIST', meaning: `${PEERS.join(', ')}, or all`, fallback: 'all' },
    seconds: {
      type: 'string',
      value: 'N',
      meaning: 'of each measurement; idle takes four times as long',
      fallback: '10',
    },
    'warm-up': {
      type: 'string',
      value: 'N',
      meaning: 'seconds that each peer scrolls, drags and types each, before its first row; 0 for none',
      fallback: '10',
    },
    guacd: { type: 'string', value: 'HOST:PORT', meaning: 'a guacd on this machine to measure beside' },
    'node-rdpjs': { type: 'string', value: 'FOLDER', meaning: 'where node-rdpjs-2 is installed' },
    density: { type: 'string', value: 'LIST', meaning: 'numbers of sessions to hold at once', fallback: '' },
    mix: { type: 'string', value: 'LIST', meaning: 'what they do: mix (of works), typing, or all', fallback: 'mix' },
    recorded: { type: 'boolean', meaning: 'record the sessions of --density' },
    growth: {
      type: 'boolean',
      meaning: 'also what costs grow with: films of several sizes and rates, from our own server',
    },
    'no-browser': { type: 'boolean', meaning: 'no real Chromium (it draws scroll and page at 1920x1080)' },
    'no-rows': { type: 'boolean', meaning: 'nothing but --density and --growth' },
    profile: {
      type: 'string',
      value: 'FOLDER',
      meaning: 'write flame graphs of what is measured; the figures of such a run have the profiling in them',
    },
    json: { type: 'string', value: 'FILE', meaning: 'write the figures' },
    html: { type: 'string', value: 'FILE', meaning: 'write a report with plots' },
    compare: {
      type: 'string',
      value: 'BASE',
      meaning: 'hold against the JSON of another run; ends with 1 for what got worse',
    },
  },
  examples: [
    'npm run bench -- live --scenario type,scroll --server gfx --peer oriel-stream,relay',
    'npm run bench -- live --guacd 127.0.0.1:4822 --json live.json --html live.html',
    'npm run bench -- live --no-rows --density 1,10,25,50 --recorded',
    'npm run bench -- live --no-rows --growth --server gfx --peer oriel-stream,relay --html growth.html',
    'npm run bench -- live --json new.json --compare old.json',
  ],
  run,
};

/** One kind of work, that all peers are given. */
interface Cell {
  readonly scenario: string;
  readonly size: string;
  readonly server: string;
  readonly file?: string;
}

interface Plan {
  readonly scenarios: readonly Scenario[];
  readonly sizes: readonly string[];
  readonly servers: readonly Server[];
  readonly captured: readonly Cell[];
  readonly peers: readonly PeerName[];
  readonly seconds: number;
  readonly warmUp: number;
  readonly films: readonly Film[];
  readonly density: readonly number[];
  readonly mixes: readonly DensityMix[];
  readonly recorded: boolean;
  readonly browser: boolean;
  readonly guacd: string | undefined;
  readonly nodeRdpjs: string | undefined;
  readonly profile: string | undefined;
}

async function run(options: BenchOptions): Promise<number> {
  const plan = await planOf(options);
  const base = await readBase(options.text('compare'));
  const files = ['json', 'html'].flatMap((name) => options.text(name) ?? []);
  for (const file of files) await claim(file);
  const json = options.text('json');
  // What is measured is there, also when the rest is cut off.
  const report = await measureAll(plan, async (soFar) => {
    if (json !== undefined) await writeFile(json, `${JSON.stringify(soFar, undefined, 2)}\n`);
  });
  const goals = judge(report);
  process.stdout.write(reportText(report, goals));
  const html = options.text('html');
  if (html !== undefined) await writeFile(html, reportHtml(report, goals));
  if (base === undefined) return 0;
  const differences = compareReports(base, report);
  process.stdout.write(comparisonText(differences));
  return differences.some(({ worse }) => worse) ? 1 : 0;
}

/** @throws BenchError */
async function planOf(options: BenchOptions): Promise<Plan> {
  const noRows = options.flag('no-rows');
  const plan: Plan = {
    scenarios: noRows ? [] : options.choices('scenario', SCENARIOS),
    sizes: options.choices('size', SIZES),
    servers: options.choices('server', SERVERS),
    captured: await capturedStreams(options.text('stream') ?? ''),
    peers: options.choices('peer', PEERS),
    seconds: options.number('seconds', 1, 600),
    warmUp: options.number('warm-up', 0, 600),
    films: options.flag('growth') ? FILMS : [],
    density: options.numbers('density', 1, 500),
    mixes: options.choices('mix', ['mix', 'typing'] as const),
    recorded: options.flag('recorded'),
    browser: !options.flag('no-browser'),
    guacd: options.address('guacd'),
    nodeRdpjs: options.text('node-rdpjs'),
    profile: options.text('profile'),
  };
  const rows = cellsOf(plan).length * plan.peers.length;
  if (rows === 0 && plan.density.length === 0) throw new BenchError('nothing_to_measure', 'no row and no --density');
  return plan;
}

/** @param measured is given what there is after each step */
async function measureAll(plan: Plan, measured: (report: LiveReport) => Promise<void>): Promise<LiveReport> {
  const startedAt = new Date().toISOString();
  const { seconds, density, mixes, recorded } = plan;
  const cells = cellsOf(plan);
  const rows: LiveRow[] = [];
  const pace: PaceRow[] = [];
  const densityRows: DensityRow[] = [];
  const browserRows: BrowserRow[] = [];
  const skipped: Skipped[] = [];
  const versions: Record<string, string> = { node: process.versions.node };
  const lists = { rows, density: densityRows, pace, browser: browserRows, skipped };
  const report: LiveReport = { machine: machine(), versions, startedAt, ...lists };
  const paced = plan.peers.includes('oriel-stream')
    ? cells.filter(({ scenario, server }) => scenario === 'page' && isSender(server))
    : [];
  const drawn = plan.browser && plan.peers.includes('oriel-stream') ? browserCells(plan) : [];
  const progress = new Progress(
    cells.length * plan.peers.length + paced.length + drawn.length + density.length * mixes.length,
  );
  /** What fails is said, and the rest is measured. */
  const attempt = async (what: string, measure: () => Promise<unknown>): Promise<void> => {
    progress.step(what);
    try {
      await measure();
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      progress.say(`  ${why}`);
      skipped.push({ what, why });
    }
    await measured(report);
  };
  await prepareStreams(plan, progress);

  if (cells.length > 0) {
    using profiler = plan.profile === undefined ? undefined : new Profiler(plan.profile);
    await using lab = await Lab.start({ guacd: plan.guacd, nodeRdpjs: plan.nodeRdpjs, first: true });
    const peers = await startPeers(lab, plan.peers, skipped);
    for (const { name, version } of peers) versions[name] = version;
    for (const peer of peers) {
      for (const cell of warmUpCells(plan, cells)) {
        if (peer.refuses?.(cell.server) !== undefined) continue;
        progress.say(`warming up ${peer.name}: ${cell.scenario}, ${cell.server}`);
        // What does not work is said where it is measured.
        await warmUp(lab, peer, { ...cell, seconds: plan.warmUp }).catch(() => {});
      }
    }
    // The peers of one cell one after another: what is beside each other was measured within a minute.
    for (const cell of cells) {
      for (const peer of peers) {
        const where = `${cell.scenario}, ${cell.server}, ${cell.size}: ${peer.name}`;
        await attempt(where, async () => {
          const refusal = peer.refuses?.(cell.server);
          if (refusal !== undefined) throw new Absent(refusal);
          rows.push(await measureRow(lab, peer, { ...cell, seconds }, profiler));
        });
      }
    }
    for (const { server, size } of paced) {
      const peer = peers.find(({ name }) => name === 'oriel-stream');
      if (peer === undefined) continue;
      const where = `pace, ${server}, ${size}`;
      await attempt(where, async () => pace.push(await measurePace(lab, peer, server as Sender, size, seconds)));
    }
  }
  for (const { scenario, server } of drawn) {
    const where = `Chromium, ${scenario}, ${server}, ${BROWSER_SIZE}`;
    await attempt(where, async () => {
      const { measureBrowser } = await import('./live/browser.ts');
      browserRows.push(await measureBrowser(scenario, server, BROWSER_SIZE, seconds));
    });
  }
  for (const mix of mixes) {
    for (const sessions of density) {
      // A gateway of its own for each: what a larger number leaves behind must not count for the next.
      await using lab = await Lab.start({ recorded, first: true });
      const peer = await lab.peer('oriel-stream');
      versions['oriel-stream'] = peer.version;
      const where = `${sessions} sessions, ${mix}${recorded ? ', recorded' : ''}`;
      await attempt(where, async () => {
        if (!(peer instanceof OrielPeer)) return;
        densityRows.push(await measureDensity(lab, peer, { sessions, mix, recorded, seconds }));
      });
    }
  }
  return report;
}

function cellsOf({ scenarios, films, sizes, servers, captured }: Plan): Cell[] {
  return [...crossed(scenarios, sizes, servers), ...crossed(films, sizes, servers.filter(isSender)), ...captured];
}

function crossed<W extends string, S extends string>(
  works: readonly W[],
  sizes: readonly string[],
  from: readonly S[],
) {
  return works.flatMap((scenario) => sizes.flatMap((size) => from.map((server) => ({ scenario, size, server }))));
}

/** What all peers do before they are measured: for each kind of server the largest pictures, the most of them, and keys. */
function warmUpCells({ warmUp, captured }: Plan, cells: readonly Cell[]): Cell[] {
  if (warmUp === 0) return [];
  const firsts = [...new Map(cells.toReversed().map((cell) => [cell.server, cell])).values()].reverse();
  return firsts.flatMap((cell) =>
    captured.includes(cell) ? [cell] : WARM_UP_SCENARIOS.map((scenario) => ({ ...cell, scenario })),
  );
}

const WARM_UP_SCENARIOS: readonly Scenario[] = ['scroll', 'drag', 'type'];

/** What a real browser is given to draw. */
const BROWSER_SIZE = '1920x1080';
const BROWSER_SCENARIOS: readonly Scenario[] = ['scroll', 'page'];

function browserCells({ scenarios, servers }: Plan) {
  const wanted = scenarios.filter((scenario) => BROWSER_SCENARIOS.includes(scenario));
  return wanted.flatMap((scenario) => servers.filter(isSender).map((server) => ({ scenario, server })));
}

function isSender(server: string): server is Sender {
  return SENDERS.some((sender) => sender === server);
}

async function prepareStreams(plan: Plan, progress: Progress): Promise<void> {
  const { scenarios, films, sizes, servers, density, mixes } = plan;
  const played = [...scenarios, ...films];
  const warming = plan.warmUp > 0 && played.length > 0 ? WARM_UP_SCENARIOS : [];
  const works = [...new Set<Scenario | Film | Work>([...played, ...warming])];
  const wanted = crossed(works, sizes, servers.filter(isSender));
  if (plan.browser) for (const cell of browserCells(plan)) wanted.push({ ...cell, size: BROWSER_SIZE });
  const most = Math.max(0, ...density);
  for (const mix of mixes) {
    for (const scenario of new Set(worksOf(most, mix))) {
      wanted.push({ scenario, size: DENSITY_SIZE, server: DENSITY_SERVER });
    }
  }
  for (const { scenario, size, server } of wanted) {
    if (await ensureStream(scenario, size, server)) progress.say(`encoded ${scenario}, ${server}, ${size}`);
  }
}

async function startPeers(lab: Lab, names: readonly PeerName[], skipped: Skipped[]): Promise<Peer[]> {
  const peers: Peer[] = [];
  for (const name of names) {
    try {
      peers.push(await lab.peer(name));
    } catch (error) {
      // One that does not start leaves the others to be measured.
      skipped.push({ what: name, why: (error as Error).message });
    }
  }
  return peers;
}

async function readBase(file: string | undefined): Promise<LiveReport | undefined> {
  if (file === undefined) return undefined;
  try {
    const report = JSON.parse(await readFile(file, 'utf8')) as LiveReport;
    if (!Array.isArray(report.rows) || !Array.isArray(report.density)) throw new Error('no report of this bench');
    return report;
  } catch (error) {
    throw new BenchError('file_unreadable', `--compare ${file}: ${(error as Error).message}`, { cause: error });
  }
}

function machine(): string {
  const [first] = cpus();
  const memory = `${Math.round(totalmem() / 2 ** 30)} GB`;
  return `${platform()} ${arch()}, ${cpus().length} × ${first?.model.trim() ?? 'unknown'}, ${memory}, Node ${process.versions.node}`;
}
