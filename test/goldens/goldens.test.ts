import assert from 'node:assert/strict';
import { describe, it, test } from 'node:test';
import { closeBrowser, launchBrowser } from '../e2e/browser.ts';
import { bundleForBrowser } from '../lab/browser-bundle.ts';
import { decodeGolden } from './decode.ts';
import { type Golden, readGoldens } from './files.ts';

/** Every codec, from files: the same bytes give the same pixels, in Node and in the browser. */

const goldens = await readGoldens();

function assertSame(golden: Golden, decoded: { width: number; height: number; skipped: number }, pixels: Buffer): void {
  assert.deepEqual([decoded.width, decoded.height, decoded.skipped], [golden.width, golden.height, 0]);
  const at = pixels.findIndex((value, i) => value !== golden.pixels[i]);
  assert.equal(at, -1, `byte ${at % 4} of pixel ${(at >> 2) % golden.width}, ${Math.floor((at >> 2) / golden.width)}`);
}

describe('goldens in Node', () => {
  for (const golden of goldens) {
    it(golden.name, () => {
      const decoded = decodeGolden(golden.records);
      assertSame(golden, decoded, Buffer.from(decoded.pixels.buffer, 0, decoded.pixels.length));
    });
  }
});

test('goldens in Chromium', async (t) => {
  const script = await bundleForBrowser(new URL('./browser-entry.ts', import.meta.url));
  const browser = await launchBrowser();
  try {
    const page = await browser.newPage();
    await page.addScriptTag({ content: script });
    type Result = { width: number; height: number; skipped: number; pixels: string };
    type Globals = { decodeGolden(records: string): Result };
    for (const golden of goldens) {
      await t.test(golden.name, async () => {
        const bytes = Buffer.from(golden.records).toString('base64');
        const decoded = await page.evaluate(
          (records) => (globalThis as unknown as Globals).decodeGolden(records),
          bytes,
        );
        assertSame(golden, decoded, Buffer.from(decoded.pixels, 'base64'));
      });
    }
  } finally {
    await closeBrowser(browser);
  }
});

test('there are goldens of our own encoders and of real servers', () => {
  const names = goldens.map(({ name }) => name);
  for (const prefix of ['own-', 'xrdp-', 'shadow-', 'weston-']) {
    assert.ok(
      names.some((name) => name.startsWith(prefix)),
      prefix,
    );
  }
});
