import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { sql } from 'kysely';
import { type RecordingEvent, Verifications } from '../evidence/evidence.ts';
import { openStore } from '../store/store.ts';
import { EventIndex } from './event-index.ts';
import { textsOf } from './event-text.ts';
import { typedWords } from './typed-text.ts';

const event = (type: string, t: number | null, fields: Record<string, unknown> = {}): RecordingEvent => ({
  n: 0,
  at: 1e12,
  t,
  type,
  ...fields,
  prev: '0'.repeat(64),
});

/** Keys of the US layout, pressed and released. */
const SCAN: Record<string, string> = { g: '22', e: '12', h: '23', i: '17', m: '32', y: '15', ' ': '39', '\b': '0e' };
const strokes = (text: string) =>
  [...text].flatMap((key, i) => [
    [i * 10, SCAN[key], 1],
    [i * 10 + 5, SCAN[key], 0],
  ]);

const session = [
  event('log', null, { session: 'bcdfghjkmnpqrs' }),
  event('request', null, { user: { id: 'x', username: 'jörg' }, target: { name: 'srv-db01', host: '10.1.2.3' } }),
  event('input', 2000, { ms: 1000, typed: strokes('gehei\bim hi') }),
  event('clipboard', 3000, { direction: 'to-desktop', format: 'text', bytes: 9, text: 'swordfish' }),
  event('alert', 3500, { rule: 'no shutdown', typed: 'shutdown -h' }),
  event('shadow-started', 61_000, { user: { username: 'Audrey' }, announced: true }),
  event('ended', 90_000, { code: 'ended_by_admin', message: 'An administrator ended the session.', detail: 'by root' }),
];

async function open() {
  const store = await openStore(':memory:');
  const index = new EventIndex(store, randomBytes(32));
  const find = async (word: string) => {
    const { rows } = await sql<{ id: string }>`
      select id from sessions where ${index.condition(word)} order by id`.execute(store);
    return rows.map(({ id }) => id);
  };
  const addSession = async (id: string) => {
    await sql`insert into sessions (id, user_id, username, target_id, target_name, account_id, account_username, width,
      height, created_at, recording) values (${id}, 'u', 'u', 't', 't', 'a', 'a', 1, 1, 1, 'ready')`.execute(store);
  };
  return { store, index, find, addSession };
}

test('events are found by the beginnings of their words, in any case, with or without accents', async () => {
  const { index, find, addSession } = await open();
  await addSession('one');
  await addSession('two');
  assert.deepEqual((await index.missing()).sort(), ['one', 'two']);
  await index.add('one', session);
  await index.add('two', [event('ended', 5, { message: 'You ended the session.' })]);
  assert.deepEqual(await index.missing(), []);
  for (const word of [
    'srv-db01',
    'SRV',
    'db01',
    '10.1.2',
    'audr',
    'jorg',
    'shadow',
    'ended_by_admin',
    'administrator',
  ]) {
    assert.deepEqual(await find(word), ['one'], word);
  }
  assert.deepEqual(await find('ended'), ['one', 'two']);
  // Nothing that a person writes breaks the query.
  for (const word of ['"', '""', '*', '(', 'NEAR', 'a"b', '--', 'b01', "'", '\0', 'a\0b', '"\0'])
    assert.deepEqual(await find(word), [], word);

  const moments = await index.moments(['one', 'two'], ['audrey', 'ended']);
  assert.deepEqual(
    moments.get('one')?.map(({ at }) => at),
    [61_000, 90_000],
  );
  assert.match(moments.get('two')?.[0]?.text ?? '', /You ended the session/);

  await index.remove('one');
  assert.deepEqual(await find('audrey'), []);
  assert.deepEqual(await find('ended'), ['two']);
});

test('of a recording that was deleted while its events were read, nothing is kept', async () => {
  for (const recording of ['deleting', 'deleted']) {
    const { store, index, addSession } = await open();
    await addSession('one');
    await store.updateTable('sessions').set({ recording }).execute();
    await index.add('one', session);
    for (const table of ['event_lines', 'typed_words', 'indexed_recordings'] as const) {
      assert.deepEqual(await store.selectFrom(table).selectAll().execute(), [], table);
    }
    const verifications = new Verifications(store);
    await verifications.save('one', 'audrey', { verdict: 'whole', text: '', report: {} }, 5);
    assert.equal(await verifications.find('one'), undefined);
  }
});

test('what was typed is found whole, and is not in the database', async () => {
  const { store, index, find, addSession } = await open();
  await addSession('one');
  await index.add('one', session);
  assert.deepEqual(await find('Geheim'), ['one']);
  assert.deepEqual(await find('gehe'), []);
  assert.deepEqual([await find('swordfish'), await find('swordf')], [['one'], []], 'what was copied is as secret');
  assert.deepEqual((await index.moments(['one'], ['geheim'])).get('one'), [{ at: 1000, text: 'typed' }]);
  for (const table of ['event_lines', 'typed_words', 'event_text_data', 'event_text_idx']) {
    const { rows } = await sql`select * from ${sql.table(table)}`.execute(store);
    assert.ok(!/gehe|swordf|-h/i.test(JSON.stringify(rows)), table);
    const bytes = rows.flatMap((row) => Object.values(row as object).filter((value) => value instanceof Uint8Array));
    assert.ok(
      !bytes.some((value) => Buffer.from(value).includes('gehe') || Buffer.from(value).includes('swordf')),
      table,
    );
  }
});

test('keys become words by the layout; Unicode keys are what they are', () => {
  const of = (typed: unknown, keyboardLayout?: number) =>
    typedWords([event('request', null, { keyboardLayout }), event('input', 0, { typed })]).map(({ text }) => text);
  assert.deepEqual(of(strokes('geheim hi gehe\b\b\b\bhey')), ['geheim', 'hey']);
  assert.deepEqual(of(strokes('hey'), 0x0407), ['hez']);
  assert.deepEqual(
    of([...'Straße'].map((letter) => [0, `U+${letter.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}`, 1])),
    ['Straße'],
  );
  // Bytes of the file are what somebody may have written there.
  assert.deepEqual(of([[1], 'x', null, [0, 'zz', 1], [0, 7, 1]]), []);
  assert.deepEqual(typedWords([event('input', 0, { typed: 'abc' })]), []);
});

test('hashes, ids and counts are no text; kinds of later versions are', () => {
  const [text] = textsOf([
    event('segment', 1, { sha256: 'a'.repeat(64) }),
    event('window-title', 7, {
      title: 'Payroll',
      id: 'zzz',
      requestId: 'yyy',
      nested: { a: { b: { c: { d: 'x' } } } },
    }),
  ]);
  assert.deepEqual(text, { at: 7, text: 'window-title · Payroll' });
});

test('what says the same a hundred thousand times is kept as often as it is shown', () => {
  const flood = Array.from({ length: 100_000 }, (_, t) => event('clipboard', t, { direction: 'to-desktop' }));
  assert.deepEqual(
    textsOf([...flood, event('ended', 7, { message: 'Over.' })]).map(({ at }) => at),
    [0, 1, 2, 7],
  );
});

test('looking for moments in long recordings lets others have their turn', async () => {
  const store = await openStore(':memory:');
  const index = new EventIndex(store, new Uint8Array(32));
  const texts = Array.from({ length: 3000 }, (_, n) => ({ session_id: 'long', at: n, text: `Änderung Nummer ${n}` }));
  for (let n = 0; n < texts.length; n += 100) {
    await store
      .insertInto('event_lines')
      .values(texts.slice(n, n + 100))
      .execute();
  }
  let turns = 0;
  let isOver = false;
  const others = (async () => {
    for (; !isOver; turns++) await new Promise((resolve) => setImmediate(resolve));
  })();
  const began = turns;
  const found = await index.moments(
    Array.from({ length: 5 }, () => 'long'),
    ['anderung'],
  );
  const had = turns - began;
  isOver = true;
  await others;
  await store.destroy();
  assert.deepEqual(
    found.get('long')?.map(({ at }) => at),
    [0, 0, 0],
  );
  assert.ok(had > 0);
});
