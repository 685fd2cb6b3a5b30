import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Browser } from 'playwright-core';
import { encodePng } from '../lab/desktop.ts';
import { waitFor } from '../lab/processes.ts';
import { closeBrowser, launchBrowser, type Person } from './browser.ts';
import { ADMIN_PASSWORD, startGateway, type TestGateway } from './gateway.ts';
import { readText } from './recording.ts';
import { openPerson, playAndDownload } from './story.ts';

let gateway: TestGateway;
let browser: Browser;

before(async () => {
  [gateway, browser] = await Promise.all([startGateway({ ORIEL_DEMO: 'on' }), launchBrowser()]);
});

after(async () => {
  await closeBrowser(browser);
  await gateway?.stop();
});

/** Waits until the desktop's picture has a text in it, as tesseract reads it. */
async function reads(person: Person, words: string): Promise<void> {
  let text = '';
  try {
    await waitFor(`the desktop to show "${words}"`, async () => {
      text = await readText(await encodePng(await person.picture()));
      return text.includes(words);
    });
  } catch (error) {
    throw new Error(`tesseract reads: ${text}`, { cause: error });
  }
}

/** In a page or its worker: whether it may make a WebAssembly module, of eight bytes, which are an empty one. */
const MAY_COMPILE = `(() => {
  try {
    return new WebAssembly.Module(Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0)) instanceof WebAssembly.Module;
  } catch {
    return false;
  }
})()`;

test("a newcomer's first minute: the demo desktop, worked on, watched, played", async () => {
  const admin = await openPerson(browser, gateway, 'admin', ADMIN_PASSWORD);
  await admin.page.getByText('Demo desktop').first().click();
  await admin.state('active');
  await reads(admin, 'Click into the field and type');
  assert.equal(await admin.page.workers()[0]?.evaluate(MAY_COMPILE), true, 'the worker decodes with WebAssembly');
  assert.equal(await admin.page.evaluate(MAY_COMPILE), false, 'a page has no need to');
  // Into the Notes window's field, which lies at the top left.
  await admin.click(NOTES.x, NOTES.y);
  const words = 'Five quacking zephyrs jolt my wax bed 93';
  await admin.type(words);
  await reads(admin, words);
  await admin.click(BUTTON.x, BUTTON.y);
  await reads(admin, 'Clicked once');

  const [session] = await gateway.admin.sessions();
  const watcher = await openPerson(browser, gateway, 'admin', ADMIN_PASSWORD);
  await watcher.go(`/sessions/${session?.id}/watch`);
  await watcher.state('active');
  await reads(watcher, words);

  await gateway.admin.must('DELETE', `/api/sessions/${session?.id}`);
  await admin.state('ended');
  const recording = await gateway.admin.recordingReady(session?.id ?? '');
  await playAndDownload(gateway, watcher, recording, words);
  // What was tried above is the one thing that a policy refused.
  assert.equal(admin.complaints.filter((text) => !/wasm/i.test(text)).length, 0, admin.complaints.join('\n'));
  assert.deepEqual(watcher.complaints, []);
});

/** Points of the demo desktop: inside the text field, and on the button. */
const NOTES = { x: 200, y: 160 };
const BUTTON = { x: 130, y: 392 };
