import { arch, cpus, platform } from 'node:os';
import { launchBrowser } from '../test/e2e/browser.ts';
import { bundleForBrowser } from '../test/lab/browser-bundle.ts';
import type { BenchCommand, BenchOptions } from './cli.ts';
import { type CodecRunner, type CodecSpeed, type CodecTitle, measureCodecs, prepareCodecs } from './codecs/measure.ts';

export const command: BenchCommand = {
  usage: 'codecs [options]',
  about:
    'Megapixels per second of processor time that each codec decodes, in Node and in Chromium, from the same source and bytes.',
  options: {
    milliseconds: { type: 'string', value: 'N', meaning: 'of each case', fallback: '500' },
    'no-browser': { type: 'boolean', meaning: 'in Node alone' },
    markdown: { type: 'boolean', meaning: 'print a table for documents' },
  },
  run,
};

async function run(options: BenchOptions): Promise<undefined> {
  const milliseconds = options.number('milliseconds', 1, 600_000);
  const inNode = await measureCodecs(nodeRunner(), milliseconds);
  const inChromium = options.flag('no-browser') ? [] : await measureInChromium(milliseconds);
  process.stdout.write(options.flag('markdown') ? markdownTable(inNode, inChromium) : plainTable(inNode, inChromium));
}

function nodeRunner(): CodecRunner {
  const { titles, decodeFor } = prepareCodecs();
  return {
    titles,
    async run(index, milliseconds) {
      const before = process.cpuUsage();
      const rounds = decodeFor(index, milliseconds);
      const { user, system } = process.cpuUsage(before);
      return { rounds, cpuMilliseconds: (user + system) / 1000 };
    },
  };
}

/** The same bundle on a page of Debian's Chromium; its main thread's processor time comes from the browser itself. */
async function measureInChromium(milliseconds: number): Promise<CodecSpeed[]> {
  const script = await bundleForBrowser(new URL('./codecs/browser-entry.ts', import.meta.url));
  const browser = await launchBrowser();
  try {
    const page = await browser.newPage();
    await page.addScriptTag({ content: script });
    const devTools = await page.context().newCDPSession(page);
    await devTools.send('Performance.enable', { timeDomain: 'threadTicks' });
    const processorTime = async (): Promise<number> => {
      const { metrics } = await devTools.send('Performance.getMetrics');
      return (metrics.find(({ name }) => name === 'TaskDuration')?.value ?? 0) * 1000;
    };
    const titles = await page.evaluate<CodecTitle[]>('codecs.titles');
    const run: CodecRunner['run'] = async (index, each) => {
      const before = await processorTime();
      const rounds = await page.evaluate<number>(`codecs.decodeFor(${index}, ${each})`);
      return { rounds, cpuMilliseconds: (await processorTime()) - before };
    };
    return await measureCodecs({ titles, run }, milliseconds);
  } finally {
    await browser.close();
  }
}

interface Row {
  readonly name: string;
  readonly picture: string;
  readonly bits: string;
  readonly node: string;
  readonly chromium: string;
}

function rowsOf(inNode: readonly CodecSpeed[], inChromium: readonly CodecSpeed[]): Row[] {
  return inNode.map(({ codec, picture, megapixels, encodedBytes, pixels }) => {
    const other = inChromium.find((speed) => speed.codec === codec && speed.picture === picture);
    return {
      name: codec,
      picture,
      bits: ((encodedBytes * 8) / pixels).toFixed(2),
      node: megapixels.toFixed(1),
      chromium: other?.megapixels.toFixed(1) ?? '–',
    };
  });
}

function plainTable(inNode: readonly CodecSpeed[], inChromium: readonly CodecSpeed[]): string {
  const line = (name: string, picture: string, bits: string, node: string, chromium: string) =>
    `${name.padEnd(34)}${picture.padEnd(10)}${bits.padStart(10)}${node.padStart(10)}${chromium.padStart(10)}\n`;
  const rows = rowsOf(inNode, inChromium).map((row) => line(row.name, row.picture, row.bits, row.node, row.chromium));
  return line('codec', 'picture', 'bits/px', 'Node', 'Chromium') + rows.join('');
}

function markdownTable(inNode: readonly CodecSpeed[], inChromium: readonly CodecSpeed[]): string {
  const rows = rowsOf(inNode, inChromium).map(
    (row) => `| ${row.name} | ${row.picture} | ${row.bits} | ${row.node} | ${row.chromium} |\n`,
  );
  const head = '| codec | picture | bits per pixel | Node | Chromium |\n| --- | --- | ---: | ---: | ---: |\n';
  return `${machine()}\n\n${head}${rows.join('')}`;
}

function machine(): string {
  const [first] = cpus();
  return `${platform()} ${arch()}, ${cpus().length} × ${first?.model.trim() ?? 'unknown'}, Node ${process.versions.node}.`;
}
