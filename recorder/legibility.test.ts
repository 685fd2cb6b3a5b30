import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { blockArea, drawBlock, hasChartFonts, LEGIBILITY_CHART, readBlock } from './testing/legibility-chart.ts';
import { requireTools } from './testing/media-tools.ts';
import { RecordingSession } from './testing/recording-session.ts';

/** Settled text must be readable to an auditor, and to a machine. */
const LEAST = { grey: 0.995, colour: 0.95 } as const;

test('known text is read back from a recording', async (context) => {
  if (!requireTools(context, 'ffmpeg', 'ffprobe', 'tesseract')) return;
  if (!hasChartFonts()) {
    const message = 'missing: DejaVu fonts; install with: apt install fonts-dejavu-core';
    if (process.env.CI === 'true') throw new Error(message);
    context.skip(message);
    return;
  }
  const session = await RecordingSession.open(context, 1280, 800);
  // The text comes over something else, as in life: it must be right in P frames, not only in the first picture.
  session.fill({ x: 0, y: 0, width: 1280, height: 800 }, '#345678');
  await session.advance(2000);
  for (let index = 0; index < LEGIBILITY_CHART.length; index++) {
    session.draw(blockArea(index), (canvas) => drawBlock(canvas, index));
    await session.advance(700);
  }
  await session.advance(5000);
  const summary = await session.finish();
  assert.ok(summary);
  for (const kind of ['grey', 'colour'] as const) {
    const results = LEGIBILITY_CHART.flatMap((block, index) => {
      if (block.kind !== kind) return [];
      const picture = join(session.root, `block-${index}.png`);
      const { accuracy, text } = readBlock(summary.path, session.elapsed, index, picture);
      context.diagnostic(`${block.name}: ${(accuracy * 100).toFixed(2)} %`);
      return [{ name: block.name, accuracy, text, weight: block.lines.join('').length }];
    });
    const total = results.reduce((sum, { weight }) => sum + weight, 0);
    const mean = results.reduce((sum, { accuracy, weight }) => sum + accuracy * weight, 0) / total;
    assert.ok(mean >= LEAST[kind], `${kind}: ${mean}\n${JSON.stringify(results, undefined, 2)}`);
  }
});
