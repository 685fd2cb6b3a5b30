import { type FileHandle, open } from 'node:fs/promises';

/**
 * Reads what a fragmented MP4 of ours really holds (ISO/IEC 14496-12 section 8.8), whatever became of its writer.
 *
 * A kill leaves a file that ends in the middle of a fragment. Everything up to the last whole `moof` + `mdat` plays.
 */
export interface FragmentScan {
  /** The file up to here is whole; `undefined` tail bytes follow when the file is longer. */
  readonly playableBytes: number;
  readonly fileBytes: number;
  readonly frames: number;
  /** Timestamp of the last frame, from the segment's start. */
  readonly lastFrameMs: number;
  /** Decoder configuration (`avcC` contents); segments join without re-encoding when these are equal. */
  readonly configuration: Uint8Array;
}

/** `undefined` when the file is not there or holds no whole frame. */
export async function scanFragments(path: string): Promise<FragmentScan | undefined> {
  const file = await open(path, 'r').catch(() => undefined);
  if (file === undefined) return undefined;
  try {
    const fileBytes = (await file.stat()).size;
    let configuration: Uint8Array | undefined;
    let timescale = 1000;
    let playableBytes = 0;
    let frames = 0;
    let lastFrame = 0;
    let pending: FragmentTimes | undefined;
    for await (const box of topLevelBoxes(file, fileBytes)) {
      if (box.type === 'moov') {
        const moov = await readBox(file, box);
        configuration = moov && findConfiguration(moov);
        timescale = (moov && findTimescale(moov)) ?? timescale;
      } else if (box.type === 'moof') {
        const moof = await readBox(file, box);
        pending = moof && readFragment(moof);
      } else if (box.type === 'mdat' && pending !== undefined) {
        playableBytes = box.end;
        frames += pending.frames;
        lastFrame = pending.lastFrame;
        pending = undefined;
      }
    }
    if (configuration === undefined || frames === 0) return undefined;
    return { playableBytes, fileBytes, frames, lastFrameMs: (lastFrame / timescale) * 1000, configuration };
  } finally {
    await file.close();
  }
}

/** Duration in milliseconds from the `mvhd` of an ordinary MP4; `undefined` when there is none. */
export async function readDuration(path: string): Promise<number | undefined> {
  const file = await open(path, 'r');
  try {
    for await (const box of topLevelBoxes(file, (await file.stat()).size)) {
      if (box.type !== 'moov') continue;
      const moov = await readBox(file, box);
      const mvhd = moov && child(moov, 'mvhd');
      if (mvhd === undefined) return undefined;
      const wide = mvhd.getUint8(0) === 1;
      const timescale = mvhd.getUint32(wide ? 20 : 12);
      const duration = wide ? Number(mvhd.getBigUint64(24)) : mvhd.getUint32(16);
      return (duration / timescale) * 1000;
    }
    return undefined;
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  } finally {
    await file.close();
  }
}

export interface BoxPlace {
  readonly type: string;
  /** Offset of the contents, after size and type. */
  readonly start: number;
  readonly end: number;
}

interface FragmentTimes {
  readonly frames: number;
  readonly lastFrame: number;
}

/** A `moov` or `moof` of ours is a few hundred bytes, of a joined hour about 60 KB. */
const MAX_HEADER_BOX = 64 * 1024 * 1024;

/** Whole boxes only; stops at the first that does not fit. */
export async function* topLevelBoxes(file: FileHandle, fileBytes: number): AsyncGenerator<BoxPlace> {
  const header = new DataView(new ArrayBuffer(16));
  let offset = 0;
  while (offset + 8 <= fileBytes) {
    const { bytesRead } = await file.read(header, 0, 16, offset);
    if (bytesRead < 8) return;
    let size = header.getUint32(0);
    let headerSize = 8;
    if (size === 1) {
      if (bytesRead < 16) return;
      size = Number(header.getBigUint64(8));
      headerSize = 16;
    }
    const end = size === 0 ? fileBytes : offset + size;
    if (size !== 0 && size < headerSize) return;
    if (end > fileBytes) return;
    yield { type: boxType(header, 4), start: offset + headerSize, end };
    offset = end;
  }
}

export async function readBox(file: FileHandle, box: BoxPlace): Promise<DataView | undefined> {
  const size = box.end - box.start;
  if (size > MAX_HEADER_BOX) return undefined;
  const bytes = new Uint8Array(size);
  await file.read(bytes, 0, size, box.start);
  return new DataView(bytes.buffer);
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

function findConfiguration(moov: DataView): Uint8Array | undefined {
  const stbl = child(child(child(child(moov, 'trak'), 'mdia'), 'minf'), 'stbl');
  // Section 8.5.2: version, flags and entry count come before the entries; 12.1.3: 78 bytes of fields before its boxes.
  const avcC = child(child(child(stbl, 'stsd'), 'avc1', 8), 'avcC', 78);
  return avcC && new Uint8Array(avcC.buffer, avcC.byteOffset, avcC.byteLength);
}

function findTimescale(moov: DataView): number | undefined {
  const mdhd = child(child(child(moov, 'trak'), 'mdia'), 'mdhd');
  if (mdhd === undefined || mdhd.byteLength < 24) return undefined;
  return mdhd.getUint32(mdhd.getUint8(0) === 1 ? 20 : 12);
}

/** Sections 8.8.7 (tfhd), 8.8.8 (trun) and 8.8.12 (tfdt). */
function readFragment(moof: DataView): FragmentTimes | undefined {
  try {
    const traf = child(moof, 'traf');
    const tfhd = child(traf, 'tfhd');
    const tfdt = child(traf, 'tfdt');
    const trun = child(traf, 'trun');
    if (tfhd === undefined || tfdt === undefined || trun === undefined) return undefined;
    const base = tfdt.getUint8(0) === 1 ? Number(tfdt.getBigUint64(4)) : tfdt.getUint32(4);
    const tfhdFlags = tfhd.getUint32(0) & 0xffffff;
    let at = 8 + (tfhdFlags & 0x1 ? 8 : 0) + (tfhdFlags & 0x2 ? 4 : 0);
    const defaultDuration = tfhdFlags & 0x8 ? tfhd.getUint32(at) : 0;
    const flags = trun.getUint32(0) & 0xffffff;
    const frames = trun.getUint32(4);
    const fields = [0x100, 0x200, 0x400, 0x800].filter((flag) => flags & flag).length;
    at = 8 + (flags & 0x1 ? 4 : 0) + (flags & 0x4 ? 4 : 0);
    let lastFrame = base;
    for (let i = 0; i + 1 < frames; i++) {
      lastFrame += flags & 0x100 ? trun.getUint32(at + i * fields * 4) : defaultDuration;
    }
    return frames === 0 ? undefined : { frames, lastFrame };
  } catch (error) {
    // A field past the box's end: not a fragment that anything can play.
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}
