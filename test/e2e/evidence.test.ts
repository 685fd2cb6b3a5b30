import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Browser } from 'playwright-core';
import { startAll, waitFor } from '../lab/processes.ts';
import { closeBrowser, launchBrowser } from './browser.ts';
import { ADMIN_PASSWORD, startGateway, type TestGateway } from './gateway.ts';
import { decodingErrors } from './recording.ts';
import { openPerson } from './story.ts';

let gateway: TestGateway;
let browser: Browser;

before(async () => {
  [gateway, browser] = await startAll(startGateway({ ORIEL_DEMO: 'on' }), launchBrowser());
});

after(async () => {
  await closeBrowser(browser);
  await gateway?.stop();
});

const ROOT = join(import.meta.dirname, '..', '..');

function verify(file: string, publicKey: string): { status: number | null; text: string } {
  const program = join(ROOT, 'recorder', 'evidence', 'main.ts');
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, file, '--public-key', publicKey], {
    encoding: 'utf8',
  });
  return { status, text: stdout + stderr };
}

test('a recording shows what happened, proves itself, and is found out when it is touched', async () => {
  await gateway.admin.addUser('auditor', ADMIN_PASSWORD, ['auditor']);
  const admin = await openPerson(browser, gateway, 'admin', ADMIN_PASSWORD);
  await admin.page.getByText('Demo desktop').first().click();
  await admin.state('active');
  await admin.click(250, 200);
  await admin.type('nobody reads this in the events');
  const [session] = await gateway.admin.sessions();
  const id = session?.id ?? '';
  // Past the first line of input, so that it stands at another moment than the beginning.
  await new Promise((wake) => setTimeout(wake, 3000));
  await gateway.admin.must('DELETE', `/api/sessions/${id}`);
  await admin.state('ended');
  await gateway.admin.recordingReady(id);

  const auditor = await openPerson(browser, gateway, 'auditor', ADMIN_PASSWORD);
  const { page } = auditor;
  await auditor.go(`/recordings/${id}`);
  const events = page.getByTestId('events');
  await events.getByText('admin asked for the session').waitFor();
  await events.getByText('Connected', { exact: true }).waitFor();
  const video = page.locator('video');
  const time = () => video.evaluate((element) => (element as unknown as { currentTime: number }).currentTime);
  await waitFor('the video to be loaded', () =>
    video.evaluate((element) => (element as unknown as { readyState: number }).readyState >= 2),
  );
  await events.getByText('Ended', { exact: true }).click();
  await waitFor('the video to be where the event is', async () => (await time()) > 1.5);

  await page.getByTestId('verify').click();
  await page.locator('[data-verdict=whole]').waitFor();

  const bundle = page.waitForEvent('download');
  await page.getByTestId('evidence').click();
  const zip = join(gateway.data, '..', 'evidence.zip');
  await (await bundle).saveAs(zip);
  const stored = join(gateway.data, 'recordings', id, 'video.mp4.sealed');
  assert.ok(statSync(zip).size > statSync(stored).size);

  // The same by the command line, from the file as it is downloaded and the key that the gateway shows.
  const file = join(gateway.data, '..', 'video.mp4');
  const download = await gateway.admin.call('GET', `/api/recordings/${id}/video.mp4?download=1`);
  writeFileSync(file, download.bytes);
  const key = await gateway.admin.must<{ pem: string; id: string }>('GET', '/api/evidence/public-key');
  const pem = join(gateway.data, '..', 'key.pem');
  writeFileSync(pem, key.pem);
  const whole = verify(file, pem);
  assert.equal(whole.status, 0, whole.text);
  assert.equal(decodingErrors(file), '');

  const bytes = readFileSync(file);
  const at = bytes.lastIndexOf('mdat') + Math.floor(bytes.length / 3);
  bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at);
  writeFileSync(file, bytes);
  const altered = verify(file, pem);
  assert.equal(altered.status, 1);
  assert.match(altered.text, /pictures are altered/);
  // And by the page for files that somebody was given.
  const again = await openPerson(browser, gateway, 'auditor', ADMIN_PASSWORD);
  await again.go('/recordings');
  await again.page.getByRole('link', { name: 'Verify it' }).click();
  await again.page.getByTestId('verify-file').setInputFiles(file);
  const verdict = again.page.getByTestId('verdict');
  // Where, without a look into the report.
  await verdict.getByText(/^0:\d\d to 0:\d\d: pictures are altered$/).waitFor();
  writeFileSync(file, bytes.subarray(0, at));
  assert.equal(verify(file, pem).status, 2);
  await again.page.getByTestId('verify-file').setInputFiles(file);
  await again.page.locator('[data-verdict=cut-short]').waitFor();
  await verdict
    .getByRole('list', { name: 'Where' })
    .getByText(/^After 0:\d\d: /)
    .waitFor();
  writeFileSync(file, download.bytes);
  await again.page.getByTestId('verify-file').setInputFiles(file);
  await again.page.locator('[data-verdict=whole]').waitFor();
  await again.page.getByRole('link', { name: 'this session' }).waitFor();
  assert.deepEqual([...auditor.complaints, ...again.complaints], []);

  // Where the gateway keeps it, it is encrypted: what was touched there does not even open.
  const sealed = readFileSync(stored);
  sealed.writeUInt8(sealed.readUInt8(sealed.length >> 1) ^ 1, sealed.length >> 1);
  writeFileSync(stored, sealed);
  await page.getByTestId('verify').click();
  await page.locator('[data-verdict=altered]').waitFor();

  await admin.go('/admin/settings');
  await admin.page.getByTestId('evidence-key').getByText(key.id).waitFor();
});
