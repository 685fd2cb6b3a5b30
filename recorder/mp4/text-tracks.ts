import type { Chapter, Cue } from './chapters.ts';
import { ascii, BOX_HEADER, box, DATA_IN_FILE, fullBox, UNITY_MATRIX, u16, u32 } from './mp4-boxes.ts';

/**
 * Timed text for an MP4 (ISO/IEC 14496-12, samples of 3GPP TS 26.245): a track with a line for each event, which a player
 * shows when it is asked to, and chapters, as a track and as the list that other players read.
 *
 * The texts stand in an `mdat` of their own before the frames: so they belong to the head of the file, and the frames
 * stay one behind the other.
 */
export interface TextTracks {
  /** `mdat` with all texts. */
  readonly data: Buffer;
  /** For the video's `trak`: which track its chapters are. Empty where there are none. */
  readonly reference: Buffer;
  /** For `udta`: the chapters once more. Empty where there are none. */
  readonly chapterList: Buffer;
  /** How many tracks there are. */
  readonly count: number;
  /**
   * `trak` boxes, of the same length wherever the texts are.
   * @param dataStart where `data` begins in the file
   */
  tracks(dataStart: number): Buffer;
}

/** @param firstId the first track's id; those behind it follow */
export function encodeTextTracks(
  cues: readonly Cue[],
  chapters: readonly Chapter[],
  durationMs: number,
  firstId: number,
): TextTracks {
  const duration = Math.max(1, Math.round(durationMs));
  const tracks: { kind: TrackKind; samples: readonly TextSample[] }[] = [];
  if (cues.length > 0) tracks.push({ kind: EVENTS, samples: cueSamples(cues, duration) });
  if (chapters.length > 0) tracks.push({ kind: CHAPTERS, samples: chapterSamples(chapters, duration) });
  const texts = tracks.map(({ samples }) => Buffer.concat(samples.map(({ bytes }) => bytes)));
  return {
    data: texts.length === 0 ? Buffer.alloc(0) : box('mdat', ...texts),
    // 8.3.3: the track that is referred to is the last one.
    reference: chapters.length === 0 ? Buffer.alloc(0) : box('tref', box('chap', u32(firstId + tracks.length - 1))),
    chapterList: chapters.length === 0 ? Buffer.alloc(0) : chapterList(chapters),
    count: tracks.length,
    tracks(dataStart) {
      let start = dataStart + BOX_HEADER;
      const boxes = tracks.map(({ kind, samples }, index) => {
        const track = textTrack(firstId + index, kind, samples, duration, start);
        start += texts[index]?.length ?? 0;
        return track;
      });
      return Buffer.concat(boxes);
    },
  };
}

interface TextSample {
  readonly durationMs: number;
  readonly bytes: Buffer;
}

interface TrackKind {
  /** 8.4.3: `sbtl`, subtitles; `text`, texts that are no subtitles. */
  readonly handler: string;
  readonly name: string;
}

const EVENTS: TrackKind = { handler: 'sbtl', name: 'Events' };
const CHAPTERS: TrackKind = { handler: 'text', name: 'Chapters' };

/** One behind the other from 0 to the end: where nothing is shown, an empty one. */
function cueSamples(cues: readonly Cue[], duration: number): TextSample[] {
  const samples: TextSample[] = [];
  let at = 0;
  const pause = (until: number) => {
    if (until > at) samples.push(sampleOf('', until - at));
  };
  for (const { fromMs, untilMs, text } of cues) {
    pause(fromMs);
    samples.push(sampleOf(text, untilMs - fromMs));
    at = untilMs;
  }
  pause(duration);
  return samples;
}

function chapterSamples(chapters: readonly Chapter[], duration: number): TextSample[] {
  return chapters.map(({ fromMs, title }, index) => {
    const until = chapters[index + 1]?.fromMs ?? duration;
    return sampleOf(title, Math.max(1, until - fromMs));
  });
}

/** 3GPP TS 26.245 section 5.17: the text's length and the text, UTF-8. */
function sampleOf(text: string, durationMs: number): TextSample {
  const words = shorten(text, MAX_SAMPLE_TEXT);
  return { durationMs, bytes: Buffer.concat([u16(words.length), words]) };
}

/** As Nero wrote it first and nearly every player reads it: times in 100 ns, titles of at most 255 bytes. */
function chapterList(chapters: readonly Chapter[]): Buffer {
  const entries = chapters.slice(0, 255).map(({ fromMs, title }) => {
    const words = shorten(title, 255);
    const start = Buffer.alloc(8);
    start.writeBigUInt64BE(BigInt(Math.round(fromMs)) * 10_000n);
    return Buffer.concat([start, Buffer.from([words.length]), words]);
  });
  return fullBox('chpl', 1, 0, u32(0), Buffer.from([entries.length]), ...entries);
}

/** UTF-8 of at most so many bytes, cut between characters. */
function shorten(text: string, limit: number): Buffer {
  const bytes = Buffer.from(text);
  if (bytes.length <= limit) return bytes;
  let end = limit;
  // 10xxxxxx goes on with the character before.
  while (end > 0 && ((bytes[end] as number) & 0xc0) === 0x80) end--;
  return bytes.subarray(0, end);
}

/** ISO/IEC 14496-12 sections 8.3 to 8.7. Movie and media count milliseconds. */
function textTrack(
  id: number,
  { handler, name }: TrackKind,
  samples: readonly TextSample[],
  duration: number,
  dataStart: number,
): Buffer {
  // Flags 2: in the movie, and not shown unless somebody asks for it.
  const tkhd = fullBox(
    'tkhd',
    0,
    2,
    u32(0, 0, id, 0, duration, 0, 0),
    u16(0, ALTERNATE_GROUP, 0, 0),
    UNITY_MATRIX,
    u32(0, 0),
  );
  const mdhd = fullBox('mdhd', 0, 0, u32(0, 0, TIMESCALE, duration), u16(LANGUAGE_ENGLISH, 0));
  const hdlr = fullBox('hdlr', 0, 0, u32(0), ascii(handler), u32(0, 0, 0), ascii(`${name}\0`));
  const stbl = box(
    'stbl',
    fullBox('stsd', 0, 0, u32(1), sampleEntry()),
    fullBox('stts', 0, 0, u32(samples.length), ...samples.map((sample) => u32(1, sample.durationMs))),
    fullBox('stsc', 0, 0, u32(1, 1, samples.length, 1)),
    fullBox('stsz', 0, 0, u32(0, samples.length), ...samples.map(({ bytes }) => u32(bytes.length))),
    fullBox('stco', 0, 0, u32(1, dataStart)),
  );
  return box('trak', tkhd, box('mdia', mdhd, hdlr, box('minf', fullBox('nmhd', 0, 0), DATA_IN_FILE, stbl)));
}

/** 3GPP TS 26.245 section 5.16: white on a dark ground, in the middle of the bottom. */
function sampleEntry(): Buffer {
  const style = Buffer.concat([u16(0, 0, FONT_ID), Buffer.from([0, FONT_SIZE]), u32(0xffff_ffff)]);
  const font = ascii('Sans-Serif');
  const ftab = box('ftab', u16(1, FONT_ID), Buffer.from([font.length]), font);
  const place = u16(0, 0, 0, 0);
  return box('tx3g', u16(0, 0, 0, 1), u32(0), Buffer.from([1, 0xff]), u32(0x0000_00a0), place, style, ftab);
}

const TIMESCALE = 1000;
/** 3GPP TS 26.245 section 5.17: the length is a u16. */
const MAX_SAMPLE_TEXT = 0xffff;
/** Texts are alternatives to each other, not to the picture. */
const ALTERNATE_GROUP = 2;
/** ISO 639-2 `eng`, five bits a letter. */
const LANGUAGE_ENGLISH = 0x15c7;
const FONT_ID = 1;
const FONT_SIZE = 18;
