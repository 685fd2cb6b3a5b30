import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Browser } from 'playwright-core';
import { type ErrorCode, errors } from '../../gateway/errors.ts';
import { freePort, startAll, waitFor } from '../lab/processes.ts';
import type { LabServer } from '../lab/server.ts';
import { startShadow } from '../lab/shadow.ts';
import { closeBrowser, launchBrowser, type Person } from './browser.ts';
import { ADMIN_PASSWORD, startGateway, type TestGateway } from './gateway.ts';
import { decodingErrors, isLegible, lastFrame, readText } from './recording.ts';
import { openPerson, shows, typeALine } from './story.ts';

let gateway: TestGateway;
let browser: Browser;
let server: LabServer;
let withoutNla: LabServer;
let web: Server;
/** Works on a desktop of her own all the while: what befalls other sessions must not touch hers. */
let bystander: Person;
/** Meets the failures. */
let admin: Person;

before(async () => {
  web = createServer((_, response) => response.end('hello')).listen(0, '127.0.0.1');
  await once(web, 'listening');
  [server, withoutNla, gateway, browser] = await startAll(
    startShadow(),
    startShadow({ security: 'tls' }),
    // Each recording has an encoder of its own, however small the machine is: some of them are killed here.
    startGateway({ ORIEL_ENCODERS: '16' }),
    launchBrowser(),
  );
  const { targetId } = await gateway.admin.addTarget('Bystander', server);
  bystander = await openPerson(browser, gateway, 'admin', ADMIN_PASSWORD);
  await bystander.go(`/desktop/${targetId}`);
  await bystander.state('active');
  admin = await openPerson(browser, gateway, 'admin', ADMIN_PASSWORD);
});

after(async () => {
  await closeBrowser(browser);
  web?.close();
  await Promise.all([gateway?.stop(), server?.stop(), withoutNla?.stop()]);
});

/** Opens a target and expects the page to explain this failure. */
async function meets(code: ErrorCode, targetId: string): Promise<void> {
  await admin.go(`/desktop/${targetId}`);
  await admin.state('failed');
  await explains(admin, code);
}

async function explains(person: Person, code: ErrorCode): Promise<void> {
  const { message } = errors[code];
  await waitFor(`the page to say "${message}"`, async () => (await person.text()).includes(message));
}

const account = { username: 'someone', password: 'Some-Pass-1!' };

test('a wrong password is explained', async () => {
  const { targetId } = await gateway.admin.addTarget('Wrong password', { ...server, password: 'Not-The-Pass-1!' });
  await meets('logon_failed', targetId);
});

test('an unknown host is explained', async () => {
  const { targetId } = await gateway.admin.addTarget('Unknown', {
    ...account,
    host: 'no-such-host.invalid',
    port: 3389,
  });
  await meets('target_unresolved', targetId);
});

test('a refused port is explained', async () => {
  const { targetId } = await gateway.admin.addTarget('Refused', {
    ...account,
    host: '127.0.0.1',
    port: await freePort(),
  });
  await meets('target_refused', targetId);
});

test('a host that is not RDP is explained', async () => {
  const { port } = web.address() as AddressInfo;
  const { targetId } = await gateway.admin.addTarget('Web server', { ...account, host: '127.0.0.1', port });
  await meets('target_not_rdp', targetId);
});

test('a server that requires NLA where the target forbids it is explained', async () => {
  const { targetId } = await gateway.admin.addTarget('NLA only', server, { nla: 'never' });
  await meets('nla_required', targetId);
});

test('a server without NLA where the target requires it is explained', async () => {
  const { targetId } = await gateway.admin.addTarget('No NLA', withoutNla, { nla: 'required' });
  await meets('nla_refused', targetId);
});

test('a changed certificate is refused before any password is sent, until an administrator accepts it', async () => {
  const first = await startShadow();
  const { targetId } = await gateway.admin.addTarget('Certificate', first);
  await admin.go(`/desktop/${targetId}`);
  await admin.state('active');
  await endAll(targetId);
  await first.stop();
  const second = await startShadow({ port: first.port });
  try {
    await meets('certificate_changed', targetId);
    await gateway.admin.must('POST', `/api/targets/${targetId}/trust`, {});
    await admin.go(`/desktop/${targetId}`);
    await admin.state('active');
    await endAll(targetId);
  } finally {
    await second.stop();
  }
});

test('a server that goes in mid-session is explained, and the recording plays', async () => {
  const doomed = await startShadow();
  try {
    const { targetId } = await gateway.admin.addTarget('Doomed', doomed);
    await admin.go(`/desktop/${targetId}`);
    await admin.state('active');
    await typeALine(admin, await doomed.desktop(), 'before the fall');
    const id = await sessionOf(targetId);
    await doomed.kill();
    await admin.state('failed');
    await explains(admin, 'connection_lost');
    await recordingPlays(id, 'connection_lost');
  } finally {
    await doomed.stop();
  }
});

test('a browser that is gone ends its session, and the recording plays', async () => {
  const { targetId } = await gateway.admin.addTarget('Left', withoutNla);
  const leaver = await openPerson(browser, gateway, 'admin', ADMIN_PASSWORD);
  await leaver.go(`/desktop/${targetId}`);
  await leaver.state('active');
  const id = await sessionOf(targetId);
  await leaver.close();
  await recordingPlays(id, 'browser_gone');
});

test('an ffmpeg that is killed is replaced: the session goes on, and the recording has what came before and after', async () => {
  const { targetId } = await gateway.admin.addTarget('Killed ffmpeg', withoutNla);
  const before = new Set(ffmpegsOf(gateway.pid));
  await admin.go(`/desktop/${targetId}`);
  await admin.state('active');
  const desktop = await withoutNla.desktop();
  const lines = ['typed before the kill 17', 'typed after the kill 29'] as const;
  await typeALine(admin, desktop, lines[0]);
  const id = await sessionOf(targetId);
  const encoder = await waitFor("the session's ffmpeg", () => ffmpegsOf(gateway.pid).find((pid) => !before.has(pid)));
  process.kill(encoder, 'SIGKILL');
  await waitFor('another ffmpeg', () => ffmpegsOf(gateway.pid).some((pid) => !before.has(pid) && pid !== encoder));
  await typeALine(admin, desktop, lines[1]);
  await endAll(targetId);
  const file = await recordingPlays(id, 'ended_by_user');
  const text = await readText(lastFrame(file));
  assert.ok(
    lines.every((line) => isLegible(line, text)),
    text,
  );
});

test('an ffmpeg that cannot encode any more ends the session, explained, and what was recorded plays', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'oriel-ffmpeg-'));
  const broken = join(folder, 'broken');
  const program = join(folder, 'ffmpeg');
  // Does everything but encode, once the file "broken" is there.
  const script = `#!/bin/sh\nif [ -e ${broken} ]; then case "$*" in *libx264*) exit 1;; esac; fi\nexec ffmpeg "$@"\n`;
  writeFileSync(program, script, { mode: 0o755 });
  const crippled = await startGateway({ ORIEL_FFMPEG: program, ORIEL_ENCODERS: '16' });
  try {
    const { targetId } = await crippled.admin.addTarget('Broken ffmpeg', withoutNla);
    const user = await openPerson(browser, crippled, 'admin', ADMIN_PASSWORD);
    await user.go(`/desktop/${targetId}`);
    await user.state('active');
    const words = 'recorded until here, it is';
    await typeALine(user, await withoutNla.desktop(), words);
    const [session] = await crippled.admin.sessions();
    // What is older than five seconds is safe on the disk, whatever is killed; a busy machine takes a while to record it.
    await shows(user, words);
    await waitFor('the recording to have it', async () => {
      const [{ recordingHealth } = {}] = await crippled.admin.sessions();
      return recordingHealth?.behindMs === 0;
    });
    await sleep(5000);
    writeFileSync(broken, '');
    for (const pid of ffmpegsOf(crippled.pid)) process.kill(pid, 'SIGKILL');
    await user.state('failed');
    await explains(user, 'recording_failed');
    const file = await recordingPlays(session?.id ?? '', 'recording_failed', crippled);
    const text = await readText(lastFrame(file));
    assert.ok(isLegible(words, text), text);
    await user.close();
  } finally {
    await crippled.stop();
    rmSync(folder, { recursive: true });
  }
});

test('without ffmpeg no session starts, and the page says why', async () => {
  const crippled = await startGateway({ ORIEL_FFMPEG: '/nonexistent/ffmpeg' });
  try {
    const { targetId } = await crippled.admin.addTarget('Unrecordable', withoutNla);
    const user = await openPerson(browser, crippled, 'admin', ADMIN_PASSWORD);
    await user.go(`/desktop/${targetId}`);
    await user.state('failed');
    await explains(user, 'recorder_unavailable');
    await user.close();
  } finally {
    await crippled.stop();
  }
});

test('through all of that the gateway and the other session went on', async () => {
  assert.ok(gateway.running());
  await typeALine(bystander, await server.desktop(), 'still here after all that');
  assert.deepEqual(bystander.complaints, []);
});

async function sessionOf(targetId: string): Promise<string> {
  const session = (await gateway.admin.sessions()).find(({ target }) => target.id === targetId);
  if (session === undefined) throw new Error('no live session');
  return session.id;
}

async function endAll(targetId: string): Promise<void> {
  await gateway.admin.must('DELETE', `/api/sessions/${await sessionOf(targetId)}`);
  await admin.state('ended');
}

/** Waits for a session's recording and proves that it can be downloaded and decoded whole; its file. */
async function recordingPlays(id: string, endCode: ErrorCode, from: TestGateway = gateway): Promise<string> {
  const recording = await from.admin.recordingReady(id);
  assert.equal(recording.endCode, endCode);
  const answer = await from.admin.call('GET', `/api/recordings/${id}/video.mp4`);
  assert.equal(answer.status, 200);
  const file = join(from.data, `${id}.mp4`);
  writeFileSync(file, answer.bytes);
  assert.equal(decodingErrors(file), '');
  return file;
}

/** Process ids of the ffmpegs below a process. */
function ffmpegsOf(ancestor: number): number[] {
  const parents = new Map<number, { parent: number; name: string }>();
  for (const entry of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const stat = readFileSync(join('/proc', entry, 'stat'), 'utf8');
      const [, name = '', parent = '0'] = /^\d+ \((.*)\) \S (\d+)/.exec(stat) ?? [];
      parents.set(Number(entry), { parent: Number(parent), name });
    } catch {
      // It has ended meanwhile.
    }
  }
  const below = (pid: number): boolean => {
    for (let at = parents.get(pid)?.parent; at !== undefined && at > 1; at = parents.get(at)?.parent) {
      if (at === ancestor) return true;
    }
    return false;
  };
  return [...parents].filter(([pid, { name }]) => name === 'ffmpeg' && below(pid)).map(([pid]) => pid);
}
