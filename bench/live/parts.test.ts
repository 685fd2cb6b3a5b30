import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, it, type MockTracker } from 'node:test';
import { fileURLToPath } from 'node:url';
import { createCanvas } from '@napi-rs/canvas';
import fc from 'fast-check';
import { WriteCursor } from '#protocol/core/cursor.ts';
import { UpdateCode } from '#protocol/graphics/update.ts';
import { encodeBitmapUpdate, sizeOfBitmapUpdate } from '#protocol/pdu/bitmap-update.ts';
import { compareReports } from './compare.ts';
import { worksOf } from './density.ts';
import { markBytes } from './generator/mark.ts';
import { Player } from './generator/player.ts';
import { WireFrames } from './generator/wire.ts';
import { judge } from './goals.ts';
import { reportHtml } from './html.ts';
import { countAtRest } from './measure.ts';
import { EQUAL_PSNR, pictureAfter, psnr } from './psnr.ts';
import { type LiveReport, type LiveRow, percentile } from './rows.ts';
import { generateStream } from './streams/generate.ts';
import { decodeStream, encodeStream, nextFrame, type Stream } from './streams/stream.ts';
import { encodeInstruction, InstructionReader } from './viewers/guacamole.ts';
import { KeyWatch } from './viewers/key-watch.ts';
import { Pasteboard } from './viewers/pasteboard.ts';

function row(more: Partial<LiveRow>): LiveRow {
  return {
    ...{ scenario: 'scroll', size: '1280x800', server: 'gfx', peer: 'oriel-stream', cpuSecondsPerMin: 1 },
    ...{
      kbInPerMin: 100_000,
      kbOutPerMin: 100_000,
      p50Ms: 0.5,
      p99Ms: 1,
      pssMb: 100,
      psnr: null,
      frontCpuSecondsPerMin: 1,
    },
    ...{ baseCpuSecondsPerMin: 0, cpuMsPerMb: 10, sessionPssMb: 5, framesPerMin: 1200, picturesPerMin: 1200, keys: 10 },
    ...{ writesPerMin: 2400, wakeUpsPerMin: 2400 },
    ...{ keyMs: 0.2, pictureMs: 0.3, serverShareMs: 0.1, settledPsnr: null, seconds: 10 },
    ...more,
  };
}

function report(rows: readonly LiveRow[]): LiveReport {
  return { machine: 'm', versions: {}, startedAt: 't', rows, density: [], pace: [], browser: [], skipped: [] };
}

describe('streams', () => {
  const stream = generateStream('type', '1280x800', 'classic');

  it('are the same each time, and the same out of their file', () => {
    assert.deepEqual(encodeStream(generateStream('type', '1280x800', 'classic')), encodeStream(stream));
    const read = decodeStream(Buffer.from(encodeStream(stream)));
    assert.deepEqual({ ...read, frames: 0 }, { ...stream, frames: 0 });
    assert.deepEqual(pictureAfter(read, 40), pictureAfter(stream, 40));
    assert.throws(() => decodeStream(Buffer.from(encodeStream(stream)).subarray(0, -1)), /bytes in a file of/);
  });

  it('show the same however they are sent, but for what a codec loses', () => {
    const truth = pictureAfter(stream, 30);
    assert.equal(psnr(truth, pictureAfter(stream, 30)), EQUAL_PSNR);
    for (const sender of ['remotefx', 'gfx'] as const) {
      const close = psnr(truth, pictureAfter(generateStream('type', '1280x800', sender), 30)) ?? 0;
      assert.ok(close > 30 && close < EQUAL_PSNR, `${sender}: ${close} dB`);
    }
    assert.ok((psnr(truth, pictureAfter(stream, 60)) ?? 0) < EQUAL_PSNR);
  });

  it('begin again behind their first frame', () => {
    const { length } = stream.frames;
    assert.equal(nextFrame(stream, 0), 1);
    assert.equal(nextFrame(stream, length - 1), 1);
    const two: Stream = { ...stream, frames: stream.frames.slice(0, 3) };
    assert.deepEqual(pictureAfter(two, 5), pictureAfter(two, 3));
  });
});

describe('the load generator’s player', () => {
  it('sends no more than a client that asks for it has acknowledged', async () => {
    const frames = Array.from({ length: 5 }, () => Buffer.alloc(10));
    const facts = { name: 'x', width: 1, height: 1, loopMs: 4, onKeys: false };
    const stream: Stream = { ...facts, frames: frames.map((_, at) => ({ at, updates: [] })) };
    const sent: Buffer[] = [];
    const player = new Player(stream, frames, { write: (bytes) => sent.push(bytes) > 0 }, true);
    player.start();
    player.acknowledged();
    const sends = async (count: number) => {
      while (sent.length < count) await new Promise((resolve) => setTimeout(resolve, 5));
      await new Promise((resolve) => setTimeout(resolve, 30));
      assert.equal(sent.length, count);
    };
    await sends(5);
    player.acknowledged();
    await sends(6);
    player.freeze();
  });

  it('does not make up for what a client that stood still has missed', ({ mock }) => {
    const clock = stoppedClock(mock);
    const frames = Array.from({ length: 5 }, () => Buffer.alloc(10));
    const facts = { name: 'x', width: 1, height: 1, loopMs: 400, onKeys: false };
    const stream: Stream = { ...facts, frames: frames.map((_, i) => ({ at: i * 100, updates: [] })) };
    const sent: number[] = [];
    let isFull = false;
    const write = () => {
      sent.push(clock.now);
      return !isFull;
    };
    const player = new Player(stream, frames, { write }, false);
    player.start();
    clock.pass(450);
    isFull = true;
    clock.pass(2000);
    const before = sent.length;
    isFull = false;
    player.drained();
    clock.pass(1000);
    // One at once, then one in a hundred milliseconds.
    assert.ok(sent.length - before <= 11, `${sent.length - before} frames in a second`);
    assert.ok(sent.length - before >= 9);
    player.freeze();
  });
});

describe('who types', () => {
  it('presses no more while a picture is waited for, nor faster once it has come', ({ mock }) => {
    const clock = stoppedClock(mock);
    let pressed = 0;
    const watch = new KeyWatch({ perSecond: 5, byMark: false }, () => pressed++);
    const picture = new Uint8Array(1);
    watch.seen(picture);
    clock.pass(200);
    clock.pass(2000);
    assert.equal(pressed, 1);
    watch.seen(picture);
    assert.deepEqual(watch.keys, [{ pressedAt: 200, shownAt: 2200 }]);
    for (let i = 0; i < 10; i++) {
      clock.pass(200);
      watch.seen(picture);
    }
    assert.equal(pressed, 11);
    watch.stop();
  });

  it('presses at any moment of a turn where what is drawn has a pace of its own, and as often', ({ mock }) => {
    const clock = stoppedClock(mock);
    const moments = [0.9, 0.1, 0.5, 0.2];
    mock.method(Math, 'random', () => moments.shift() ?? 0);
    const at: number[] = [];
    const watch = new KeyWatch({ perSecond: 1, byMark: true }, () => at.push(clock.now));
    watch.seen(new Uint8Array(1));
    for (let key = 1; key <= 4; key++) {
      while (at.length < key) clock.pass(1);
      watch.seen(markBytes(key));
    }
    assert.deepEqual(at, [900, 1100, 2500, 3200]);
    watch.stop();
  });
});

/** Time passes when the test says so, for timers and for both clocks that the bench reads. */
function stoppedClock(mock: MockTracker) {
  mock.timers.enable({ apis: ['setTimeout', 'setInterval'] });
  const clock = {
    now: 0,
    pass(ms: number) {
      for (let i = 0; i < ms; i++) {
        clock.now++;
        mock.timers.tick(1);
      }
    },
  };
  mock.method(performance, 'now', () => clock.now);
  mock.method(process.hrtime, 'bigint', () => BigInt(clock.now) * 1_000_000n);
  return clock;
}

describe('the Guacamole protocol', () => {
  it('reads what it writes, however it is cut', () => {
    const words = fc.array(fc.string({ unit: fc.constantFrom('a', ',', ';', '.', '7') }), {
      minLength: 1,
      maxLength: 4,
    });
    fc.assert(
      fc.property(fc.array(words, { maxLength: 6 }), fc.integer({ min: 1, max: 9 }), (instructions, size) => {
        const text = instructions.map((elements) => encodeInstruction(...elements)).join('');
        const reader = new InstructionReader();
        const read = [];
        for (let at = 0; at < text.length; at += size) read.push(...reader.push(text.slice(at, at + size)));
        assert.deepEqual(read, instructions);
      }),
    );
  });

  it('refuses what is none', () => {
    assert.throws(() => new InstructionReader().push('x.y;'), /no length/);
    assert.throws(() => new InstructionReader().push('1.yz'), /ends with "z"/);
    assert.throws(() => new InstructionReader().push('12345678901'), /without an end/);
  });
});

describe('what a viewer was told to draw', () => {
  const dot = async (colour: string) => {
    const canvas = createCanvas(2, 2);
    const context = canvas.getContext('2d');
    context.fillStyle = colour;
    context.fillRect(0, 0, 2, 2);
    return canvas.encode('png');
  };

  it('is drawn in the order of its beginnings, by way of layers that are not shown', async () => {
    const board = new Pasteboard();
    board.resize(4, 2);
    const late = board.reserve(0, 0, '0');
    board.copy({ x: 0, y: 0, width: 2, height: 2 }, 0, 0, '0', '-1');
    board.reserve(0, 0, '0')(await dot('#0000ff'));
    board.copy({ x: 0, y: 0, width: 2, height: 2 }, 2, 0, '-1', '0');
    late(await dot('#ff0000'));
    const picture = await board.picture();
    assert.deepEqual([picture?.width, picture?.height], [4, 2]);
    assert.deepEqual([...(picture?.pixels.subarray(0, 4) ?? [])], [0, 0, 255, 255]);
    assert.deepEqual([...(picture?.pixels.subarray(8, 12) ?? [])], [255, 0, 0, 255]);
  });
});

describe('the bytes of the wire', () => {
  it('are cut into bitmaps where a client takes no more at once', () => {
    const data = new Uint8Array(6000);
    const size = { width: 50, height: 30, bitsPerPixel: 32, compressed: false };
    const place = { destLeft: 0, destTop: 0, destRight: 49, destBottom: 29 };
    const update = { rectangles: [1, 2, 3].map(() => ({ ...place, ...size, data })) };
    const cursor = new WriteCursor(sizeOfBitmapUpdate(update));
    encodeBitmapUpdate(update, cursor);
    const frames = [{ at: 0, updates: [{ code: UpdateCode.bitmap, data: cursor.finish() }] }];
    const wire = new WireFrames({ name: 'x', width: 50, height: 30, loopMs: 1, onKeys: false, frames });
    const sizesFor = (maxUpdateSize: number) => {
      const sent: number[] = [];
      wire.of({
        connection: { ioChannelId: maxUpdateSize, share: { maxUpdateSize }, channels: [] },
        update: (_code: number, part: Uint8Array) => {
          sent.push(part.length);
          return [];
        },
      } as never);
      return sent;
    };
    assert.deepEqual(sizesFor(20_000), [4 + 3 * 6018]);
    assert.deepEqual(sizesFor(16_128), [6022, 6022, 6022]);
  });
});

describe('goals', () => {
  it('hold Oriel against guacd and the relay of the same cell', () => {
    const rows = [
      row({ cpuSecondsPerMin: 2.5, baseCpuSecondsPerMin: 0.5 }),
      row({ peer: 'guacd', cpuSecondsPerMin: 20 }),
      row({ peer: 'relay', cpuSecondsPerMin: 1.25 }),
      row({ peer: 'relay', size: '1920x1080', cpuSecondsPerMin: 0.1 }),
    ];
    const found = judge(report(rows));
    const perMb = found.find(({ goal }) => goal.startsWith('CPU per MB'));
    assert.deepEqual([perMb?.reached, perMb?.met, perMb?.factor.toFixed(3)], ['0.1x', false, '2.000']);
    const relay = found.find(({ goal }) => goal === 'CPU against the bare relay');
    assert.deepEqual([relay?.reached, relay?.met], ['1.6x', true]);
  });

  it('take off the least that a peer was seen to take without a session', () => {
    const rows = [
      row({ cpuSecondsPerMin: 2.5, baseCpuSecondsPerMin: 0.5 }),
      row({ peer: 'relay', cpuSecondsPerMin: 1.25, baseCpuSecondsPerMin: 1.5 }),
      row({ peer: 'relay', size: '1920x1080', cpuSecondsPerMin: 3, baseCpuSecondsPerMin: 0.25 }),
    ];
    const found = judge(report(rows)).find(({ goal }) => goal === 'CPU against the bare relay');
    assert.deepEqual([found?.reached, found?.met], ['2x', true]);
  });

  it('see a stream that grows on its way', () => {
    const bytes = (kbOutPerMin: number) =>
      judge(report([row({ kbOutPerMin })])).find(({ goal }) => goal.startsWith('bytes to the browser, Stream'))?.met;
    assert.deepEqual([bytes(102_000), bytes(102_100)], [true, false]);
  });
});

describe('counting bytes', () => {
  it('is done when none is on its way, and in the end all the same', async () => {
    let looks = 0;
    const passing = async () => ({ bytes: Math.min(++looks, 4) });
    assert.deepEqual(await countAtRest(passing), { bytes: 4 });
    assert.equal(looks, 5);
    const always = async () => ({ bytes: ++looks });
    assert.ok((await countAtRest(always)).bytes > 6);
  });
});

describe('comparing runs', () => {
  it('counts what is past noise, in the direction that is worse', () => {
    const base = report([row({ psnr: 40 })]);
    const metrics = (more: Partial<LiveRow>) =>
      compareReports(base, report([row({ psnr: 40, ...more })])).flatMap(({ metric, worse, better }) =>
        worse ? [`worse ${metric}`] : better ? [`better ${metric}`] : [],
      );
    assert.deepEqual(metrics({ cpuSecondsPerMin: 1.2, p99Ms: 3 }), []);
    assert.deepEqual(metrics({ cpuSecondsPerMin: 1.3 }), ['worse cpuSecondsPerMin']);
    assert.deepEqual(metrics({ kbOutPerMin: 90_000 }), ['better kbOutPerMin']);
    assert.deepEqual(metrics({ psnr: 39 }), ['worse psnr']);
  });
});

describe('reports', () => {
  it('are one file without anything from elsewhere, and escape what they are given', () => {
    const rows = [row({}), row({ peer: 'relay' }), row({ scenario: '<script>' })];
    const html = reportHtml(report(rows), judge(report(rows)));
    assert.match(html, /<svg/);
    assert.doesNotMatch(html, /<script|(?:src|href)=|https?:/);
  });

  it('plot what costs grow with, one thing at a time', () => {
    const film = (scenario: string, kbInPerMin: number) => row({ scenario, kbInPerMin });
    // Collected just before: not what the relay takes at rest.
    const restless = { ...film('film-320x180-10', 6000), baseCpuSecondsPerMin: 5 };
    const films = [film('film-640x360-10', 18_000), restless, film('film-640x360-30', 54_000)];
    const html = reportHtml(report(films), []);
    assert.match(html, /by KB a picture.*?>10: 1<.*?>30: 1</s);
    assert.match(html, /by pictures a second.*?>10: 1<.*?>30: 1</s);
    assert.doesNotMatch(reportHtml(report([row({})]), []), /by KB a picture/);
  });

  it('know their percentiles', () => {
    assert.equal(percentile([], 0.5), null);
    assert.deepEqual([percentile([3, 1, 2], 0.5), percentile([1, 2, 3, 4], 0.99)], [2, 4]);
  });
});

it('a mix of a hundred sessions is as it was promised, and one of ten nearly so', () => {
  const count = (works: readonly string[]) =>
    Object.fromEntries([...Map.groupBy(works, (work) => work)].map(([work, all]) => [work, all.length]));
  const hundred = { 'work-idle': 40, 'work-terminal': 25, 'work-office': 20, 'work-web': 10, 'work-video': 5 };
  assert.deepEqual(count(worksOf(100, 'mix')), hundred);
  assert.equal(count(worksOf(10, 'mix'))['work-idle'], 4);
});

it('the command line says what is wrong with it, by a code, and ends with 2', () => {
  const main = fileURLToPath(new URL('../main.ts', import.meta.url));
  const run = (...args: string[]) => spawnSync(process.execPath, [main, ...args], { encoding: 'utf8' });
  for (const [args, code] of [
    [['nothing'], 'unknown_bench'],
    [['live', '--bogus'], 'unknown_option'],
    [['live', '--scenario', 'dance'], 'bad_value'],
    [['live', '--no-rows'], 'nothing_to_measure'],
    [['live', '--compare', '/nowhere.json'], 'file_unreadable'],
    [['live', '--json', '/proc/nowhere/figures.json'], 'file_unwritable'],
  ] as const) {
    const { status, stderr } = run(...args);
    assert.equal(status, 2, args.join(' '));
    assert.match(stderr, new RegExp(`^error ${code}: `, 'm'));
  }
  const help = run('live', '--help');
  assert.equal(help.status, 0);
  assert.match(help.stdout, /--density LIST/);
});
