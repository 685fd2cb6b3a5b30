import type { Rect } from '#protocol/graphics/geometry.ts';
import { exactly, type Likeness, withinNoise } from './likeness.ts';

/** A part of the picture that is found again elsewhere: `rect` shows what was at `fromX`, `fromY`. */
export interface Move {
  readonly fromX: number;
  readonly fromY: number;
  readonly rect: Rect;
  /** Pixels that a copy gets right and that would have to be sent otherwise, less those it spoils. */
  readonly saved: number;
}

/** A picture as words `0xAABBGGRR`, row after row without gaps. Signed: opaque ones are small integers to the engine then. */
export interface Words {
  readonly width: number;
  readonly height: number;
  readonly words: Int32Array;
}

/**
 * Finds what was scrolled or dragged within `area`: the rectangle of `after` that saves most pixels when it is copied from
 * elsewhere in `before`, which is as large. Not every pixel of it need be right, but most that have changed are, so whoever
 * copies sends what then still differs.
 *
 * Short runs of pixels are hashed at each place, and those whose hash ends in zeros are anchors: what moves takes its anchors
 * along, in either direction and by any distance. Anchors that are found once before and once again vote for how far. The
 * winner is verified pixel by pixel: a hash that deceives costs time and never the picture.
 *
 * With `noisy`, what moves may differ by what a lossy codec makes of it at its new place: anchors are made of what is bright
 * and what is dark, and pixels are the same that are alike `withinNoise`.
 *
 * @returns undefined when nothing worth a copy has moved
 */
export function detectMove(before: Words, after: Words, area: Rect, noisy = false): Move | undefined {
  const shift = vote(before, after, area, noisy ? forEachShape : forEachAnchor);
  if (shift === undefined) return undefined;
  const found = mostUseful({ before, after, shift, alike: noisy ? withinNoise : exactly }, area);
  if (found === undefined) return undefined;
  const { rect, saved } = found;
  return { fromX: rect.x - shift.x, fromY: rect.y - shift.y, rect, saved };
}

interface Shift {
  readonly x: number;
  readonly y: number;
}

/** Pixels of a run that is hashed. Shorter ones are there twice where text has two colours only. */
const RUN = 32;
/** Colour changes within a run: a flat one is everywhere. */
const MIN_EDGES = 3;
const MULTIPLIER = 0x9e3779b1 | 0;
const MULTIPLIER_OF_LEAVING = power(MULTIPLIER, RUN);
/** One run in 16 is an anchor. */
const ANCHOR_SHIFT = 28;
/** Only one row in so many is looked for in the picture before: lines of text are higher. */
const ROW_STEP = 3;
const MIN_VOTES = 6;
/** Pixels that a copy has to save: below it what a copy saves is not worth the search. */
const MIN_SAVED = 64 * 64;
/** Most cells on a side when looking for the best rectangle. */
const MAX_CELLS = 96;

/** Slots of the table of anchors; a slot that is taken keeps what it has. Shared: nothing survives a call. */
const SLOT_BITS = 15;
const slotHashes = new Int32Array(1 << SLOT_BITS);
const slotPlaces = new Int32Array(1 << SLOT_BITS);
const EMPTY = -1;
const AMBIGUOUS = -2;

function vote(before: Words, after: Words, area: Rect, forEach: typeof forEachAnchor): Shift | undefined {
  const { width, words } = before;
  slotPlaces.fill(EMPTY);
  forEach(words, width, area, 1, (hash, place) => {
    const slot = slotOf(hash);
    if (slotPlaces[slot] === EMPTY) {
      slotHashes[slot] = hash;
      slotPlaces[slot] = place;
    } else if (slotHashes[slot] === hash) slotPlaces[slot] = AMBIGUOUS;
  });
  const votes = new Map<number, number>();
  let winner = 0;
  let most = 0;
  forEach(after.words, width, area, ROW_STEP, (hash, place) => {
    const slot = slotOf(hash);
    const from = slotPlaces[slot]!;
    if (from < 0 || from === place || slotHashes[slot] !== hash) return;
    const x = (place % width) - (from % width);
    const y = Math.floor(place / width) - Math.floor(from / width);
    const key = y * SHIFT_SPAN + x;
    const count = (votes.get(key) ?? 0) + 1;
    votes.set(key, count);
    if (count > most) {
      most = count;
      winner = key;
    }
  });
  if (most < MIN_VOTES) return undefined;
  const y = Math.round(winner / SHIFT_SPAN);
  return { x: winner - y * SHIFT_SPAN, y };
}

/** More than twice the longest side of a picture. */
const SHIFT_SPAN = 1 << 17;

function slotOf(hash: number): number {
  return Math.imul(hash, 0x85ebca6b) >>> (32 - SLOT_BITS);
}

/** `place` is the index of the run's last pixel. */
function forEachAnchor(
  words: Int32Array,
  stride: number,
  area: Rect,
  rowStep: number,
  visit: (hash: number, place: number) => void,
): void {
  for (let y = area.y; y < area.y + area.height; y += rowStep) {
    const start = y * stride + area.x;
    const end = start + area.width;
    let hash = 0;
    let edges = 0;
    let last = words[start]!;
    for (let at = start; at < end; at++) {
      const word = words[at]!;
      hash = (Math.imul(hash, MULTIPLIER) + word) | 0;
      if (word !== last) edges++;
      last = word;
      if (at < start + RUN) continue;
      const leaving = words[at - RUN]!;
      hash = (hash - Math.imul(leaving, MULTIPLIER_OF_LEAVING)) | 0;
      if (leaving !== words[at - RUN + 1]) edges--;
      if (edges >= MIN_EDGES && Math.imul(hash, 0xc2b2ae35) >>> ANCHOR_SHIFT === 0) visit(hash, at);
    }
  }
}

/** As `forEachAnchor`, with a bit a pixel: noise seldom makes of something bright something dark. Green is most of what is seen. */
function forEachShape(
  words: Int32Array,
  stride: number,
  area: Rect,
  rowStep: number,
  visit: (hash: number, place: number) => void,
): void {
  for (let y = area.y; y < area.y + area.height; y += rowStep) {
    const start = y * stride + area.x;
    const end = start + area.width;
    let shape = 0;
    let sinceEdge = RUN;
    for (let at = start; at < end; at++) {
      const bit = (words[at]! >>> GREEN_TOP_BIT) & 1;
      sinceEdge = bit === (shape & 1) ? sinceEdge + 1 : 0;
      shape = (shape << 1) | bit;
      // Only where a letter ends: a picture has few such places, and the same ones wherever it has moved.
      if (sinceEdge !== 1 || at < start + RUN) continue;
      const hash = Math.imul(shape, MULTIPLIER);
      if (edgesOf(shape) >= MIN_SHAPE_EDGES && Math.imul(hash ^ (hash >>> 15), 0xc2b2ae35) >>> SHAPE_SHIFT === 0)
        visit(hash, at);
    }
  }
}

const GREEN_TOP_BIT = 15;
const MIN_SHAPE_EDGES = 6;
/** One of those runs in two is an anchor. */
const SHAPE_SHIFT = 31;

/** How often neighbouring bits differ. */
function edgesOf(shape: number): number {
  let edges = (shape ^ (shape >>> 1)) & 0x7fffffff;
  let count = 0;
  for (; edges !== 0; count++) edges &= edges - 1;
  return count;
}

/** Two pictures, one of them shifted, and what it means that they are the same somewhere. */
interface Comparison {
  readonly before: Words;
  readonly after: Words;
  readonly shift: Shift;
  readonly alike: Likeness;
}

/**
 * Of all rectangles of cells the one where copying saves most: a changed cell that the copy gets right counts for it, an
 * unchanged one that it would spoil against it.
 */
function mostUseful(comparison: Comparison, area: Rect): { rect: Rect; saved: number } | undefined {
  const { before, after, shift, alike } = comparison;
  const cell = Math.max(8, Math.ceil(Math.max(area.width, area.height) / MAX_CELLS));
  const columns = Math.ceil(area.width / cell);
  const rows = Math.ceil(area.height / cell);
  const values = new Int32Array(columns * rows);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const x = area.x + column * cell;
      const y = area.y + row * cell;
      const rect = {
        ...{ x, y },
        width: Math.min(cell, area.x + area.width - x),
        height: Math.min(cell, area.y + area.height - y),
      };
      const isSame = equals({ before, after, shift: { x: 0, y: 0 }, alike }, rect);
      const isMoved = equals(comparison, rect);
      if (isSame !== isMoved) values[row * columns + column] = (isMoved ? 1 : -1) * rect.width * rect.height;
    }
  }
  const best = largestSum(values, columns, rows);
  if (best.sum < MIN_SAVED) return undefined;
  const x = area.x + best.left * cell;
  const y = area.y + best.top * cell;
  const right = Math.min(area.x + area.width, area.x + best.right * cell);
  const bottom = Math.min(area.y + area.height, area.y + best.bottom * cell);
  const rect = grow(comparison, inside(before, { x, y, width: right - x, height: bottom - y }, shift), cell);
  return { rect, saved: best.sum };
}

/** The part of `rect` whose source is inside the picture: cells around it may have been of no account. */
function inside({ width, height }: Words, rect: Rect, shift: Shift): Rect {
  const x = Math.max(rect.x, shift.x);
  const y = Math.max(rect.y, shift.y);
  const right = Math.min(rect.x + rect.width, width + shift.x);
  const bottom = Math.min(rect.y + rect.height, height + shift.y);
  return { x, y, width: right - x, height: bottom - y };
}

/** Kadane's algorithm for each pair of columns. */
function largestSum(values: Int32Array, columns: number, rows: number) {
  let best = { sum: 0, left: 0, top: 0, right: 0, bottom: 0 };
  const sums = new Int32Array(rows);
  for (let left = 0; left < columns; left++) {
    sums.fill(0);
    for (let right = left; right < columns; right++) {
      let sum = 0;
      let top = 0;
      for (let row = 0; row < rows; row++) {
        sums[row]! += values[row * columns + right]!;
        if (sum <= 0) {
          sum = 0;
          top = row;
        }
        sum += sums[row]!;
        if (sum > best.sum) best = { sum, left, top, right: right + 1, bottom: row + 1 };
      }
    }
  }
  return best;
}

/** Moves each edge outwards over lines that the copy gets right, up to a cell: cells do not end where windows do. */
function grow(comparison: Comparison, start: Rect, cell: number): Rect {
  let rect = start;
  for (let i = 1; i < cell; i++) {
    const { x, y, width, height } = rect;
    const above = { x, y: y - 1, width, height: 1 };
    const below = { x, y: y + height, width, height: 1 };
    const top = equals(comparison, above) ? 1 : 0;
    const bottom = equals(comparison, below) ? 1 : 0;
    const left = equals(comparison, { x: x - 1, y, width: 1, height }) ? 1 : 0;
    const right = equals(comparison, { x: x + width, y, width: 1, height }) ? 1 : 0;
    if (top + bottom + left + right === 0) break;
    rect = { x: x - left, y: y - top, width: width + left + right, height: height + top + bottom };
  }
  return inside(comparison.before, rect, comparison.shift);
}

/** Whether `rect` in `after` shows what was before at a distance of `shift`. */
function equals({ before, after, shift, alike }: Comparison, rect: Rect): boolean {
  const { width, height } = before;
  const fromX = rect.x - shift.x;
  const fromY = rect.y - shift.y;
  if (rect.x < 0 || rect.y < 0 || rect.x + rect.width > width || rect.y + rect.height > height) return false;
  if (fromX < 0 || fromY < 0 || fromX + rect.width > width || fromY + rect.height > height) return false;
  return alike(before.words, fromY * width + fromX, after.words, rect.y * width + rect.x, width, rect);
}

function power(base: number, exponent: number): number {
  let result = 1;
  for (let i = 0; i < exponent; i++) result = Math.imul(result, base);
  return result;
}
