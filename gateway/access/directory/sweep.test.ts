import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLogger } from '../../log.ts';
import { Directory, type DirectoryParts } from './directory.ts';

test('people are looked up in the interval while a directory is in use; one that is not is asked about now and then', async (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] });
  let now = 0;
  t.mock.method(performance, 'now', () => now);
  let enabled = false;
  let reads = 0;
  const lookedUp: number[] = [];
  const settings = {
    async read() {
      reads++;
      return { enabled, refreshSeconds: 10 };
    },
  };
  const identities = {
    async live() {
      lookedUp.push(now / 1000);
      return [];
    },
  };
  const parts = { settings, identities, log: createLogger('silent') };
  const directory = new Directory(parts as unknown as DirectoryParts);
  const pass = async (seconds: number) => {
    const before = reads;
    for (let i = 0; i < seconds; i++) {
      now += 1000;
      t.mock.timers.tick(1000);
      await new Promise((resolve) => setImmediate(resolve));
    }
    return reads - before;
  };

  directory.start();
  await pass(30);
  assert.equal(await pass(60), 4);
  enabled = true;
  directory.settingsChanged();
  await pass(35);
  assert.deepEqual(lookedUp, [91, 101, 111, 121]);
  enabled = false;
  await pass(30);
  assert.equal(await pass(60), 4);
  assert.equal(lookedUp.length, 4);
  enabled = true;
  await pass(15);
  assert.equal(lookedUp.length, 5, 'another process has written that it is in use');
  await directory.stop();
  assert.equal(await pass(60), 0);
});
