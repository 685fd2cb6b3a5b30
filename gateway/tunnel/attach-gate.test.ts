import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLogger } from '../log.ts';
import type { SessionFacts } from '../sessions/session-contract.ts';
import { AttachGate } from './attach-gate.ts';
import { Tickets } from './tickets.ts';

test('whoever may not watch any more by the time that it is written down, does not', async () => {
  const tickets = new Tickets();
  const written: string[] = [];
  let may = true;
  const gate = new AttachGate({
    tickets,
    settings: { read: async () => ({ announceShadow: true }) },
    audit: {
      async record({ action }) {
        written.push(action);
        if (action === 'session.watched') may = written.length > 2;
      },
    },
    log: createLogger('silent'),
    facts: () => ({ terms: { liveView: true, liveViewAnnounced: null }, target: {}, user: {} }) as SessionFacts,
    mayAttach: async () => may,
  });
  const enter = async () => {
    const user = { id: 'u', username: 'sam' };
    return gate.enter(
      await tickets.issue({ sessionId: 's', role: 'shadow', user, signIn: 'r', signInEndsAt: 1e15 }),
      '',
    );
  };
  await assert.rejects(enter(), { code: 'forbidden' });
  assert.deepEqual(written, ['session.watched', 'session.unwatched']);
  may = true;
  assert.equal((await enter()).role, 'shadow');
});
