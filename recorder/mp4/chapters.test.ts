import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RecordedEvent } from '../evidence/event-log.ts';
import { chaptersOf, cuesOf, describeEvent } from './chapters.ts';

const event = (type: string, t: number | null, fields: Record<string, unknown> = {}): RecordedEvent => ({
  n: 0,
  at: 0,
  t,
  type,
  prev: '',
  ...fields,
});

const jane = { id: 'x', username: 'jane' };
const session = [
  event('log', null),
  event('sign-in', null, { user: 'jane' }),
  event('request', null, { user: jane, target: { name: 'Payroll' }, account: { username: 'admin' } }),
  event('recording', 0),
  event('connected', 400, { host: '10.0.0.5', account: 'admin' }),
  event('input', 2000, { ms: 1000, keys: 7, typed: [[0, '1e', 1]] }),
  event('shadow-started', 61_000, { user: { username: 'audrey' } }),
  event('frozen', 62_500, { user: { username: 'audrey' }, reason: 'a look' }),
  event('ended', 90_000, {
    code: 'ended_by_admin',
    message: 'An administrator ended the session.',
    detail: 'by audrey',
  }),
];

test('chapters: what changes the session, the first at 0, what comes together in one', () => {
  assert.deepEqual(chaptersOf(session, 90_000), [
    { fromMs: 0, title: 'jane asked for Payroll as admin, Connected to 10.0.0.5 as admin' },
    { fromMs: 61_000, title: 'audrey watches' },
    { fromMs: 62_500, title: 'Frozen by audrey: a look' },
    { fromMs: 89_999, title: 'Ended: An administrator ended the session. (ended_by_admin, by audrey)' },
  ]);
  assert.deepEqual(chaptersOf([event('log', null)], 90_000), []);
  const many = Array.from({ length: 1000 }, (_, i) => event('connection', i * 2000, { state: 'reconnecting' }));
  assert.equal(chaptersOf(many, 2_000_000).length, 255);
  const atOnce = Array.from({ length: 10 }, (_, i) => event('alert', i, { rule: String(i) }));
  assert.deepEqual(chaptersOf(atOnce, 1000), [
    {
      fromMs: 0,
      title: [0, 1, 2, 3, 4, 5, 6, 7]
        .map((i) => `Alert: ${i}`)
        .join(', ')
        .concat(', and 2 more'),
    },
  ]);
});

test('cues: every event that says something, none over another, none past the end', () => {
  const cues = cuesOf(session, 90_000);
  assert.deepEqual(cues[0], {
    fromMs: 0,
    untilMs: 2000,
    text: 'jane signed in\njane asked for Payroll as admin\nConnected to 10.0.0.5 as admin',
  });
  assert.deepEqual(cues[1], { fromMs: 2000, untilMs: 6000, text: '7 keys' });
  cues.forEach(({ fromMs, untilMs }, i) => {
    assert.ok(fromMs < untilMs && untilMs <= (cues[i + 1]?.fromMs ?? 90_000));
  });
  assert.ok(!JSON.stringify(cues).includes('1e'), 'what was typed is not spelt out');
});

test('an event of a later version has its name, and none is longer than a line may be', () => {
  assert.equal(describeEvent(event('teleported', 1)), 'teleported');
  assert.equal(describeEvent(event('segment', 1)), undefined);
  assert.equal(describeEvent(event('frozen', 1, { user: jane, reason: 'x'.repeat(1000) }))?.length, 200);
  assert.equal(describeEvent(event('input', 1, { moves: 1 })), '1 move');
});
