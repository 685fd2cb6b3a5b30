/** `npm run bench -- NAME [options]`: one module a bench, each with a `run`. */
const BENCHES: Readonly<Record<string, () => Promise<{ run(args: readonly string[]): Promise<void> }>>> = {
  codecs: () => import('./codecs.ts'),
  recording: () => import('./recording.ts'),
};

const [name = '', ...args] = process.argv.slice(2);
const load = BENCHES[name];
if (load === undefined) {
  process.stderr.write(`usage: npm run bench -- ${Object.keys(BENCHES).join('|')} [options]\n`);
  process.exitCode = 2;
} else await (await load()).run(args);
