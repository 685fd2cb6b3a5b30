import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { type DoctorOptions, diagnose } from '../../gateway/rdp/doctor/doctor.ts';
import { diagnosesOf, type Report, type StepName } from '../../gateway/rdp/doctor/report.ts';
import type { LabServer } from '../lab/server.ts';
import { startShadow } from '../lab/shadow.ts';
import { startXrdp } from '../lab/xrdp.ts';

/** The connection doctor against servers that others have written. */

/** These machines are busy in a test run, and xrdp starts a whole desktop before its first picture. */
const PATIENT = { timeoutMs: 30_000, logonTimeoutMs: 60_000, pictureTimeoutMs: 60_000 };

async function examine(server: LabServer, options: Partial<DoctorOptions> = {}): Promise<Report> {
  const { host, port, username, password } = server;
  return diagnose({ host, port, credentials: { username, password, domain: '' }, ...PATIENT, ...options });
}

const stepOf = (report: Report, name: StepName) => report.steps.find((step) => step.name === name);
const codesOf = (report: Report) => diagnosesOf(report).map(({ code }) => code);
const statusesOf = (report: Report) => Object.fromEntries(report.steps.map(({ name, status }) => [name, status]));

test('freerdp-shadow with NLA: all the way, and each way to fail', async () => {
  const server = await startShadow();
  try {
    const report = await examine(server, { nla: 'required' });
    assert.notEqual(report.verdict, 'failed', inspect(report, { depth: 6 }));
    assert.equal(stepOf(report, 'negotiation')?.facts.offeredAll, 'CredSSP (NLA)');
    assert.equal(stepOf(report, 'picture')?.status, 'ok');
    assert.equal(typeof stepOf(report, 'nla')?.facts.credsspVersion, 'number');

    const refused = await examine(server, { credentials: { username: server.username, password: 'no', domain: '' } });
    assert.equal(stepOf(refused, 'logon')?.status, 'failed');
    // FreeRDP's server hangs up where Windows gives an NTSTATUS.
    assert.ok(codesOf(refused).includes('logon_closed'), inspect(refused, { depth: 6 }));

    const never = await examine(server, { nla: 'never' });
    assert.ok(codesOf(never).includes('nla_required_by_server'), inspect(never, { depth: 6 }));
    assert.equal(stepOf(never, 'tls')?.status, 'skipped');
  } finally {
    await server.stop();
  }
});

test('xrdp: TLS without NLA, all the way', async () => {
  const server = await startXrdp();
  try {
    const report = await examine(server);
    assert.notEqual(report.verdict, 'failed', inspect(report, { depth: 6 }));
    const { nla, session, picture } = statusesOf(report);
    assert.deepEqual([nla, session, picture], ['skipped', 'ok', 'ok']);
    assert.equal(stepOf(report, 'negotiation')?.facts.offeredAll, 'TLS');

    const required = await examine(server, { nla: 'required' });
    assert.ok(codesOf(required).includes('nla_not_offered'), inspect(required, { depth: 6 }));
  } finally {
    await server.stop();
  }
});

test('freerdp-shadow with standard RDP security: only where the target accepts it', async () => {
  const server = await startShadow({ security: 'rdp' });
  try {
    const refused = await examine(server);
    assert.ok(codesOf(refused).includes('standard_rdp_only'), inspect(refused, { depth: 6 }));
    const report = await examine(server, { legacySecurity: 'accepted' });
    assert.equal(report.verdict, 'warning', inspect(report, { depth: 6 }));
    assert.ok(codesOf(report).includes('standard_rdp_used'));
    assert.equal(stepOf(report, 'picture')?.status, 'ok');
  } finally {
    await server.stop();
  }
});
