/** What of V8's CPU profile (`.cpuprofile`, the inspector's `Profiler.Profile`) is drawn. Times are microseconds. */
export interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
    readonly children?: readonly number[];
  }[];
  readonly samples?: readonly number[];
  readonly timeDeltas?: readonly number[];
  readonly startTime: number;
  readonly endTime: number;
}

/** One function as called by another; `micros` has what it called in it. */
export interface Call {
  readonly name: string;
  readonly origin: Origin;
  micros: number;
  readonly calls: Map<string, Call>;
}

/** Whose code it is. */
export type Origin = 'oriel' | 'package' | 'node' | 'engine';

/** The calls of several processes as one tree, without the time in which there was nothing to do. Its root has the seconds it took. */
export function callTree(profiles: readonly CpuProfile[]): Call & { readonly seconds: number } {
  const root = { ...newCall('all', 'engine'), seconds: 0 };
  for (const profile of profiles) {
    root.seconds += (profile.endTime - profile.startTime) / 1e6;
    const self = selfTimes(profile);
    const nodes = new Map(profile.nodes.map((node) => [node.id, node]));
    const add = (id: number, into: Call): number => {
      const node = nodes.get(id);
      if (node === undefined || node.callFrame.functionName === '(idle)') return 0;
      const { functionName, url } = node.callFrame;
      const call = functionName === '(root)' ? into : calledFrom(into, labelOf(functionName, url), originOf(url));
      const own = self.get(id) ?? 0;
      const micros = (node.children ?? []).reduce((sum, child) => sum + add(child, call), own);
      if (call !== into) call.micros += micros;
      return micros;
    };
    const [first] = profile.nodes;
    if (first !== undefined) root.micros += add(first.id, root);
  }
  return root;
}

/** A flame graph that needs nothing but itself: the callers below, the called above, as wide as the time they took. */
export function flameSvg(title: string, tree: Call & { readonly seconds: number }): string {
  const boxes: string[] = [];
  let deepest = 0;
  const draw = (call: Call, x: number, depth: number) => {
    const width = (call.micros / Math.max(1, tree.micros)) * WIDTH;
    if (width < LEAST_WIDTH) return;
    deepest = Math.max(deepest, depth);
    boxes.push(box(call, x, width, depth, tree));
    let at = x;
    for (const called of [...call.calls.values()].sort((a, b) => b.micros - a.micros)) {
      draw(called, at, depth + 1);
      at += (called.micros / Math.max(1, tree.micros)) * WIDTH;
    }
  };
  draw(tree, 0, 0);
  const height = (deepest + 1) * ROW + HEADER;
  const total = `${(tree.micros / 1000 / Math.max(1e-9, tree.seconds)).toFixed(2)} ms a second`;
  const key = Object.entries(COLOURS).map(([name, colour], i) => {
    const x = WIDTH - 320 + i * 80;
    return `<rect x="${x}" y="4" width="10" height="10" fill="${colour}"/><text x="${x + 14}" y="13">${name}</text>`;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="monospace" font-size="10">`,
    `<title>${escaped(title)}</title>`,
    `<rect width="${WIDTH}" height="${height}" fill="#fff"/><text x="4" y="13">${escaped(title)}, ${total}</text>`,
    ...key,
    `<g transform="translate(0 ${height})">`,
    ...boxes,
    '</g></svg>',
    '',
  ].join('\n');
}

const WIDTH = 1200;
const ROW = 15;
const HEADER = 20;
/** Pixels: less is not seen. */
const LEAST_WIDTH = 2;
const CHARACTER_WIDTH = 6.1;
const COLOURS: Readonly<Record<Origin, string>> = {
  oriel: '#f4a261',
  package: '#e9d8a6',
  node: '#a8dadc',
  engine: '#ced4da',
};

function box(call: Call, x: number, width: number, depth: number, tree: Call & { readonly seconds: number }): string {
  const y = -(depth + 1) * ROW;
  const ms = (call.micros / 1000 / Math.max(1e-9, tree.seconds)).toFixed(2);
  const share = ((call.micros / Math.max(1, tree.micros)) * 100).toFixed(1);
  const characters = Math.floor((width - 4) / CHARACTER_WIDTH);
  const text =
    characters < 3
      ? ''
      : `<text x="${(x + 2).toFixed(1)}" y="${y + 11}">${escaped(call.name.slice(0, characters))}</text>`;
  const rect = `<rect x="${x.toFixed(1)}" y="${y}" width="${width.toFixed(1)}" height="${ROW - 1}" fill="${COLOURS[call.origin]}"/>`;
  return `<g><title>${escaped(call.name)}: ${ms} ms/s, ${share} %</title>${rect}${text}</g>`;
}

function selfTimes({ samples = [], timeDeltas = [] }: CpuProfile): Map<number, number> {
  const times = new Map<number, number>();
  // A delta is the time before its sample: what was on the processor from a sample to the next is the sample's.
  for (let i = 0; i < samples.length; i++) {
    const id = samples[i]!;
    times.set(id, (times.get(id) ?? 0) + Math.max(0, timeDeltas[i + 1] ?? 0));
  }
  return times;
}

function calledFrom(caller: Call, name: string, origin: Origin): Call {
  let call = caller.calls.get(name);
  if (call === undefined) {
    call = newCall(name, origin);
    caller.calls.set(name, call);
  }
  return call;
}

function newCall(name: string, origin: Origin): Call {
  return { name, origin, micros: 0, calls: new Map() };
}

function originOf(url: string): Origin {
  if (url.startsWith('node:')) return 'node';
  if (url === '') return 'engine';
  return url.includes('/node_modules/') ? 'package' : 'oriel';
}

/** Function and file: two of a name in one file are rarely worth telling apart. */
function labelOf(functionName: string, url: string): string {
  const name = functionName === '' ? '(anonymous)' : functionName;
  if (url === '') return name;
  const file = url.startsWith('node:') ? url : url.split('/').slice(-2).join('/');
  return `${name} ${file}`;
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
