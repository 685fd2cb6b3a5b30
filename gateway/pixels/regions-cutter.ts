import { enclose, intersect, type Rect } from '#protocol/graphics/geometry.ts';
import { indexColours } from './indexed-png.ts';
import { withinNoise } from './likeness.ts';
import { detectMove, type Move, type Words } from './move-detector.ts';

import type { Piece } from './regions-encoder.ts';
import { TileGrid } from './tile-grid.ts';

/** The picture to cut from: RGBA, row after row. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly pixels: Uint8ClampedArray<ArrayBuffer>;
}

/** What a tile looks like, and so how it is encoded. */
const Kind = { exact: 1, noisy: 2, photo: 3 } as const;
type Kind = (typeof Kind)[keyof typeof Kind];

/** Up to here the plain bytes are smaller than any file. */
const TINY_PIXELS = 24;
/** Below this exactness is worth more than the bytes that lossy encoding saves. */
const LOSSY_PIXELS = 64 * 64;
/** The same for what is left when noisy text has moved: it is near what is shown anyway. */
const MOVING_LOSSY_PIXELS = 16 * 32;
/** Changes that are worth looking for where they came from; and of what is left, whether more has moved. */
const MOVE_PIXELS = 96 * 96;
const FURTHER_MOVE_PIXELS = 192 * 192;
/** Copies in one message, at most: two windows scroll at once, hardly three. */
const MAX_MOVES = 2;
/** After so many searches in vain in a row the next ones are left out, twice as many each time, up to this. */
const FREE_SEARCHES = 3;
const MAX_PAUSE = 16;
/** What was sent lossy is sent again exactly once it has been quiet for this long. */
const REFINE_AFTER_MS = 1000;
/** Most tiles that are sharpened in one message; on a thin link what is new must not wait behind them for long. */
const REFINE_TILES = 64;
const REFINE_TILES_THIN = 8;
/**
 * Pixels a second, and at once, that are given the encodings that take 0.1 to 0.2 s a megapixel and save half of the bytes: new
 * pages get them, what moves all the time the quick ones. A fifth to half of a core at most for each viewer.
 */
const DEAR_PIXELS_PER_SECOND = 2_100_000;
const DEAR_PIXELS = 2_100_000;
/** Below this the quick encoding is as small. */
const MIN_DEAR_PIXELS = 64 * 64;
/** Below this a palette is as large as what it saves, and the dear encoding takes no time. */
const MIN_INDEXED_PIXELS = 32 * 32;
/** A side from which on a piece with too many colours for a palette is not halved any more. */
const MIN_HALVED_SIDE = 128;

/**
 * What one viewer shows, and what it has to be sent to show something else. Holds the picture as it was last sent (4 bytes a
 * pixel), so only pixels that really differ are cut out, and what has moved becomes a copy. What a lossy piece left inexact
 * is remembered by tile and cut again, exactly, when it has been quiet.
 */
export class RegionsCutter {
  readonly #grid: TileGrid;
  /** As the viewer has it but for loss. Transparent black, which no desktop has, where nothing was sent. */
  readonly #shown: Words;
  /** When a tile was last sent with loss; 0 where it is exact. */
  readonly #lossyAt: Float64Array;
  readonly #boxes: (Rect | undefined)[];
  readonly #kinds: Uint8Array;
  #dearPixels = DEAR_PIXELS;
  #dearAt = 0;
  #vain = 0;
  #untilSearch = 0;
  #refineAt: number | undefined;

  constructor(width: number, height: number) {
    this.#grid = new TileGrid(width, height);
    this.#shown = { width, height, words: new Int32Array(width * height) };
    this.#lossyAt = new Float64Array(this.#grid.size);
    this.#boxes = new Array<Rect | undefined>(this.#grid.size);
    this.#kinds = new Uint8Array(this.#grid.size);
  }

  /** The viewer shows this picture already. */
  assume(picture: Picture): void {
    this.#shown.words.set(new Int32Array(picture.pixels.buffer));
  }

  /** When there will be something to sharpen. */
  get refineAt(): number | undefined {
    return this.#refineAt;
  }

  /**
   * The pieces that make of what is shown what the picture is, in the order in which they are to be drawn. Their pixels are
   * copied out. The picture is as large as this cutter was made for.
   * @param damage where the picture may have changed since the last call
   * @param at milliseconds, later than 0
   * @param thin whether bytes are dearer than time on the way to the viewer
   */
  cut(picture: Picture, damage: readonly Rect[], at: number, thin: boolean): Piece[] {
    const now = { width: picture.width, height: picture.height, words: new Int32Array(picture.pixels.buffer) };
    const changed = new Set<number>();
    for (const rect of damage) this.#grid.forEachIn(rect, (tile) => changed.add(tile));
    this.#findChanges(now, changed);
    this.#dearPixels = Math.min(DEAR_PIXELS, this.#dearPixels + ((at - this.#dearAt) / 1000) * DEAR_PIXELS_PER_SECOND);
    this.#dearAt = at;
    const { moves, noisy } = this.#moves(now, changed, at);
    const pieces: Piece[] = moves.map(({ rect, fromX, fromY }) => ({
      kind: 'copy',
      rect,
      ...{ fromX, fromY },
    }));
    for (const tile of changed) this.#kinds[tile] = kindOf(now, this.#boxes[tile]!);
    this.#addDueTiles(changed, at, thin ? REFINE_TILES_THIN : REFINE_TILES);
    for (const { kind, tiles } of this.#grid.group(this.#kinds)) {
      const rect = tiles.map((tile) => this.#boxes[tile]!).reduce(enclose);
      const isLossy = kind !== Kind.exact && rect.width * rect.height >= (noisy ? MOVING_LOSSY_PIXELS : LOSSY_PIXELS);
      if (kind === Kind.photo && isLossy)
        pieces.push({ kind: thin ? 'thin-photo' : 'photo', rect, rgb: copyRgb(now, rect) });
      else if (isLossy) {
        const dear = noisy ? 'moving-text' : 'near-lossless';
        const kind = thin ? 'thin-text' : this.#affords(rect) ? dear : 'quick-text';
        pieces.push({ kind, rect, rgb: copyRgb(now, rect) });
      } else {
        const dear = rect.width * rect.height >= MIN_DEAR_PIXELS && (thin || this.#affords(rect));
        if (dear) pieces.push({ kind: 'lossless', rect, rgb: copyRgb(now, rect) });
        else addQuick(pieces, now, rect);
      }
      this.#sent(now, rect, isLossy, at);
    }
    this.#scheduleRefinement();
    return pieces;
  }

  #affords({ width, height }: Rect): boolean {
    if (this.#dearPixels < width * height) return false;
    this.#dearPixels -= width * height;
    return true;
  }

  /** Leaves in `tiles` those that differ from what is shown, and the box around the difference of each. */
  #findChanges(now: Words, tiles: Set<number>): void {
    for (const tile of tiles) {
      const box = differenceIn(now, this.#shown, this.#grid.rectOf(tile));
      this.#boxes[tile] = box;
      if (box === undefined) tiles.delete(tile);
    }
  }

  /**
   * The same for what differs by more than noise. The rest counts as sent with loss: it is drawn exactly when it is quiet.
   * The boxes are of whole squares.
   */
  #findChangesBeyondNoise(now: Words, tiles: Set<number>, at: number): void {
    const { words, width } = this.#shown;
    for (const tile of tiles) {
      const exact = differenceIn(now, this.#shown, this.#grid.rectOf(tile));
      let box: Rect | undefined;
      for (const square of exact === undefined ? [] : squaresOf(this.#grid.rectOf(tile))) {
        const place = square.y * width + square.x;
        if (!withinNoise(words, place, now.words, place, width, square))
          box = box === undefined ? square : enclose(box, square);
      }
      if (exact !== undefined) this.#lossyAt[tile] = at;
      this.#boxes[tile] = box;
      if (box === undefined) tiles.delete(tile);
    }
  }

  /** Looks for what has moved and moves it in what is shown; `changed` is then what still differs, `noisy` if by more than noise. */
  #moves(now: Words, changed: Set<number>, at: number): { moves: Move[]; noisy: boolean } {
    const moves: Move[] = [];
    let noisy = false;
    while (moves.length < MAX_MOVES) {
      const search = this.#worthSearching(changed, moves.length === 0 ? MOVE_PIXELS : FURTHER_MOVE_PIXELS);
      if (search === undefined) break;
      if (moves.length === 0) {
        if (this.#untilSearch-- > 0) break;
        noisy = this.#isNoisy(now, changed);
      }
      const move = detectMove(this.#shown, now, search.area, noisy);
      // Pages are alike here and there by chance; what is not exact has to be worth it.
      if (move === undefined || (noisy && move.saved < search.pixels * MIN_NOISY_SHARE)) {
        if (moves.length > 0) break;
        noisy = false;
        this.#vain++;
        if (this.#vain > FREE_SEARCHES) this.#untilSearch = Math.min(MAX_PAUSE, 2 ** (this.#vain - FREE_SEARCHES));
        break;
      }
      this.#vain = 0;
      moves.push(move);
      this.#copy(move, at);
      this.#grid.forEachIn(move.rect, (tile) => changed.add(tile));
      if (noisy) this.#findChangesBeyondNoise(now, changed, at);
      else this.#findChanges(now, changed);
    }
    return { moves, noisy };
  }

  /** Whether most of what has changed has a lossy codec's noise in it: a few tiles say so. */
  #isNoisy(now: Words, changed: ReadonlySet<number>): boolean {
    const tiles = [...changed];
    const step = Math.max(1, Math.floor(tiles.length / NOISE_SAMPLES));
    const sampled = tiles.filter((_, i) => i % step === 0);
    const noisy = sampled.filter((tile) => kindOf(now, this.#boxes[tile]!) === Kind.noisy);
    return noisy.length * 4 >= sampled.length;
  }

  #worthSearching(changed: ReadonlySet<number>, least: number): { area: Rect; pixels: number } | undefined {
    let pixels = 0;
    let area: Rect | undefined;
    for (const tile of changed) {
      const box = this.#boxes[tile]!;
      pixels += box.width * box.height;
      area = area === undefined ? box : enclose(area, box);
    }
    return pixels < least || area === undefined ? undefined : { area, pixels };
  }

  /** What the viewer does with a copy. Loss moves along. */
  #copy({ rect, fromX, fromY }: Move, at: number): void {
    const { words, width } = this.#shown;
    // Lines are taken in the order that does not write over what is still to be read.
    const isDown = rect.y > fromY;
    for (let i = 0; i < rect.height; i++) {
      const row = isDown ? rect.height - 1 - i : i;
      const from = (fromY + row) * width + fromX;
      words.copyWithin((rect.y + row) * width + rect.x, from, from + rect.width);
    }
    const inexact: Rect[] = [];
    this.#grid.forEachIn({ ...rect, x: fromX, y: fromY }, (tile) => {
      const source = this.#grid.rectOf(tile);
      if (this.#lossyAt[tile] === 0) return;
      const shifted = { ...source, x: source.x + rect.x - fromX, y: source.y + rect.y - fromY };
      const there = intersect(shifted, rect);
      if (there !== undefined) inexact.push(there);
    });
    for (const part of inexact) {
      this.#grid.forEachIn(part, (tile) => {
        this.#lossyAt[tile] = at;
      });
    }
  }

  #sent(now: Words, rect: Rect, isLossy: boolean, at: number): void {
    const { words, width } = this.#shown;
    for (let y = rect.y; y < rect.y + rect.height; y++) {
      const start = y * width + rect.x;
      words.set(now.words.subarray(start, start + rect.width), start);
    }
    this.#grid.forEachIn(rect, (tile) => {
      const whole = this.#grid.rectOf(tile);
      const part = intersect(whole, rect);
      if (isLossy) this.#lossyAt[tile] = at;
      else if (part?.width === whole.width && part.height === whole.height) this.#lossyAt[tile] = 0;
    });
  }

  /** Inexact tiles that have been quiet; those that are changing now wait again. */
  #addDueTiles(changed: ReadonlySet<number>, at: number, most: number): void {
    if (this.#refineAt === undefined) return;
    let left = most;
    for (let tile = 0; tile < this.#lossyAt.length && left > 0; tile++) {
      const since = this.#lossyAt[tile]!;
      if (since === 0) continue;
      if (changed.has(tile)) this.#lossyAt[tile] = at;
      else if (since + REFINE_AFTER_MS <= at) {
        this.#kinds[tile] = Kind.exact;
        this.#boxes[tile] = this.#grid.rectOf(tile);
        left--;
      }
    }
  }

  #scheduleRefinement(): void {
    let first = Number.POSITIVE_INFINITY;
    for (const at of this.#lossyAt) if (at !== 0 && at < first) first = at;
    this.#refineAt = first === Number.POSITIVE_INFINITY ? undefined : first + REFINE_AFTER_MS;
  }
}

/** Side of what is looked at at once for more than noise. */
const SQUARE = 16;
const NOISE_SAMPLES = 16;
/** Of what has changed, so much has to have moved. */
const MIN_NOISY_SHARE = 0.4;

function squaresOf({ x, y, width, height }: Rect): Rect[] {
  const squares: Rect[] = [];
  for (let top = y; top < y + height; top += SQUARE) {
    for (let left = x; left < x + width; left += SQUARE) {
      const size = { width: Math.min(SQUARE, x + width - left), height: Math.min(SQUARE, y + height - top) };
      squares.push({ x: left, y: top, ...size });
    }
  }
  return squares;
}

/** The smallest rectangle around what differs within `rect`. */
function differenceIn(one: Words, other: Words, rect: Rect): Rect | undefined {
  const { width } = one;
  let top = -1;
  let bottom = 0;
  let left = rect.x + rect.width;
  let right = rect.x - 1;
  for (let y = rect.y; y < rect.y + rect.height; y++) {
    const row = y * width;
    let first = rect.x;
    let last = rect.x + rect.width - 1;
    while (first <= last && one.words[row + first] === other.words[row + first]) first++;
    if (first > last) continue;
    while (one.words[row + last] === other.words[row + last]) last--;
    if (top < 0) top = y;
    bottom = y;
    if (first < left) left = first;
    if (last > right) right = last;
  }
  return top < 0 ? undefined : { x: left, y: top, width: right - left + 1, height: bottom - top + 1 };
}

/**
 * In text and user interfaces neighbours are equal or differ a lot; in photographs and films they differ a little almost
 * everywhere, with few hard edges. Text that went through a lossy codec of the server has both: it is noisy. Where the lines
 * between them are was read from tiles of each, of the live bench: text has 0 to 11 % of soft pairs, with RemoteFX's noise 19 to 58.
 */
export function kindOf({ words, width }: Words, rect: Rect): Kind {
  let samples = 0;
  let soft = 0;
  let gradual = 0;
  let hard = 0;
  for (let y = rect.y; y < rect.y + rect.height; y += 2) {
    for (let x = rect.x + (y & 1); x + 1 < rect.x + rect.width; x += 2) {
      const a = words[y * width + x]!;
      const b = words[y * width + x + 1]!;
      samples++;
      if (a === b) continue;
      const most = Math.max(
        Math.abs((a & 0xff) - (b & 0xff)),
        Math.abs(((a >>> 8) & 0xff) - ((b >>> 8) & 0xff)),
        Math.abs(((a >>> 16) & 0xff) - ((b >>> 16) & 0xff)),
      );
      if (most <= 6) soft++;
      if (most <= 24) gradual++;
      else if (most > 64) hard++;
    }
  }
  if (hard > samples * 0.02) return soft > samples * 0.14 ? Kind.noisy : Kind.exact;
  return gradual > samples * 0.3 ? Kind.photo : Kind.exact;
}

/** A palette where there are few colours; a piece with many is halved until they are few, or there is no use in it. */
function addQuick(pieces: Piece[], now: Words, rect: Rect): void {
  const { width, height } = rect;
  if (width * height <= TINY_PIXELS) {
    pieces.push({ kind: 'rgba', rect, rgba: copyRgba(now, rect) });
    return;
  }
  const indexed = width * height < MIN_INDEXED_PIXELS ? undefined : indexColours(now.words, now.width, rect);
  if (indexed !== undefined) pieces.push({ kind: 'indexed', rect, picture: indexed });
  else if (Math.max(width, height) <= MIN_HALVED_SIDE) pieces.push({ kind: 'lossless', rect, rgb: copyRgb(now, rect) });
  else for (const half of halves(rect)) addQuick(pieces, now, half);
}

function halves({ x, y, width, height }: Rect): readonly Rect[] {
  if (width >= height) {
    const left = width >>> 1;
    return [
      { x, y, width: left, height },
      { x: x + left, y, width: width - left, height },
    ];
  }
  const top = height >>> 1;
  return [
    { x, y, width, height: top },
    { x, y: y + top, width, height: height - top },
  ];
}

function copyRgba({ words, width }: Words, rect: Rect): Uint8Array<ArrayBuffer> {
  const copy = new Int32Array(rect.width * rect.height);
  for (let row = 0; row < rect.height; row++) {
    const start = (rect.y + row) * width + rect.x;
    copy.set(words.subarray(start, start + rect.width), row * rect.width);
  }
  return new Uint8Array(copy.buffer);
}

function copyRgb({ words, width }: Words, rect: Rect): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(rect.width * rect.height * 3);
  let to = 0;
  for (let row = 0; row < rect.height; row++) {
    const start = (rect.y + row) * width + rect.x;
    for (let i = start; i < start + rect.width; i++) {
      const word = words[i]!;
      bytes[to++] = word;
      bytes[to++] = word >>> 8;
      bytes[to++] = word >>> 16;
    }
  }
  return bytes;
}
