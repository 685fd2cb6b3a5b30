import { ReadCursor } from '../../core/cursor.ts';
import type { StateReader, StateWriter } from '../../core/state.ts';
import { decodeNsCodec } from '../nscodec.ts';
import type { PixelTarget } from '../pixel-target.ts';
import { decodeRawBitmap } from '../raw-bitmap.ts';
import { ClearCodecFlags, readLayers } from './layers.ts';
import { decodeRlex } from './rlex.ts';
import { readBgr, readRunLength } from './runs.ts';
import { MAX_BAND_HEIGHT, VBarStorage } from './vbars.ts';

/** [MS-RDPEGFX] 2.2.4.1.1.3.1 CLEARCODEC_SUBCODEC, `subCodecId`. */
export const SubCodecId = { uncompressed: 0, nsCodec: 1, rlex: 2 } as const;

/** [MS-RDPEGFX] 2.2.4.1: `glyphIndex` is 0 to 3,999, and a glyph has at most 1,024 pixels. */
export const GLYPH_ENTRIES = 4_000;
export const MAX_GLYPH_PIXELS = 1_024;

const CONTEXT = 'CLEARCODEC_BITMAP_STREAM';

/**
 * ClearCodec, [MS-RDPEGFX] 2.2.4.1 and 3.3.8.1: residual runs under bands of cached columns under sub-coded
 * rectangles, and a cache of whole glyphs. Lossless unless a rectangle is coded with NSCodec.
 *
 * One instance a graphics channel: its storages live as long as the channel.
 */
export class ClearCodecDecoder {
  readonly #vbars = new VBarStorage();
  /** Pixels without a shape: a hit gives them any width and height of the same area, [MS-RDPEGFX] 4.1.1.5. */
  readonly #glyphs = new Map<number, Uint32Array>();

  /**
   * Decodes one bitmap, top row first. Layers that the stream leaves out keep what the target holds.
   *
   * @throws DecodeError after which the storages may be out of step with the server
   */
  decode(source: Uint8Array, target: PixelTarget): void {
    const cursor = new ReadCursor(source, CONTEXT);
    const flags = cursor.u8('flags');
    cursor.skip(1, 'seqNumber');
    if (flags & ClearCodecFlags.cacheReset) this.#vbars.resetCursors();
    let glyphIndex: number | undefined;
    if (flags & ClearCodecFlags.glyphIndex) {
      glyphIndex = cursor.u16('glyphIndex');
      if (glyphIndex >= GLYPH_ENTRIES) throw cursor.error('limit_exceeded', 'glyphIndex', `${glyphIndex}`);
    }
    if (flags & ClearCodecFlags.glyphHit) {
      if (glyphIndex === undefined) throw cursor.error('invalid_value', 'flags', 'a glyph hit without its index');
      this.#drawGlyph(cursor, glyphIndex, target);
      return;
    }
    if (cursor.remaining > 0) this.#composite(cursor, target);
    if (glyphIndex !== undefined) this.#storeGlyph(cursor, glyphIndex, target);
  }

  save(state: StateWriter): void {
    this.#vbars.save(state);
    state.u32(this.#glyphs.size);
    for (const [index, pixels] of this.#glyphs) {
      state.u16(index);
      state.u16(pixels.length);
      state.array(pixels);
    }
  }

  /** Into one that nothing was decoded with. */
  load(state: StateReader): void {
    this.#vbars.load(state);
    for (let left = state.count(GLYPH_ENTRIES, 'glyphs'); left > 0; left--) {
      const index = state.u16('glyphIndex');
      const length = state.u16('glyphPixels');
      if (index >= GLYPH_ENTRIES || length > MAX_GLYPH_PIXELS) throw state.error('limit_exceeded', 'glyphIndex');
      const pixels = new Uint32Array(length);
      state.array(pixels, 'glyph');
      this.#glyphs.set(index, pixels);
    }
  }

  /** [MS-RDPEGFX] 2.2.4.1.1 CLEARCODEC_COMPOSITE_PAYLOAD. */
  #composite(cursor: ReadCursor, target: PixelTarget): void {
    const { residual, bands, subcodecs } = readLayers(cursor);
    if (residual.remaining > 0) drawResidual(residual, target);
    while (bands.remaining > 0) this.#drawBand(bands, target);
    while (subcodecs.remaining > 0) drawSubcodec(subcodecs, target);
  }

  /** [MS-RDPEGFX] 2.2.4.1.1.2.1 CLEARCODEC_BAND: columns of up to 52 pixels, left to right; all edges inclusive. */
  #drawBand(cursor: ReadCursor, target: PixelTarget): void {
    const xStart = cursor.u16('xStart');
    const xEnd = cursor.u16('xEnd');
    const yStart = cursor.u16('yStart');
    const yEnd = cursor.u16('yEnd');
    const background = readBgr(cursor, 'bkg');
    if (xEnd < xStart || xEnd >= target.width) throw cursor.error('invalid_value', 'xEnd', `${xStart} to ${xEnd}`);
    if (yEnd < yStart || yEnd >= target.height) throw cursor.error('invalid_value', 'yEnd', `${yStart} to ${yEnd}`);
    const height = yEnd - yStart + 1;
    if (height > MAX_BAND_HEIGHT) throw cursor.error('limit_exceeded', 'yEnd', `a band of ${height} rows`);
    const { words, stride } = target;
    const first = (target.y + yStart) * stride + target.x;
    for (let x = xStart; x <= xEnd; x++) this.#vbars.draw(cursor, height, background, words, first + x, stride);
  }

  #drawGlyph(cursor: ReadCursor, index: number, target: PixelTarget): void {
    const glyph = this.#glyphs.get(index);
    if (glyph === undefined) throw cursor.error('invalid_value', 'glyphIndex', `entry ${index} is empty`);
    const { width, height } = target;
    if (glyph.length !== width * height) {
      throw cursor.error('invalid_value', 'glyphIndex', `entry ${index} has ${glyph.length} pixels`);
    }
    copyIn(glyph, target, { x: 0, y: 0, width, height });
  }

  #storeGlyph(cursor: ReadCursor, index: number, target: PixelTarget): void {
    const { width, height } = target;
    if (width * height > MAX_GLYPH_PIXELS) {
      throw cursor.error('limit_exceeded', 'glyphIndex', `a glyph of ${width}×${height}`);
    }
    const pixels = new Uint32Array(width * height);
    for (let y = 0; y < height; y++) {
      const from = (target.y + y) * target.stride + target.x;
      pixels.set(target.words.subarray(from, from + width), y * width);
    }
    this.#glyphs.set(index, pixels);
  }
}

/** [MS-RDPEGFX] 2.2.4.1.1.1 CLEARCODEC_RESIDUAL_DATA: runs row after row, over the whole bitmap or less. */
function drawResidual(cursor: ReadCursor, target: PixelTarget): void {
  const total = target.width * target.height;
  let done = 0;
  while (cursor.remaining > 0) {
    const colour = readBgr(cursor, 'residual');
    let run = readRunLength(cursor);
    if (run > total - done) throw cursor.error('invalid_value', 'runLength', `${run} pixels, ${total - done} are left`);
    while (run > 0) {
      const y = Math.floor(done / target.width);
      const x = done - y * target.width;
      const part = Math.min(run, target.width - x);
      const at = (target.y + y) * target.stride + target.x + x;
      target.words.fill(colour, at, at + part);
      done += part;
      run -= part;
    }
  }
}

/** [MS-RDPEGFX] 2.2.4.1.1.3.1 CLEARCODEC_SUBCODEC. */
function drawSubcodec(cursor: ReadCursor, target: PixelTarget): void {
  const x = cursor.u16('xStart');
  const y = cursor.u16('yStart');
  const width = cursor.u16('width');
  const height = cursor.u16('height');
  const byteCount = cursor.u32('bitmapDataByteCount');
  const subCodecId = cursor.u8('subCodecId');
  if (x + width > target.width) throw cursor.error('invalid_value', 'width', `${x} + ${width}`);
  if (y + height > target.height) throw cursor.error('invalid_value', 'height', `${y} + ${height}`);
  const data = cursor.sub(byteCount, 'bitmapData', 'CLEARCODEC_SUBCODEC');
  const rect = { x, y, width, height };
  switch (subCodecId) {
    case SubCodecId.uncompressed: {
      const packed = data.bytes(3 * width * height, 'bitmapData');
      data.expectEnd('bitmapData');
      decodeRawBitmap(
        packed,
        { ...target, x: target.x + x, y: target.y + y, width, height },
        24,
        undefined,
        'top-down',
      );
      return;
    }
    case SubCodecId.nsCodec:
      decodeNsCodec(data.rest(), { ...target, x: target.x + x, y: target.y + y, width, height }, 'top-down');
      return;
    case SubCodecId.rlex: {
      const pixels = new Uint32Array(width * height);
      decodeRlex(data, pixels);
      copyIn(pixels, target, rect);
      return;
    }
    default:
      throw cursor.error('invalid_value', 'subCodecId', `${subCodecId}`);
  }
}

function copyIn(
  pixels: Uint32Array,
  target: PixelTarget,
  rect: { readonly x: number; readonly y: number; readonly width: number; readonly height: number },
): void {
  for (let row = 0; row < rect.height; row++) {
    const to = (target.y + rect.y + row) * target.stride + target.x + rect.x;
    target.words.set(pixels.subarray(row * rect.width, (row + 1) * rect.width), to);
  }
}
