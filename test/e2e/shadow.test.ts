import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Browser } from 'playwright-core';
import { startAll } from '../lab/processes.ts';
import type { LabServer } from '../lab/server.ts';
import { startShadow } from '../lab/shadow.ts';
import { closeBrowser, launchBrowser } from './browser.ts';
import { ADMIN_PASSWORD, startGateway, type TestGateway } from './gateway.ts';
import { openPerson, playAndDownload, samePicture, typeALine, useTheMouse } from './story.ts';

let server: LabServer;
let gateway: TestGateway;
let browser: Browser;

before(async () => {
  [server, gateway, browser] = await startAll(startShadow(), startGateway(), launchBrowser());
});

after(async () => {
  await closeBrowser(browser);
  await Promise.all([gateway?.stop(), server?.stop()]);
});

test('the story against freerdp-shadow with NLA: work, watch, end by the user, play, download', async () => {
  const { targetId } = await gateway.admin.addTarget('NLA server', server, { nla: 'required' });
  const admin = await openPerson(browser, gateway, 'admin', ADMIN_PASSWORD);
  await admin.go(`/desktop/${targetId}`);
  await admin.state('active');
  const desktop = await server.desktop();
  const words = 'Sphinx of black quartz judge my vow 2026';
  await typeALine(admin, desktop, words);
  await useTheMouse(admin, desktop);
  await samePicture(admin, desktop, { name: 'shadow-owner' });

  const [session] = await gateway.admin.sessions();
  const watcher = await openPerson(browser, gateway, 'admin', ADMIN_PASSWORD);
  await watcher.go(`/sessions/${session?.id}/watch`);
  await watcher.state('active');
  await samePicture(watcher, desktop, { name: 'shadow-watch', tolerance: 48, share: 0.01 });

  await gateway.admin.must('DELETE', `/api/sessions/${session?.id}`);
  await admin.state('ended');
  await watcher.state('ended');
  const recording = await gateway.admin.recordingReady(session?.id ?? '');
  assert.equal(recording.endCode, 'ended_by_user');
  await playAndDownload(gateway, watcher, recording, words);
  for (const person of [admin, watcher]) assert.deepEqual(person.complaints, []);
});
