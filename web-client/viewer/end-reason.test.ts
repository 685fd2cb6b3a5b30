import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isOrderly } from './end-reason.ts';

test('a session that was ended, or had lasted as long as it may, has not broken off', () => {
  const orderly = ['ended_by_user', 'ended_by_admin', 'idle_too_long', 'session_too_long', 'sign_in_expired'];
  for (const code of orderly) assert.ok(isOrderly({ code, message: '' }), code);
  for (const code of ['connection_lost', 'gateway_lost', 'protocol_error', 'logon_failed']) {
    assert.ok(!isOrderly({ code, message: '' }), code);
  }
});
