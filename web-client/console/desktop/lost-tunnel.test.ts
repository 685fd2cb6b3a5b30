import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SessionEnd } from '../api/types.ts';
import { whyTunnelBrokeOff } from './lost-tunnel.ts';

const lost = { code: 'gateway_lost', message: 'The connection to the gateway was lost.' };
const ended = (code: string): SessionEnd => ({ at: '2026-11-22T09:00:00Z', code, message: `words of ${code}` });

/** What comes of it when the gateway answers so, one after the other; the last goes on. */
async function asked(...answers: readonly (SessionEnd | null | Error)[]) {
  const waits: number[] = [];
  let looks = 0;
  const reason = await whyTunnelBrokeOff(
    lost,
    async () => {
      const answer = answers[Math.min(looks++, answers.length - 1)] ?? null;
      if (answer instanceof Error) throw answer;
      return answer;
    },
    async (milliseconds) => void waits.push(milliseconds),
  );
  return { reason, looks, waits };
}

test('a part of the gateway has failed: the page says what the gateway says, which may notice later', async () => {
  const { reason, looks } = await asked(ended('worker_lost'));
  assert.deepEqual([reason, looks], [{ code: 'worker_lost', message: 'words of worker_lost' }, 1]);
  assert.equal((await asked(null, null, ended('worker_lost'))).reason?.code, 'worker_lost');
});

test('what the page knows better stays: a network that broke, a gateway that is gone, a session that goes on', async () => {
  assert.equal((await asked(ended('browser_gone'))).reason, undefined);
  assert.equal((await asked(new Error('unreachable'))).reason, undefined);
  const goesOn = await asked(null);
  assert.equal(goesOn.reason, undefined);
  assert.ok(goesOn.looks < 6 && goesOn.waits.length === goesOn.looks - 1, 'it is not asked for ever');
});

test('an end that was told stands', async () => {
  const told = { code: 'ended_by_user', message: 'words' };
  assert.equal(await whyTunnelBrokeOff(told, () => assert.fail('asked')), undefined);
});
