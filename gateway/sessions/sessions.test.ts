import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GatewayError } from '../errors.ts';
import { createLogger } from '../log.ts';
import { until } from '../testing/harness.ts';
import type { LiveSession } from './live-session.ts';
import type { SessionFacts, SessionNews } from './session-contract.ts';
import { Sessions, type SessionsParts } from './sessions.ts';

const END = { code: 'logged_off', message: '' };

/** Books that fail as often as a test says, and one session. */
async function open(writeAgainMs = 1) {
  const written: string[] = [];
  const failures = new Map<string, Error[]>();
  let news: SessionNews | undefined;
  const write = (what: string) => async () => {
    const error = failures.get(what)?.shift();
    written.push(error === undefined ? what : `${what} failed`);
    if (error !== undefined) throw error;
  };
  const parts = {
    begin: (facts: SessionFacts, _: unknown, told: SessionNews) => {
      news = told;
      return {
        ...{ id: facts.id, facts, recording: 'off', frozen: undefined, recordingFinished: Promise.resolve(undefined) },
        end: () => told.ended(END),
      } as unknown as LiveSession;
    },
    record: false,
    requireSpace: async () => {},
    recorded: async () => {},
    gate: {
      admit: async () => ({ requestId: 'r', recording: 'off' }),
      confirm: async () => {},
      sessionEnded: write('request'),
    },
    targets: { get: async () => ({ id: 't', name: 'server' }), account: async () => ({ id: 'a', username: 'jane' }) },
    history: { ended: write('end'), recordingFinished: write('recording') },
    audit: { record: write('audit') },
    log: createLogger('silent'),
    writeAgainMs,
  } as unknown as SessionsParts;
  const sessions = new Sessions(parts);
  const actor = { id: 'u', username: 'jane', roles: [] };
  await sessions.open(actor, '', { targetId: 't', accountId: 'a', width: 800, height: 600 });
  return { sessions, written, failures, end: () => news?.ended(END) };
}

const full = () => new Error('database or disk is full');

test('the end of a session is written down when the store can be written again, each part of it once', async () => {
  const { written, failures, end } = await open();
  failures.set('end', [full(), full()]);
  failures.set('audit', [full()]);
  end();
  await until(() => written.includes('recording'));
  assert.deepEqual(written, ['end failed', 'end failed', 'end', 'request', 'audit failed', 'audit', 'recording']);
});

test('what is refused is not tried again, and a stop does not wait for a store that cannot be written', async () => {
  const refused = await open();
  refused.failures.set('request', [new GatewayError('not_found')]);
  refused.end();
  await until(() => refused.written.includes('request failed'));
  await refused.sessions.stop('gateway_stopping');
  assert.deepEqual(refused.written, ['end', 'request failed']);
  const stopped = await open(1e6);
  stopped.failures.set('end', [full(), full()]);
  stopped.end();
  await until(() => stopped.written.includes('end failed'));
  await stopped.sessions.stop('gateway_stopping');
  assert.deepEqual(stopped.written, ['end failed', 'end failed']);
});
