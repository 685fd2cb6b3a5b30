import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decisions } from './decisions.ts';

const brokenLink = { code: 'ticket_invalid', message: /^This link / };

test('a link without its end is explained, without asking the gateway', async ({ mock }) => {
  const { mock: asked } = mock.method(globalThis, 'fetch');
  await assert.rejects(decisions.look(''), brokenLink);
  assert.equal(asked.callCount(), 0);
});

test('a link that does not work is called a link, not a ticket for a session', async ({ mock }) => {
  const answer = (code: string) =>
    mock.method(globalThis, 'fetch', async () =>
      Response.json({ error: { code, message: 'The ticket for this session is not valid.' } }, { status: 401 }),
    );
  answer('ticket_invalid');
  await assert.rejects(decisions.look('a'), brokenLink);
  await assert.rejects(decisions.use('a', ''), brokenLink);
  answer('conflict');
  await assert.rejects(decisions.use('a', ''), { code: 'conflict', message: /ticket/ });
});
