import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { openStore } from '../store/store.ts';
import { SettingsStore } from './settings.ts';

describe('SettingsStore', () => {
  it('knows what hardware this installation is, and says the same each time', async () => {
    const one = await openStore(':memory:');
    const another = await openStore(':memory:');
    try {
      const [first, again] = await Promise.all([1, 2].map(() => new SettingsStore(one).hardwareId()));
      assert.equal(first?.length, 16);
      assert.deepEqual(again, first);
      assert.deepEqual(await new SettingsStore(one).hardwareId(), first);
      assert.notDeepEqual(await new SettingsStore(another).hardwareId(), first);
    } finally {
      await one.destroy();
      await another.destroy();
    }
  });
});
