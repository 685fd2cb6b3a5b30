import type { ReadCursor, WriteCursor } from '../core/cursor.ts';
import { UsageError } from '../core/errors.ts';

/**
 * Pointer updates. Their attributes are the same on both paths; what the slow path puts around them is in
 * slow-path-update.ts.
 */

/** [MS-RDPBCGR] 2.2.9.1.1.4.4: width and height of a colour pointer; 96 where both sides allow it. */
export const MAX_POINTER_SIZE = 96;
/** [MS-RDPBCGR] 2.2.9.1.2.1.11: width and height of a large pointer. */
export const MAX_LARGE_POINTER_SIZE = 384;

/**
 * @pdu [MS-RDPBCGR] 2.2.9.1.1.4.2 TS_POINTERPOSATTRIBUTE, a 2.2.9.1.1.4.1 TS_POINT16
 */
export interface PointerPosition {
  readonly x: number;
  readonly y: number;
}

export function decodePointerPosition(cursor: ReadCursor): PointerPosition {
  return { x: cursor.u16('xPos'), y: cursor.u16('yPos') };
}

export function sizeOfPointerPosition(): number {
  return 2 /* xPos */ + 2 /* yPos */;
}

export function encodePointerPosition(position: PointerPosition, cursor: WriteCursor): void {
  cursor.u16(position.x);
  cursor.u16(position.y);
}

/**
 * A pointer's shape: TS_COLORPOINTERATTRIBUTE (always 24 bpp), TS_POINTERATTRIBUTE with its depth in front, or
 * TS_FP_LARGEPOINTERATTRIBUTE with wider fields. Rows of both masks are bottom-up and padded to two bytes.
 */
export interface PointerShape {
  readonly xorBpp: number;
  readonly cacheIndex: number;
  readonly hotX: number;
  readonly hotY: number;
  readonly width: number;
  readonly height: number;
  /** Colours. A view. */
  readonly xorMask: Uint8Array;
  /** One bit a pixel. A view. */
  readonly andMask: Uint8Array;
}

/**
 * @pdu [MS-RDPBCGR] 2.2.9.1.1.4.4 TS_COLORPOINTERATTRIBUTE
 */
export function decodeColorPointer(cursor: ReadCursor): PointerShape {
  return decodeShape(cursor, 24, MAX_POINTER_SIZE);
}

export function sizeOfColorPointer(shape: PointerShape): number {
  return SHAPE_HEADER_SIZE + shape.xorMask.length + shape.andMask.length + 1 /* pad */;
}

export function encodeColorPointer(shape: PointerShape, cursor: WriteCursor): void {
  if (shape.xorBpp !== 24) throw new UsageError(`a colour pointer has 24 bpp, not ${shape.xorBpp}`);
  encodeShape(shape, cursor);
}

/**
 * @pdu [MS-RDPBCGR] 2.2.9.1.1.4.5 TS_POINTERATTRIBUTE
 */
export function decodeNewPointer(cursor: ReadCursor): PointerShape {
  return decodeShape(cursor, cursor.u16('xorBpp'), MAX_POINTER_SIZE);
}

export function sizeOfNewPointer(shape: PointerShape): number {
  return 2 /* xorBpp */ + sizeOfColorPointer(shape);
}

export function encodeNewPointer(shape: PointerShape, cursor: WriteCursor): void {
  cursor.u16(shape.xorBpp);
  encodeShape(shape, cursor);
}

/**
 * @pdu [MS-RDPBCGR] 2.2.9.1.2.1.11 TS_FP_LARGEPOINTERATTRIBUTE
 */
export function decodeLargePointer(cursor: ReadCursor): PointerShape {
  const xorBpp = cursor.u16('xorBpp');
  const cacheIndex = cursor.u16('cacheIndex');
  const hotX = cursor.u16('hotSpot.xPos');
  const hotY = cursor.u16('hotSpot.yPos');
  const width = readSide(cursor, 'width', MAX_LARGE_POINTER_SIZE);
  const height = readSide(cursor, 'height', MAX_LARGE_POINTER_SIZE);
  const andLength = cursor.u32('lengthAndMask');
  const xorLength = cursor.u32('lengthXorMask');
  const xorMask = cursor.bytes(xorLength, 'xorMaskData');
  const andMask = cursor.bytes(andLength, 'andMaskData');
  return { xorBpp, cacheIndex, hotX, hotY, width, height, xorMask, andMask };
}

/**
 * @pdu [MS-RDPBCGR] 2.2.9.1.1.4.6 TS_CACHEDPOINTERATTRIBUTE
 */
export function decodeCachedPointer(cursor: ReadCursor): { readonly cacheIndex: number } {
  return { cacheIndex: cursor.u16('cacheIndex') };
}

export function sizeOfCachedPointer(): number {
  return 2; /* cacheIndex */
}

export function encodeCachedPointer(pointer: { readonly cacheIndex: number }, cursor: WriteCursor): void {
  cursor.u16(pointer.cacheIndex);
}

const SHAPE_HEADER_SIZE = 7 * 2; /* cacheIndex … lengthXorMask */

function decodeShape(cursor: ReadCursor, xorBpp: number, maxSize: number): PointerShape {
  const cacheIndex = cursor.u16('cacheIndex');
  const hotX = cursor.u16('hotSpot.xPos');
  const hotY = cursor.u16('hotSpot.yPos');
  const width = readSide(cursor, 'width', maxSize);
  const height = readSide(cursor, 'height', maxSize);
  const andLength = cursor.u16('lengthAndMask');
  const xorLength = cursor.u16('lengthXorMask');
  const xorMask = cursor.bytes(xorLength, 'xorMaskData');
  const andMask = cursor.bytes(andLength, 'andMaskData');
  // `pad` may follow or not.
  return { xorBpp, cacheIndex, hotX, hotY, width, height, xorMask, andMask };
}

function readSide(cursor: ReadCursor, field: string, max: number): number {
  const value = cursor.u16(field);
  if (value > max) throw cursor.error('limit_exceeded', field, `${value} is more than ${max}`);
  return value;
}

function encodeShape(shape: PointerShape, cursor: WriteCursor): void {
  cursor.u16(shape.cacheIndex);
  cursor.u16(shape.hotX);
  cursor.u16(shape.hotY);
  cursor.u16(shape.width);
  cursor.u16(shape.height);
  cursor.u16(shape.andMask.length);
  cursor.u16(shape.xorMask.length);
  cursor.bytes(shape.xorMask);
  cursor.bytes(shape.andMask);
  cursor.zeros(1); // pad
}
