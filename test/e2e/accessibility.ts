import axe from 'axe-core';
import type { Page } from 'playwright-core';

/** WCAG 2.2, A and AA, as far as a program can tell, and what axe takes for good practice. */
const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

interface Globals {
  readonly axe: { run(context: unknown, options: unknown): Promise<axe.AxeResults> };
  readonly document: unknown;
}

/** What axe finds wrong with a page as it is now; each text is one element and one rule. */
export async function accessibilityFaults(page: Page): Promise<string[]> {
  // Evaluated, not added as a script element: the pages' Content-Security-Policy forbids that, as it should.
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate((values) => {
    const { axe: loaded, document } = globalThis as unknown as Globals;
    return loaded.run(document, { runOnly: { type: 'tag', values }, resultTypes: ['violations'] });
  }, RULES);
  return violations.flatMap(({ id, nodes }) =>
    nodes.map(({ html, failureSummary }) => `${id}: ${html.slice(0, 200)} ${failureSummary?.replaceAll(/\s+/g, ' ')}`),
  );
}
