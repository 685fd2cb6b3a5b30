import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CredSspError } from './credssp-error.ts';
import { codeOfStatus, formatStatus, NtStatus } from './nt-status.ts';

describe('NTSTATUS', () => {
  const meanings = {
    3221225581: 'logon_failed',
    3221225578: 'logon_failed',
    3221225572: 'logon_failed',
    2148074252: 'logon_failed',
    3221226036: 'account_locked',
    3221225586: 'account_disabled',
    3221225875: 'account_expired',
    3221225585: 'password_expired',
    3221226020: 'password_must_change',
    3221225819: 'logon_type_not_granted',
    3221225582: 'account_restriction',
    3221225583: 'logon_hours',
    3221225584: 'workstation_restriction',
    3221225566: 'no_logon_servers',
    3221225779: 'time_skew',
    3221226331: 'channel_binding_mismatch',
    3221225473: 'refused',
  };
  for (const [status, code] of Object.entries(meanings)) {
    it(`${formatStatus(Number(status))} is ${code}`, () => {
      assert.equal(codeOfStatus(Number(status)), code);
      assert.equal(codeOfStatus(Number(status) | 0), code, 'as a signed number');
    });
  }
});

describe('CredSspError', () => {
  it('names its code and status, for logs', () => {
    const error = new CredSspError(NtStatus.accountLockedOut, { origin: 'peer' });
    assert.equal(error.message, 'network level authentication failed: account locked (status 0xC0000234)');
    assert.equal(error.status, 0xc0000234);
    const found = new CredSspError('public_key_mismatch', { origin: 'local' });
    assert.equal(found.message, 'network level authentication failed: public key mismatch');
    assert.equal(found.status, 0);
  });
});
