import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { live } from './live/goals.ts';
import { Lab } from './live/lab.ts';
import { measureRow } from './live/measure.ts';
import { measurePace } from './live/pace.ts';
import { EQUAL_PSNR } from './live/psnr.ts';
import { ensureStream } from './live/streams/store.ts';

/**
 * The short bench: what must hold on any machine, however fast it is and whatever else it does. Bytes, pictures and pace are
 * exact; processor time is held against the bare relay in the same minute, with room for noise.
 */
const SIZE = '1280x800';
const SECONDS = 3;

describe('live sessions, beside the bare relay', () => {
  let lab: Lab;

  before(async () => {
    for (const scenario of ['type', 'scroll', 'page'] as const) await ensureStream(scenario, SIZE, 'remotefx');
    await ensureStream('page', SIZE, 'classic');
    for (const scenario of ['type', 'idle'] as const) await ensureStream(scenario, SIZE, 'gfx');
    lab = await Lab.start();
  });

  after(async () => {
    await lab?.[Symbol.asyncDispose]();
  });

  const row = async (peer: Parameters<Lab['peer']>[0], scenario: string, server = 'remotefx', seconds = SECONDS) =>
    measureRow(lab, await lab.peer(peer), { scenario, size: SIZE, server, seconds });

  it('scrolling: the server’s bytes and no more, at a few times the cost of copying them', async (context) => {
    const stream = await row('oriel-stream', 'scroll');
    const relay = await row('relay', 'scroll');
    context.diagnostic(JSON.stringify([stream, relay]));
    // The viewer's first picture is in neither; a message may be on its way at either end of the measurement.
    assert.ok(
      stream.kbOutPerMin <= 1.02 * stream.kbInPerMin + 1000,
      `${stream.kbOutPerMin} of ${stream.kbInPerMin} KB`,
    );
    assert.ok(stream.kbInPerMin > 0.7 * relay.kbInPerMin, 'the gateway holds the server back');
    assert.ok(stream.keys > 0 && relay.keys > 0);
    const front = stream.frontCpuSecondsPerMin - stream.baseCpuSecondsPerMin;
    assert.ok(front <= 8 * live(relay), `${front} s of CPU a minute, the relay ${live(relay)}`);
  });

  it('typing in Regions mode: a letter costs a letter, and the picture settles without loss', async (context) => {
    const regions = await row('oriel-regions', 'type');
    context.diagnostic(JSON.stringify(regions));
    const bytesAPicture = (regions.kbOutPerMin * 1000) / regions.picturesPerMin;
    assert.ok(regions.picturesPerMin > 0 && bytesAPicture <= 2500, `${bytesAPicture} bytes a letter`);
    assert.equal(regions.settledPsnr, EQUAL_PSNR);
  });

  it('typing over the graphics pipeline: a letter is two writes, as the relay’s is', async (context) => {
    const stream = await row('oriel-stream', 'type', 'gfx');
    const relay = await row('relay', 'type', 'gfx');
    context.diagnostic(JSON.stringify([stream, relay]));
    assert.ok(stream.keys > 0 && relay.keys > 0);
    // Not every machine says.
    if (stream.writesPerMin === null || relay.writesPerMin === null) return;
    const [writes, fewest] = [stream, relay].map((row) => ((row.writesPerMin ?? 0) * row.seconds) / 60 / row.keys);
    assert.ok(writes !== undefined && fewest !== undefined && writes <= 1.3 * fewest, `${writes}, the relay ${fewest}`);
  });

  it('a desktop that rests: a picture is a write and a half, and wakes the gateway about once', async (context) => {
    const idle = await row('oriel-stream', 'idle', 'gfx');
    context.diagnostic(JSON.stringify(idle));
    const { picturesPerMin, writesPerMin, wakeUpsPerMin } = idle;
    assert.ok(picturesPerMin > 0);
    assert.ok(writesPerMin === null || writesPerMin <= 1.8 * picturesPerMin, `${writesPerMin} for ${picturesPerMin}`);
    assert.ok(wakeUpsPerMin <= 2.1 * picturesPerMin, `${wakeUpsPerMin} for ${picturesPerMin}`);
  });

  for (const server of ['remotefx', 'classic'] as const) {
    it(`a server without limits, ${server}: no more than thirty pictures a second`, async (context) => {
      const pace = await measurePace(lab, await lab.peer('oriel-stream'), server, SIZE, SECONDS);
      context.diagnostic(JSON.stringify(pace));
      // A burst of three passes at once.
      const limit = 30 + 3 / SECONDS;
      const desktops = server === 'classic' ? pace.framesPerSecond * pace.desktopsPerFrame : pace.framesPerSecond;
      // Whole desktops are counted as they are read: what TCP holds by then, four of them at most, is on the way.
      const ahead = server === 'classic' ? 4 / SECONDS : 0;
      assert.ok(desktops > 1 && desktops <= limit + ahead, `${desktops} in a second`);
    });
  }
});
