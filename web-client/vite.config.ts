import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';

/**
 * Builds the pages. The gateway serves them under a strict Content-Security-Policy, so nothing may be inlined: no
 * `data:` scripts, no style or script elements with content.
 */
export default defineConfig({
  root: fileURLToPath(new URL('.', import.meta.url)),
  build: {
    outDir: 'dist',
    emptyOutDir: true,
    target: 'es2022',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  worker: { format: 'es' },
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
});
