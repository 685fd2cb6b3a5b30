import { WriteCursor } from '#protocol/core/cursor.ts';
import type { GraphicsUpdate } from '#protocol/graphics/update.ts';
import { UpdateCode } from '#protocol/graphics/update.ts';
import {
  encodeCachedPointer,
  encodeColorPointer,
  type PointerShape,
  sizeOfCachedPointer,
  sizeOfColorPointer,
} from '#protocol/pdu/pointer.ts';
import type { PointerKind } from './windows.ts';

/** Sends each shape once, as a colour pointer, and by its cache index from then on. */
export class PointerUpdates {
  readonly #sent = new Set<PointerKind>();
  #current: PointerKind | undefined;

  /** The update for a change of shape, or nothing if there is none. */
  change(kind: PointerKind): GraphicsUpdate | undefined {
    if (kind === this.#current) return undefined;
    this.#current = kind;
    const shape = shapeOf(kind);
    if (this.#sent.has(kind)) {
      const cursor = new WriteCursor(sizeOfCachedPointer());
      encodeCachedPointer(shape, cursor);
      return { code: UpdateCode.pointerCached, data: cursor.finish() };
    }
    this.#sent.add(kind);
    const cursor = new WriteCursor(sizeOfColorPointer(shape));
    encodeColorPointer(shape, cursor);
    return { code: UpdateCode.pointerColor, data: cursor.finish() };
  }

  /** The client's cache is empty again. */
  reset(): void {
    this.#sent.clear();
    this.#current = undefined;
  }
}

const SIZE = 32;

/** Drawings: `#` black, `o` white, anything else transparent. */
const DRAWINGS: Record<PointerKind, { readonly hot: readonly [number, number]; readonly rows: readonly string[] }> = {
  arrow: {
    hot: [0, 0],
    rows: [
      '#',
      '##',
      '#o#',
      '#oo#',
      '#ooo#',
      '#oooo#',
      '#ooooo#',
      '#oooooo#',
      '#ooooooo#',
      '#oooooooo#',
      '#ooooooooo#',
      '#oooooo####',
      '#ooo#oo#',
      '#oo# #oo#',
      '#o#  #oo#',
      '##    #oo#',
      '#     #oo#',
      '       ##',
    ],
  },
  text: {
    hot: [4, 8],
    rows: [
      'ooo ooo',
      'o##o##o',
      'ooo#ooo',
      '  o#o',
      '  o#o',
      '  o#o',
      '  o#o',
      '  o#o',
      '  o#o',
      '  o#o',
      '  o#o',
      '  o#o',
      '  o#o',
      'ooo#ooo',
      'o##o##o',
      'ooo ooo',
    ],
  },
  move: {
    hot: [8, 8],
    rows: [
      '        o',
      '       o#o',
      '      o###o',
      '     o#####o',
      '      oo#oo',
      '   o   o#o   o',
      '  o#o  o#o  o#o',
      ' o##oooo#oooo##o',
      'o###############o',
      ' o##oooo#oooo##o',
      '  o#o  o#o  o#o',
      '   o   o#o   o',
      '      oo#oo',
      '     o#####o',
      '      o###o',
      '       o#o',
      '        o',
    ],
  },
};

const KINDS = Object.keys(DRAWINGS) as PointerKind[];
const shapes = new Map<PointerKind, PointerShape>();

function shapeOf(kind: PointerKind): PointerShape {
  let shape = shapes.get(kind);
  if (!shape) {
    shape = drawShape(kind);
    shapes.set(kind, shape);
  }
  return shape;
}

/** Both masks start with the lowest row; transparent is a set bit in the AND mask over black. */
function drawShape(kind: PointerKind): PointerShape {
  const { hot, rows } = DRAWINGS[kind];
  const xorMask = new Uint8Array(SIZE * SIZE * 3);
  const andMask = new Uint8Array((SIZE * SIZE) / 8).fill(0xff);
  rows.forEach((row, y) => {
    const line = SIZE - 1 - y;
    [...row].forEach((mark, x) => {
      if (mark !== '#' && mark !== 'o') return;
      const bit = line * SIZE + x;
      andMask[bit >>> 3] = (andMask[bit >>> 3] ?? 0) & ~(0x80 >>> (bit & 7));
      if (mark === 'o') xorMask.fill(0xff, bit * 3, bit * 3 + 3);
    });
  });
  const [hotX, hotY] = hot;
  return { xorBpp: 24, cacheIndex: KINDS.indexOf(kind), hotX, hotY, width: SIZE, height: SIZE, xorMask, andMask };
}
