import sharp from 'sharp';
import type { Rect } from '#protocol/graphics/geometry.ts';
import type { Region } from '#protocol/tunnel/messages.ts';

// Desktop pictures are small and many: one thread a picture, and nothing kept.
sharp.concurrency(1);
sharp.cache(false);

/** The picture to encode from: RGBA, row after row. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly pixels: Uint8ClampedArray<ArrayBuffer>;
}

/** A part of the picture with a way of encoding chosen, its pixels copied out: the picture may change meanwhile. */
export interface RegionPiece {
  readonly rect: Rect;
  readonly encoding: 'rgba' | 'png' | 'webp';
  /** RGBA for `rgba`, RGB for the others. */
  readonly pixels: Uint8Array<ArrayBuffer>;
}

/**
 * Cuts what has changed into pieces and copies their pixels: changes of a few pixels as they are, everything else in
 * whole tiles of 64 pixels, merged to rectangles. Text and user interface become PNG, which is exact and for them
 * both small and cheap; large areas that look like a photo or film become lossy WebP unless `lossless` is asked for.
 */
export function cutRegions(picture: Picture, damage: readonly Rect[], lossless: boolean): RegionPiece[] {
  const words = new Uint32Array(picture.pixels.buffer);
  const pieces: RegionPiece[] = [];
  const tiles = new TileSet(picture.width, picture.height);
  for (const rect of damage) {
    if (rect.width * rect.height <= TINY_PIXELS) {
      pieces.push({ rect, encoding: 'rgba', pixels: copyRgba(words, picture.width, rect) });
    } else {
      tiles.add(rect);
    }
  }
  for (const rect of tiles.rectangles()) {
    const lossy = !lossless && rect.width * rect.height >= LOSSY_PIXELS && isPhotographic(words, picture.width, rect);
    pieces.push({ rect, encoding: lossy ? 'webp' : 'png', pixels: copyRgb(words, picture.width, rect) });
  }
  return pieces;
}

/** Encodes the pieces; what comes out has their order. */
export function encodeRegions(pieces: readonly RegionPiece[]): Promise<Region[]> {
  return Promise.all(pieces.map(encodePiece));
}

/** Up to here the plain bytes are smaller than what a PNG adds in headers and time: a blinking caret. */
const TINY_PIXELS = 512;
/** Below this, exactness is worth more than the bytes that lossy encoding saves. */
const LOSSY_PIXELS = 128 * 128;
const TILE = 64;
/** Longest side of a piece: keeps the choice of encoding local and the time until something appears short. */
const MAX_PIECE_SIDE = 512;
/** PNG level 2 costs 2 to 5 ms for 512 × 512 pixels of interface or text; level 6 saves 5 % for half as much again. */
const PNG_OPTIONS = { compressionLevel: 2, adaptiveFiltering: false } as const;
const WEBP_OPTIONS = { quality: 80, effort: 0 } as const;

async function encodePiece(piece: RegionPiece): Promise<Region> {
  const { rect, encoding, pixels } = piece;
  if (encoding === 'rgba') return { ...rect, encoding, bytes: pixels };
  const image = sharp(pixels, { raw: { width: rect.width, height: rect.height, channels: 3 } });
  const bytes = await (encoding === 'png' ? image.png(PNG_OPTIONS) : image.webp(WEBP_OPTIONS)).toBuffer();
  return { ...rect, encoding, bytes };
}

/** Tiles of 64 pixels that hold changes. */
class TileSet {
  readonly #width: number;
  readonly #height: number;
  readonly #columns: number;
  readonly #rows: number;
  readonly #tiles: Uint8Array;

  constructor(width: number, height: number) {
    this.#width = width;
    this.#height = height;
    this.#columns = Math.ceil(width / TILE);
    this.#rows = Math.ceil(height / TILE);
    this.#tiles = new Uint8Array(this.#columns * this.#rows);
  }

  add(rect: Rect): void {
    const lastColumn = Math.min(this.#columns, Math.ceil((rect.x + rect.width) / TILE));
    const lastRow = Math.min(this.#rows, Math.ceil((rect.y + rect.height) / TILE));
    for (let row = Math.floor(rect.y / TILE); row < lastRow; row++) {
      for (let column = Math.floor(rect.x / TILE); column < lastColumn; column++) {
        this.#tiles[row * this.#columns + column] = 1;
      }
    }
  }

  /** Disjoint rectangles that hold exactly the tiles, none longer than `MAX_PIECE_SIDE`. Empties the set. */
  rectangles(): Rect[] {
    const rects: Rect[] = [];
    const limit = MAX_PIECE_SIDE / TILE;
    for (let row = 0; row < this.#rows; row++) {
      for (let column = 0; column < this.#columns; column++) {
        if (this.#tiles[row * this.#columns + column] === 0) continue;
        let columns = 1;
        while (columns < limit && column + columns < this.#columns && this.#isSet(row, column + columns, 1)) columns++;
        let rows = 1;
        while (rows < limit && row + rows < this.#rows && this.#isSet(row + rows, column, columns)) rows++;
        for (let r = row; r < row + rows; r++) {
          this.#tiles.fill(0, r * this.#columns + column, r * this.#columns + column + columns);
        }
        const x = column * TILE;
        const y = row * TILE;
        const width = Math.min(columns * TILE, this.#width - x);
        rects.push({ x, y, width, height: Math.min(rows * TILE, this.#height - y) });
      }
    }
    return rects;
  }

  #isSet(row: number, column: number, count: number): boolean {
    const start = row * this.#columns + column;
    for (let i = start; i < start + count; i++) if (this.#tiles[i] === 0) return false;
    return true;
  }
}

/**
 * Whether neighbours mostly differ a little, as in photos and films. In text and interfaces they are equal or
 * differ a lot.
 */
export function isPhotographic(words: Uint32Array, stride: number, rect: Rect): boolean {
  let samples = 0;
  let gradual = 0;
  const rowStep = Math.max(1, Math.floor(rect.height / 48));
  const columnStep = Math.max(1, Math.floor(rect.width / 48));
  for (let y = rect.y; y < rect.y + rect.height; y += rowStep) {
    for (let x = rect.x; x + 1 < rect.x + rect.width; x += columnStep) {
      const a = words[y * stride + x]!;
      const b = words[y * stride + x + 1]!;
      samples++;
      if (a === b) continue;
      const red = Math.abs((a & 0xff) - (b & 0xff));
      const green = Math.abs(((a >>> 8) & 0xff) - ((b >>> 8) & 0xff));
      const blue = Math.abs(((a >>> 16) & 0xff) - ((b >>> 16) & 0xff));
      if (red <= 24 && green <= 24 && blue <= 24) gradual++;
    }
  }
  return samples > 0 && gradual / samples > 0.3;
}

function copyRgba(words: Uint32Array, stride: number, rect: Rect): Uint8Array<ArrayBuffer> {
  const copy = new Uint32Array(rect.width * rect.height);
  for (let row = 0; row < rect.height; row++) {
    const start = (rect.y + row) * stride + rect.x;
    copy.set(words.subarray(start, start + rect.width), row * rect.width);
  }
  return new Uint8Array(copy.buffer);
}

function copyRgb(words: Uint32Array, stride: number, rect: Rect): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(rect.width * rect.height * 3);
  let to = 0;
  for (let row = 0; row < rect.height; row++) {
    const start = (rect.y + row) * stride + rect.x;
    for (let i = start; i < start + rect.width; i++) {
      const word = words[i]!;
      bytes[to++] = word;
      bytes[to++] = word >>> 8;
      bytes[to++] = word >>> 16;
    }
  }
  return bytes;
}
