import assert from 'node:assert/strict';
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Browser } from 'playwright-core';
import { type Desktop, LAYOUT } from '../lab/desktop.ts';
import { startAll, waitFor } from '../lab/processes.ts';
import type { LabServer } from '../lab/server.ts';
import { startXrdp } from '../lab/xrdp.ts';
import { closeBrowser, launchBrowser, type Person } from './browser.ts';
import { ADMIN_PASSWORD, startGateway, type TestGateway } from './gateway.ts';
import { openPerson, playAndDownload, samePicture, typeALine, useFingers, useTheMouse } from './story.ts';

let server: LabServer;
let gateway: TestGateway;
let browser: Browser;

before(async () => {
  [server, gateway, browser] = await startAll(startXrdp(), startGateway(), launchBrowser());
});

after(async () => {
  await closeBrowser(browser);
  await Promise.all([gateway?.stop(), server?.stop()]);
});

test('the whole story against xrdp: work, watch, end, play, download', async () => {
  const admin = await openPerson(browser, gateway, 'admin', ADMIN_PASSWORD);
  await addTargetOnPage(admin, 'Accounts server', server);
  await gateway.admin.addUser('jane', 'Jane-Pass-1!', ['user']);
  await gateway.admin.addUser('otto', 'Otto-Pass-1!', ['auditor']);

  const jane = await openPerson(browser, gateway, 'jane', 'Jane-Pass-1!');
  await jane.page.getByText('Accounts server').first().click();
  await jane.page.waitForURL('**/desktop/*');
  await jane.state('active');
  const desktop = await server.desktop();
  const words = 'The quick brown fox jumps over 4711 lazy dogs';
  await samePicture(jane, desktop, { name: 'xrdp-owner' });
  await typeALine(jane, desktop, words);
  await useTheMouse(jane, desktop);
  await useFingers(jane, desktop);
  await pasteIntoTerminal(jane, desktop);
  await samePicture(jane, desktop, { name: 'xrdp-owner-typed' });

  await admin.go('/sessions');
  const session = (await gateway.admin.sessions())[0];
  assert.equal(session?.user.username, 'jane');
  await admin.page.getByText('Accounts server').first().waitFor();
  await admin.page.locator(`a[href="/sessions/${session?.id}/watch"]`).first().click();
  await admin.state('active');
  await samePicture(admin, desktop, { name: 'xrdp-watch', tolerance: 48, share: 0.01 });
  assert.deepEqual(
    (await gateway.admin.sessions())[0]?.viewers.map(({ username }) => username),
    ['admin'],
  );
  // A live view is for looking: what is typed into it goes nowhere.
  await admin.canvas().click();
  await admin.type('intruder');
  await samePicture(jane, desktop, { name: 'xrdp-owner-after-watch' });

  await admin.go('/sessions');
  await admin.page.getByTestId('session-row').getByRole('button', { name: /end/i }).click();
  // A session is somebody's work: ending it is asked twice.
  await admin.page.getByTestId('confirm-end').click();
  await jane.state('ended');
  assert.match(await jane.text(), /An administrator ended the session/);
  await waitFor('no session to be live', async () => (await gateway.admin.sessions()).length === 0);

  const recording = await gateway.admin.recordingReady(session?.id ?? '');
  assert.equal(recording.endCode, 'ended_by_admin');
  const otto = await openPerson(browser, gateway, 'otto', 'Otto-Pass-1!');
  await otto.go('/recordings');
  await otto.page.getByText('Accounts server').first().waitFor();
  await playAndDownload(gateway, otto, recording, words);
  for (const person of [jane, admin, otto]) {
    assert.deepEqual(person.complaints, []);
    await person.close();
  }
});

/** Copies in a field of the page, pastes with the keys of a terminal, and copies there by selecting. */
async function pasteIntoTerminal(person: Person, desktop: Desktop): Promise<void> {
  rmSync(join(desktop.home, 'pasted'), { force: true });
  await person.page.getByTestId('clipboard-menu').click();
  const field = person.page.getByTestId('clipboard-to-desktop');
  await field.fill('printf "%s" "paste $((6*7))" > pasted');
  await field.press('Control+a');
  await field.press('Control+c');
  // Where the key itself means nothing: a terminal pastes with others, and takes this one for a character.
  await person.click(LAYOUT.mouse.x, LAYOUT.mouse.y);
  await person.press('Control+v');
  // The server makes the text its own when it comes to it: a terminal that pastes before gets nothing.
  await waitFor('the text on the X side', async () => (await desktop.clipboard()).includes('$((6*7))'));
  await person.click(LAYOUT.terminal.x, LAYOUT.terminal.y);
  await desktop.terminalFocused();
  await person.press('Shift+Insert');
  // A terminal has the text when the server has asked for it, and a key that comes before that goes before it.
  await waitFor('the terminal to run what it was to paste', async () => {
    await person.press('Enter');
    return existsSync(join(desktop.home, 'pasted'));
  });
  assert.equal(await desktop.file('pasted', /./), 'paste 42');
  await desktop.copy('copied there');
  const copied = person.page.getByTestId('clipboard-from-desktop');
  await waitFor('the text that was copied', async () => (await copied.inputValue()) === 'copied there');
  await person.page.getByTestId('clipboard-menu').click();
  // The page gives it to the browser's own clipboard in its own time.
  await waitFor('what was copied to be pasted', async () => {
    await field.fill('');
    await field.press('Control+v');
    return (await field.inputValue()) === 'copied there';
  });
  await field.press('Escape');
}

/** Adds a target and its account as an administrator does, on the page. */
async function addTargetOnPage(
  admin: Person,
  name: string,
  { host, port, username, password }: LabServer,
): Promise<void> {
  const { page } = admin;
  await admin.go('/admin/targets');
  await page.getByTestId('add-target').first().click();
  await page.locator('input[name=name]').fill(name);
  await page.locator('input[name=host]').fill(host);
  await page.locator('input[name=port]').fill(String(port));
  await page.getByTestId('save-target').click();
  await page.getByTestId('add-account').click();
  await page.locator('input[name=account-username]').fill(username);
  await page.locator('input[name=account-password]').fill(password);
  await page.getByTestId('save-account').click();
  await page.getByTestId('account').getByText(username, { exact: true }).waitFor();
}
