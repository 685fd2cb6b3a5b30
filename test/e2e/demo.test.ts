import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Browser } from 'playwright-core';
import { comparePictures } from '../lab/desktop.ts';
import { startAll } from '../lab/processes.ts';
import { closeBrowser, launchBrowser } from './browser.ts';
import { ADMIN_PASSWORD, startGateway, type TestGateway } from './gateway.ts';
import { openPerson, playAndDownload, shows } from './story.ts';

let gateway: TestGateway;
let browser: Browser;

before(async () => {
  [gateway, browser] = await startAll(startGateway({ ORIEL_DEMO: 'on' }), launchBrowser());
});

after(async () => {
  await closeBrowser(browser);
  await gateway?.stop();
});

/** In a page or its worker: whether it may make a WebAssembly module, of eight bytes, which are an empty one. */
const MAY_COMPILE = `(() => {
  try {
    return new WebAssembly.Module(Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0)) instanceof WebAssembly.Module;
  } catch {
    return false;
  }
})()`;

/** In a page: looks at each frame of the desktop from here on, and counts those that show nothing but one colour. */
const WATCH_FRAMES = `(() => {
  const watched = { frames: 0, blank: 0 };
  globalThis.watched = watched;
  const copy = document.createElement('canvas');
  copy.width = copy.height = 24;
  const context = copy.getContext('2d', { willReadFrequently: true });
  const look = () => {
    context.drawImage(document.querySelector('[data-testid=desktop]'), 0, 0, 24, 24);
    const words = new Uint32Array(context.getImageData(0, 0, 24, 24).data.buffer);
    watched.frames++;
    if (words.every((word) => word === words[0])) watched.blank++;
    requestAnimationFrame(look);
  };
  look();
})()`;

test("a newcomer's first minute: the demo desktop, worked on, watched, played", async () => {
  const admin = await openPerson(browser, gateway, 'admin', ADMIN_PASSWORD);
  await admin.page.getByText('Demo desktop').first().click();
  await admin.state('active');
  await shows(admin, 'Click into the field and type');
  assert.equal(await admin.page.workers()[0]?.evaluate(MAY_COMPILE), true, 'the worker decodes with WebAssembly');
  assert.equal(await admin.page.evaluate(MAY_COMPILE), false, 'a page has no need to');
  // Into the Notes window's field, which lies at the top left.
  await admin.click(NOTES.x, NOTES.y);
  const words = 'Five quacking zephyrs jolt my wax bed 93';
  await admin.type(words);
  await shows(admin, words);
  await admin.click(BUTTON.x, BUTTON.y);
  await shows(admin, 'Clicked once');

  // The pictures come another way, and back, while a window drifts about and the button is clicked.
  await admin.page.evaluate(WATCH_FRAMES);
  const send = async (choice: string, mode: string) => {
    await admin.page.getByTestId('picture-menu').click();
    await admin.page.locator(`input[name=pictures][value=${choice}]`).check();
    await admin.page.locator(`.remote-desktop[data-mode=${mode}]`).waitFor();
    if (process.env.E2E_PICTURES) await admin.page.screenshot({ path: `${process.env.E2E_PICTURES}/${choice}.png` });
    await admin.click(BUTTON.x, BUTTON.y);
  };
  await send('regions', 'regions');
  await send('stream', 'stream');
  await send('regions', 'regions');
  await shows(admin, 'Clicked 4 times');
  const inRegions = await admin.picture();
  await send('automatic', 'regions');
  await send('stream', 'stream');
  const { frames, blank } = await admin.page.evaluate<{ frames: number; blank: number }>('globalThis.watched');
  assert.ok(frames > 20 && blank === 0, `${blank} of ${frames} frames were blank`);
  const { share } = comparePictures(inRegions, await admin.picture());
  assert.ok(share < 0.05, `${share} of the pixels differ, and not only the window that drifts`);

  const [session] = await gateway.admin.sessions();
  const watcher = await openPerson(browser, gateway, 'admin', ADMIN_PASSWORD);
  await watcher.go(`/sessions/${session?.id}/watch`);
  await watcher.state('active');
  await shows(watcher, words);

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
