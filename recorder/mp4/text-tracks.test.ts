import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import fc from 'fast-check';
import { requireTools } from '../testing/media-tools.ts';
import { RecordingSession } from '../testing/recording-session.ts';
import { sealedRecording } from '../testing/sealed-recording.ts';
import { encodeTextTracks } from './text-tracks.ts';

interface Probed {
  readonly streams: {
    readonly codec_type: string;
    readonly codec_name: string;
    readonly disposition: { readonly default: number };
  }[];
  readonly chapters: { readonly start_time: string; readonly tags: { readonly title: string } }[];
}

test('a finished recording has its events as a text track and as chapters', async (context) => {
  if (!requireTools(context, 'ffmpeg', 'ffprobe')) return;
  const { path } = await sealedRecording(context);
  const probe = spawnSync('ffprobe', ['-v', 'error', '-of', 'json', '-show_streams', '-show_chapters', path]);
  const { streams, chapters } = JSON.parse(probe.stdout.toString()) as Probed;
  assert.deepEqual(
    streams.map(({ codec_type, codec_name }) => [codec_type, codec_name]),
    [
      ['video', 'h264'],
      ['subtitle', 'mov_text'],
      ['data', 'bin_data'],
    ],
  );
  assert.equal(streams[1]?.disposition.default, 0, 'shown only when asked for');
  assert.equal(chapters[0]?.start_time, '0.000000');
  assert.match(chapters[0]?.tags.title ?? '', /Desktop \d+ × \d+/);
  const { stdout, stderr } = spawnSync('ffmpeg', ['-v', 'error', '-i', path, '-map', '0:s:0', '-f', 'srt', '-']);
  assert.equal(stderr.toString(), '');
  assert.match(stdout.toString(), /00:00:0\d,\d{3} --> [\s\S]*\d+ keys/);
});

test('a recording is finished however much happens in it at once', async (context) => {
  if (!requireTools(context, 'ffmpeg', 'ffprobe')) return;
  const session = await RecordingSession.open(context, 320, 240);
  await session.advance(1000);
  for (let i = 0; i < 3000; i++) session.recorder.event('alert', { rule: 'Löschen von Dateien', action: 'alert' });
  await session.advance(1000);
  assert.equal((await session.finish())?.state, 'complete');
});

test('a text that is longer than a sample may be is cut between characters', () => {
  const { data } = encodeTextTracks([{ fromMs: 0, untilMs: 10, text: '€'.repeat(30_000) }], [], 10, 2);
  assert.equal(data.readUInt16BE(8), 65_535);
  assert.equal(data.toString('utf8', 10), '€'.repeat(21_845));
});

test('the boxes fit together for any texts', () => {
  const cue = fc.record({
    length: fc.integer({ min: 1, max: 5000 }),
    gap: fc.nat(5000),
    text: fc.string({ unit: 'binary' }),
  });
  fc.assert(
    fc.property(
      fc.array(cue, { maxLength: 30 }),
      fc.array(fc.string({ unit: 'binary', maxLength: 300 })),
      (made, titles) => {
        let at = 0;
        const cues = made.map(({ gap, length, text }) => {
          const fromMs = at + gap;
          at = fromMs + length;
          return { fromMs, untilMs: at, text };
        });
        const chapters = titles.map((title, i) => ({ fromMs: i * 10, title }));
        const text = encodeTextTracks(cues, chapters, at + titles.length * 10, 2);
        const tracks = text.tracks(1000);
        assert.equal(tracks.length, text.tracks(2 ** 31).length);
        let sizes = 0;
        for (const track of boxesIn(tracks)) {
          assert.equal(track.type, 'trak');
          const stsz = track.bytes.indexOf('stsz');
          const count = track.bytes.readUInt32BE(stsz + 12);
          const stco = track.bytes.indexOf('stco');
          assert.equal(track.bytes.readUInt32BE(stco + 12), 1000 + 8 + sizes, 'texts lie one behind the other');
          for (let i = 0; i < count; i++) sizes += track.bytes.readUInt32BE(stsz + 16 + i * 4);
        }
        assert.equal(text.data.length, text.count === 0 ? 0 : sizes + 8);
        for (const list of boxesIn(text.chapterList)) assert.equal(list.type, 'chpl');
      },
    ),
    { numRuns: 40 },
  );
});

function boxesIn(bytes: Buffer): { type: string; bytes: Buffer }[] {
  const boxes: { type: string; bytes: Buffer }[] = [];
  for (let at = 0; at < bytes.length; ) {
    const size = bytes.readUInt32BE(at);
    assert.ok(size >= 8 && at + size <= bytes.length, 'a box ends past its parent');
    boxes.push({ type: bytes.toString('latin1', at + 4, at + 8), bytes: bytes.subarray(at, at + size) });
    at += size;
  }
  return boxes;
}
