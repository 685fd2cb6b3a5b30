/**
 * Makes `protocol/codecs/remotefx/tile-module.ts` of the AssemblyScript beside it. The module is kept in the repository, so that neither
 * Node nor the web client's build needs the compiler; a test holds it to its source.
 *
 *     npm run build:wasm
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { main as asc } from 'assemblyscript/asc';

const FOLDER = join(import.meta.dirname, '../protocol/codecs/remotefx');
export const MODULE_FILE = join(FOLDER, 'tile-module.ts');

/** Characters of base64 in a line. */
const LINE = 110;

/** The text of `tile-module.ts`. */
export async function buildTileModule(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'oriel-wasm-'));
  try {
    const outFile = join(folder, 'tile.wasm');
    const { error, stderr } = await asc([
      join(FOLDER, 'assembly/tile.ts'),
      ...['--outFile', outFile, '-O3', '--enable', 'simd', '--runtime', 'stub', '--noAssert'],
      // 192 KB: all that the kernels work in, see the source.
      ...['--initialMemory', '3', '--maximumMemory', '3'],
    ]);
    if (error !== null) throw new Error(stderr.toString());
    const base64 = readFileSync(outFile).toString('base64');
    const lines = base64.match(new RegExp(`.{1,${LINE}}`, 'g')) ?? [];
    return [
      '// biome-ignore-all format: made by `npm run build:wasm` of assembly/tile.ts, not written.',
      '',
      '/** The WebAssembly of `assembly/tile.ts`, in base64. */',
      'export const TILE_MODULE =',
      ...lines.map((line, i) => `  '${line}'${i === lines.length - 1 ? ';' : ' +'}`),
      '',
    ].join('\n');
  } finally {
    rmSync(folder, { recursive: true });
  }
}

if (import.meta.main) writeFileSync(MODULE_FILE, await buildTileModule());
