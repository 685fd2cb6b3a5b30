import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { buildTileModule, MODULE_FILE } from './build-wasm.ts';

test('the WebAssembly in the repository is what its source compiles to', async () => {
  assert.equal(readFileSync(MODULE_FILE, 'utf8'), await buildTileModule(), 'run `npm run build:wasm`');
});
