import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConfigError } from './config.ts';
import { startHarness } from './testing/harness.ts';

test('the first administrator has no shorter or longer password than the pages and the API take', async () => {
  for (const password of ['seven77', 'x'.repeat(1025)]) {
    await assert.rejects(
      startHarness({ ORIEL_ADMIN_PASSWORD: password }),
      (error) => error instanceof ConfigError && error.variable === 'ORIEL_ADMIN_PASSWORD',
    );
  }
});
