import { type Frame, findTopLevelBox } from './mp4-frames.ts';

/** What a piece of a segment that is still being recorded says about itself (ISO/IEC 14496-12 section 8.8). */
export interface Fragments {
  /** `avc1.64001f`, as `MediaSource` wants to know it; only where the piece has the segment's header. */
  readonly codec: string | undefined;
  /** Milliseconds since the segment's first frame. */
  readonly frames: readonly Frame[];
  /** Where the header ends; 0 without one. */
  readonly headerBytes: number;
}

/** @param timescale of the segment, where an earlier piece had its header */
export function readFragments(piece: Uint8Array, timescale = RECORDER_TIMESCALE): Fragments {
  const view = new DataView(piece.buffer, piece.byteOffset, piece.byteLength);
  const header = findTopLevelBox(view, 'moov');
  const moov = header && new DataView(piece.buffer, piece.byteOffset + header.start, header.end - header.start);
  const frames: Frame[] = [];
  try {
    for (const { type, start, end } of boxes(view, 0, view.byteLength)) {
      if (type === 'moof') frames.push(...framesOf(view, start, end, timescale));
    }
  } catch (error) {
    // Bars on a timeline: what cannot be read has none.
    if (!(error instanceof RangeError)) throw error;
  }
  return { codec: moov && codecOf(moov), frames, headerBytes: header?.end ?? 0 };
}

/** Our recorder counts milliseconds. */
const RECORDER_TIMESCALE = 1000;

/** RFC 6381 section 3.3: profile, constraints and level, the second to fourth byte of `avcC`. */
function codecOf(moov: DataView): string | undefined {
  for (let at = 0; at + 8 <= moov.byteLength; at++) {
    if (moov.getUint32(at) !== AVCC) continue;
    const hex = [5, 6, 7].map((offset) =>
      moov
        .getUint8(at + offset)
        .toString(16)
        .padStart(2, '0'),
    );
    return `avc1.${hex.join('')}`;
  }
  return undefined;
}

/** `avcC` */
const AVCC = 0x61766343;

/** Sections 8.8.7 (tfhd), 8.8.8 (trun) and 8.8.12 (tfdt). */
function framesOf(view: DataView, start: number, end: number, timescale: number): Frame[] {
  const traf = find(view, start, end, 'traf');
  const tfhd = traf && find(view, traf.start, traf.end, 'tfhd');
  const tfdt = traf && find(view, traf.start, traf.end, 'tfdt');
  const trun = traf && find(view, traf.start, traf.end, 'trun');
  if (tfhd === undefined || tfdt === undefined || trun === undefined) return [];
  const defaults = readDefaults(view, tfhd.start);
  const wide = view.getUint8(tfdt.start) === 1;
  let time = wide ? Number(view.getBigUint64(tfdt.start + 4)) : view.getUint32(tfdt.start + 4);
  const flags = view.getUint32(trun.start) & 0xffffff;
  const count = Math.min(view.getUint32(trun.start + 4), MOST_FRAMES);
  let at = trun.start + 8 + (flags & 0x1 ? 4 : 0) + (flags & 0x4 ? 4 : 0);
  const field = (flag: number, otherwise: number): number => {
    if ((flags & flag) === 0) return otherwise;
    at += 4;
    return view.getUint32(at - 4);
  };
  const frames: Frame[] = [];
  for (let i = 0; i < count; i++) {
    const duration = field(0x100, defaults.duration);
    const bytes = field(0x200, defaults.size);
    field(0x400, 0);
    field(0x800, 0);
    frames.push({ at: (time / timescale) * 1000, bytes });
    time += duration;
  }
  return frames;
}

const MOST_FRAMES = 10_000;

function readDefaults(view: DataView, start: number): { duration: number; size: number } {
  const flags = view.getUint32(start) & 0xffffff;
  let at = start + 8 + (flags & 0x1 ? 8 : 0) + (flags & 0x2 ? 4 : 0);
  const field = (flag: number): number => {
    if ((flags & flag) === 0) return 0;
    at += 4;
    return view.getUint32(at - 4);
  };
  return { duration: field(0x8), size: field(0x10) };
}

interface Box {
  readonly type: string;
  readonly start: number;
  readonly end: number;
}

function find(view: DataView, start: number, end: number, type: string): Box | undefined {
  for (const box of boxes(view, start, end)) if (box.type === type) return box;
  return undefined;
}

function* boxes(view: DataView, start: number, end: number): Generator<Box> {
  for (let at = start; at + 8 <= end; ) {
    const size = view.getUint32(at);
    if (size < 8 || at + size > end) return;
    const type = String.fromCharCode(...[4, 5, 6, 7].map((offset) => view.getUint8(at + offset)));
    yield { type, start: at + 8, end: at + size };
    at += size;
  }
}
