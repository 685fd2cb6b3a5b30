import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sessionClock } from '../clock.ts';
import { createLogger } from '../log.ts';
import type { SessionFacts } from './session-contract.ts';
import type { SeenViewer } from './session-viewers.ts';
import { SignInUse } from './sign-in-use.ts';

test('who types in a desktop, or watches one, uses the sign-in; who does neither does not', async () => {
  const used: [string, number][] = [];
  const session = (reference: string, lastInputAt: number | undefined, viewers: readonly SeenViewer[] = []) => ({
    facts: { signIn: { reference, at: 0, endsAt: 1e15 } } as SessionFacts,
    lastInputAt,
    viewers,
  });
  const viewer = { userId: 'u', username: 'u', since: 0, signIn: 'watching', announced: true };
  let list = [session('typing', sessionClock() - 10_000), session('pending', undefined, [viewer])];
  const use = new SignInUse({
    sessions: { list: () => list },
    logins: { used: async (reference, at) => void used.push([reference, at]) },
    log: createLogger('silent'),
  });
  await use.look();
  assert.deepEqual(used.map(([reference]) => reference).sort(), ['typing', 'watching']);
  const [, at = 0] = used.find(([reference]) => reference === 'typing') ?? [];
  assert.ok(Math.abs(Date.now() - 10_000 - at) < 5000, 'by the wall clock');
  used.length = 0;
  const later = sessionClock();
  list = [...list, session('typing', later)];
  await use.look();
  await use.look();
  assert.deepEqual(
    used.map(([reference]) => reference),
    ['typing', 'watching', 'watching'],
    'the latest of several, once',
  );
});
