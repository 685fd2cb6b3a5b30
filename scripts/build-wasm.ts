/**
 * Makes the modules below of the AssemblyScript beside them. They are kept in the repository, so that neither Node nor the web client's
 * build needs the compiler; a test holds each to its source.
 *
 *     npm run build:wasm
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { main as asc } from 'assemblyscript/asc';

const ROOT = join(import.meta.dirname, '..');

export interface WasmModule {
  /** Of AssemblyScript, from the repository's root. */
  readonly source: string;
  /** The TypeScript that is made of it. */
  readonly file: string;
  /** The constant it exports. */
  readonly name: string;
  /** Memory in pages of 64 KB: all that the kernels work in, see the source. Without, none to begin with, and as much as somebody asks for. */
  readonly pages: number | undefined;
}

export const MODULES: readonly WasmModule[] = [
  {
    source: 'protocol/codecs/remotefx/assembly/tile.ts',
    file: 'protocol/codecs/remotefx/tile-module.ts',
    ...{ name: 'TILE_MODULE', pages: 3 },
  },
  {
    source: 'protocol/codecs/assembly/planar.ts',
    file: 'protocol/codecs/planar-module.ts',
    ...{ name: 'PLANAR_MODULE', pages: 45 },
  },
  {
    source: 'protocol/codecs/assembly/interleaved-rle.ts',
    file: 'protocol/codecs/interleaved-rle-module.ts',
    ...{ name: 'INTERLEAVED_RLE_MODULE', pages: 33 },
  },
  {
    source: 'recorder/capture/assembly/i420.ts',
    file: 'recorder/capture/i420-module.ts',
    name: 'I420_MODULE',
    pages: undefined,
  },
];

/** Characters of base64 in a line. */
const LINE = 110;

/** The text of a module's file. */
export async function buildModule({ source, name, pages }: WasmModule): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'oriel-wasm-'));
  try {
    const outFile = join(folder, 'module.wasm');
    const { error, stderr } = await asc([
      join(ROOT, source),
      ...['--outFile', outFile, '-O3', '--enable', 'simd', '--runtime', 'stub', '--noAssert'],
      ...(pages === undefined ? [] : ['--initialMemory', `${pages}`, '--maximumMemory', `${pages}`]),
    ]);
    if (error !== null) throw new Error(stderr.toString());
    const base64 = readFileSync(outFile).toString('base64');
    const lines = base64.match(new RegExp(`.{1,${LINE}}`, 'g')) ?? [];
    return [
      `// biome-ignore-all format: made by \`npm run build:wasm\` of assembly/${basename(source)}, not written.`,
      '',
      `/** The WebAssembly of \`assembly/${basename(source)}\`, in base64. */`,
      `export const ${name} =`,
      ...lines.map((line, i) => `  '${line}'${i === lines.length - 1 ? ';' : ' +'}`),
      '',
    ].join('\n');
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** As it is in the repository. */
export function keptModule({ file }: WasmModule): string {
  return readFileSync(join(ROOT, file), 'utf8');
}

if (import.meta.main) for (const each of MODULES) writeFileSync(join(ROOT, each.file), await buildModule(each));
