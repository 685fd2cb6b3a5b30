import { type BenchCommand, BenchError, helpOf, parseCommand } from './cli.ts';

/** `npm run bench -- NAME [options]`: one module a bench, each with a `command`. Ends with 2 for a command line that is wrong. */
const BENCHES: Readonly<Record<string, { about: string; load: () => Promise<{ command: BenchCommand }> }>> = {
  live: {
    about: 'what a live session costs: CPU, bytes, latency, memory, density, beside other gateways',
    load: () => import('./live.ts'),
  },
  regions: {
    about: 'what a viewer in Regions mode is sent: bytes and their PSNR, beside guacd',
    load: () => import('./regions.ts'),
  },
  capture: {
    about: 'records what a real server sends, for the live bench to play',
    load: () => import('./capture.ts'),
  },
  recording: {
    about: 'what recordings cost: KB a minute, CPU, staleness, legibility',
    load: () => import('./recording.ts'),
  },
  codecs: { about: 'megapixels a second of each decoder, in Node and Chromium', load: () => import('./codecs.ts') },
  pages: {
    about: 'how long each page takes in Chromium, with a year of a busy gateway in the store',
    load: () => import('./pages.ts'),
  },
};

function help(): string {
  const names = Object.entries(BENCHES).map(([name, { about }]) => `  ${name.padEnd(12)}${about}`);
  const lines = [
    'usage: npm run bench -- NAME [options]',
    '',
    'benches:',
    ...names,
    '',
    'npm run bench -- NAME --help says more.',
  ];
  return `${lines.join('\n')}\n`;
}

async function main([name = '', ...args]: readonly string[]): Promise<number> {
  if (name === '--help' || name === '-h' || name === 'help') {
    process.stdout.write(help());
    return 0;
  }
  const bench = Object.hasOwn(BENCHES, name) ? BENCHES[name] : undefined;
  if (bench === undefined) {
    process.stderr.write(help());
    throw new BenchError('unknown_bench', name === '' ? 'no bench named' : `there is no bench "${name}"`);
  }
  const { command } = await bench.load();
  const { options, words } = parseCommand(command, args);
  if (options.flag('help')) {
    process.stdout.write(helpOf(command));
    return 0;
  }
  return (await command.run(options, words)) ?? 0;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof BenchError)) throw error;
  process.stderr.write(`error ${error.code}: ${error.message}\n`);
  process.exitCode = 2;
}
