import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toTimeline } from './timeline-events.ts';

const line = { at: 1_700_000_000_000, prev: '0'.repeat(64) };

test('events in words, by the video clock; what came before the video stands at its beginning', () => {
  const shown = toTimeline([
    { ...line, n: 0, t: null, type: 'log' },
    {
      ...line,
      n: 1,
      t: null,
      type: 'request',
      user: { id: 'u', username: 'jane' },
      address: '192.0.2.1',
      target: { name: 'server', host: 'srv', port: 3389 },
      account: { username: 'svc' },
    },
    { ...line, n: 2, t: 4000, type: 'ended', code: 'logged_off', message: 'You signed out.' },
    { ...line, n: 3, t: 1500, type: 'input', ms: 2000, keys: 12, clicks: 1 },
    { ...line, n: 4, t: 1600, type: 'segment', file: '0000.mp4' },
    { ...line, n: 5, t: 1700, type: 'from-the-future', user: 7 },
  ]);
  assert.deepEqual(
    shown.map(({ n, at, tone, title, detail }) => [n, at, tone, title, detail]),
    [
      [1, 0, 'session', 'jane asked for the session', 'server (srv:3389) as svc, from 192.0.2.1'],
      [3, 1500, 'input', 'Input', '12 keys, 1 click'],
      [5, 1700, 'other', 'from-the-future', ''],
      [2, 4000, 'session', 'Ended', 'You signed out. (logged_off)'],
    ],
  );
});

test('an end tells who ended it beside its code', () => {
  const ended = {
    ...line,
    n: 0,
    t: 5,
    type: 'ended',
    code: 'ended_by_admin',
    message: 'It was ended.',
    detail: 'by admin',
  };
  assert.equal(toTimeline([ended])[0]?.detail, 'It was ended. (by admin, ended_by_admin)');
});

test('freezing, the clipboard and an administrator who ends a session are in words', () => {
  const user = { username: 'audrey' };
  const shown = toTimeline([
    { ...line, n: 0, t: 5, type: 'frozen', user, reason: 'a look' },
    { ...line, n: 1, t: 6, type: 'unfrozen', user },
    { ...line, n: 2, t: 7, type: 'clipboard', direction: 'from-desktop', format: 'text', bytes: 12 },
    { ...line, n: 3, t: 8, type: 'terminated', by: 'audrey' },
    { ...line, n: 4, t: 9, type: 'clipboard', direction: 'to-desktop', format: 'text', bytes: 3, refused: 'rule' },
    { ...line, n: 5, t: 9, type: 'file', direction: 'to-desktop', name: 'a', bytes: 3, state: 'done', sha256: 'ab' },
    {
      ...line,
      n: 6,
      t: 9,
      type: 'file',
      direction: 'from-desktop',
      name: 'b',
      bytes: 3,
      state: 'cancelled',
      passed: 1,
    },
  ]);
  assert.deepEqual(
    shown.map(({ title, detail }) => [title, detail]),
    [
      ['Frozen by audrey', 'a look'],
      ['Unfrozen by audrey', ''],
      ['Copied from the desktop', 'text, 12 B'],
      ['Ended by an administrator', 'audrey'],
      ['Not pasted into the desktop', 'text, 3 B, refused: rule'],
      ['File copied to the desktop', 'a, 3 B, SHA-256 ab'],
      ['File not copied from the desktop', 'b, 3 B, cancelled'],
    ],
  );
});

test('fields that are missing or of another kind break nothing', () => {
  for (const type of [
    'sign-in',
    'request',
    'secured',
    'connected',
    'desktop',
    'input',
    'shadow-started',
    'frozen',
    'clipboard',
    'ended',
  ]) {
    assert.equal(toTimeline([{ ...line, n: 0, t: 5, type, user: 'x', target: null }]).length, 1);
  }
});
