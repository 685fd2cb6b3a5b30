import { ascii, box, DATA_IN_FILE, fullBox, UNITY_MATRIX, u16, u32, u64, zeros } from './mp4-boxes.ts';
import type { TextTracks } from './text-tracks.ts';

/** What the `moov` of a recording, and of each segment of it, says of them (ISO/IEC 14496-12 section 8.2). */
export interface MovieFacts {
  readonly width: number;
  readonly height: number;
  /** Milliseconds since the epoch. */
  readonly startedAt?: number | undefined;
  readonly comment?: string | undefined;
  /** Events and chapters, for other players. */
  readonly text?: TextTracks | undefined;
}

/** All times are in milliseconds, which is the tracks' timescale too. */
export const VIDEO_TRACK = 1;

export function encodeFileType(): Buffer {
  return box('ftyp', ascii('isom'), u32(0x200), ascii('isomiso2avc1mp41'));
}

/**
 * @param sampleTable `stbl` of the video
 * @param firstText where the texts begin in the file
 * @param more what else belongs into `moov`
 */
export function encodeMovie(
  { width, height, startedAt, comment, text }: MovieFacts,
  duration: number,
  firstText: number,
  sampleTable: Buffer,
  ...more: readonly Buffer[]
): Buffer {
  const created = u64(startedAt === undefined ? 0 : movieTime(startedAt));
  const times = [created, created];
  return box(
    'moov',
    fullBox(
      ...(['mvhd', 1, 0] as const),
      ...[...times, u32(TIMESCALE), u64(duration)],
      ...[u32(0x10000), u16(0x100), zeros(10), UNITY_MATRIX, zeros(24)], // rate, volume, reserved, matrix, pre-defined
      u32(VIDEO_TRACK + 1 + (text?.count ?? 0)), // next track
    ),
    box(
      'trak',
      fullBox(
        ...(['tkhd', 1, TRACK_ENABLED | TRACK_IN_MOVIE] as const),
        ...[...times, u32(VIDEO_TRACK), u32(0), u64(duration)],
        ...[zeros(8), u16(0), u16(0), u16(0), zeros(2), UNITY_MATRIX], // reserved, layer, group, volume, reserved, matrix
        ...[u32(width * 0x10000), u32(height * 0x10000)],
      ),
      ...(text === undefined ? [] : [text.reference]),
      box(
        'mdia',
        fullBox('mdhd', 1, 0, ...times, u32(TIMESCALE), u64(duration), u16(LANGUAGE_UNDETERMINED), u16(0)),
        fullBox('hdlr', 0, 0, u32(0), ascii('vide'), zeros(12), ascii('VideoHandler\0')),
        box('minf', fullBox('vmhd', 0, 1, zeros(8)), DATA_IN_FILE, sampleTable),
      ),
    ),
    ...(text === undefined ? [] : [text.tracks(firstText)]),
    ...more,
    box(
      'udta',
      ...(comment === undefined ? [] : [encodeComment(comment)]),
      ...(text === undefined ? [] : [text.chapterList]),
    ),
  );
}

/** A comment as iTunes and everybody since writes it: `meta` / `ilst`. */
function encodeComment(comment: string): Buffer {
  const data = box('data', u32(DATA_UTF8), u32(0), Buffer.from(comment, 'utf8'));
  const handler = fullBox('hdlr', 0, 0, u32(0), ascii('mdirappl'), zeros(8), ascii('\0'));
  return fullBox('meta', 0, 0, handler, box('ilst', box('\xa9cmt', data)));
}

/** Seconds since 1904, as MP4 counts. */
function movieTime(epochMs: number): number {
  return Math.max(0, Math.floor(epochMs / 1000)) + SECONDS_1904_TO_1970;
}

const TIMESCALE = 1000;
const TRACK_ENABLED = 1;
const TRACK_IN_MOVIE = 2;
/** ISO 639-2 "und", five bits a letter. */
const LANGUAGE_UNDETERMINED = 0x55c4;
const DATA_UTF8 = 1;
const SECONDS_1904_TO_1970 = 2_082_844_800;
