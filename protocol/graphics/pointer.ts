import { ReadCursor } from '../core/cursor.ts';
import { DecodeError } from '../core/errors.ts';
import type { StateReader, StateWriter } from '../core/state.ts';
import { MAX_LARGE_POINTER_SIZE, type PointerShape as PointerMasks } from '../pdu/pointer.ts';

/** A pointer's picture: RGBA bytes, not premultiplied. */
export interface PointerShape {
  readonly width: number;
  readonly height: number;
  /** The pixel that points. Inside the picture. */
  readonly hotX: number;
  readonly hotY: number;
  readonly rgba: Uint8ClampedArray<ArrayBuffer>;
}

export type PointerLook = 'default' | 'hidden' | PointerShape;

/** How the pointer looks now. `version` grows with every change, so that a viewer sees whether it is up to date. */
export type PointerState =
  | { readonly kind: 'default' | 'hidden'; readonly version: number; readonly shape?: undefined }
  | { readonly kind: 'shape'; readonly version: number; readonly shape: PointerShape };

/**
 * Turns AND and XOR masks into RGBA, [MS-RDPBCGR] 2.2.9.1.1.4.4: rows are padded to two bytes and come bottom-up,
 * but top-down at 1 bpp. Returns `undefined` for an empty shape: a pointer that cannot be seen.
 *
 * Pixels that invert what is under them cannot be drawn so; they become black with a white outline, which is
 * legible on every ground. At 32 bpp alpha says what shows, but servers also use the AND mask there: it makes opaque
 * black transparent and opaque white inverting. Throws `DecodeError` on unknown depths and masks that are too short.
 */
export function decodePointerShape(pointer: PointerMasks, palette: Uint32Array): PointerShape | undefined {
  const { width, height, xorBpp: depth } = pointer;
  if (width === 0 || height === 0) return undefined;
  const bytesPerRow = xorRowSize(width, depth);
  if (bytesPerRow === undefined) throw failure('invalid_value', 'xorBpp', `${depth} bits per pixel`);
  if (pointer.xorMask.length < bytesPerRow * height) {
    throw failure(
      'truncated',
      'lengthXorMask',
      `${pointer.xorMask.length} bytes for ${width} x ${height} at ${depth} bpp`,
    );
  }
  const andRow = ((width + 15) >>> 4) * 2;
  const hasAnd = pointer.andMask.length > 0;
  if (hasAnd && pointer.andMask.length < andRow * height) {
    throw failure('truncated', 'lengthAndMask', `${pointer.andMask.length} bytes for ${width} x ${height}`);
  }

  const rgba = new Uint8ClampedArray(width * height * 4);
  const words = new Uint32Array(rgba.buffer);
  const usesAlpha = depth === 32 && hasAlpha(pointer.xorMask, width * height);
  const inverted: number[] = [];
  for (let y = 0; y < height; y++) {
    const row = depth === 1 ? y : height - 1 - y;
    for (let x = 0; x < width; x++) {
      const at = y * width + x;
      const color = xorPixel(pointer.xorMask, row * bytesPerRow, x, depth, palette);
      const masked = hasAnd && ((pointer.andMask[row * andRow + (x >>> 3)]! >>> (7 - (x & 7))) & 1) === 1;
      if (!masked) words[at] = usesAlpha ? color : color | BLACK;
      else if (!usesAlpha) {
        if ((color & 0xffffff) !== 0) inverted.push(at);
      } else if (color >>> 0 === WHITE) inverted.push(at);
      else if (color >>> 0 !== BLACK) words[at] = color;
    }
  }
  outline(words, width, height, inverted);
  return {
    width,
    height,
    hotX: Math.min(pointer.hotX, width - 1),
    hotY: Math.min(pointer.hotY, height - 1),
    rgba,
  };
}

export function savePointer(state: StateWriter, look: PointerLook): void {
  state.u8(look === 'default' ? SavedPointer.default : look === 'hidden' ? SavedPointer.hidden : SavedPointer.shape);
  if (typeof look === 'string') return;
  for (const value of [look.width, look.height, look.hotX, look.hotY]) state.u16(value);
  state.array(look.rgba);
}

export function loadPointer(state: StateReader): PointerLook {
  const kind = state.u8('pointer');
  if (kind === SavedPointer.default) return 'default';
  if (kind === SavedPointer.hidden) return 'hidden';
  if (kind !== SavedPointer.shape) throw state.error('invalid_value', 'pointer', `${kind}`);
  const [width, height] = [state.u16('width'), state.u16('height')];
  if (width > MAX_LARGE_POINTER_SIZE || height > MAX_LARGE_POINTER_SIZE) throw state.error('limit_exceeded', 'width');
  const [hotX, hotY] = [state.u16('hotX'), state.u16('hotY')];
  if (hotX >= width || hotY >= height) throw state.error('invalid_value', 'hotX', `${hotX},${hotY}`);
  const rgba = new Uint8ClampedArray(width * height * 4);
  state.array(rgba, 'rgba');
  return { width, height, hotX, hotY, rgba };
}

const SavedPointer = { default: 0, hidden: 1, shape: 2 } as const;

/** A cursor over any pointer update's payload. */
export function pointerCursor(data: Uint8Array): ReadCursor {
  return new ReadCursor(data, 'TS_POINTER_PDU');
}

const BLACK = 0xff000000;
const WHITE = 0xffffffff;

function xorRowSize(width: number, depth: number): number | undefined {
  switch (depth) {
    case 1:
      return ((width + 15) >>> 4) * 2;
    case 4:
      return (((width + 1) >>> 1) + 1) & ~1;
    case 8:
      return (width + 1) & ~1;
    case 15:
    case 16:
      return width * 2;
    case 24:
      return (width * 3 + 1) & ~1;
    case 32:
      return width * 4;
    default:
      return undefined;
  }
}

/** The pixel as an RGBA word; alpha is meaningful at 32 bpp only. */
function xorPixel(mask: Uint8Array, rowStart: number, x: number, depth: number, palette: Uint32Array): number {
  switch (depth) {
    case 1:
      return (mask[rowStart + (x >>> 3)]! >>> (7 - (x & 7))) & 1 ? 0xffffff : 0;
    case 4:
      return palette[(mask[rowStart + (x >>> 1)]! >>> (x & 1 ? 0 : 4)) & 0x0f]!;
    case 8:
      return palette[mask[rowStart + x]!]!;
    case 15:
    case 16: {
      const at = rowStart + x * 2;
      const value = mask[at]! | (mask[at + 1]! << 8);
      const greenBits = depth - 10;
      const red = widen((value >>> (5 + greenBits)) & 0x1f, 5);
      const green = widen((value >>> 5) & ((1 << greenBits) - 1), greenBits);
      return (widen(value & 0x1f, 5) << 16) | (green << 8) | red;
    }
    case 24: {
      const at = rowStart + x * 3;
      return (mask[at]! << 16) | (mask[at + 1]! << 8) | mask[at + 2]!;
    }
    default: {
      const at = rowStart + x * 4;
      return (mask[at + 3]! << 24) | (mask[at]! << 16) | (mask[at + 1]! << 8) | mask[at + 2]!;
    }
  }
}

function widen(value: number, bits: number): number {
  return ((value << (8 - bits)) | (value >>> (bits * 2 - 8))) & 0xff;
}

/** A 32 bpp shape without any alpha is an old one: its AND mask says what shows. */
function hasAlpha(mask: Uint8Array, pixels: number): boolean {
  for (let i = 0; i < pixels; i++) if (mask[i * 4 + 3] !== 0) return true;
  return false;
}

function outline(words: Uint32Array, width: number, height: number, inverted: readonly number[]): void {
  for (const at of inverted) words[at] = BLACK;
  for (const at of inverted) {
    const x = at % width;
    const y = (at - x) / width;
    for (let dy = -1; dy <= 1; dy++) {
      for (let dx = -1; dx <= 1; dx++) {
        const nx = x + dx;
        const ny = y + dy;
        if (nx < 0 || ny < 0 || nx >= width || ny >= height) continue;
        if (words[ny * width + nx] === 0) words[ny * width + nx] = WHITE;
      }
    }
  }
}

function failure(code: DecodeError['code'], field: string, detail: string): DecodeError {
  return new DecodeError(code, 'TS_COLORPOINTERATTRIBUTE', field, 0, detail);
}
