import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Audit } from '../audit/audit.ts';
import { sessionClock } from '../clock.ts';
import { createLogger } from '../log.ts';
import { openStore } from '../store/store.ts';
import { DAY_MS } from './policy.ts';
import { Retention, type RetentionParts } from './retention.ts';
import { RetentionSettings } from './retention-settings.ts';

/** A recording of yesterday, kept for ten days. */
async function yesterdays() {
  const store = await openStore(':memory:');
  const settings = new RetentionSettings(store);
  await settings.setDefault({ maxAgeDays: 10, maxBytes: null });
  const at = Math.floor(sessionClock() - DAY_MS);
  const ids = { id: 'one', user_id: 'u', username: 'u', target_id: 't', target_name: 't', account_id: 'a' };
  const row = { ...ids, account_username: 'a', width: 1, height: 1, created_at: at, ended_at: at, recording: 'ready' };
  await store.insertInto('sessions').values(row).execute();
  const audited: string[] = [];
  const destroyed: string[] = [];
  const told: string[] = [];
  let failures = 0;
  let aheadMs = 0;
  const parts: RetentionParts = {
    store,
    settings,
    storage: {
      async destroy(id) {
        if (failures-- > 0) throw new Error('the storage does not answer');
        destroyed.push(id);
      },
      space: async () => undefined,
    },
    audit: { record: async ({ action }) => void audited.push(action) } as Pick<Audit, 'record'> as Audit,
    notifier: { publish: async ({ kind }) => void told.push(kind) },
    log: createLogger('silent'),
    forget: async () => {},
    now: () => Date.now() + aheadMs,
  };
  return {
    ...{ retention: new Retention(parts), settings, audited, destroyed, told },
    /** Another run of the gateway, by a clock that is ahead. */
    startedAhead: (ms: number) => new Retention({ ...parts, clock: () => sessionClock() + ms }),
    setClock: (ms: number) => {
      aheadMs = ms;
    },
    failOften: (times: number) => {
      failures = times;
    },
  };
}

test('a clock that somebody sets to next year destroys nothing', async () => {
  const { retention, setClock, audited, destroyed } = await yesterdays();
  setClock(365 * DAY_MS);
  assert.equal((await retention.sweep()).deleted, 0);
  assert.deepEqual([audited, destroyed], [[], []]);
});

test('a deletion that a storage keeps from being done is written down once', async () => {
  const { retention, startedAhead, settings, failOften, audited, destroyed } = await yesterdays();
  await settings.setDefault({ maxAgeDays: 1, maxBytes: null });
  failOften(3);
  for (let i = 0; i < 2; i++) await retention.sweep();
  // The gateway was started again in between.
  for (let i = 0; i < 3; i++) await startedAhead(0).sweep();
  assert.deepEqual([audited, destroyed], [['recording.deleted'], ['one']]);
});

test('a gateway that is started by a clock of years to come destroys nothing, and says so once', async () => {
  const { retention, startedAhead, settings, audited, destroyed, told } = await yesterdays();
  await retention.sweep();
  const ahead = startedAhead(1000 * DAY_MS);
  for (let i = 0; i < 2; i++) assert.equal((await ahead.sweep()).deleted, 0);
  assert.ok(ahead.clockDoubt !== undefined);
  assert.equal((await startedAhead(1001 * DAY_MS).sweep()).deleted, 0, 'nor at its next start');
  assert.deepEqual([audited, told, destroyed], [['retention.paused'], ['storage.clock'], []]);
  // Sizes have nothing to do with the clock.
  await settings.setDefault({ maxAgeDays: 10, maxBytes: 0 });
  const set = startedAhead(0);
  assert.equal((await set.sweep()).deleted, 0, 'there are no bytes to be too many');
  assert.equal(set.clockDoubt, undefined, 'a clock that was set right is believed');
});

test('a clock that somebody vouches for, or that nobody sets right for a week, is believed', async () => {
  for (const vouched of [true, false]) {
    const { retention, startedAhead, destroyed } = await yesterdays();
    await retention.sweep();
    let ahead = startedAhead(100 * DAY_MS);
    await ahead.sweep();
    if (vouched) await ahead.believeClock();
    else
      for (const days of [104, 107.1]) {
        assert.deepEqual(destroyed, []);
        ahead = startedAhead(days * DAY_MS);
        await ahead.sweep();
      }
    await ahead.sweep();
    assert.deepEqual([destroyed, ahead.clockDoubt], [['one'], undefined]);
  }
});

test('a gateway that stood still for a week goes on as ever', async () => {
  const { retention, startedAhead, audited } = await yesterdays();
  await retention.sweep();
  const later = startedAhead(6.9 * DAY_MS);
  assert.equal((await later.sweep()).deleted, 0);
  assert.equal((await startedAhead(13.7 * DAY_MS).sweep()).deleted, 1);
  assert.deepEqual(audited, ['recording.deleted']);
});
