import { encodeNsCodec } from '../nscodec-encoder.ts';
import { SubCodecId } from './decoder.ts';
import { ClearCodecFlags } from './layers.ts';
import { MAX_RLEX_PALETTE, stopIndexBits } from './rlex.ts';
import { writeBgr, writeRunLength } from './runs.ts';
import { SHORT_VBAR_ENTRIES, VBAR_ENTRIES } from './vbars.ts';

export interface BandPlan {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  /** At most 52. */
  readonly height: number;
  readonly background: number;
}

export interface SubcodecPlan {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly codec: (typeof SubCodecId)[keyof typeof SubCodecId];
}

/** Which layer carries which part of a bitmap. The residual, when asked for, is the whole bitmap. */
export interface ClearCodecPlan {
  readonly residual: boolean;
  readonly bands: readonly BandPlan[];
  readonly subcodecs: readonly SubcodecPlan[];
  readonly glyphIndex?: number;
  readonly cacheReset?: boolean;
}

/**
 * The server's side of ClearCodec, written from [MS-RDPEGFX] 2.2.4.1 apart from the decoder: it keeps storages of
 * its own and finds the hits itself. Pixels are `0xAABBGGRR`, top row first.
 */
export class ClearCodecEncoder {
  readonly #columns = new Map<string, number>();
  readonly #columnAt: (string | undefined)[] = [];
  readonly #shorts = new Map<string, number>();
  readonly #shortAt: (string | undefined)[] = [];
  #nextColumn = 0;
  #nextShort = 0;
  #sequence = 0;

  encode(pixels: Uint32Array, width: number, plan: ClearCodecPlan): Uint8Array {
    const bytes: number[] = [];
    let flags = 0;
    if (plan.glyphIndex !== undefined) flags |= ClearCodecFlags.glyphIndex;
    if (plan.cacheReset) {
      flags |= ClearCodecFlags.cacheReset;
      this.#nextColumn = 0;
      this.#nextShort = 0;
    }
    bytes.push(flags, this.#sequence);
    this.#sequence = (this.#sequence + 1) & 0xff;
    if (plan.glyphIndex !== undefined) bytes.push(plan.glyphIndex & 0xff, plan.glyphIndex >> 8);
    const residual = plan.residual ? encodeResidual(pixels) : [];
    const bands = plan.bands.flatMap((band) => this.#band(pixels, width, band));
    const subcodecs = plan.subcodecs.flatMap((part) => encodeSubcodec(pixels, width, part));
    for (const layer of [residual, bands, subcodecs]) push32(bytes, layer.length);
    return Uint8Array.from([...bytes, ...residual, ...bands, ...subcodecs]);
  }

  /** A bitmap that the client already holds as a glyph. */
  encodeGlyphHit(glyphIndex: number): Uint8Array {
    const sequence = this.#sequence;
    this.#sequence = (sequence + 1) & 0xff;
    const flags = ClearCodecFlags.glyphIndex | ClearCodecFlags.glyphHit;
    return Uint8Array.of(flags, sequence, glyphIndex & 0xff, glyphIndex >> 8);
  }

  #band(pixels: Uint32Array, width: number, band: BandPlan): number[] {
    const bytes: number[] = [];
    for (const edge of [band.x, band.x + band.width - 1, band.y, band.y + band.height - 1]) push16(bytes, edge);
    writeBgr(bytes, band.background);
    for (let x = band.x; x < band.x + band.width; x++) {
      const column = Array.from({ length: band.height }, (_, i) => (pixels[(band.y + i) * width + x] ?? 0) >>> 0);
      this.#column(bytes, column, band.background);
    }
    return bytes;
  }

  #column(bytes: number[], column: readonly number[], background: number): void {
    const key = column.join();
    const hit = this.#columns.get(key);
    if (hit !== undefined) {
      push16(bytes, 0x8000 | hit);
      return;
    }
    const yOn = Math.max(
      0,
      column.findIndex((pixel) => pixel !== background),
    );
    const yOff = column.findLastIndex((pixel) => pixel !== background) + 1;
    const short = column.slice(yOn, Math.max(yOn, yOff));
    const shortKey = short.join();
    const shortHit = this.#shorts.get(shortKey);
    if (shortHit !== undefined) {
      push16(bytes, 0x4000 | shortHit);
      bytes.push(yOn);
    } else {
      push16(bytes, yOn | ((yOn + short.length) << 8));
      for (const pixel of short) writeBgr(bytes, pixel);
      this.#nextShort = remember(this.#shorts, this.#shortAt, this.#nextShort, shortKey, SHORT_VBAR_ENTRIES);
    }
    this.#nextColumn = remember(this.#columns, this.#columnAt, this.#nextColumn, key, VBAR_ENTRIES);
  }
}

/** Puts `key` at `index`, forgetting what was there; returns the index after it. */
function remember(
  index: Map<string, number>,
  slots: (string | undefined)[],
  at: number,
  key: string,
  entries: number,
): number {
  const old = slots[at];
  if (old !== undefined && index.get(old) === at) index.delete(old);
  slots[at] = key;
  index.set(key, at);
  return (at + 1) % entries;
}

function encodeResidual(pixels: Uint32Array): number[] {
  const bytes: number[] = [];
  for (let at = 0; at < pixels.length; ) {
    const colour = pixels[at] ?? 0;
    let run = 1;
    while (at + run < pixels.length && pixels[at + run] === colour) run++;
    writeBgr(bytes, colour);
    writeRunLength(bytes, run);
    at += run;
  }
  return bytes;
}

function encodeSubcodec(pixels: Uint32Array, stride: number, part: SubcodecPlan): number[] {
  const { x, y, width, height, codec } = part;
  const cut = Uint32Array.from({ length: width * height }, (_, i) => {
    return pixels[(y + Math.floor(i / width)) * stride + x + (i % width)] ?? 0;
  });
  const data: number[] = [];
  if (codec === SubCodecId.uncompressed) for (const pixel of cut) writeBgr(data, pixel);
  else if (codec === SubCodecId.rlex) encodeRlex(data, cut);
  else {
    const source = { words: cut, stride: width, x: 0, y: 0, width, height };
    data.push(...encodeNsCodec(source, 'top-down', { colorLossLevel: 1, subsampled: false }));
  }
  const bytes: number[] = [];
  for (const value of [x, y, width, height]) push16(bytes, value);
  push32(bytes, data.length);
  bytes.push(codec);
  return bytes.concat(data);
}

/** Colours in order of first appearance, so that gradients become suites. At most 127 colours. */
function encodeRlex(bytes: number[], pixels: Uint32Array): void {
  const palette = [...new Set(pixels)];
  if (palette.length > MAX_RLEX_PALETTE) throw new RangeError(`${palette.length} colours are too many for RLEX`);
  const indices = new Map(palette.map((colour, index) => [colour, index]));
  const bits = stopIndexBits(palette.length);
  const deepest = (1 << (8 - bits)) - 1;
  bytes.push(palette.length);
  for (const colour of palette) writeBgr(bytes, colour);
  const indexAt = (at: number): number => indices.get(pixels[at] ?? 0) ?? 0;
  for (let at = 0; at < pixels.length; ) {
    const start = indexAt(at);
    let same = 1;
    while (at + same < pixels.length && indexAt(at + same) === start) same++;
    // The suite begins with the run's own colour, so the run is one shorter.
    let depth = 0;
    while (depth < deepest && at + same + depth < pixels.length && indexAt(at + same + depth) === start + depth + 1)
      depth++;
    bytes.push((depth << bits) | (start + depth));
    writeRunLength(bytes, same - 1);
    at += same + depth;
  }
}

function push16(bytes: number[], value: number): void {
  bytes.push(value & 0xff, (value >> 8) & 0xff);
}

function push32(bytes: number[], value: number): void {
  bytes.push(value & 0xff, (value >> 8) & 0xff, (value >> 16) & 0xff, value >>> 24);
}
