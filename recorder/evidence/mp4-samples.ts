import { type BoxPlace, child, readBox } from '../mp4/fragmented-mp4.ts';
import type { ByteSource } from '../storage/byte-source.ts';

/** The frames of an ordinary MP4 with one track, in the order of the file. */
export interface SampleTable {
  readonly count: number;
  /** Offset in the file of each, and one more: the end of the last. */
  readonly offsets: Float64Array;
  /** Milliseconds since the first. */
  readonly times: Float64Array;
}

/**
 * Reads the sample table (ISO/IEC 14496-12 sections 8.6.1.2, 8.7.3, 8.7.4, 8.7.5). `undefined` when there is none, or
 * when samples do not lie one behind the other, as ours do. Throws `RangeError` where a box is shorter than it says.
 */
export async function readSampleTable(file: ByteSource, moovPlace: BoxPlace): Promise<SampleTable | undefined> {
  const moov = await readBox(file, moovPlace);
  const mdia = child(child(moov, 'trak'), 'mdia');
  const mdhd = child(mdia, 'mdhd');
  const stbl = child(child(mdia, 'minf'), 'stbl');
  const stsz = child(stbl, 'stsz');
  const stsc = child(stbl, 'stsc');
  const stts = child(stbl, 'stts');
  const stco = child(stbl, 'stco');
  const co64 = child(stbl, 'co64');
  if (mdhd === undefined || stsz === undefined || stsc === undefined || stts === undefined) return undefined;
  const timescale = mdhd.getUint32(mdhd.getUint8(0) === 1 ? 20 : 12);
  const equalSize = stsz.getUint32(4);
  const count = stsz.getUint32(8);
  if (timescale === 0 || count === 0 || count > MAX_SAMPLES || (equalSize === 0 && stsz.byteLength < 12 + count * 4))
    return undefined;
  const sizeOf = (sample: number) => (equalSize === 0 ? stsz.getUint32(12 + sample * 4) : equalSize);
  const chunkOffset = (chunk: number) =>
    co64 ? Number(co64.getBigUint64(8 + chunk * 8)) : stco?.getUint32(8 + chunk * 4);
  const chunks = (co64 ?? stco)?.getUint32(4) ?? 0;

  const offsets = new Float64Array(count + 1);
  let sample = 0;
  let run = 0;
  for (let chunk = 0; chunk < chunks && sample < count; chunk++) {
    // Runs name the first chunk that they are for, counted from 1.
    while (run + 1 < stsc.getUint32(4) && stsc.getUint32(8 + (run + 1) * 12) <= chunk + 1) run++;
    let offset = chunkOffset(chunk) ?? 0;
    if (sample > 0 && offset !== offsets[sample]) return undefined;
    for (let i = stsc.getUint32(8 + run * 12 + 4); i > 0 && sample < count; i--) {
      offsets[sample++] = offset;
      offset += sizeOf(sample - 1);
      offsets[sample] = offset;
    }
  }
  if (sample !== count) return undefined;
  return { count, offsets, times: sampleTimes(stts, count, timescale) };
}

function sampleTimes(stts: DataView, count: number, timescale: number): Float64Array {
  const times = new Float64Array(count);
  let time = 0;
  let sample = 0;
  for (let entry = 0; entry < stts.getUint32(4) && sample < count; entry++) {
    const delta = stts.getUint32(8 + entry * 8 + 4);
    for (let i = stts.getUint32(8 + entry * 8); i > 0 && sample < count; i--) {
      times[sample++] = (time / timescale) * 1000;
      time += delta;
    }
  }
  return times;
}

/** Twelve hours of ours have a tenth of it. */
const MAX_SAMPLES = 10_000_000;
