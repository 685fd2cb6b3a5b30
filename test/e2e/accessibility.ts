import assert from 'node:assert/strict';
import { join } from 'node:path';
import axe from 'axe-core';
import type { Page } from 'playwright-core';

/** WCAG 2.2, A and AA, as far as a program can tell, and what axe takes for good practice. */
const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

interface Globals {
  readonly axe: { run(context: unknown, options: unknown): Promise<axe.AxeResults> };
  readonly document: {
    readonly documentElement: { readonly scrollWidth: number };
    getAnimations(): readonly { readonly playState: string }[];
  };
  readonly innerWidth: number;
}

/** What axe finds wrong with a page as it is now; each text is one element and one rule. */
export async function accessibilityFaults(page: Page): Promise<string[]> {
  // Evaluated, not added as a script element: the pages' Content-Security-Policy forbids that, as it should. Half a megabyte: once a page.
  if (!(await page.evaluate(() => 'axe' in globalThis))) await page.evaluate(axe.source);
  const { violations } = await page.evaluate((values) => {
    const { axe: loaded, document } = globalThis as unknown as Globals;
    return loaded.run(document, { runOnly: { type: 'tag', values }, resultTypes: ['violations'] });
  }, RULES);
  return violations.flatMap(({ id, nodes }) =>
    nodes.map(({ html, failureSummary }) => `${id}: ${html.slice(0, 200)} ${failureSummary?.replaceAll(/\s+/g, ' ')}`),
  );
}

/** Has a page shown in the light or in the dark. Waits for its colours: those that still change would be measured halfway. */
export async function showIn(page: Page, colorScheme: 'light' | 'dark'): Promise<void> {
  await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
  await page.waitForFunction(() =>
    (globalThis as unknown as Globals).document
      .getAnimations()
      .every((animation) => !('transitionProperty' in animation) || animation.playState !== 'running'),
  );
}

/**
 * Demands that a page as it is now is accessible in the light and in the dark, wide and at 360 pixels, with nothing cut
 * off. Where the environment names a folder, pictures are kept there.
 */
export async function assertLooksRight(page: Page, name: string): Promise<void> {
  const size = page.viewportSize();
  const found: string[] = [];
  const folder = process.env.E2E_PICTURES;
  for (const [colorScheme, width] of [
    ['light', 1100],
    ['dark', 360],
  ] as const) {
    await page.setViewportSize({ width, height: 860 });
    await showIn(page, colorScheme);
    for (const fault of await accessibilityFaults(page)) found.push(`${name}, ${colorScheme}: ${fault}`);
    const over = await page.evaluate(() => {
      const { document, innerWidth } = globalThis as unknown as Globals;
      return document.documentElement.scrollWidth - innerWidth;
    });
    if (over > 0) found.push(`${name}: ${over} pixels wider than the window of ${width}`);
    if (folder) await page.screenshot({ path: join(folder, `${name}-${width}.png`), fullPage: true });
  }
  await page.emulateMedia({ colorScheme: null });
  if (size !== null) await page.setViewportSize(size);
  assert.deepEqual(found, []);
}
