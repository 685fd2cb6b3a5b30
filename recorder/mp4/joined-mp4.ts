import { encodeFileType, encodeMovie, type MovieFacts } from './movie-box.ts';
import { ascii, BOX_HEADER, box, fullBox, u32, u32s, u64 } from './mp4-boxes.ts';

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

export interface VideoFacts extends MovieFacts {
  /** Contents of the sample description box, `stsd`. */
  readonly description: Uint8Array;
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
export function encodeMovieHead(frames: VideoFrames, facts: VideoFacts, gap: number): MovieHead {
  const dataBytes = frames.sizes.reduce((sum, size) => sum + size, 0);
  const dataHeader = encodeDataHeader(dataBytes);
  const texts = facts.text?.data ?? Buffer.alloc(0);
  // The places of frames and texts change the numbers in `moov`, not its length.
  const head = (firstFrame: number, firstText: number) => {
    const wide = firstFrame + dataBytes > MAX_U32;
    const sampleTable = encodeSampleTable(frames, facts.description, firstFrame, wide);
    return Buffer.concat([
      encodeFileType(),
      encodeMovie(facts, Math.round(frames.endMs), firstText, sampleTable),
      texts,
    ]);
  };
  const length = head(0, 0).length;
  const firstFrame = length + gap + dataHeader.length;
  return { bytes: head(firstFrame, length - texts.length), dataHeader, firstFrame };
}

/** Of the `mdat` box that holds the frames; longer where they are past 4 GB. */
export function encodeDataHeader(dataBytes: number): Buffer {
  if (dataBytes + BOX_HEADER <= MAX_U32) return Buffer.concat([u32(dataBytes + BOX_HEADER), ascii('mdat')]);
  return Buffer.concat([u32(1), ascii('mdat'), u64(dataBytes + BOX_HEADER + 8)]);
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

const MAX_U32 = 2 ** 32 - 1;
/** As many as a player may have to fetch at once to show one. */
const CHUNK_FRAMES = 16;
