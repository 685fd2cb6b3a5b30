import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildModule, keptModule, MODULES } from './build-wasm.ts';

for (const each of MODULES) {
  test(`${each.file} is what its source compiles to`, async () => {
    assert.equal(keptModule(each), await buildModule(each), 'run `npm run build:wasm`');
  });
}
