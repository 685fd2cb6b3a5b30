import type { TextTracks } from './text-tracks.ts';

/**
 * Writes the head of an ordinary MP4 (ISO/IEC 14496-12) for frames that are there already: `ftyp` and `moov` first, so
 * that a player begins before it has the rest. All times are in milliseconds, which is the tracks' timescale too.
 */

/** The video's frames, in the order of the file. */
export interface VideoFrames {
  readonly sizes: readonly number[];
  /** When each is shown, from 0; every one later than the one before. */
  readonly times: readonly number[];
  /** Indices of those that are decodable without any before them. */
  readonly keys: readonly number[];
  /** When the last one stops being shown. */
  readonly endMs: number;
}

export interface MovieFacts {
  readonly width: number;
  readonly height: number;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  /** Contents of the sample description box, `stsd`. */
  readonly description: Uint8Array;
  readonly comment?: string | undefined;
  /** Events and chapters, for other players. */
  readonly text?: TextTracks | undefined;
}

/** A place for the frames: `mdat` begins `gap` bytes after the head. */
export interface MovieHead {
  /** `ftyp`, `moov` and the texts. */
  readonly bytes: Buffer;
  /** `mdat`'s header, which stands right before the first frame. */
  readonly dataHeader: Buffer;
  /** Of the first frame in the file. */
  readonly firstFrame: number;
}

/**
 * @param gap bytes that will stand between the head and `mdat`
 */
export function encodeMovieHead(frames: VideoFrames, facts: MovieFacts, gap: number): MovieHead {
  const dataBytes = frames.sizes.reduce((sum, size) => sum + size, 0);
  const dataHeader = encodeDataHeader(dataBytes);
  const texts = facts.text?.data ?? Buffer.alloc(0);
  // The places of frames and texts change the numbers in `moov`, not its length.
  const head = (firstFrame: number, firstText: number) =>
    Buffer.concat([encodeFileType(), encodeMovie(frames, facts, firstFrame, firstText, dataBytes), texts]);
  const length = head(0, 0).length;
  const firstFrame = length + gap + dataHeader.length;
  return { bytes: head(firstFrame, length - texts.length), dataHeader, firstFrame };
}

function encodeFileType(): Buffer {
  return box('ftyp', ascii('isom'), u32(0x200), ascii('isomiso2avc1mp41'));
}

function encodeDataHeader(dataBytes: number): Buffer {
  if (dataBytes + 8 <= MAX_U32) return Buffer.concat([u32(dataBytes + 8), ascii('mdat')]);
  return Buffer.concat([u32(1), ascii('mdat'), u64(dataBytes + 16)]);
}

function encodeMovie(
  frames: VideoFrames,
  facts: MovieFacts,
  firstFrame: number,
  firstText: number,
  dataBytes: number,
): Buffer {
  const { comment, text } = facts;
  const times = [u64(movieTime(facts.startedAt)), u64(movieTime(facts.startedAt))];
  const duration = Math.round(frames.endMs);
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
        ...[u32(facts.width * 0x10000), u32(facts.height * 0x10000)],
      ),
      ...(text === undefined ? [] : [text.reference]),
      box(
        'mdia',
        fullBox('mdhd', 1, 0, ...times, u32(TIMESCALE), u64(duration), u16(LANGUAGE_UNDETERMINED), u16(0)),
        fullBox('hdlr', 0, 0, u32(0), ascii('vide'), zeros(12), ascii('VideoHandler\0')),
        box(
          'minf',
          fullBox('vmhd', 0, 1, zeros(8)),
          box('dinf', fullBox('dref', 0, 0, u32(1), fullBox('url ', 0, 1))),
          encodeSampleTable(frames, facts.description, firstFrame, firstFrame + dataBytes > MAX_U32),
        ),
      ),
    ),
    ...(text === undefined ? [] : [text.tracks(firstText)]),
    box(
      'udta',
      ...(comment === undefined ? [] : [encodeComment(comment)]),
      ...(text === undefined ? [] : [text.chapterList]),
    ),
  );
}

/** Sections 8.5.2, 8.6.1.2, 8.6.2, 8.7.3, 8.7.4, 8.7.5. */
function encodeSampleTable(frames: VideoFrames, description: Uint8Array, firstFrame: number, wide: boolean): Buffer {
  const { sizes, times, keys, endMs } = frames;
  const durations = times.map((time, i) => Math.round(times[i + 1] ?? endMs) - Math.round(time));
  const runs: [count: number, duration: number][] = [];
  for (const duration of durations) {
    const run = runs.at(-1);
    if (run !== undefined && run[1] === duration) run[0]++;
    else runs.push([1, duration]);
  }
  const offsets: number[] = [];
  let offset = firstFrame;
  sizes.forEach((size, i) => {
    if (i % CHUNK_FRAMES === 0) offsets.push(offset);
    offset += size;
  });
  const rest = sizes.length % CHUNK_FRAMES;
  const chunkRuns = [
    ...(sizes.length >= CHUNK_FRAMES ? [[1, CHUNK_FRAMES, 1]] : []),
    ...(rest > 0 ? [[offsets.length, rest, 1]] : []),
  ];
  return box(
    'stbl',
    box('stsd', description),
    fullBox('stts', 0, 0, u32(runs.length), u32s(runs.flat())),
    fullBox('stss', 0, 0, u32(keys.length), u32s(keys.map((index) => index + 1))),
    fullBox('stsc', 0, 0, u32(chunkRuns.length), u32s(chunkRuns.flat())),
    fullBox('stsz', 0, 0, u32(0), u32(sizes.length), u32s(sizes)),
    wide
      ? fullBox('co64', 0, 0, u32(offsets.length), ...offsets.map(u64))
      : fullBox('stco', 0, 0, u32(offsets.length), u32s(offsets)),
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

function box(type: string, ...parts: readonly Uint8Array[]): Buffer {
  const size = parts.reduce((sum, part) => sum + part.length, 8);
  return Buffer.concat([u32(size), ascii(type), ...parts]);
}

function fullBox(type: string, version: number, flags: number, ...parts: readonly Uint8Array[]): Buffer {
  return box(type, u32(version * 0x1000000 + flags), ...parts);
}

function ascii(text: string): Buffer {
  return Buffer.from(text, 'latin1');
}

function u16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value);
  return bytes;
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

function u32s(values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4);
  values.forEach((value, i) => {
    bytes.writeUInt32BE(value, i * 4);
  });
  return bytes;
}

function u64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(value));
  return bytes;
}

const zeros = (length: number): Buffer => Buffer.alloc(length);

const TIMESCALE = 1000;
export const VIDEO_TRACK = 1;
const TRACK_ENABLED = 1;
const TRACK_IN_MOVIE = 2;
/** ISO 639-2 "und", five bits a letter. */
const LANGUAGE_UNDETERMINED = 0x55c4;
const DATA_UTF8 = 1;
const MAX_U32 = 2 ** 32 - 1;
const SECONDS_1904_TO_1970 = 2_082_844_800;
const UNITY_MATRIX = u32s([0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000]);
/** As many as a player may have to fetch at once to show one. */
const CHUNK_FRAMES = 16;
