import { fileURLToPath } from 'node:url';
import { build } from 'vite';

/** One classic script of a module and all that it imports, to be put on a page. */
export async function bundleForBrowser(entry: URL): Promise<string> {
  const result = await build({
    configFile: false,
    logLevel: 'error',
    build: {
      write: false,
      minify: false,
      target: 'es2022',
      lib: { entry: fileURLToPath(entry), formats: ['iife'], name: 'oriel' },
    },
  });
  const [output] = Array.isArray(result) ? result : [result];
  if (output === undefined || !('output' in output)) throw new Error('vite built nothing');
  return output.output[0].code;
}
