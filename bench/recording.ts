import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, extname, join } from 'node:path';
import { SessionRecorder } from '../recorder/session-recorder.ts';
import { FakeClock } from '../recorder/testing/fake-clock.ts';
import { CHART_PAGES, drawBlock, meanAccuracy, readPage } from '../recorder/testing/legibility-chart.ts';
import { type BenchCommand, BenchError, type BenchOptions, Progress } from './cli.ts';
import { claim } from './files.ts';
import { CapturedWork, capturesIn, isSession, SESSION_EXTENSION } from './recording/captured.ts';
import { type DensityRow, measureDensity } from './recording/density.ts';
import { idle } from './recording/idle.ts';
import { mix } from './recording/mix.ts';
import { ObservedWork } from './recording/observed-work.ts';
import { office } from './recording/office.ts';
import { workOf } from './recording/own-work.ts';
import { childCpuSeconds, cpuSecondsAtRest } from './recording/processor-time.ts';
import { missingFor, REAL_WORK, type RealWork } from './recording/real-work.ts';
import { ReplayedSession } from './recording/replayed-session.ts';
import type { Scenario } from './recording/scenario.ts';
import { terminal } from './recording/terminal.ts';
import { video } from './recording/video.ts';
import { web } from './recording/web.ts';
import { DrawnWork, type Work } from './recording/work.ts';
import { workOnXrdp } from './recording/xrdp-session.ts';

/** One line of `npm run bench -- recording --json FILE`. KB are 1000 bytes. */
export interface RecordingRow {
  readonly class: string;
  readonly kbPerMin: number;
  /** User and system time of the encoder's processes and of the recorder in its host, without drawing the desktop. */
  readonly cpuSecondsPerMin: number;
  readonly worstStalenessS: number;
  /** Share of the legibility chart's characters that tesseract reads after the class's work. */
  readonly greyAccuracy: number;
  readonly colourAccuracy: number;
}

export interface RecordingBenchOptions {
  readonly minutes?: number;
  /** Leaves videos here instead of removing them. */
  readonly keep?: string | undefined;
}

export const SCENARIOS: readonly (() => Scenario)[] = [idle, terminal, office, web, video];

/** Draws a class for some minutes of its own time, faster than real time, through the whole recorder and the real ffmpeg. */
export async function measure(work: Work, options: RecordingBenchOptions = {}): Promise<RecordingRow> {
  const minutes = options.minutes ?? 3;
  const directory = options.keep ?? (await mkdtemp(join(tmpdir(), 'oriel-bench-')));
  const clock = new FakeClock();
  const desktop = new ObservedWork(work, clock);
  const childrenBefore = childCpuSeconds();
  const selfBefore = process.cpuUsage();
  const recorder = await SessionRecorder.open(
    { directory: join(directory, work.name), sessionId: work.name, clock },
    desktop,
  );
  await desktop.run(recorder, minutes * 60_000);
  const worstStalenessS = desktop.worstStalenessMs / 1000;
  const cpu = process.cpuUsage(selfBefore);
  const selfSeconds = (cpu.user + cpu.system - desktop.drawingCpu()) / 1e6;
  const encoder = recorder.encoderPid;
  const encoderBefore = await cpuSecondsAtRest(encoder);
  // Nobody reads what is beneath the pointer.
  recorder.pointer(work.width - POINTER_ASIDE, work.height - POINTER_ASIDE, { kind: 'default' }, clock.now());
  for (const page of CHART_PAGES) {
    for (const block of page) work.draw(block.area, (context) => drawBlock(context, block));
    await clock.advance(PAGE_MS, () => recorder.drained());
  }
  // The chart is the measure, not the work; and so is an encoder that was begun for it.
  const chartEncoder = recorder.encoderPid;
  const chartSeconds = (await cpuSecondsAtRest(chartEncoder)) - (chartEncoder === encoder ? encoderBefore : 0);
  const summary = await recorder.finish(clock.now());
  // Starting the encoder and finishing the recording are in it, although a recording ends only once.
  const encoderSeconds = childCpuSeconds() - childrenBefore - chartSeconds;
  if (summary === undefined) throw new Error(`${work.name}: nothing was recorded`);
  if (Math.abs(summary.endedAt - clock.now()) > 500) throw new Error(`${work.name}: the timeline is off`);
  const blocks = CHART_PAGES.flatMap((page, index) =>
    readPage(summary.path, minutes * 60_000 + (index + 1) * PAGE_MS - 1, page, directory),
  );
  const row: RecordingRow = {
    class: work.name,
    kbPerMin: round(bytesBefore(summary.path, minutes * 60_000) / 1000 / minutes),
    cpuSecondsPerMin: round((selfSeconds + encoderSeconds) / minutes),
    worstStalenessS: round(worstStalenessS),
    greyAccuracy: round(meanAccuracy('grey', blocks)),
    colourAccuracy: round(meanAccuracy('colour', blocks)),
  };
  if (options.keep === undefined) await rm(directory, { recursive: true, force: true });
  return row;
}

export const command: BenchCommand = {
  usage: 'recording [options]',
  about: `What recordings cost: classes of work are drawn for some minutes of their own time, faster than real time, through the
whole recorder and the real ffmpeg. One line of JSON for each class.

--real xrdp starts an xrdp (as root), logs on, works there in real programs and in real time, and records what the server sent.
Classes whose programs are not installed are left out, with a word. --work gives the desktop to a command of your own instead.
It is run for each class with these in its environment:

  KIND             the class: ${SCENARIOS.map((make) => make().name).join(', ')}
  DISPLAY          the session's X display; XAUTHORITY opens it
  WIDTH, HEIGHT    of the desktop, in pixels
  DURATION         how long it is to work, in seconds
  HOME             a folder of the session's user, removed afterwards

It may take up to three minutes to open what it works with, then works for DURATION and ends: what counts is that time before its
end. It runs as the user of the session, who must be able to read it; what it has started ends with the session.`,
  options: {
    minutes: { type: 'string', value: 'N', meaning: 'of each class', fallback: '3' },
    only: { type: 'string', value: 'CLASS', meaning: SCENARIOS.map((make) => make().name).join(', ') },
    mix: { type: 'boolean', meaning: 'all classes by turns in one recording' },
    real: {
      type: 'string',
      value: 'PATH',
      meaning:
        'record this lossless capture of a screen or kept session, or those in this folder; `xrdp`: real programs',
    },
    work: {
      type: 'string',
      value: 'COMMAND',
      meaning: 'with --real xrdp: what works there in place of our own hands, by sh, with its class in $KIND (above)',
    },
    density: { type: 'boolean', meaning: 'how much happens in each, and what it costs a plain encoder' },
    keep: { type: 'string', value: 'FOLDER', meaning: 'leave the videos there, and what xrdp sent' },
    json: { type: 'string', value: 'FILE', meaning: 'write the rows' },
  },
  examples: [
    'npm run bench -- recording --only terminal --minutes 1 --json recording.json',
    'npm run bench -- recording --real xrdp --only office --keep sessions',
    `npm run bench -- recording --real xrdp --work './work.py "$KIND" "$DISPLAY" "$WIDTH" "$HEIGHT" "$DURATION"'`,
  ],
  run,
};

async function run(options: BenchOptions): Promise<undefined> {
  const minutes = options.number('minutes', 0.1, 24 * 60);
  const only = options.text('only');
  const keep = options.text('keep');
  const json = options.text('json');
  const wanted = worksFor(options, minutes).filter(({ name }) => only === undefined || name === only);
  if (wanted.length === 0) throw new BenchError('bad_value', `--only: there is no class "${only}"`);
  const possible = wanted.filter(canBeDone);
  if (possible.length === 0) throw new BenchError('nothing_to_measure', 'none of these classes can be worked on here');
  if (keep !== undefined) await mkdir(keep, { recursive: true });
  if (json !== undefined) await claim(json);
  const progress = new Progress(possible.length);
  if (!options.flag('density')) await warmUp();
  const rows: (RecordingRow | DensityRow)[] = [];
  for (const { name, make } of possible) {
    progress.step(name);
    const work = await make();
    try {
      const row = options.flag('density')
        ? await measureDensity(work, minutes, keep)
        : await measure(work, { minutes, keep });
      rows.push(row);
      process.stdout.write(`${JSON.stringify(row)}\n`);
    } finally {
      await work.close();
    }
  }
  if (json !== undefined) await writeFile(json, `${JSON.stringify({ rows }, undefined, 2)}\n`);
}

/** A recorder's host lives for weeks: looking for ffmpeg and compiling the code, once a process, are no recording's cost. */
async function warmUp(): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'oriel-bench-'));
  const clock = new FakeClock();
  const desktop = new ObservedWork(new DrawnWork(office()), clock);
  const recorder = await SessionRecorder.open({ directory, sessionId: 'warm-up', clock }, desktop);
  await desktop.run(recorder, WARM_UP_MS);
  await recorder.finish(clock.now());
  await rm(directory, { recursive: true, force: true });
}

/** How long each page of the chart is there. */
const PAGE_MS = 3000;
const POINTER_ASIDE = 24;
const WARM_UP_MS = 15_000;

interface WantedWork {
  readonly name: string;
  readonly real?: RealWork;
  make(): Work | Promise<Work>;
}

function worksFor(options: BenchOptions, minutes: number): WantedWork[] {
  const real = options.text('real');
  const command = options.text('work');
  if (command !== undefined && real !== 'xrdp') throw new BenchError('bad_value', '--work: only with --real xrdp');
  if (real === 'xrdp') {
    const works = command === undefined ? REAL_WORK : REAL_WORK.map(({ name }) => workOf(command, name));
    return works.map((work) => ({
      name: work.name,
      real: work,
      make: () => onXrdp(work, minutes, options.text('keep')),
    }));
  }
  if (real !== undefined) {
    return capturesIn(real).map((path) => {
      const name = basename(path, extname(path));
      return { name, make: () => (isSession(path) ? new ReplayedSession(name, path) : new CapturedWork(path)) };
    });
  }
  const scenarios = options.flag('mix') ? [() => mix(SCENARIOS)] : SCENARIOS;
  return scenarios.map((make) => ({ name: make().name, make: () => new DrawnWork(make()) }));
}

/** Says what is missing where it cannot. */
function canBeDone({ name, real }: WantedWork): boolean {
  const missing = real === undefined ? [] : missingFor(real);
  if (missing.length === 0) return true;
  const binaries = missing.map(({ binary }) => binary).join(', ');
  const packages = missing.map((program) => program.package).join(' ');
  process.stderr.write(`${name} is left out: ${binaries} not installed (apt install ${packages})\n`);
  return false;
}

async function onXrdp(work: RealWork, minutes: number, keep: string | undefined): Promise<Work> {
  const folder = keep ?? (await mkdtemp(join(tmpdir(), 'oriel-bench-')));
  const path = join(folder, `${work.name}${SESSION_EXTENSION}`);
  try {
    await workOnXrdp(work, minutes, path);
    return new ReplayedSession(work.name, path);
  } finally {
    // It is read to its end all the same.
    if (keep === undefined) await rm(folder, { recursive: true, force: true });
  }
}

function bytesBefore(path: string, ms: number): number {
  const output = execFileSync(
    'ffprobe',
    ['-v', 'error', '-select_streams', 'v:0', '-show_entries', 'packet=pts_time,size', '-of', 'csv=p=0', path],
    { maxBuffer: 64 << 20 },
  );
  return output
    .toString('utf8')
    .trim()
    .split('\n')
    .map((line) => line.split(',').map(Number))
    .filter(([seconds = 0]) => seconds * 1000 <= ms)
    .reduce((sum, [, size = 0]) => sum + size, 0);
}

function round(value: number): number {
  return Math.round(value * 10_000) / 10_000;
}
