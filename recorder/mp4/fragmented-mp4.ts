import type { ByteSource } from '../storage/byte-source.ts';

/**
 * Reads what a fragmented MP4 of ours really holds (ISO/IEC 14496-12 section 8.8), whatever became of its writer.
 *
 * A kill leaves a file that ends in the middle of a fragment. Everything up to the last whole `moof` + `mdat` plays.
 */
export interface FragmentScan {
  /** The file up to here is whole; `undefined` tail bytes follow when the file is longer. */
  readonly playableBytes: number;
  readonly fileBytes: number;
  readonly frames: readonly SegmentFrame[];
  /** Timestamp of the last frame, from the segment's start. */
  readonly lastFrameMs: number;
  /** Decoder configuration (`avcC` contents); segments join without re-encoding when these are equal. */
  readonly configuration: Uint8Array;
  /** The sample description, contents of `stsd`. */
  readonly description: Uint8Array;
}

/** One frame of a segment, in the order of the file. */
export interface SegmentFrame {
  readonly offset: number;
  readonly size: number;
  /** From the segment's start. */
  readonly timeMs: number;
  /** Decodable without any before it. */
  readonly key: boolean;
}

/** `undefined` when there is no whole frame in it. */
export async function scanFragments(file: ByteSource): Promise<FragmentScan | undefined> {
  let description: Uint8Array | undefined;
  let configuration: Uint8Array | undefined;
  let timescale = 1000;
  let playableBytes = 0;
  const frames: SegmentFrame[] = [];
  let pending: FragmentFrame[] | undefined;
  for await (const box of topLevelBoxes(file)) {
    if (box.type === 'moov') {
      const moov = await readBox(file, box);
      description = moov && bytesOf(findDescription(moov));
      configuration = moov && bytesOf(findConfiguration(moov));
      timescale = (moov && findTimescale(moov)) || timescale;
    } else if (box.type === 'moof') {
      const moof = await readBox(file, box);
      pending = moof && readFragment(moof);
    } else if (box.type === 'mdat' && pending !== undefined) {
      let offset = box.start;
      const fits = pending.reduce((sum, { size }) => sum + size, 0) === box.end - box.start;
      if (!fits) break;
      for (const { size, time, key } of pending) {
        frames.push({ offset, size, timeMs: (time / timescale) * 1000, key });
        offset += size;
      }
      playableBytes = box.end;
      pending = undefined;
    }
  }
  const last = frames.at(-1);
  if (configuration === undefined || description === undefined || last === undefined) return undefined;
  const fileBytes = file.size;
  return { playableBytes, fileBytes, frames, lastFrameMs: last.timeMs, configuration, description };
}

export interface BoxPlace {
  readonly type: string;
  /** Offset of the contents, after size and type. */
  readonly start: number;
  readonly end: number;
}

interface FragmentFrame {
  readonly size: number;
  readonly time: number;
  readonly key: boolean;
}

/** A `moov` or `moof` of ours is a few hundred bytes, of a joined hour about 60 KB. */
const MAX_HEADER_BOX = 64 * 1024 * 1024;

/** Whole boxes only; stops at the first that does not fit. */
export async function* topLevelBoxes(file: ByteSource): AsyncGenerator<BoxPlace> {
  let offset = 0;
  while (offset + 8 <= file.size) {
    const header = await file.read(offset, 16);
    if (header.length < 8) return;
    let size = header.readUInt32BE(0);
    let headerSize = 8;
    if (size === 1) {
      if (header.length < 16) return;
      size = Number(header.readBigUInt64BE(8));
      headerSize = 16;
    }
    const end = size === 0 ? file.size : offset + size;
    if (size !== 0 && size < headerSize) return;
    if (end > file.size) return;
    yield { type: header.toString('latin1', 4, 8), start: offset + headerSize, end };
    offset = end;
  }
}

export async function readBox(file: ByteSource, box: BoxPlace): Promise<DataView | undefined> {
  const size = box.end - box.start;
  if (size > MAX_HEADER_BOX) return undefined;
  const bytes = await file.read(box.start, size);
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

function boxType(view: DataView, offset: number): string {
  return String.fromCharCode(...[0, 1, 2, 3].map((i) => view.getUint8(offset + i)));
}

/** Contents of the first child box of a type, `from` bytes into the parent's contents. */
export function child(parent: DataView | undefined, type: string, from = 0): DataView | undefined {
  if (parent === undefined) return undefined;
  let offset = from;
  while (offset + 8 <= parent.byteLength) {
    const size = parent.getUint32(offset);
    if (size < 8 || offset + size > parent.byteLength) return undefined;
    if (boxType(parent, offset + 4) === type) {
      return new DataView(parent.buffer, parent.byteOffset + offset + 8, size - 8);
    }
    offset += size;
  }
  return undefined;
}

function findDescription(moov: DataView): DataView | undefined {
  return child(child(child(child(child(moov, 'trak'), 'mdia'), 'minf'), 'stbl'), 'stsd');
}

function findConfiguration(moov: DataView): DataView | undefined {
  // Section 8.5.2: version, flags and entry count come before the entries; 12.1.3: 78 bytes of fields before its boxes.
  return child(child(findDescription(moov), 'avc1', 8), 'avcC', 78);
}

/** A copy: the box that it is in may be large. */
function bytesOf(view: DataView | undefined): Uint8Array | undefined {
  return view && new Uint8Array(view.buffer, view.byteOffset, view.byteLength).slice();
}

function findTimescale(moov: DataView): number | undefined {
  const mdhd = child(child(child(moov, 'trak'), 'mdia'), 'mdhd');
  if (mdhd === undefined || mdhd.byteLength < 24) return undefined;
  return mdhd.getUint32(mdhd.getUint8(0) === 1 ? 20 : 12);
}

/** Sections 8.8.7 (tfhd), 8.8.8 (trun) and 8.8.12 (tfdt). */
function readFragment(moof: DataView): FragmentFrame[] | undefined {
  try {
    const traf = child(moof, 'traf');
    const tfhd = child(traf, 'tfhd');
    const tfdt = child(traf, 'tfdt');
    const trun = child(traf, 'trun');
    if (tfhd === undefined || tfdt === undefined || trun === undefined) return undefined;
    const defaults = readDefaults(tfhd);
    let time = tfdt.getUint8(0) === 1 ? Number(tfdt.getBigUint64(4)) : tfdt.getUint32(4);
    const flags = trun.getUint32(0) & 0xffffff;
    const count = trun.getUint32(4);
    let at = 8 + (flags & 0x1 ? 4 : 0);
    const firstFlags = flags & 0x4 ? trun.getUint32(at) : undefined;
    if (flags & 0x4) at += 4;
    const field = (flag: number, otherwise: number): number => {
      if (!(flags & flag)) return otherwise;
      at += 4;
      return trun.getUint32(at - 4);
    };
    const frames: FragmentFrame[] = [];
    for (let i = 0; i < count; i++) {
      const duration = field(0x100, defaults.duration);
      const size = field(0x200, defaults.size);
      const own = field(0x400, i === 0 && firstFlags !== undefined ? firstFlags : defaults.flags);
      field(0x800, 0); // composition time offset: ours have none
      frames.push({ size, time, key: (own & NON_SYNC_SAMPLE) === 0 });
      time += duration;
    }
    return frames.length === 0 ? undefined : frames;
  } catch (error) {
    // A field past the box's end: not a fragment that anything can play.
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

function readDefaults(tfhd: DataView): { duration: number; size: number; flags: number } {
  const flags = tfhd.getUint32(0) & 0xffffff;
  let at = 8 + (flags & 0x1 ? 8 : 0) + (flags & 0x2 ? 4 : 0);
  const field = (flag: number): number => {
    if (!(flags & flag)) return 0;
    at += 4;
    return tfhd.getUint32(at - 4);
  };
  return { duration: field(0x8), size: field(0x10), flags: field(0x20) };
}

/** Section 8.8.3.1, sample_is_non_sync_sample. */
const NON_SYNC_SAMPLE = 0x10000;
