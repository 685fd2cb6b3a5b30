import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SKRSContext2D } from '@napi-rs/canvas';
import type { Rect } from '#protocol/graphics/geometry.ts';
import { SessionRecorder } from '../recorder/session-recorder.ts';
import { CanvasDesktop } from '../recorder/testing/canvas-desktop.ts';
import { FakeClock } from '../recorder/testing/fake-clock.ts';
import { blockArea, drawBlock, LEGIBILITY_CHART, readBlock } from '../recorder/testing/legibility-chart.ts';
import { type BenchCommand, BenchError, type BenchOptions, Progress } from './cli.ts';
import { idle } from './recording/idle.ts';
import { mix } from './recording/mix.ts';
import { office } from './recording/office.ts';
import { type Scenario, type Screen, TICK_MS } from './recording/scenario.ts';
import { terminal } from './recording/terminal.ts';
import { video } from './recording/video.ts';
import { web } from './recording/web.ts';

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
export async function measure(make: () => Scenario, options: RecordingBenchOptions = {}): Promise<RecordingRow> {
  const minutes = options.minutes ?? 3;
  const scenario = make();
  const directory = options.keep ?? (await mkdtemp(join(tmpdir(), 'oriel-bench-')));
  const clock = new FakeClock();
  const desktop = new BenchDesktop(clock);
  const childrenBefore = childCpuSeconds();
  const selfBefore = process.cpuUsage();
  const recorder = await SessionRecorder.open(
    { directory: join(directory, scenario.name), sessionId: scenario.name, clock },
    desktop,
  );
  desktop.recorder = recorder;
  desktop.timed(() => scenario.start(desktop));
  for (let ms = TICK_MS; ms <= minutes * 60_000; ms += TICK_MS) {
    await clock.advance(TICK_MS, () => recorder.drained());
    desktop.timed(() => scenario.step(desktop, ms));
  }
  const worstStalenessS = desktop.worstStalenessMs / 1000;
  const cpu = process.cpuUsage(selfBefore);
  const selfSeconds = (cpu.user + cpu.system - desktop.drawingCpu) / 1e6;
  const encoderBefore = cpuSecondsOf(recorder.encoderPid);
  for (const [index] of LEGIBILITY_CHART.entries()) {
    desktop.draw(blockArea(index), (context) => drawBlock(context, index));
  }
  await clock.advance(3000, () => recorder.drained());
  // The chart is the measure, not the work.
  const chartSeconds = cpuSecondsOf(recorder.encoderPid) - encoderBefore;
  const summary = await recorder.finish(clock.now());
  // Starting the encoder and finishing the recording are in it, although a recording ends only once.
  const encoderSeconds = childCpuSeconds() - childrenBefore - chartSeconds;
  if (summary === undefined) throw new Error(`${scenario.name}: nothing was recorded`);
  if (Math.abs(summary.endedAt - clock.now()) > 500) throw new Error(`${scenario.name}: the timeline is off`);
  const row: RecordingRow = {
    class: scenario.name,
    kbPerMin: round(bytesBefore(summary.path, minutes * 60_000) / 1000 / minutes),
    cpuSecondsPerMin: round((selfSeconds + encoderSeconds) / minutes),
    worstStalenessS: round(worstStalenessS),
    greyAccuracy: round(accuracyOf('grey', summary.path, summary.durationMs, directory)),
    colourAccuracy: round(accuracyOf('colour', summary.path, summary.durationMs, directory)),
  };
  if (options.keep === undefined) await rm(directory, { recursive: true, force: true });
  return row;
}

export const command: BenchCommand = {
  usage: 'recording [options]',
  about: `What recordings cost: classes of work are drawn for some minutes of their own time, faster than real time, through the
whole recorder and the real ffmpeg. One line of JSON for each class.`,
  options: {
    minutes: { type: 'string', value: 'N', meaning: 'of each class', fallback: '3' },
    only: { type: 'string', value: 'CLASS', meaning: SCENARIOS.map((make) => make().name).join(', ') },
    mix: { type: 'boolean', meaning: 'all classes by turns in one recording' },
    keep: { type: 'string', value: 'FOLDER', meaning: 'leave the videos there' },
    json: { type: 'string', value: 'FILE', meaning: 'write the rows' },
  },
  examples: ['npm run bench -- recording --only terminal --minutes 1 --json recording.json'],
  run,
};

async function run(options: BenchOptions): Promise<undefined> {
  const minutes = options.number('minutes', 0.1, 24 * 60);
  const only = options.text('only');
  const classes = options.flag('mix') ? [() => mix(SCENARIOS)] : SCENARIOS;
  const wanted = classes.filter((make) => only === undefined || make().name === only);
  if (wanted.length === 0) throw new BenchError('bad_value', `--only: there is no class "${only}"`);
  const progress = new Progress(wanted.length);
  const rows: RecordingRow[] = [];
  for (const make of wanted) {
    progress.step(make().name);
    const row = await measure(make, { minutes, keep: options.text('keep') });
    rows.push(row);
    process.stdout.write(`${JSON.stringify(row)}\n`);
  }
  const json = options.text('json');
  if (json !== undefined) await writeFile(json, `${JSON.stringify({ rows }, undefined, 2)}\n`);
}

/** The scenarios' screen and the recorder's source; keeps what drawing costs apart from what recording costs. */
class BenchDesktop extends CanvasDesktop implements Screen {
  recorder: SessionRecorder | undefined;
  drawingCpu = 0;
  worstStalenessMs = 0;
  readonly #clock: FakeClock;
  #firstUnseen: number | undefined;

  constructor(clock: FakeClock) {
    super(1920, 1080);
    this.#clock = clock;
  }

  override draw(area: Rect, paint: (context: SKRSContext2D) => void): Rect[] {
    const rects = super.draw(area, paint);
    // Also called by the base class while it is constructed.
    this.recorder?.damaged(rects, this.#clock.now());
    if (this.recorder !== undefined) this.#firstUnseen ??= this.#clock.now();
    return rects;
  }

  pointer(x: number, y: number): void {
    this.recorder?.pointer(x, y, { kind: 'default' }, this.#clock.now());
    this.#firstUnseen ??= this.#clock.now();
  }

  override prepare(): readonly Rect[] {
    if (this.#firstUnseen !== undefined) {
      this.worstStalenessMs = Math.max(this.worstStalenessMs, this.#clock.now() - this.#firstUnseen);
      this.#firstUnseen = undefined;
    }
    return this.timed(() => super.prepare());
  }

  timed<T>(work: () => T): T {
    const before = process.cpuUsage();
    const result = work();
    const { user, system } = process.cpuUsage(before);
    this.drawingCpu += user + system;
    return result;
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

function accuracyOf(kind: 'grey' | 'colour', path: string, ms: number, directory: string): number {
  let read = 0;
  let total = 0;
  for (const [index, block] of LEGIBILITY_CHART.entries()) {
    if (block.kind !== kind) continue;
    const weight = block.lines.join('').length;
    read += readBlock(path, ms, index, join(directory, 'block.png')).accuracy * weight;
    total += weight;
  }
  return read / total;
}

/** User and system time of ended child processes (Linux: proc(5), fields cutime and cstime, in hundredths). */
function childCpuSeconds(): number {
  const fields = processStatus('self');
  return (Number(fields[13]) + Number(fields[14])) / 100;
}

/** Of a running process so far (fields utime and stime). */
function cpuSecondsOf(pid: number | undefined): number {
  if (pid === undefined) return 0;
  const fields = processStatus(String(pid));
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

/** Fields of proc(5)'s `stat`, from the third on: the second may hold spaces. */
function processStatus(process: string): string[] {
  const stat = readFileSync(`/proc/${process}/stat`, 'utf8');
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}

function round(value: number): number {
  return Math.round(value * 10_000) / 10_000;
}
