import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CredentialPrompt } from '../vault/account-credentials.ts';
import { Secret } from '../vault/secret.ts';
import { CredentialAsk } from './credential-ask.ts';

const prompt: CredentialPrompt = { wants: ['password'], username: 'jane', domain: '', again: null };
const MINUTE = 60_000;

test('whoever is asked anew has as much time as at first', async (context) => {
  context.mock.timers.enable({ apis: ['setTimeout'] });
  const ask = new CredentialAsk(() => {});
  const first = ask.ask(prompt);
  first.catch(() => {});
  context.mock.timers.tick(4 * MINUTE);
  const second = ask.ask({ ...prompt, again: 'reconnect' });
  await assert.rejects(first, { code: 'credential_not_given' });
  context.mock.timers.tick(4 * MINUTE);
  assert.equal(ask.prompt?.again, 'reconnect');
  ask.supply({ password: new Secret('a password') });
  assert.equal((await second).password?.text(), 'a password');
  const third = ask.ask({ ...prompt, wants: ['master-password'] });
  context.mock.timers.tick(5 * MINUTE);
  await assert.rejects(third, { code: 'credential_not_given' });
});

test('what nobody asks for is not kept once there is a connection', async () => {
  const ask = new CredentialAsk(() => {});
  ask.supply({ password: new Secret('in advance') });
  assert.equal((await ask.ask(prompt)).password?.text(), 'in advance');
  ask.forget();
  const late = new Secret('late');
  assert.throws(() => ask.supply({ password: late }), { code: 'conflict' });
  assert.doesNotMatch(late.text(), /late/);
  const again = ask.ask({ ...prompt, again: 'reconnect' });
  ask.supply({ password: new Secret('once more') });
  assert.equal((await again).password?.text(), 'once more');
});
