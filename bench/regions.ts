import { writeFile } from 'node:fs/promises';
import { type BenchCommand, BenchError, type BenchOptions, Progress } from './cli.ts';
import { claim } from './files.ts';
import { Lab } from './live/lab.ts';
import { SCENARIOS, SENDERS, SIZES, streamKey } from './live/matrix.ts';
import { measureRow } from './live/measure.ts';
import { type RegionsRow, runRegions } from './live/regions-run.ts';
import { type CapturedStream, capturedStreams } from './live/streams/captured.ts';
import { ensureStream, readStream, streamFile } from './live/streams/store.ts';
import { table } from './live/table.ts';

export const command: BenchCommand = {
  usage: 'regions [options]',
  about: `What a viewer in Regions mode is sent of the live bench's streams: bytes, pictures and their PSNR, by a clock of its own and
without a network, so that bytes are the same on every machine; beside guacd, which needs the clock on the wall.`,
  options: {
    scenario: { type: 'string', value: 'LIST', meaning: `${SCENARIOS.join(', ')}, or all`, fallback: 'all' },
    size: { type: 'string', value: 'LIST', meaning: `${SIZES.join(', ')}, or all`, fallback: '1280x800' },
    server: { type: 'string', value: 'LIST', meaning: `${SENDERS.join(', ')}, or all`, fallback: 'classic,remotefx' },
    stream: { type: 'string', value: 'FILES', meaning: 'captured streams besides', fallback: '' },
    seconds: { type: 'string', value: 'N', meaning: 'of each stream', fallback: '10' },
    guacd: { type: 'string', value: 'HOST:PORT', meaning: 'a guacd on this machine to measure beside' },
    json: { type: 'string', value: 'FILE', meaning: 'write the figures' },
  },
  examples: ['npm run bench -- regions --scenario scroll,drag --server remotefx --guacd 127.0.0.1:4822'],
  run,
};

/** With guacd's figures for the same stream, where there is one. */
interface ComparedRow extends RegionsRow {
  readonly guacdKbPerMin: number | null;
  readonly guacdPsnr: number | null;
}

async function run(options: BenchOptions): Promise<undefined> {
  const seconds = options.number('seconds', 1, 600);
  const scenarios = options.choices('scenario', SCENARIOS);
  const servers = options.choices('server', SENDERS);
  const generated = scenarios.flatMap((scenario) =>
    options.choices('size', SIZES).flatMap((size) => servers.map((server) => ({ scenario, size, server }))),
  );
  const captured: CapturedStream[] = await capturedStreams(options.text('stream') ?? '');
  const cells = [...generated, ...captured];
  if (cells.length === 0) throw new BenchError('nothing_to_measure', 'no scenario and no stream');
  const guacd = options.address('guacd');
  const json = options.text('json');
  if (json !== undefined) await claim(json);
  const progress = new Progress(cells.length);
  for (const { scenario, size, server } of generated) await ensureStream(scenario, size, server);
  await using lab = guacd === undefined ? undefined : await Lab.start({ guacd });
  const beside = await lab?.peer('guacd').catch((error: Error) => {
    progress.say(`without guacd: ${error.message}`);
    return undefined;
  });
  const rows: ComparedRow[] = [];
  for (const cell of cells) {
    const { scenario, size, server } = cell;
    progress.step(`${scenario}, ${server}, ${size}`);
    const stream = await readStream('file' in cell ? cell.file : streamFile(streamKey(scenario, size, server)));
    const mine = await runRegions(stream, seconds);
    const measured =
      lab === undefined || beside === undefined ? undefined : measureRow(lab, beside, { ...cell, seconds });
    const theirs = await measured?.catch((error: Error) => {
      progress.say(`  guacd: ${error.message}`);
      return undefined;
    });
    const guacds = { guacdKbPerMin: theirs?.kbOutPerMin ?? null, guacdPsnr: theirs?.psnr ?? null };
    rows.push({ scenario, server, ...mine, ...guacds });
    if (json !== undefined) await writeFile(json, `${JSON.stringify({ rows }, undefined, 2)}\n`);
  }
  process.stdout.write(textOf(rows));
  return undefined;
}

function textOf(rows: readonly ComparedRow[]): string {
  const head = [
    ...['scenario', 'server', 'size', 'KB/min', 'pictures/min', 'PSNR', 'settled', 'CPU s/min'],
    ...['guacd KB/min', 'PSNR', "of guacd's"],
  ];
  const shown = (value: number | null, digits: number) => (value === null ? '–' : value.toFixed(digits));
  const lines = rows.map((row) => [
    ...[row.scenario, row.server, row.size, shown(row.kbPerMin, 0), shown(row.picturesPerMin, 0), shown(row.psnr, 1)],
    ...[
      shown(row.settledPsnr, 1),
      shown(row.cpuSecondsPerMin, 1),
      shown(row.guacdKbPerMin, 0),
      shown(row.guacdPsnr, 1),
    ],
    row.guacdKbPerMin === null ? '–' : shown(row.kbPerMin / row.guacdKbPerMin, 2),
  ]);
  return table(head, lines, 3);
}
