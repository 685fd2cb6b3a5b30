import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hasChartFonts } from '../recorder/testing/legibility-chart.ts';
import { requireTools } from '../recorder/testing/media-tools.ts';
import { terminal } from './recording/terminal.ts';
import { DrawnWork } from './recording/work.ts';
import { measure } from './recording.ts';

test('two minutes of terminal work stay inside the budget, legible', async (context) => {
  if (!requireTools(context, 'ffmpeg', 'ffprobe', 'tesseract')) return;
  if (!hasChartFonts()) {
    const message = 'missing: DejaVu fonts; install with: apt install fonts-dejavu-core';
    if (process.env.CI === 'true') throw new Error(message);
    context.skip(message);
    return;
  }
  const row = await measure(new DrawnWork(terminal()), { minutes: 2 });
  context.diagnostic(JSON.stringify(row));
  assert.ok(row.kbPerMin > 20 && row.kbPerMin <= 250, `${row.kbPerMin} KB a minute`);
  assert.ok(row.worstStalenessS <= 1, `${row.worstStalenessS} s`);
  assert.ok(row.greyAccuracy >= 0.995, `grey ${row.greyAccuracy}`);
  assert.ok(row.colourAccuracy >= 0.95, `colour ${row.colourAccuracy}`);
});
