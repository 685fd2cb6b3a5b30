import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { EventIndex } from '../library/event-index.ts';
import { openStore, type Store } from '../store/store.ts';
import { type RecordingFilter, SessionHistory } from './session-history.ts';

let store: Store;
let history: SessionHistory;
const DAY = Date.parse('2026-11-20T00:00:00Z');

before(async () => {
  store = await openStore(':memory:');
  history = new SessionHistory(store, new EventIndex(store, new Uint8Array(32)));
  const rows = [
    // id, user, target, account, hour it was made, seconds of video
    ['b2222222222222', 'jane', 'Print server', 'operator', 1, 30],
    ['b3333333333333', 'Jane.Doe', 'SQL_01', 'administrator', 2, 600],
    ['b4444444444444', 'otto', 'SQL-01', 'svc%backup', 2, 3600],
    ['b5555555555555', 'otto', 'Print server', 'operator', 3, undefined],
    ['b6666666666666', 'nobody', 'never recorded', 'x', 4, 'none'],
  ] as const;
  for (const [id, user, target, account, hour, seconds] of rows) {
    await history.created(
      {
        id,
        user: { id: `u-${user}`, username: user },
        target: { id: `t-${target}`, name: target },
        account: { id: `a-${account}`, username: account },
        width: 800,
        height: 600,
        createdAt: DAY + hour * 3_600_000,
      } as unknown as Parameters<SessionHistory['created']>[0],
      null,
    );
    if (seconds === 'none') continue;
    // The desktop was there a minute later: that is when a recording starts.
    await history.connected(id, DAY + hour * 3_600_000 + 60_000, true);
    if (seconds !== undefined) await history.recordingFinished(id, { durationMs: seconds * 1000, bytes: 1 });
  }
});
after(() => store.destroy());

/** The hours' digits of the ids that a filter leaves. */
async function found(filter: Partial<RecordingFilter>): Promise<string> {
  const recordings = await history.recordings({ limit: 100, ...filter });
  return recordings.map(({ id }) => id[1]).join('');
}

test('the newest first; what was not recorded is left out', async () => {
  assert.equal(await found({}), '5432');
});

test('parts of names, in any case; what LIKE has a meaning for means itself', async () => {
  assert.equal(await found({ user: 'JANE' }), '32');
  assert.equal(await found({ user: 'otto', target: 'print' }), '5');
  assert.equal(await found({ target: 'sql_' }), '3', 'an underscore is an underscore');
  assert.equal(await found({ account: '%' }), '4', 'a percent sign is a percent sign');
  assert.equal(await found({ account: '\\' }), '');
});

test('words of a search may be in different names', async () => {
  assert.equal(await found({ search: '  otto   SERVER ' }), '5');
  assert.equal(await found({ search: 'operator' }), '52');
  assert.equal(await found({ search: 'operator sql' }), '');
});

test('time is when the recording started, from included, to excluded', async () => {
  assert.equal(await found({ from: '2026-11-20T02:01:00Z' }), '543');
  assert.equal(await found({ from: '2026-11-20T02:01:00.001Z' }), '5');
  assert.equal(await found({ to: '2026-11-20T02:01:00Z' }), '2');
  assert.equal(await found({ from: '2026-11-20T02:00:00Z', to: '2026-11-20T03:00:00Z' }), '43');
  await assert.rejects(found({ from: '2026-13-20T02:00:00Z' }), { code: 'bad_request' });
});

test('length, of those that have one', async () => {
  assert.equal(await found({ minSeconds: 30 }), '432');
  assert.equal(await found({ minSeconds: 30.5 }), '43');
  assert.equal(await found({ maxSeconds: 600 }), '32');
  assert.equal(await found({ minSeconds: 60, maxSeconds: 1200 }), '3');
});

test('state', async () => {
  assert.equal(await found({ state: 'recording' }), '5');
  assert.equal(await found({ state: 'ready', user: 'otto' }), '4');
});

test('pages follow one another without gap or repetition, also among those of one moment', async () => {
  const pages: string[] = [];
  let last: string | undefined;
  for (;;) {
    const page = await history.recordings({ limit: 1, ...(last === undefined ? {} : { after: last }) });
    last = page.at(-1)?.id;
    if (last === undefined) break;
    pages.push(last[1] ?? '');
  }
  assert.equal(pages.join(''), '5432');
  await assert.rejects(history.recordings({ limit: 1, after: 'b9999999999999' }), { code: 'not_found' });
});

test('a session that the last run of the gateway left open is over, and its recording is being finished', async () => {
  assert.deepEqual((await history.closeInterrupted(DAY + 5 * 3_600_000)).length, 5);
  assert.equal(await found({ state: 'recording' }), '');
  assert.equal(await found({ state: 'finishing' }), '5');
  await history.recordingFinished('b5555555555555', undefined);
  assert.equal(await found({ state: 'failed' }), '5');
  assert.deepEqual(await history.unfinishedRecordings(), ['b5555555555555'], 'it may be finished by the next start');
  assert.deepEqual(
    [await history.isSettled('b5555555555555'), await history.isSettled('b4444444444444')],
    [false, true],
  );
  assert.equal(await history.isSettled('b9999999999999'), false);
  // Its recording knows when.
  const endedAt = DAY + 4 * 3_600_000 + 0.5;
  await history.recordingFinished('b5555555555555', { durationMs: 5000, bytes: 1, endedAt });
  assert.equal((await history.recording('b5555555555555')).endedAt, '2026-11-20T04:00:00.000Z');
  await history.recordingFinished('b5555555555555', { durationMs: 5000, bytes: 1, endedAt: endedAt + DAY });
  assert.equal((await history.recording('b5555555555555')).endedAt, '2026-11-20T04:00:00.000Z');
});

test('letters of all alphabets are found in any case', async () => {
  const id = 'b7777777777777';
  const names = { user: { id: 'u', username: 'JÖRG' }, target: { id: 't', name: 'Сервер БД' } };
  const facts = { id, ...names, account: { id: 'a', username: 'straße' }, width: 800, height: 600, createdAt: DAY };
  await history.created(facts as unknown as Parameters<SessionHistory['created']>[0], null);
  await history.connected(id, DAY, true);
  for (const user of ['jörg', 'JÖRG', 'Ör']) assert.equal(await found({ user }), '7', user);
  for (const search of ['сервер', 'бд', 'СЕРВЕР', 'jörg Бд', 'STRAßE'])
    assert.equal(await found({ search }), '7', search);
  assert.equal(await found({ user: 'jorg' }), '');
});
