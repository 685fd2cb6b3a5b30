import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Browser } from 'playwright-core';
import { makeRsyslog, numberOf, type Rsyslog } from '../../gateway/audit/forwarding/testing/rsyslog.ts';
import { startAll, waitFor } from '../lab/processes.ts';
import { assertLooksRight } from './accessibility.ts';
import { closeBrowser, launchBrowser } from './browser.ts';
import { ADMIN_PASSWORD, startGateway, type TestGateway } from './gateway.ts';
import { openPerson } from './story.ts';

let gateway: TestGateway;
let browser: Browser;
let rsyslog: Rsyslog;

before(async () => {
  [gateway, browser, rsyslog] = await startAll(
    startGateway(),
    launchBrowser(),
    makeRsyslog({ tls: true, clientCertificate: true }),
  );
  const target = { name: 'Payroll', host: 'payroll.example', port: 3389 };
  const { id } = await gateway.admin.must<{ id: string }>('POST', '/api/targets', target);
  await gateway.admin.must('POST', `/api/targets/${id}/accounts`, { username: 'operator', password: 'x' });
  await gateway.admin.must('POST', '/api/users', {
    username: 'otto',
    password: 'Otto-E2E-Pass-1!',
    roles: ['auditor'],
  });
  await gateway.admin.must('POST', '/api/users', { username: 'jürgen', password: 'Jane-E2E-Pass-1!', roles: ['user'] });
});
after(async () => {
  await closeBrowser(browser);
  await gateway?.stop();
  await rsyslog?.remove();
});

test('the trail is forwarded to rsyslog by TLS: set up and tried in the page, away and back, each entry once', async () => {
  const person = await openPerson(browser, gateway, 'admin', ADMIN_PASSWORD);
  const { page } = person;
  await person.go('/admin/settings/forwarding');
  await page.getByText('Nobody receives the audit trail').waitFor();
  await assertLooksRight(page, 'forwarding-empty');
  await page.getByTestId('add-receiver').click();
  await page.locator('input[name=receiver-name]').fill('SIEM');
  await page.locator('input[name=receiver-host]').fill('127.0.0.1');
  await page.locator('input[name=receiver-port]').fill(String(rsyslog.port));
  await page.locator('textarea[name=receiver-authorities]').fill(rsyslog.certificates.authority);
  await page.locator('textarea[name=receiver-certificate]').fill(rsyslog.certificates.clientCertificate);
  await page.locator('textarea[name=receiver-key]').fill(rsyslog.certificates.clientKey);
  await page.getByTestId('save-receiver').click();
  const state = page.getByTestId('receiver-state');
  await state.getByText('ECONNREFUSED').waitFor();
  await page.getByTestId('test-receiver').click();
  await page.getByTestId('error-code').getByText('delivery_failed').waitFor();
  await assertLooksRight(page, 'forwarding-behind');
  await rsyslog.start();
  await page.getByTestId('test-receiver').click();
  await page.getByText('The test message arrived at SIEM.').waitFor();
  await state.getByText('Has everything').waitFor();
  const last = (await gateway.admin.must<{ id: number }[]>('GET', '/api/audit?limit=1'))[0]?.id ?? 0;
  const numbers = await waitFor('every entry at the receiver', async () => {
    const found = (await rsyslog.lines()).map(numberOf).filter((number) => number !== undefined);
    return found.length >= last ? found : undefined;
  });
  assert.deepEqual(
    numbers.slice(0, last),
    Array.from({ length: last }, (_, i) => i + 1),
  );
  assert.ok((await rsyslog.lines()).some((line) => line.includes(' trail.test ')));
  await page.context().close();
});

test('an auditor searches, exports and checks the trail; a check outside of the gateway says the same', async () => {
  const person = await openPerson(browser, gateway, 'otto', 'Otto-E2E-Pass-1!');
  const { page } = person;
  await person.go('/admin/audit');
  await page.getByTestId('audit').waitFor();
  await assertLooksRight(page, 'audit');
  await page.locator('input[name=search]').fill('JÜRGEN');
  const rows = page.getByTestId('audit').locator('tbody tr');
  await waitFor('only what has to do with him', async () => (await rows.count()) === 1);
  assert.match(await rows.first().innerText(), /user\.created/);
  await page.getByTestId('filters').click();
  await page.locator('select[name=outcome]').selectOption('refused');
  await page.getByText('No entry is like that').waitFor();
  assert.match(page.url(), /search=J%C3%9CRGEN&outcome=refused/);
  await assertLooksRight(page, 'audit-nothing-found');
  await page.getByRole('button', { name: 'Show all entries' }).click();
  for (const [name, ending] of [
    ['JSON lines', 'jsonl'],
    ['CSV', 'csv'],
  ] as const) {
    const download = page.waitForEvent('download');
    await page.getByTestId('exports').getByRole('link', { name }).click();
    const file = await download;
    assert.match(file.suggestedFilename(), new RegExp(`^oriel-audit-.*\\.${ending}$`));
    const path = join(gateway.data, `export.${ending}`);
    await file.saveAs(path);
    const checked = verifyTrail('--export', path);
    assert.equal(checked.status, 0, checked.stdout + checked.stderr);
  }
  await person.go('/admin/audit/integrity');
  await page.getByTestId('verify').click();
  await page.getByTestId('verdict').getByText('Whole').waitFor();
  await assertLooksRight(page, 'audit-integrity');
  assert.match(await page.getByTestId('report').innerText(), /The trail is whole/);
  const heads = join(gateway.data, 'siem.log');
  await writeFile(heads, (await rsyslog.lines()).join('\n'));
  const outside = verifyTrail('--heads', heads);
  assert.equal(outside.status, 0, outside.stdout + outside.stderr);
  await page.context().close();
});

test('reports for the auditor: who could reach what today, on a page, as CSV and as JSON', async () => {
  const person = await openPerson(browser, gateway, 'otto', 'Otto-E2E-Pass-1!');
  const { page } = person;
  await person.go('/admin/audit/reports');
  await page.getByText('No report yet').waitFor();
  await page.getByRole('button', { name: 'Make report' }).click();
  const rows = page.getByTestId('report-rows').locator('tbody tr');
  await rows.first().waitFor();
  assert.match(await rows.first().innerText(), /admin[\s\S]*Payroll[\s\S]*operator[\s\S]*Administrators[\s\S]*Open/);
  await page.getByTestId('known-from').waitFor();
  await assertLooksRight(page, 'report-access');
  const download = page.waitForEvent('download');
  await page.getByTestId('report').getByRole('link', { name: 'CSV' }).click();
  assert.match((await download).suggestedFilename(), /^oriel-access-.*\.csv$/);
  for (const kind of ['sessions', 'recordings', 'reviews']) {
    await page.locator('select[name=kind]').selectOption(kind);
    await page.getByRole('button', { name: 'Make report' }).click();
    await page.getByText('Nothing in that time').waitFor();
  }
  await page.context().close();
});

function verifyTrail(...words: string[]) {
  const program = fileURLToPath(new URL('../../gateway/audit/main.ts', import.meta.url));
  const env = { PATH: process.env.PATH, ORIEL_DATA: gateway.data };
  return spawnSync(process.execPath, [program, 'verify', ...words], { env, encoding: 'utf8' });
}
