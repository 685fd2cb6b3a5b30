import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { createLogger } from '../../log.ts';
import { Directory, type DirectoryParts } from './directory.ts';

/** A directory whose clock goes on by hand: when people were looked up, in seconds, and how often its settings were read. */
function directoryOf(t: TestContext, refreshSeconds: number) {
  t.mock.timers.enable({ apis: ['setInterval'] });
  let now = 0;
  t.mock.method(performance, 'now', () => now);
  const state = { enabled: false, reads: 0, lookedUp: [] as number[], takes: Promise.resolve() };
  const settings = {
    async read() {
      state.reads++;
      return { enabled: state.enabled, refreshSeconds };
    },
  };
  const identities = {
    async live() {
      state.lookedUp.push(now / 1000);
      await state.takes;
      return [];
    },
  };
  const parts = { settings, identities, log: createLogger('silent') };
  const directory = new Directory(parts as unknown as DirectoryParts);
  /** @returns how often the settings were read meanwhile */
  const pass = async (seconds: number) => {
    const before = state.reads;
    for (let i = 0; i < seconds; i++) {
      now += 1000;
      t.mock.timers.tick(1000);
      await new Promise((resolve) => setImmediate(resolve));
    }
    return state.reads - before;
  };
  return { directory, state, pass };
}

test('people are looked up in the interval while a directory is in use; one that is not is asked about now and then', async (t) => {
  const { directory, state, pass } = directoryOf(t, 10);
  directory.start();
  await pass(30);
  assert.equal(await pass(60), 4);
  state.enabled = true;
  directory.settingsChanged();
  await pass(35);
  assert.deepEqual(state.lookedUp, [91, 101, 111, 121]);
  state.enabled = false;
  await pass(30);
  assert.equal(await pass(60), 4);
  assert.equal(state.lookedUp.length, 4);
  state.enabled = true;
  await pass(15);
  assert.equal(state.lookedUp.length, 5, 'another process has written that it is in use');
  await directory.stop();
  assert.equal(await pass(60), 0);
});

test('people are not looked up again while they are, however long the directory takes', async (t) => {
  const { directory, state, pass } = directoryOf(t, 10);
  state.enabled = true;
  const { promise, resolve } = Promise.withResolvers<void>();
  state.takes = promise;
  directory.start();
  await pass(60);
  assert.deepEqual(state.lookedUp, [1]);
  resolve();
  await pass(12);
  assert.deepEqual(state.lookedUp, [1, 62, 72]);
  await directory.stop();
});
