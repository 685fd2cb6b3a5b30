import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Browser } from 'playwright-core';
import { waitFor } from '../lab/processes.ts';
import { closeBrowser, launchBrowser, Person } from './browser.ts';
import { ADMIN_PASSWORD, startGateway, type TestGateway } from './gateway.ts';

let gateway: TestGateway;
let browser: Browser;

before(async () => {
  [gateway, browser] = await Promise.all([startGateway({ ORIEL_DEMO: 'on' }), launchBrowser()]);
});

after(async () => {
  await closeBrowser(browser);
  await gateway?.stop();
});

/** A point inside the demo desktop's text field. */
const NOTES = { x: 200, y: 160 };

test('text is copied and pasted both ways with the usual keys', async () => {
  const admin = await Person.open(browser, gateway.url);
  await admin.signIn('admin', ADMIN_PASSWORD);
  await admin.page.getByText('Demo desktop').first().click();
  await admin.state('active');
  await admin.click(NOTES.x, NOTES.y);
  await admin.type('From the desktop');
  await admin.press('Control+c');
  await admin.page.getByTestId('clipboard-menu').click();
  const copied = admin.page.getByTestId('clipboard-from-desktop');
  await waitFor('the copied text', async () => (await copied.inputValue()) === 'From the desktop');
  // The browser's own clipboard has it: pasted into a field of the page.
  const field = admin.page.getByTestId('clipboard-to-desktop');
  await field.click();
  await admin.press('Control+v');
  assert.equal(await field.inputValue(), 'From the desktop');
  await field.fill('To the desktop');
  await admin.press('Control+a');
  await admin.press('Control+c');
  await admin.click(NOTES.x, NOTES.y);
  await admin.press('Control+v');
  await waitFor('the pasted text', async () => {
    await admin.press('Control+c');
    return (await copied.inputValue()).includes('To the desktop');
  });
  assert.deepEqual(admin.complaints, []);
});
