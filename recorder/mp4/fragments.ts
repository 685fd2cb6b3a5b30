import { FlvReader } from './flv.ts';
import { encodeFileType, encodeMovie, VIDEO_TRACK } from './movie-box.ts';
import { ascii, BOX_HEADER, box, fullBox, u16, u32, u64, zeros } from './mp4-boxes.ts';

/**
 * Makes a fragmented MP4 (ISO/IEC 14496-12 section 8.8) of what an encoder says, a fragment for each frame as soon as that
 * is there. ffmpeg's own muxer would keep each until it knows how long it is shown: until the next one ([ADR 0052]).
 */
export class Fragmenter {
  readonly #width: number;
  readonly #height: number;
  readonly #flv = new FlvReader();
  #frames = 0;

  constructor(width: number, height: number) {
    this.#width = width;
    this.#height = height;
  }

  /**
   * @param bytes of an FLV; stay as they are
   * @returns what they make whole: the head, and fragments, each in one piece
   */
  push(bytes: Uint8Array): Buffer[] {
    return this.#flv.push(bytes).map((part) => {
      if (part.kind === 'configuration') return encodeHead(this.#width, this.#height, part.bytes);
      this.#frames += 1;
      return encodeFragment(this.#frames, part);
    });
  }
}

/**
 * Says in each frame how long it is shown, and leaves out the last, of which nobody knows yet. A browser takes a frame that
 * comes later than the one before it seems to end for one that has lost what it is made from, and shows the one that is said
 * to be there at a time.
 * @param bytes of such an MP4 from the beginning of a box on; changed
 * @param isEnded the last frame is the segment's last
 * @returns how many of the bytes can be played
 */
export function fitDurations(bytes: Buffer, isEnded: boolean): number {
  let whole = 0;
  let moof: number | undefined;
  let before: number | undefined;
  for (let at = 0; at + BOX_HEADER <= bytes.length; ) {
    const size = bytes.readUInt32BE(at);
    const type = bytes.toString('latin1', at + 4, at + BOX_HEADER);
    if (size < BOX_HEADER || at + size > bytes.length) break;
    if (type === 'moof') moof = at;
    at += size;
    if (type === 'moov') whole = at;
    if (type !== 'mdat' || moof === undefined) continue;
    whole = isEnded ? at : moof;
    const isOurs = (place: number) => bytes.readUInt32BE(place) === MOOF_BYTES;
    if (before !== undefined && isOurs(before) && isOurs(moof)) {
      const shown = bytes.readBigUInt64BE(moof + TIME_AT) - bytes.readBigUInt64BE(before + TIME_AT);
      if (shown > 0n && shown < 2n ** 32n) bytes.writeUInt32BE(Number(shown), before + DURATION_AT);
    }
    before = moof;
  }
  return whole;
}

/** `ftyp` and a `moov` without frames. */
function encodeHead(width: number, height: number, configuration: Uint8Array): Buffer {
  const sampleTable = box(
    'stbl',
    fullBox('stsd', 0, 0, u32(1), encodeSampleEntry(width, height, configuration)),
    fullBox('stts', 0, 0, u32(0)),
    fullBox('stsc', 0, 0, u32(0)),
    fullBox('stsz', 0, 0, u32(0, 0)),
    fullBox('stco', 0, 0, u32(0)),
  );
  // Section 8.8.3: sample description, duration, size and flags where a fragment does not say.
  const mvex = box('mvex', fullBox('trex', 0, 0, u32(VIDEO_TRACK, 1, 0, 0, OTHER_FRAME)));
  return Buffer.concat([encodeFileType(), encodeMovie({ width, height }, 0, 0, sampleTable, mvex)]);
}

/** Section 12.1.3; ISO/IEC 14496-15 section 5.4.2. */
function encodeSampleEntry(width: number, height: number, configuration: Uint8Array): Buffer {
  return box(
    'avc1',
    ...[zeros(6), u16(1), zeros(16), u16(width, height)], // reserved, data reference, pre-defined and reserved
    ...[u32(DOTS_PER_INCH, DOTS_PER_INCH, 0), u16(1)], // frames in a sample
    ...[zeros(32), u16(DEPTH_COLOUR, 0xffff)], // name of the compressor
    box('avcC', configuration),
    // BT.709: primaries, transfer, matrix; limited range.
    box('colr', ascii('nclx'), u16(1, 1, 1), zeros(1)),
    box('pasp', u32(1, 1)),
  );
}

/** Sections 8.8.4 to 8.8.8 and 8.8.12: `moof` and its `mdat`. */
function encodeFragment(sequence: number, { bytes, time, key }: { bytes: Buffer; time: number; key: boolean }): Buffer {
  const frame = u32(1, MOOF_BYTES + BOX_HEADER, FRAME_MS, bytes.length, key ? KEY_FRAME : OTHER_FRAME);
  const moof = box(
    'moof',
    fullBox('mfhd', 0, 0, u32(sequence)),
    box(
      'traf',
      fullBox('tfhd', 0, BASE_IS_MOOF, u32(VIDEO_TRACK)),
      fullBox('tfdt', 1, 0, u64(time)),
      fullBox('trun', 0, TRUN_FIELDS, frame),
    ),
  );
  return Buffer.concat([moof, box('mdat', bytes)]);
}

/** A step of the frames' grid. How long a frame is shown, the next one's time says. */
const FRAME_MS = 20;
/** Of a fragment of ours: how long its `moof` is, and where its time and duration stand. */
const MOOF_BYTES = 100;
const TIME_AT = 60;
const DURATION_AT = 88;
const DOTS_PER_INCH = 0x480000;
const DEPTH_COLOUR = 24;
/** Section 8.8.3.1: depends on no other frame; depends on others, and is no sync sample. */
const KEY_FRAME = 0x2000000;
const OTHER_FRAME = 0x1010000;
/** Section 8.8.7, default-base-is-moof. */
const BASE_IS_MOOF = 0x20000;
/** Section 8.8.8: data offset, and duration, size and flags of each frame. */
const TRUN_FIELDS = 0x1 | 0x100 | 0x200 | 0x400;
