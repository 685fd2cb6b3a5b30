import type { ReadCursor } from '../core/cursor.ts';
import { WriteCursor } from '../core/cursor.ts';
import { UsageError } from '../core/errors.ts';
import type { Rect } from '../graphics/geometry.ts';
import { TunnelLimits } from './limits.ts';

/** How a region's bytes are encoded; `rgba` is width * height * 4 plain bytes. */
export type RegionEncoding = 'rgba' | 'png' | 'webp' | 'jpeg';

/** One rectangle of the desktop, in Regions mode: its picture, or where else on the desktop the same is shown. */
export type Region = PictureRegion | CopyRegion;

export interface PictureRegion extends Rect {
  readonly encoding: RegionEncoding;
  /** A view of the message when decoded. */
  readonly bytes: Uint8Array;
}

/** What was scrolled or dragged: the rectangle now shows what the desktop shows from here on, which it may overlap. */
export interface CopyRegion extends Rect {
  readonly encoding: 'copy';
  readonly fromX: number;
  readonly fromY: number;
}

/** How the pointer looks, in Regions mode. */
export type PointerShapeMessage =
  | { readonly type: 'pointer-shape'; readonly kind: 'default' | 'hidden' }
  | {
      readonly type: 'pointer-shape';
      readonly kind: 'shape';
      readonly width: number;
      readonly height: number;
      readonly hotX: number;
      /** May lie outside the shape when a server says so. */
      readonly hotY: number;
      /** width * height * 4 bytes, not premultiplied. A view when decoded. */
      readonly rgba: Uint8Array;
    };

/** Index is the wire value. */
const encodings: readonly Region['encoding'][] = ['rgba', 'png', 'webp', 'jpeg', 'copy'];
const copyBytes = 2 + 2; // fromX, fromY
const regionHeaderSize = 2 + 2 + 2 + 2 + 1 + 4; // x, y, width, height, encoding, length

/** Wire values of a pointer shape's kind, and its message type. */
const pointerKinds = ['default', 'hidden', 'shape'] as const;
const pointerShapeType = 0x13;

export function sizeOfRegions(regions: readonly Region[]): number {
  let size = 2; // count
  for (const region of regions)
    size += regionHeaderSize + (region.encoding === 'copy' ? copyBytes : region.bytes.length);
  return size;
}

export function writeRegions(cursor: WriteCursor, regions: readonly Region[]): void {
  if (regions.length > TunnelLimits.regions) throw new UsageError(`${regions.length} regions in one message`);
  cursor.u16(regions.length);
  for (const region of regions) {
    cursor.u16(region.x);
    cursor.u16(region.y);
    cursor.u16(region.width);
    cursor.u16(region.height);
    cursor.u8(encodings.indexOf(region.encoding));
    if (region.encoding === 'copy') {
      cursor.u32(copyBytes);
      cursor.u16(region.fromX);
      cursor.u16(region.fromY);
    } else {
      cursor.u32(region.bytes.length);
      cursor.bytes(region.bytes);
    }
  }
}

export function readRegions(cursor: ReadCursor): Region[] {
  const count = cursor.u16('count');
  if (count > TunnelLimits.regions) throw cursor.error('limit_exceeded', 'count', `${count}`);
  const regions: Region[] = [];
  for (let i = 0; i < count; i++) regions.push(readRegion(cursor));
  cursor.expectEnd();
  return regions;
}

export function writePointerShape(message: PointerShapeMessage): Uint8Array<ArrayBuffer> {
  const size = message.kind === 'shape' ? 2 + 2 + 2 + 2 + message.rgba.length : 0; // width, height, hotX, hotY, rgba
  const cursor = new WriteCursor(1 + 1 + size); // type, kind, shape
  cursor.u8(pointerShapeType);
  cursor.u8(pointerKinds.indexOf(message.kind));
  if (message.kind === 'shape') {
    const { width, height, rgba } = message;
    if (rgba.length !== width * height * 4)
      throw new UsageError(`pointer of ${width}x${height} has ${rgba.length} bytes`);
    cursor.u16(width);
    cursor.u16(height);
    cursor.u16(message.hotX);
    cursor.u16(message.hotY);
    cursor.bytes(rgba);
  }
  return cursor.finish();
}

export function readPointerShape(cursor: ReadCursor): PointerShapeMessage {
  const kind = pointerKinds[cursor.u8('kind')];
  if (kind === undefined) throw cursor.error('invalid_value', 'kind');
  if (kind !== 'shape') {
    cursor.expectEnd();
    return { type: 'pointer-shape', kind };
  }
  const width = readPointerSide(cursor, 'width');
  const height = readPointerSide(cursor, 'height');
  const hotX = cursor.u16('hotX');
  const hotY = cursor.u16('hotY');
  const rgba = cursor.bytes(width * height * 4, 'rgba');
  cursor.expectEnd();
  return { type: 'pointer-shape', kind, width, height, hotX, hotY, rgba };
}

function readRegion(cursor: ReadCursor): Region {
  const x = cursor.u16('x');
  const y = cursor.u16('y');
  const width = cursor.u16('width');
  const height = cursor.u16('height');
  if (width === 0 || height === 0) throw cursor.error('invalid_value', 'width', 'empty region');
  if (x + width > TunnelLimits.desktopSide) throw cursor.error('limit_exceeded', 'width', `right edge ${x + width}`);
  if (y + height > TunnelLimits.desktopSide)
    throw cursor.error('limit_exceeded', 'height', `bottom edge ${y + height}`);
  const encoding = encodings[cursor.u8('encoding')];
  if (encoding === undefined) throw cursor.error('invalid_value', 'encoding');
  const length = cursor.u32('length');
  if (encoding === 'copy') {
    if (length !== copyBytes) throw cursor.error('invalid_value', 'length', `${length} bytes of a copy`);
    const fromX = cursor.u16('fromX');
    const fromY = cursor.u16('fromY');
    if (fromX + width > TunnelLimits.desktopSide || fromY + height > TunnelLimits.desktopSide) {
      throw cursor.error('limit_exceeded', 'fromX', `copy from ${fromX},${fromY}`);
    }
    return { x, y, width, height, encoding, fromX, fromY };
  }
  if (encoding === 'rgba' && length !== width * height * 4) {
    throw cursor.error('invalid_value', 'length', `${length} bytes for ${width}x${height}`);
  }
  return { x, y, width, height, encoding, bytes: cursor.bytes(length, 'bytes') };
}

function readPointerSide(cursor: ReadCursor, field: string): number {
  const side = cursor.u16(field);
  if (side === 0) throw cursor.error('invalid_value', field, 'zero');
  if (side > TunnelLimits.pointerSide) throw cursor.error('limit_exceeded', field, `${side}`);
  return side;
}
