import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { connect, Socket } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { inspect } from 'node:util';
import { startDemoServer } from '../../../gateway/demo/server.ts';
import { type DiagnosisCode, diagnoses } from '../../../gateway/rdp/doctor/diagnoses.ts';
import { type DoctorOptions, diagnose } from '../../../gateway/rdp/doctor/doctor.ts';
import { diagnosesOf, type Report, type Step, type StepName, stepNames } from '../../../gateway/rdp/doctor/report.ts';
import type { Dial } from '../../../gateway/rdp/doctor/wire.ts';
import { MAX_REDIRECTIONS } from '../../../gateway/rdp/redirections.ts';
import { UpdateCode } from '../../../protocol/graphics/update.ts';
import { encodeFragmentedUpdate } from '../../../protocol/pdu/fast-path.ts';
import { NtStatus } from '../../../protocol/security/nt-status.ts';
import { encodeTsRequest } from '../../../protocol/security/ts-request.ts';
import { fakePeer, type Identity } from '../fake-peer.ts';
import { farm, redirect, type Visit } from '../farm.ts';
import {
  disconnectedByOtherConnection,
  endWith,
  hybridOnly,
  licenseAlert,
  logonError,
  makeIdentity,
  outOfMemory,
  PASSWORD,
  refusal,
  response,
  type Script,
  SSL,
  scriptedServer,
  serverDeniedConnection,
  USERNAME,
} from './scripted-server.ts';

/** Each diagnosis of the doctor's, provoked; the last test holds that none is left out. */

const provoked = new Set<DiagnosisCode>();
let identity: Identity;
before(async () => {
  identity = await makeIdentity();
});

const ACCOUNT = { username: USERNAME, password: PASSWORD, domain: '' };
/** For steps that wait in vain. What comes before them has to be through by then: where this machine stands still meanwhile, they wait once more. */
const PATIENCES_MS = [1500, 15_000];

async function examine(port: number, options: Partial<DoctorOptions> = {}): Promise<Report> {
  return diagnose({
    host: 'localhost',
    port,
    credentials: ACCOUNT,
    resolve: async () => [{ address: '127.0.0.1', family: 4 }],
    ...options,
  });
}

/** Holds that the report says so, in the step that it belongs to, and that the words are those of an administrator. */
function finds(report: Report, code: DiagnosisCode, step: StepName = diagnoses[code].step): Step {
  const found = stepOf(report, step);
  assert.ok(
    found.diagnoses.some((diagnosis) => diagnosis.code === code),
    `${code} in ${inspect(report, { depth: 6 })}`,
  );
  provoked.add(code);
  return found;
}

/** The same, and the step failed and nothing that builds on it was done. */
function failsWith(report: Report, code: DiagnosisCode, step: StepName = diagnoses[code].step): Step {
  const found = finds(report, code, step);
  assert.equal(found.status, 'failed');
  assert.equal(report.verdict, 'failed');
  const errors = diagnosesOf(report).filter(({ severity }) => severity === 'error');
  assert.deepEqual(
    errors.map((error) => error.code),
    [code],
  );
  assert.equal(stepOf(report, 'picture').status, 'skipped');
  assert.ok(!inspect(report, { depth: 9 }).includes(PASSWORD));
  return found;
}

/** The same of what is found when something does not come within `patience`. */
async function failsInVain(code: DiagnosisCode, examineWithin: (patience: number) => Promise<Report>): Promise<void> {
  let report: Report | undefined;
  for (const patience of PATIENCES_MS) {
    report = await examineWithin(patience);
    if (diagnosesOf(report).some((diagnosis) => diagnosis.code === code)) break;
  }
  assert.ok(report !== undefined);
  failsWith(report, code);
}

/** Until this machine does not stand still just as it connects, which would be a slow link. */
async function examineAtRest(port: number, options: Partial<DoctorOptions> = {}): Promise<Report> {
  for (;;) {
    const report = await examine(port, options);
    if (!diagnosesOf(report).some(({ code }) => code === 'slow_link')) return report;
  }
}

function stepOf(report: Report, name: StepName): Step {
  const found = report.steps.find((step) => step.name === name);
  assert.ok(found !== undefined, `${name} is in the report`);
  return found;
}

async function examineScripted(script: Partial<Script>, options: Partial<DoctorOptions> = {}): Promise<Report> {
  await using server = await scriptedServer({ identity, ...script });
  return await examine(server.port, { pictureTimeoutMs: 20, ...options });
}

describe('reaching the host', () => {
  const nowhere = (code: string) => async () => {
    throw Object.assign(new Error(`getaddrinfo ${code}`), { code });
  };

  it('name_not_found', async () => {
    failsWith(await examine(3389, { resolve: nowhere('ENOTFOUND') }), 'name_not_found');
    failsWith(await examine(3389, { resolve: async () => [] }), 'name_not_found');
  });

  it('dns_unavailable', async () => {
    failsWith(await examine(3389, { resolve: nowhere('EAI_AGAIN') }), 'dns_unavailable');
    failsWith(await examine(3389, { resolve: () => new Promise(() => {}), timeoutMs: 20 }), 'dns_unavailable');
  });

  it('connection_refused', async () => {
    const peer = await fakePeer(() => {});
    await peer[Symbol.asyncDispose]();
    failsWith(await examine(peer.port), 'connection_refused');
  });

  it('connection_timed_out', async () => {
    failsWith(await examine(3389, { dial: () => new Socket(), timeoutMs: 20 }), 'connection_timed_out');
  });

  it('network_unreachable', async () => {
    const dial: Dial = () => {
      const socket = new Socket();
      setImmediate(() => socket.destroy(Object.assign(new Error('no route'), { code: 'EHOSTUNREACH' })));
      return socket;
    };
    failsWith(await examine(3389, { dial }), 'network_unreachable');
  });

  it('address_partly_unreachable', async () => {
    await using server = await scriptedServer({ identity });
    const resolve = async () => ['127.0.0.9', '127.0.0.1'].map((address) => ({ address, family: 4 }));
    const step = finds(await examine(server.port, { resolve, pictureTimeoutMs: 20 }), 'address_partly_unreachable');
    assert.equal(step.facts.address, '127.0.0.1');
  });

  it('slow_link', async () => {
    await using server = await scriptedServer({ identity });
    const dial: Dial = (at, port) => {
      const socket = new Socket();
      setTimeout(() => socket.connect(port, at.address), 200);
      return socket;
    };
    const step = finds(await examine(server.port, { dial, pictureTimeoutMs: 20 }), 'slow_link');
    assert.ok(Number(step.facts.tcpMs) >= 200);
  });
});

describe('what answers', () => {
  const answers: readonly (readonly [DiagnosisCode, string, (socket: Socket) => void])[] = [
    ['http_answered', 'a web server', (socket) => socket.end('HTTP/1.1 400 Bad Request\r\nServer: x\r\n\r\n')],
    ['tls_answered', 'a TLS service', (socket) => socket.end(Buffer.from([0x15, 3, 1, 0, 2, 2, 70]))],
    ['not_rdp', 'an SSH server', (socket) => socket.write('SSH-2.0-OpenSSH_9.2p1\r\n')],
    ['closed_before_answer', 'a port forwarding with nothing behind it', (socket) => socket.end()],
    [
      'connection_reset',
      'a firewall that cuts it off',
      (socket) => socket.once('data', () => socket.resetAndDestroy()),
    ],
  ];
  for (const [code, what, serve] of answers) {
    it(`${code}: ${what}`, async () => {
      await using peer = await fakePeer(serve);
      failsWith(await examine(peer.port), code, 'negotiation');
    });
  }

  it('no_rdp_answer: a service that waits for its own protocol', async () => {
    await using peer = await fakePeer(() => {});
    await failsInVain('no_rdp_answer', (timeoutMs) => examine(peer.port, { timeoutMs }));
  });

  it('shows what a stranger says without its control characters', async () => {
    await using peer = await fakePeer((socket) => socket.write('\u001b[31mevil\u0007\r\nsecond line'));
    const step = failsWith(await examine(peer.port), 'not_rdp');
    assert.equal(step.diagnoses[0]?.detail, '.[31mevil.');
  });
});

describe('negotiation', () => {
  it('nla_required_by_server', async () => {
    const step = failsWith(await examineScripted({}, { nla: 'never' }), 'nla_required_by_server');
    assert.equal(step.facts.offeredAll, 'CredSSP (NLA)');
    assert.equal(step.facts.offeredTls, 'refuses: HYBRID_REQUIRED_BY_SERVER');
    assert.match(step.diagnoses[0]?.message ?? '', /^Network Level Authentication is required/);
  });

  it('nla_not_offered', async () => {
    failsWith(await examineScripted({ select: () => response(SSL) }, { nla: 'required' }), 'nla_not_offered');
    failsWith(await examineScripted({ select: () => refusal(2) }, { nla: 'required' }), 'nla_not_offered');
  });

  const refusals: readonly (readonly [DiagnosisCode, number])[] = [
    ['standard_rdp_only', 2],
    ['tls_certificate_missing', 3],
    ['negotiation_failed', 6],
  ];
  for (const [code, failure] of refusals) {
    it(`${code}: failure code ${failure}`, async () => {
      failsWith(await examineScripted({ select: () => refusal(failure) }), code);
    });
  }

  it('standard_rdp_only: a server that predates negotiation', async () => {
    const confirm = Uint8Array.from([3, 0, 0, 11, 6, 0xd0, 0, 0, 0, 0, 0]);
    failsWith(await examineScripted({ select: () => confirm }), 'standard_rdp_only');
  });

  it('standard_rdp_used: where the target accepts it', async () => {
    const select = (requested: number) => (requested === 0 ? response(0) : refusal(2));
    const insteadOfTls = (socket: Socket) => socket.once('data', () => socket.end());
    const report = await examineScripted({ select, insteadOfTls }, { legacySecurity: 'accepted' });
    assert.equal(finds(report, 'standard_rdp_used').status, 'warning');
    assert.equal(stepOf(report, 'tls').status, 'skipped');
    failsWith(await examineScripted({ select }, { nla: 'required', legacySecurity: 'accepted' }), 'nla_not_offered');
  });

  it('nla_not_enforced', async () => {
    const select = (requested: number) => ((requested & 2) === 0 ? response(requested & SSL) : hybridOnly(requested));
    const report = await examineScripted({ select: (requested) => (requested === 0 ? refusal(1) : select(requested)) });
    assert.equal(finds(report, 'nla_not_enforced').status, 'warning');
  });

  it('standard_rdp_allowed', async () => {
    const select = (requested: number) => (requested === 0 ? response(0) : hybridOnly(requested));
    finds(await examineScripted({ select }), 'standard_rdp_allowed');
  });

  it('restricted_admin_unsupported', async () => {
    failsWith(await examineScripted({}, { restrictedAdmin: true }), 'restricted_admin_unsupported');
  });
});

describe('TLS', () => {
  const alert = (description: number) => (socket: Socket) =>
    socket.once('data', () => socket.end(Buffer.from([0x15, 3, 3, 0, 2, 2, description])));
  const instead: readonly (readonly [DiagnosisCode, string, (socket: Socket) => void])[] = [
    ['tls_closed', 'a private key that cannot be used', (socket) => socket.once('data', () => socket.end())],
    ['tls_nonsense', 'a proxy', (socket) => socket.once('data', () => socket.write('what is this, please?'))],
    ['tls_failed', 'an internal error', alert(80)],
    ['tls_version_too_old', 'a server without any version in common', alert(70)],
  ];
  for (const [code, what, insteadOfTls] of instead) {
    it(`${code}: ${what}`, async () => {
      failsWith(await examineScripted({ insteadOfTls }), code);
    });
  }

  it('tls_no_answer', async () => {
    await failsInVain('tls_no_answer', (timeoutMs) => examineScripted({ insteadOfTls: () => {} }, { timeoutMs }));
  });

  it('tls_no_common_cipher', async () => {
    // A suite for another kind of key than the certificate's.
    const tls = { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-GCM-SHA256' } as const;
    failsWith(await examineScripted({ tls }), 'tls_no_common_cipher');
  });

  const OLD = { minVersion: 'TLSv1', ciphers: 'DEFAULT:@SECLEVEL=0' } as const;

  it('tls_version_too_old: only 1.1, and the password is never sent', async () => {
    const report = await examineScripted({ tls: { ...OLD, maxVersion: 'TLSv1.1' } });
    const step = failsWith(report, 'tls_version_too_old');
    assert.deepEqual(step.facts.offeredVersions, ['1.0', '1.1']);
    assert.equal(stepOf(report, 'logon').status, 'skipped');
  });

  it('allows 1.1 where the target does', async () => {
    const report = await examineScripted({ tls: { ...OLD, maxVersion: 'TLSv1.1' } }, { minimumTls: '1.0' });
    assert.equal(stepOf(report, 'logon').status, 'ok');
  });

  it('tls_legacy_versions', async () => {
    const step = finds(await examineScripted({ tls: OLD }), 'tls_legacy_versions');
    assert.deepEqual(step.facts.offeredVersions, ['1.0', '1.1', '1.2', '1.3']);
    const [first, ...others] = step.facts.offeredCiphers as readonly string[];
    assert.match(first ?? '', /^1\.0: [A-Z0-9-]+-SHA$/);
    assert.match(others.at(-1) ?? '', /^1\.3: TLS_/);
  });
});

describe('the certificate', () => {
  const DAY_MS = 86_400_000;
  const inDays = (days: number): Date => new Date(Date.now() + days * DAY_MS);
  const UNSAFE = { tls: { ciphers: 'DEFAULT:@SECLEVEL=0' } };

  it('certificate_self_signed, and nothing worse for the right name', async () => {
    const step = finds(await examineScripted({}, { credentials: ACCOUNT }), 'certificate_self_signed');
    assert.deepEqual(
      step.diagnoses.map(({ code }) => code),
      ['certificate_self_signed'],
    );
    assert.equal(step.status, 'ok');
    assert.match(String(step.facts.fingerprint), /^[0-9a-f]{64}$/);
  });

  it('certificate_name_mismatch', async () => {
    const own = await makeIdentity({ name: 'winsrv.lab.example' });
    finds(await examineScripted({ identity: own }), 'certificate_name_mismatch');
  });

  it('certificate_expired', async () => {
    const own = await makeIdentity({ from: inDays(-400), to: inDays(-1) });
    finds(await examineScripted({ identity: own }), 'certificate_expired');
  });

  it('certificate_not_yet_valid', async () => {
    const own = await makeIdentity({ from: inDays(1), to: inDays(100) });
    finds(await examineScripted({ identity: own }), 'certificate_not_yet_valid');
  });

  it('certificate_weak_key', async () => {
    const own = await makeIdentity({ keySize: 1024 });
    finds(await examineScripted({ identity: own, ...UNSAFE }), 'certificate_weak_key');
  });

  it('certificate_weak_signature', async () => {
    const own = await makeIdentity({ algorithm: 'sha1' });
    finds(await examineScripted({ identity: own, ...UNSAFE }), 'certificate_weak_signature');
  });

  it('certificate_changed: another than the pinned, and the account is not used', async () => {
    const trust = { mode: 'pinned', fingerprint: '0'.repeat(64) } as const;
    failsWith(await examineScripted({}, { trust }), 'certificate_changed');
  });

  it('certificate_untrusted: no authority known here signed it', async () => {
    failsWith(await examineScripted({}, { trust: { mode: 'system', fingerprint: null } }), 'certificate_untrusted');
  });

  it('certificate_untrusted: nothing is pinned yet', async () => {
    failsWith(await examineScripted({}, { trust: { mode: 'pinned', fingerprint: null } }), 'certificate_untrusted');
  });
});

describe('NLA before the logon', () => {
  it('nla_closed', async () => {
    const insteadOfNla: Script['insteadOfNla'] = (secure) => secure.once('data', () => secure.end());
    failsWith(await examineScripted({ insteadOfNla }), 'nla_closed');
  });

  it('nla_no_answer', async () => {
    await failsInVain('nla_no_answer', (timeoutMs) => examineScripted({ insteadOfNla: () => {} }, { timeoutMs }));
  });

  it('nla_malformed', async () => {
    const insteadOfNla: Script['insteadOfNla'] = (secure) => secure.write('no TSRequest');
    failsWith(await examineScripted({ insteadOfNla }), 'nla_malformed');
  });

  it('nla_refused', async () => {
    const insteadOfNla: Script['insteadOfNla'] = (secure) => {
      secure.write(encodeTsRequest({ version: 6, errorCode: NtStatus.ntlmBlocked }));
    };
    const step = failsWith(await examineScripted({ insteadOfNla }), 'nla_refused');
    assert.equal(step.diagnoses[0]?.detail, '0xC0000418');
  });

  it('clock_differs', async () => {
    const step = finds(await examineScripted({ credssp: { aheadMs: -3 * 3_600_000 } }), 'clock_differs');
    assert.equal(step.diagnoses[0]?.detail, 'the server is 3.0 hours behind');
    assert.equal(step.facts.computer, 'WINSRV');
    assert.equal(step.facts.domain, 'LAB');
  });

  it('credssp_outdated', async () => {
    const step = finds(await examineScripted({ credssp: { version: 3 } }), 'credssp_outdated');
    assert.equal(step.facts.credsspVersion, 3);
  });

  it('credssp_refused: older than the target takes', async () => {
    const step = failsWith(await examineScripted({ credssp: { version: 4 } }, { oldestCredSsp: 5 }), 'credssp_refused');
    assert.equal(step.diagnoses[0]?.detail, 'version 4, wanted 5');
  });

  it('is done without an account, and then leaves', async () => {
    const { credentials: _, ...options } = { credentials: ACCOUNT };
    await using server = await scriptedServer({ identity });
    const report = await diagnose({ host: '127.0.0.1', port: server.port, ...options });
    assert.equal(stepOf(report, 'nla').status, 'ok');
    assert.equal(stepOf(report, 'logon').status, 'skipped');
    assert.equal(report.verdict, 'ok');
  });
});

describe('the logon', () => {
  const statuses: readonly (readonly [DiagnosisCode, number])[] = [
    ['logon_failed', NtStatus.wrongPassword],
    ['account_locked', NtStatus.accountLockedOut],
    ['account_disabled', NtStatus.accountDisabled],
    ['account_expired', NtStatus.accountExpired],
    ['password_expired', NtStatus.passwordExpired],
    ['password_must_change', NtStatus.passwordMustChange],
    ['logon_type_not_granted', NtStatus.logonTypeNotGranted],
    ['account_restriction', NtStatus.accountRestriction],
    ['logon_hours', NtStatus.invalidLogonHours],
    ['workstation_restriction', NtStatus.invalidWorkstation],
    ['no_logon_servers', NtStatus.noLogonServers],
    ['domain_trust', NtStatus.trustedRelationshipFailure],
    ['time_skew', NtStatus.timeDifferenceAtDc],
    ['ntlm_blocked', NtStatus.ntlmBlocked],
    ['smartcard_required', NtStatus.smartcardLogonRequired],
    ['encryption_oracle_remediation', NtStatus.secDelegationPolicy],
    ['tls_interception', NtStatus.badBindings],
    ['logon_refused', 0xc0000001],
  ];
  for (const [code, status] of statuses) {
    it(`${code}: 0x${status.toString(16)}`, async () => {
      const step = failsWith(await examineScripted({ credssp: { lookup: () => ({ status }) } }), code);
      assert.equal(step.diagnoses[0]?.detail, `0x${status.toString(16).toUpperCase()}`);
    });
  }

  it('restricted_admin_disabled', async () => {
    const select = (requested: number) => (requested & 2 ? response(2, 0x08) : refusal(5));
    const credssp = { lookup: () => ({ status: NtStatus.accountRestriction }) };
    failsWith(await examineScripted({ select, credssp }, { restrictedAdmin: true }), 'restricted_admin_disabled');
  });

  it('logon_closed: no word of why', async () => {
    failsWith(await examineScripted({ insteadOfProof: (secure) => secure.end() }), 'logon_closed');
  });

  it('logon_no_answer', async () => {
    await failsInVain('logon_no_answer', (logonTimeoutMs) =>
      examineScripted({ insteadOfProof: () => {} }, { logonTimeoutMs }),
    );
  });

  it('credentials_too_long', async () => {
    const credentials = { ...ACCOUNT, password: 'p'.repeat(256) };
    const report = await examineScripted({ select: () => response(SSL) }, { nla: 'never', credentials });
    failsWith(report, 'credentials_too_long');
  });

  it('uses the account once', async () => {
    let logons = 0;
    const lookup = () => {
      logons++;
      return { status: NtStatus.wrongPassword };
    };
    await examineScripted({ credssp: { lookup } });
    assert.equal(logons, 1);
  });
});

describe('licensing and the session', () => {
  const licences: readonly (readonly [DiagnosisCode, number])[] = [
    ['license_server_missing', 6],
    ['licenses_used_up', 2],
    ['licensing_failed', 8],
  ];
  for (const [code, alert] of licences) {
    it(`${code}: error alert ${alert}`, async () => {
      const insteadOfLicensing: Script['insteadOfLicensing'] = (session) => session.sendIo(licenseAlert(alert, 1));
      failsWith(await examineScripted({ insteadOfLicensing }), code);
    });
  }

  const ends: readonly (readonly [DiagnosisCode, number])[] = [
    ['license_server_missing', 0x0101],
    ['licenses_used_up', 0x0102],
    ['licensing_failed', 0x0104],
    ['session_denied', serverDeniedConnection],
    ['session_taken', disconnectedByOtherConnection],
    ['server_out_of_memory', outOfMemory],
    ['logon_type_not_granted', 0x0009],
    ['logon_failed', 0x000a],
    ['session_ended', 0x0019],
    ['protocol_error', 0x10ea],
  ];
  for (const [code, errorInfo] of ends) {
    it(`${code}: error info 0x${errorInfo.toString(16)}`, async () => {
      const step = failsWith(await examineScripted({ insteadOfLicensing: endWith(errorInfo) }), code);
      assert.match(step.diagnoses[0]?.detail ?? '', /\(0x[0-9a-f]{8}\)$/);
    });
  }

  it('session_closed', async () => {
    failsWith(await examineScripted({ insteadOfLicensing: (session) => session.end() }), 'session_closed');
  });

  it('session_no_answer', async () => {
    await failsInVain('session_no_answer', (logonTimeoutMs) =>
      examineScripted({ insteadOfLicensing: () => {} }, { logonTimeoutMs }),
    );
  });

  it('protocol_error', async () => {
    const insteadOfLicensing: Script['insteadOfLicensing'] = (session) => session.send(new Uint8Array(64).fill(0x55));
    failsWith(await examineScripted({ insteadOfLicensing }), 'protocol_error');
  });

  /** A farm that sends a client on, as often as it says. Ends at a desktop with a picture. */
  const examineFarm = async (targetNetAddress: string, times: number, options: Partial<DoctorOptions> = {}) => {
    const config = { tls: { authenticate: () => true } };
    const arrive = (visit: Visit, count: number) => {
      if (count <= times) redirect(visit, { targetNetAddress });
      else visit.do(visit.server.update(UpdateCode.bitmap, Uint8Array.of(1, 0, 0, 0)));
    };
    await using servers = await farm(arrive, { config, identity });
    const report = await examine(servers.port, { nla: 'never', settleMs: 50, ...options });
    return { report, servers };
  };

  it('server_redirects: followed to the desktop', async () => {
    const { report, servers } = await examineFarm('127.0.0.1', 2);
    const step = finds(report, 'server_redirects');
    assert.equal(step.status, 'ok');
    assert.deepEqual(step.facts.redirectedTo, ['127.0.0.1', '127.0.0.1']);
    assert.equal(stepOf(report, 'picture').status, 'ok');
    assert.equal(servers.visits.length, 3);
  });

  it('redirection_loop', async () => {
    const { report, servers } = await examineFarm('127.0.0.1', Number.POSITIVE_INFINITY);
    failsWith(report, 'redirection_loop');
    assert.equal(servers.visits.length, 1 + MAX_REDIRECTIONS);
  });

  it('redirection_unreachable', async () => {
    const { report } = await examineFarm('127.0.0.9', 1);
    const step = failsWith(report, 'redirection_unreachable');
    assert.match(step.diagnoses.at(-1)?.detail ?? '', /^127\.0\.0\.9: /);
  });

  it('tells what the picture came as, by what is offered', async () => {
    const offers: (readonly boolean[])[] = [];
    const config = { tls: { authenticate: () => true } };
    const arrive = ({ server, do: send }: Visit) => {
      const { clientCapabilities = [], channels = [] } = server.connection ?? {};
      offers.push([
        clientCapabilities.some(({ kind }) => kind === 'surfaceCommands'),
        channels.some(({ name }) => name === 'drdynvc'),
        ((server.connection?.clientData.core.earlyCapabilityFlags ?? 0) & 0x100) !== 0,
      ]);
      send(server.update(UpdateCode.bitmap, Uint8Array.of(1, 0, 0, 0)));
    };
    await using servers = await farm(arrive, { config, identity });
    const options = { nla: 'never', settleMs: 0 } as const;
    const report = await examine(servers.port, options);
    await examine(servers.port, { ...options, graphics: [] });
    assert.equal(stepOf(report, 'picture').facts.sentAs, 'classic bitmaps');
    assert.deepEqual(offers, [
      [true, true, true],
      [false, true, false],
    ]);
  });

  const notices: readonly (readonly [DiagnosisCode, number, number])[] = [
    ['logon_failed', 0xc000006d, 0],
    ['password_must_change', 0xc0000224, 1],
    ['logon_refused', 0xc0000001, 2],
    ['session_denied', 0xfffffffa, 0],
    ['session_in_use', 0xfffffffb, 0],
  ];
  for (const [code, type, data] of notices) {
    it(`${code}: a logon error on the desktop, without NLA`, async () => {
      const select = (requested: number) => (requested & SSL ? response(SSL) : refusal(1));
      const report = await examineScripted({ select, onDesktop: logonError(type, data) }, { pictureTimeoutMs: 10_000 });
      failsWith(report, code);
    });
  }

  it('logon_unconfirmed: a picture without NLA, and no word of the logon', async () => {
    const select = (requested: number) => (requested & SSL ? response(SSL) : refusal(1));
    const onDesktop: Script['onDesktop'] = (session) => {
      for (const bytes of encodeFragmentedUpdate(UpdateCode.bitmap, Uint8Array.of(1, 0, 0, 0))) session.send(bytes);
    };
    const report = await examineScripted({ select, onDesktop }, { pictureTimeoutMs: 10_000, settleMs: 20 });
    assert.equal(finds(report, 'logon_unconfirmed').status, 'warning');
    assert.equal(stepOf(report, 'picture').status, 'ok');
  });

  it('no_picture', async () => {
    const report = await examineScripted({}, { pictureTimeoutMs: 50 });
    assert.equal(finds(report, 'no_picture').status, 'warning');
    assert.equal(stepOf(report, 'session').status, 'ok');
    assert.equal(report.verdict, 'warning');
  });
});

describe('against the demo desktop', () => {
  const credentials = { username: USERNAME, password: PASSWORD };
  let port = 0;
  let close = async (): Promise<void> => {};
  before(async () => {
    const server = await startDemoServer({ credentials, tls: identity, nla: 'required' });
    ({ port } = server);
    close = () => server.close();
  });
  after(() => close());

  it('goes all the way to the first picture', async () => {
    let steps: string[] = [];
    const onStep = ({ name }: Step) => {
      if (name === stepNames[0]) steps = [];
      steps.push(name);
    };
    const report = await examineAtRest(port, { onStep });
    assert.equal(report.verdict, 'ok', inspect(report, { depth: 6 }));
    assert.deepEqual(
      report.steps.filter(({ status }) => status !== 'ok'),
      [],
    );
    assert.deepEqual(
      steps,
      report.steps.map(({ name }) => name),
    );
    const { tcpMs, x224Ms, credsspMs, mcsMs } = stepOf(report, 'round_trip').facts;
    for (const time of [tcpMs, x224Ms, credsspMs, mcsMs]) assert.equal(typeof time, 'number');
    assert.deepEqual(stepOf(report, 'session').facts, { width: 1024, height: 768, colorDepth: 32 });
  });

  it('stops after the logon where asked to', async () => {
    const report = await examineAtRest(port, { until: 'logon' });
    assert.equal(stepOf(report, 'logon').status, 'ok');
    assert.equal(stepOf(report, 'session').status, 'skipped');
    assert.equal(report.verdict, 'ok');
  });

  it('leaves nothing open', async () => {
    await examine(port);
    // Whoever is still connected would keep it from being accepted as the last one.
    const socket = connect(port, '127.0.0.1');
    await new Promise((resolve) => socket.once('connect', resolve));
    socket.destroy();
  });
});

describe('peers that send anything', () => {
  /** Bytes that begin as they should about half of the time, so that more than the first check sees them. */
  const noise = (prefix: readonly number[]): Buffer =>
    Buffer.concat([Buffer.from(Math.random() < 0.5 ? prefix : []), randomBytes(1 + Math.floor(Math.random() * 200))]);
  const stages: readonly (readonly [string, () => Partial<Script>])[] = [
    ['instead of TLS', () => ({ insteadOfTls: (socket) => socket.end(noise([0x16, 3, 3])) })],
    ['instead of a challenge', () => ({ insteadOfNla: (secure) => secure.end(noise([0x30, 0x40])) })],
    ['instead of an answer to the proof', () => ({ insteadOfProof: (secure) => secure.end(noise([0x30, 0x40])) })],
    [
      'instead of licensing',
      () => ({
        insteadOfLicensing: (session) => {
          session.send(noise([3, 0, 0, 40, 2, 0xf0, 0x80]));
          session.end();
        },
      }),
    ],
  ];
  for (const [what, script] of stages) {
    it(`get a diagnosis: ${what}`, async () => {
      for (let i = 0; i < 10; i++) assert.equal((await examineScripted(script())).verdict, 'failed');
    });
  }

  it('get a diagnosis: instead of X.224', async () => {
    for (let i = 0; i < 20; i++) {
      await using peer = await fakePeer((socket) => socket.end(noise([3, 0, 0, 19, 14, 0xd0])));
      assert.equal((await examine(peer.port)).verdict, 'failed');
    }
  });
});

it('provokes every diagnosis there is', () => {
  assert.deepEqual(
    Object.keys(diagnoses).filter((code) => !provoked.has(code as DiagnosisCode)),
    [],
  );
});
