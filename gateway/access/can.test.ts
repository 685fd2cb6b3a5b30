import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Action, can, Role, roles, seesAllRequests, seesAllSessions, seesAllTargets } from './can.ts';

const actor = (...roles: Role[]) => ({ id: 'me', username: 'me', roles });
const other = { ownerId: 'other' };
const own = { ownerId: 'me' };

/** Who may do each thing, besides `admin`, who may do all of them. `own`: on what is one's own. */
const expected: Record<Action, readonly (Role | 'own user')[]> = {
  'target.list': ['user', 'vault-admin', 'policy-admin', 'system-admin'],
  'target.manage': ['vault-admin', 'system-admin'],
  'account.manage': ['vault-admin'],
  'vault.manage': ['vault-admin'],
  'key.manage': ['vault-admin', 'system-admin'],
  'group.manage': ['policy-admin', 'system-admin'],
  'policy.manage': ['policy-admin'],
  'entitlement.manage': ['policy-admin'],
  'request.make': ['user'],
  'request.view': ['user', 'approver', 'session-admin', 'auditor'],
  'request.decide': ['approver'],
  'request.revoke': ['approver', 'session-admin'],
  'request.review': ['auditor'],
  'session.open': ['user'],
  'session.list': ['user', 'session-admin'],
  'session.watch': ['session-admin'],
  'session.control': ['session-admin'],
  'session.end': ['session-admin', 'own user'],
  'session.stop': ['session-admin', 'system-admin'],
  'alert.manage': ['session-admin', 'policy-admin'],
  'recording.view': ['auditor'],
  'recording.hold': ['auditor'],
  'audit.view': ['auditor'],
  'user.view': ['policy-admin', 'system-admin'],
  'user.manage': ['system-admin'],
  'setting.manage': ['system-admin'],
};

test('who may do what', () => {
  for (const [name, allowed] of Object.entries(expected)) {
    const action = name as Action;
    assert.equal(can(undefined, action, own), false, action);
    assert.equal(can(actor(), action, own), false, action);
    assert.equal(can(actor(Role.admin), action, other), true, action);
    for (const role of roles) {
      if (role === Role.admin) continue;
      assert.equal(can(actor(role), action, other), allowed.includes(role), `${role}: ${action}`);
      const ofOwn = allowed.includes(role) || (role === Role.user && allowed.includes('own user'));
      assert.equal(can(actor(role), action, own), ofOwn, `${role}: ${action} of her own`);
    }
  }
});

test('roles add up', () => {
  for (const action of Object.keys(expected) as Action[]) {
    const either = can(actor(Role.user), action, own) || can(actor(Role.auditor), action, own);
    assert.equal(can(actor(Role.user, Role.auditor), action, own), either, action);
  }
});

test('an auditor and a vault administrator cannot connect', () => {
  for (const role of [Role.auditor, Role.vaultAdmin]) {
    assert.equal(can(actor(role), 'session.open', own), false);
    assert.equal(can(actor(role), 'request.make', own), false);
  }
});

test('who sees all, and not only the own', () => {
  const seeing = (sees: (who: ReturnType<typeof actor>) => boolean) => roles.filter((role) => sees(actor(role)));
  assert.deepEqual(seeing(seesAllSessions), ['session-admin', 'admin']);
  assert.deepEqual(seeing(seesAllTargets), ['vault-admin', 'policy-admin', 'system-admin', 'admin']);
  assert.deepEqual(seeing(seesAllRequests), ['session-admin', 'auditor', 'admin']);
});

test('an unknown role and an unknown action are refused', () => {
  assert.equal(can(actor('root' as Role), 'target.list'), false);
  assert.equal(can(actor(Role.user), 'everything' as Action), false);
});
