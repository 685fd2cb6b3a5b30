import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { EncoderPool } from './encoding/encoder-pool.ts';
import { type RecorderClock, type RecordingSummary, systemClock } from './recording.ts';
import { CHART_PAGES, drawBlock, hasChartFonts, meanAccuracy, readPage } from './testing/legibility-chart.ts';
import { requireTools } from './testing/media-tools.ts';
import { RecordingSession } from './testing/recording-session.ts';

/** Settled text must be readable to an auditor, and to a machine. */
const LEAST = { grey: 0.995, colour: 0.95 } as const;
/** The bench reads all of them; one takes long enough. */
const [PAGE = []] = CHART_PAGES;

/** All that a recording has to put up with when there are more of them than encoders: turns, slower frames and one reference. */
class Strained extends EncoderPool {
  override get pressure(): number {
    return 0.8;
  }
}

test('known text is read back from a recording', async (context) => {
  if (!isPossible(context)) return;
  const session = await RecordingSession.open(context, 1280, 800);
  await assertReadable(context, session, await recordChart(session, 700));
});

test('known text is read back from a recording that shares its encoder with others, under load', async (context) => {
  if (!isPossible(context)) return;
  let clock: RecorderClock = systemClock;
  const after: RecorderClock['after'] = (ms, callback) => clock.after(ms, callback);
  const encoders = new Strained({ slots: 1, clock: { now: () => clock.now(), after } });
  encoders.enter();
  const session = await RecordingSession.open(context, 1280, 800, { encoders });
  clock = session.clock;
  const summary = await recordChart(session, 8000);
  assert.ok(summary.segments >= 2, `${summary.segments} turns`);
  const kbPerMinute = summary.bytes / 1000 / (summary.durationMs / 60_000);
  context.diagnostic(`${Math.round(kbPerMinute)} KB a minute in ${summary.segments} turns`);
  assert.ok(kbPerMinute <= 250);
  await assertReadable(context, session, summary);
});

function isPossible(context: TestContext): boolean {
  if (!requireTools(context, 'ffmpeg', 'ffprobe', 'tesseract')) return false;
  if (hasChartFonts()) return true;
  const message = 'missing: DejaVu fonts; install with: apt install fonts-dejavu-core';
  if (process.env.CI === 'true') throw new Error(message);
  context.skip(message);
  return false;
}

async function recordChart(session: RecordingSession, stepMs: number): Promise<RecordingSummary> {
  // The text comes over something else, as in life: it must be right in P frames, not only in the first picture.
  session.fill({ x: 0, y: 0, width: 1280, height: 800 }, '#345678');
  await session.advance(2000);
  for (const block of PAGE) {
    session.draw(block.area, (canvas) => drawBlock(canvas, block));
    await session.advance(stepMs);
  }
  await session.advance(5000);
  return (await session.finish()) ?? assert.fail();
}

async function assertReadable(context: TestContext, session: RecordingSession, { path }: RecordingSummary) {
  const blocks = readPage(path, session.elapsed, PAGE, session.root);
  for (const { name, accuracy } of blocks) context.diagnostic(`${name}: ${(accuracy * 100).toFixed(2)} %`);
  for (const kind of ['grey', 'colour'] as const) {
    const mean = meanAccuracy(kind, blocks);
    assert.ok(mean >= LEAST[kind], `${kind}: ${mean}\n${JSON.stringify(blocks, undefined, 2)}`);
  }
}
