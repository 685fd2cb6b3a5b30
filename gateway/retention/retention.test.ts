import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Audit } from '../audit/audit.ts';
import { sessionClock } from '../clock.ts';
import { createLogger } from '../log.ts';
import { openStore } from '../store/store.ts';
import { DAY_MS } from './policy.ts';
import { Retention } from './retention.ts';
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
  let failures = 0;
  let aheadMs = 0;
  const retention = new Retention({
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
    notifier: { publish: async () => {} },
    log: createLogger('silent'),
    forget: async () => {},
    now: () => Date.now() + aheadMs,
  });
  return {
    ...{ retention, settings, audited, destroyed },
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
  const { retention, settings, failOften, audited, destroyed } = await yesterdays();
  await settings.setDefault({ maxAgeDays: 1, maxBytes: null });
  failOften(3);
  for (let i = 0; i < 5; i++) await retention.sweep();
  assert.deepEqual([audited, destroyed], [['recording.deleted'], ['one']]);
});
