import { WriteCursor } from '../../core/cursor.ts';
import {
  GFX_HEADER_SIZE,
  type GfxCapsSet,
  GfxCommand,
  type GfxPdu,
  type GfxPoint,
  type GfxRect,
  GfxVersion,
  type SurfaceWindow,
  type UnknownGfxPdu,
} from './pdu.ts';

/** [MS-RDPEGFX] 2.2.2.14: the PDU is padded to this size. */
const RESET_GRAPHICS_SIZE = 340;

/** One message with its header. */
export function encodeGfxPdu(pdu: Exclude<GfxPdu, UnknownGfxPdu>): Uint8Array {
  if (pdu.kind === 'frame-acknowledge') return encodeFrameAcknowledge(pdu);
  const { cmdId, size, write } = plan(pdu);
  const cursor = new WriteCursor(GFX_HEADER_SIZE + size);
  cursor.u16(cmdId);
  cursor.u16(0);
  cursor.u32(GFX_HEADER_SIZE + size);
  write(cursor);
  return cursor.finish();
}

/** [MS-RDPEGFX] 2.2.2.13, without a plan: there is one for each picture. */
function encodeFrameAcknowledge({ queueDepth, frameId, totalFramesDecoded }: FrameAcknowledge): Uint8Array {
  const size = GFX_HEADER_SIZE + 12;
  const cursor = new WriteCursor(size);
  cursor.u16(GfxCommand.frameAcknowledge);
  cursor.u16(0);
  cursor.u32(size);
  for (const word of [queueDepth, frameId, totalFramesDecoded]) cursor.u32(word);
  return cursor.finish();
}

type FrameAcknowledge = Extract<GfxPdu, { kind: 'frame-acknowledge' }>;

interface EncodePlan {
  readonly cmdId: number;
  /** Bytes after the header. */
  readonly size: number;
  readonly write: (cursor: WriteCursor) => void;
}

const SIZE_OF_RECT = 8;
const SIZE_OF_POINT = 4;
const SIZE_OF_WINDOW = 18;

function plan(pdu: Exclude<GfxPdu, UnknownGfxPdu | FrameAcknowledge>): EncodePlan {
  switch (pdu.kind) {
    case 'wire-to-surface-1':
      return {
        cmdId: GfxCommand.wireToSurface1,
        size: 5 + SIZE_OF_RECT + 4 + pdu.bitmapData.length,
        write: (cursor) => {
          cursor.u16(pdu.surfaceId);
          cursor.u16(pdu.codecId);
          cursor.u8(pdu.pixelFormat);
          writeRect(cursor, pdu.destRect);
          cursor.u32(pdu.bitmapData.length);
          cursor.bytes(pdu.bitmapData);
        },
      };
    case 'wire-to-surface-2':
      return {
        cmdId: GfxCommand.wireToSurface2,
        size: 13 + pdu.bitmapData.length,
        write: (cursor) => {
          cursor.u16(pdu.surfaceId);
          cursor.u16(pdu.codecId);
          cursor.u32(pdu.codecContextId);
          cursor.u8(pdu.pixelFormat);
          cursor.u32(pdu.bitmapData.length);
          cursor.bytes(pdu.bitmapData);
        },
      };
    case 'delete-encoding-context':
      return words(GfxCommand.deleteEncodingContext, [2, pdu.surfaceId], [4, pdu.codecContextId]);
    case 'solid-fill':
      return {
        cmdId: GfxCommand.solidFill,
        size: 8 + SIZE_OF_RECT * pdu.fillRects.length,
        write: (cursor) => {
          cursor.u16(pdu.surfaceId);
          cursor.u32(pdu.fillPixel);
          cursor.u16(pdu.fillRects.length);
          for (const rect of pdu.fillRects) writeRect(cursor, rect);
        },
      };
    case 'surface-to-surface':
      return {
        cmdId: GfxCommand.surfaceToSurface,
        size: 4 + SIZE_OF_RECT + 2 + SIZE_OF_POINT * pdu.destPoints.length,
        write: (cursor) => {
          cursor.u16(pdu.surfaceIdSrc);
          cursor.u16(pdu.surfaceIdDest);
          writeRect(cursor, pdu.rectSrc);
          writePoints(cursor, pdu.destPoints);
        },
      };
    case 'surface-to-cache':
      return {
        cmdId: GfxCommand.surfaceToCache,
        size: 12 + SIZE_OF_RECT,
        write: (cursor) => {
          cursor.u16(pdu.surfaceId);
          cursor.u64(pdu.cacheKey);
          cursor.u16(pdu.cacheSlot);
          writeRect(cursor, pdu.rectSrc);
        },
      };
    case 'cache-to-surface':
      return {
        cmdId: GfxCommand.cacheToSurface,
        size: 6 + SIZE_OF_POINT * pdu.destPoints.length,
        write: (cursor) => {
          cursor.u16(pdu.cacheSlot);
          cursor.u16(pdu.surfaceId);
          writePoints(cursor, pdu.destPoints);
        },
      };
    case 'evict-cache-entry':
      return words(GfxCommand.evictCacheEntry, [2, pdu.cacheSlot]);
    case 'create-surface':
      return words(GfxCommand.createSurface, [2, pdu.surfaceId], [2, pdu.width], [2, pdu.height], [1, pdu.pixelFormat]);
    case 'delete-surface':
      return words(GfxCommand.deleteSurface, [2, pdu.surfaceId]);
    case 'start-frame':
      return words(GfxCommand.startFrame, [4, pdu.timestamp], [4, pdu.frameId]);
    case 'end-frame':
      return words(GfxCommand.endFrame, [4, pdu.frameId]);
    case 'reset-graphics':
      return {
        cmdId: GfxCommand.resetGraphics,
        size: RESET_GRAPHICS_SIZE - GFX_HEADER_SIZE,
        write: (cursor) => {
          cursor.u32(pdu.width);
          cursor.u32(pdu.height);
          cursor.u32(pdu.monitors.length);
          for (const { left, top, right, bottom, flags } of pdu.monitors) {
            for (const edge of [left, top, right, bottom]) cursor.i32(edge);
            cursor.u32(flags);
          }
          cursor.zeros(RESET_GRAPHICS_SIZE - cursor.position);
        },
      };
    case 'map-surface-to-output':
      return words(
        GfxCommand.mapSurfaceToOutput,
        [2, pdu.surfaceId],
        [2, 0],
        [4, pdu.outputOriginX],
        [4, pdu.outputOriginY],
      );
    case 'map-surface-to-scaled-output':
      return words(
        GfxCommand.mapSurfaceToScaledOutput,
        [2, pdu.surfaceId],
        [2, 0],
        [4, pdu.outputOriginX],
        [4, pdu.outputOriginY],
        [4, pdu.targetWidth],
        [4, pdu.targetHeight],
      );
    case 'map-surface-to-window':
      return {
        cmdId: GfxCommand.mapSurfaceToWindow,
        size: SIZE_OF_WINDOW,
        write: (cursor) => writeWindow(cursor, pdu),
      };
    case 'map-surface-to-scaled-window':
      return {
        cmdId: GfxCommand.mapSurfaceToScaledWindow,
        size: SIZE_OF_WINDOW + 8,
        write: (cursor) => {
          writeWindow(cursor, pdu);
          cursor.u32(pdu.targetWidth);
          cursor.u32(pdu.targetHeight);
        },
      };
    case 'cache-import-offer':
      return {
        cmdId: GfxCommand.cacheImportOffer,
        size: 2 + 12 * pdu.entries.length,
        write: (cursor) => {
          cursor.u16(pdu.entries.length);
          for (const entry of pdu.entries) {
            cursor.u64(entry.cacheKey);
            cursor.u32(entry.bitmapLength);
          }
        },
      };
    case 'cache-import-reply':
      return words(
        GfxCommand.cacheImportReply,
        [2, pdu.cacheSlots.length],
        ...pdu.cacheSlots.map((s) => [2, s] as const),
      );
    case 'caps-advertise':
      return {
        cmdId: GfxCommand.capsAdvertise,
        size: 2 + pdu.capsSets.reduce((sum, set) => sum + sizeOfCapsSet(set), 0),
        write: (cursor) => {
          cursor.u16(pdu.capsSets.length);
          for (const set of pdu.capsSets) writeCapsSet(cursor, set);
        },
      };
    case 'caps-confirm':
      return {
        cmdId: GfxCommand.capsConfirm,
        size: sizeOfCapsSet(pdu.capsSet),
        write: (cursor) => writeCapsSet(cursor, pdu.capsSet),
      };
    case 'qoe-frame-acknowledge':
      return words(
        GfxCommand.qoeFrameAcknowledge,
        [4, pdu.frameId],
        [4, pdu.timestamp],
        [2, pdu.timeDiffSE],
        [2, pdu.timeDiffEDR],
      );
    default:
      return pdu satisfies never;
  }
}

/** A message of plain fields, each `[bytes, value]`. */
function words(cmdId: number, ...fields: readonly (readonly [bytes: 1 | 2 | 4 | number, value: number])[]): EncodePlan {
  return {
    cmdId,
    size: fields.reduce((sum, [bytes]) => sum + bytes, 0),
    write: (cursor) => {
      for (const [bytes, value] of fields) {
        if (bytes === 1) cursor.u8(value);
        else if (bytes === 2) cursor.u16(value);
        else cursor.u32(value);
      }
    },
  };
}

function writeRect(cursor: WriteCursor, rect: GfxRect): void {
  for (const edge of [rect.left, rect.top, rect.right, rect.bottom]) cursor.u16(edge);
}

function writePoints(cursor: WriteCursor, points: readonly GfxPoint[]): void {
  cursor.u16(points.length);
  for (const { x, y } of points) {
    cursor.i16(x);
    cursor.i16(y);
  }
}

function writeWindow(cursor: WriteCursor, window: SurfaceWindow): void {
  cursor.u16(window.surfaceId);
  cursor.u64(window.windowId);
  cursor.u32(window.mappedWidth);
  cursor.u32(window.mappedHeight);
}

function sizeOfCapsSet(set: GfxCapsSet): number {
  return 8 + (set.version === GfxVersion.v101 ? 16 : 4);
}

function writeCapsSet(cursor: WriteCursor, set: GfxCapsSet): void {
  cursor.u32(set.version);
  if (set.version === GfxVersion.v101) {
    cursor.u32(16);
    cursor.zeros(16);
    return;
  }
  cursor.u32(4);
  cursor.u32(set.flags);
}
