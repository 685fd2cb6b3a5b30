import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import type { Browser } from 'playwright-core';
import { startAll, waitFor } from '../lab/processes.ts';
import { assertLooksRight } from './accessibility.ts';
import { closeBrowser, launchBrowser, type Person } from './browser.ts';
import { ADMIN_PASSWORD, startGateway, type TestGateway } from './gateway.ts';
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

/** A point inside the demo desktop's text field, which the panel leaves free. */
const NOTES = { x: 200, y: 160 };

/** Opens the demo desktop, with the caret in its notes. */
async function openDemo(username: string, password: string): Promise<Person> {
  const person = await openPerson(browser, gateway, username, password);
  await person.page.getByText('Demo desktop').first().click();
  await person.state('active');
  await person.click(NOTES.x, NOTES.y);
  return person;
}

const panel = (person: Person) => ({
  menu: person.page.getByTestId('clipboard-menu'),
  into: person.page.getByTestId('clipboard-to-desktop'),
  out: person.page.getByTestId('clipboard-from-desktop'),
});

/** Copies a text as anywhere in a browser, and pastes it in the desktop. */
async function pasteThere(person: Person, text: string): Promise<void> {
  const { menu, into } = panel(person);
  await menu.click();
  await into.fill(text);
  await into.press('Control+a');
  await into.press('Control+c');
  await person.click(NOTES.x, NOTES.y);
  await person.press('Control+v');
}

const LOOK = ';';

/**
 * Copies all of the notes until they hold what they should, each time with a character more: once that has come, no copy is on its way that
 * could take the place of what is copied next.
 * @returns all that they hold
 */
async function notesHold(person: Person, text: string): Promise<string> {
  const { out } = panel(person);
  const copied = async () => {
    const looks = (await out.inputValue()).split(LOOK).length;
    await person.type(LOOK);
    await person.press('Control+c');
    return waitFor('what was copied', async () => {
      const value = await out.inputValue();
      return value.split(LOOK).length > looks ? value : undefined;
    });
  };
  return waitFor(`the notes to hold "${text}"`, async () => {
    const value = await copied();
    return value.replaceAll(LOOK, '').includes(text) ? value : undefined;
  });
}

test('text and files are copied and pasted both ways', async () => {
  const admin = await openDemo('admin', ADMIN_PASSWORD);
  const { menu, into } = panel(admin);
  await admin.type('From the desktop');
  const typed = await notesHold(admin, 'From the desktop');
  // The browser's own clipboard has it: it is pasted into a field of the page.
  await menu.click();
  await waitFor('what was copied to be pasted', async () => {
    await into.fill('');
    await into.press('Control+v');
    return (await into.inputValue()) === typed;
  });
  await menu.click();
  await pasteThere(admin, ' and back');
  await notesHold(admin, 'From the desktop and back');

  const file = { name: 'memo.txt', mimeType: 'text/plain', buffer: Buffer.from('a memo in a file') };
  await menu.click();
  await admin.page.getByTestId('clipboard-choose-files').setInputFiles(file);
  assert.match(await admin.page.getByTestId('notice').innerText(), /paste there with Ctrl\+V/);
  await admin.click(NOTES.x, NOTES.y);
  await admin.press('Control+v');
  const notes = await notesHold(admin, 'memo.txt (16 bytes): a memo in a file');
  await admin.press('Control+Shift+c');
  await menu.click();
  const link = admin.page.getByTestId('clipboard-files').getByText('notes.txt');
  const [download] = await Promise.all([admin.page.waitForEvent('download'), link.click()]);
  assert.equal(download.suggestedFilename(), 'notes.txt');
  assert.equal(readFileSync(await download.path(), 'utf8'), notes);
  await admin.page.getByTestId('transfers').getByText('copied to the desktop').waitFor();
  await assertLooksRight(admin.page, 'clipboard');
  for (const other of ['keys-menu', 'picture-menu']) {
    await admin.page.getByTestId(other).click();
    await assertLooksRight(admin.page, other);
  }

  const [session] = await gateway.admin.sessions();
  const files = await gateway.admin.must<{ details: Record<string, unknown> }[]>(
    'GET',
    `/api/audit?action=session.file_transferred&sessionId=${session?.id}`,
  );
  assert.deepEqual(
    files.map(({ details }) => [details.direction, details.name, String(details.sha256).length]).sort(),
    [
      ['from-desktop', 'notes.txt', 64],
      ['to-desktop', 'memo.txt', 64],
    ],
  );
  await gateway.admin.must('DELETE', `/api/sessions/${session?.id}`);
  await admin.state('ended');
  assert.deepEqual(admin.complaints, []);
  await admin.close();
});

test('what the policy keeps in does not come out, and a rule ends a session for what is pasted', async () => {
  await gateway.admin.must('POST', '/api/users', { username: 'jane', password: 'Jane-Pass-1!', roles: ['user'] });
  await gateway.admin.must('POST', '/api/groups', { name: 'in only', members: ['jane'] });
  await gateway.admin.must('POST', '/api/policies', {
    name: 'In only',
    clipboard: 'to-remote',
    files: 'none',
    inputLog: 'full',
  });
  await gateway.admin.must('POST', '/api/entitlements', { group: 'in only', accounts: 'all', policy: 'In only' });
  const condition = { kind: 'clipboard-text', pattern: 'top secret', matchCase: false };
  await gateway.admin.must('POST', '/api/alert-rules', {
    ...{ name: 'No secrets', condition, action: 'end', enabled: true, tellUser: true },
  });
  const jane = await openDemo('jane', 'Jane-Pass-1!');
  const { menu } = panel(jane);
  await jane.type('stays here');
  await jane.press('Control+c');
  await menu.click();
  await jane.page.getByText('The policy lets no text out of the desktop').waitFor();
  assert.equal(await jane.page.getByTestId('clipboard-from-desktop').count(), 0);
  await menu.click();
  await pasteThere(jane, 'goes in');
  const session = (await gateway.admin.sessions()).find(({ user }) => user.username === 'jane');
  const path = `/api/recordings/${session?.id}/events`;
  const happened = () => gateway.admin.must<Record<string, unknown>[]>('GET', path);
  // What is given to the desktop next would take its place before the desktop has come to it.
  await waitFor('the desktop to have taken it', async () => (await happened()).some(({ text }) => text === 'goes in'));
  await pasteThere(jane, 'this is Top Secret');
  await jane.state('ended');
  assert.match(await jane.text(), /No secrets/);
  const field = jane.page.locator('body');
  assert.ok(!(await field.innerText()).includes('stays here'));
  await gateway.admin.recordingReady(session?.id ?? '');
  const events = await happened();
  const clipboard = events.filter(({ type }) => type === 'clipboard');
  assert.deepEqual(
    clipboard.map(({ direction, text, refused }) => [direction, text, refused]),
    [
      ['to-desktop', 'goes in', undefined],
      ['to-desktop', 'this is Top Secret', 'rule'],
    ],
  );
  assert.ok(events.some(({ type, rule }) => type === 'alert' && rule === 'No secrets'));
  await jane.close();
});
