import { ReadCursor, WriteCursor } from '../../core/cursor.ts';

/** [MS-RDPEGFX] 2.2.1.5 RDPGFX_HEADER, `cmdId`. */
export const GfxCommand = {
  wireToSurface1: 0x0001,
  wireToSurface2: 0x0002,
  deleteEncodingContext: 0x0003,
  solidFill: 0x0004,
  surfaceToSurface: 0x0005,
  surfaceToCache: 0x0006,
  cacheToSurface: 0x0007,
  evictCacheEntry: 0x0008,
  createSurface: 0x0009,
  deleteSurface: 0x000a,
  startFrame: 0x000b,
  endFrame: 0x000c,
  frameAcknowledge: 0x000d,
  resetGraphics: 0x000e,
  mapSurfaceToOutput: 0x000f,
  cacheImportOffer: 0x0010,
  cacheImportReply: 0x0011,
  capsAdvertise: 0x0012,
  capsConfirm: 0x0013,
  mapSurfaceToWindow: 0x0015,
  qoeFrameAcknowledge: 0x0016,
  mapSurfaceToScaledOutput: 0x0017,
  mapSurfaceToScaledWindow: 0x0018,
} as const;

/** [MS-RDPEGFX] 2.2.2.1 and 2.2.2.2, `codecId`. */
export const GfxCodecId = {
  uncompressed: 0x0000,
  caVideo: 0x0003,
  clearCodec: 0x0008,
  progressive: 0x0009,
  planar: 0x000a,
  avc420: 0x000b,
  alpha: 0x000c,
  progressiveV2: 0x000d,
  avc444: 0x000e,
  avc444v2: 0x000f,
} as const;

/** [MS-RDPEGFX] 2.2.1.4 RDPGFX_PIXELFORMAT. */
export const GfxPixelFormat = { xrgb8888: 0x20, argb8888: 0x21 } as const;

/** [MS-RDPEGFX] 2.2.3, `version`. */
export const GfxVersion = {
  v8: 0x0008_0004,
  v81: 0x0008_0105,
  v10: 0x000a_0002,
  v101: 0x000a_0100,
  v102: 0x000a_0200,
  v103: 0x000a_0301,
  v104: 0x000a_0400,
  v105: 0x000a_0502,
  v106: 0x000a_0600,
  v107: 0x000a_0701,
} as const;

/** [MS-RDPEGFX] 2.2.3, `flags`. */
export const GfxCapsFlags = {
  thinClient: 0x01,
  smallCache: 0x02,
  /** Version 8.1 only: AVC has to be asked for. */
  avc420Enabled: 0x10,
  /** Version 10 and later: AVC has to be refused. */
  avcDisabled: 0x20,
  avcThinClient: 0x40,
  scaledMapDisable: 0x80,
} as const;

/** [MS-RDPEGFX] 2.2.2.13 RDPGFX_FRAME_ACKNOWLEDGE_PDU, `queueDepth`: values that are no depth. */
export const QueueDepth = { unavailable: 0x0000_0000, suspendAcknowledge: 0xffff_ffff } as const;

/** Most rectangles or points in one command, capabilities in one advertisement, monitors in one reset, entries in one offer. */
export const GfxLimits = { rects: 65_535, capsSets: 64, monitors: 16, cacheEntries: 5_461 } as const;

/** [MS-RDPEGFX] 2.2.2.14: the PDU is padded to this size. */
const RESET_GRAPHICS_SIZE = 340;
const HEADER_SIZE = 8;
/** Behind cmdId and flags. */
const PDU_LENGTH_OFFSET = 4;

/** [MS-RDPEGFX] 2.2.1.2 RDPGFX_RECT16: right and bottom are exclusive. */
export interface GfxRect {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/** [MS-RDPEGFX] 2.2.1.1 RDPGFX_POINT16. */
export interface GfxPoint {
  readonly x: number;
  readonly y: number;
}

export interface GfxCapsSet {
  readonly version: number;
  readonly flags: number;
}

/** [MS-RDPBCGR] 2.2.1.3.6.1 TS_MONITOR_DEF: right and bottom are inclusive here. */
export interface GfxMonitor {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
  readonly flags: number;
}

/** The messages of [MS-RDPEGFX] 2.2.2. `bitmapData` is a view. */
export type GfxPdu =
  | {
      readonly kind: 'wire-to-surface-1';
      readonly surfaceId: number;
      readonly codecId: number;
      readonly pixelFormat: number;
      readonly destRect: GfxRect;
      readonly bitmapData: Uint8Array;
    }
  | {
      readonly kind: 'wire-to-surface-2';
      readonly surfaceId: number;
      readonly codecId: number;
      readonly codecContextId: number;
      readonly pixelFormat: number;
      readonly bitmapData: Uint8Array;
    }
  | { readonly kind: 'delete-encoding-context'; readonly surfaceId: number; readonly codecContextId: number }
  | {
      readonly kind: 'solid-fill';
      readonly surfaceId: number;
      /** `0xXXRRGGBB` as on the wire read little-endian. */
      readonly fillPixel: number;
      readonly fillRects: readonly GfxRect[];
    }
  | {
      readonly kind: 'surface-to-surface';
      readonly surfaceIdSrc: number;
      readonly surfaceIdDest: number;
      readonly rectSrc: GfxRect;
      readonly destPoints: readonly GfxPoint[];
    }
  | {
      readonly kind: 'surface-to-cache';
      readonly surfaceId: number;
      readonly cacheKey: bigint;
      readonly cacheSlot: number;
      readonly rectSrc: GfxRect;
    }
  | {
      readonly kind: 'cache-to-surface';
      readonly cacheSlot: number;
      readonly surfaceId: number;
      readonly destPoints: readonly GfxPoint[];
    }
  | { readonly kind: 'evict-cache-entry'; readonly cacheSlot: number }
  | {
      readonly kind: 'create-surface';
      readonly surfaceId: number;
      readonly width: number;
      readonly height: number;
      readonly pixelFormat: number;
    }
  | { readonly kind: 'delete-surface'; readonly surfaceId: number }
  | { readonly kind: 'start-frame'; readonly timestamp: number; readonly frameId: number }
  | { readonly kind: 'end-frame'; readonly frameId: number }
  | {
      readonly kind: 'frame-acknowledge';
      readonly queueDepth: number;
      readonly frameId: number;
      readonly totalFramesDecoded: number;
    }
  | {
      readonly kind: 'reset-graphics';
      readonly width: number;
      readonly height: number;
      readonly monitors: readonly GfxMonitor[];
    }
  | {
      readonly kind: 'map-surface-to-output';
      readonly surfaceId: number;
      readonly outputOriginX: number;
      readonly outputOriginY: number;
    }
  | {
      readonly kind: 'map-surface-to-scaled-output';
      readonly surfaceId: number;
      readonly outputOriginX: number;
      readonly outputOriginY: number;
      readonly targetWidth: number;
      readonly targetHeight: number;
    }
  | {
      readonly kind: 'map-surface-to-window';
      readonly surfaceId: number;
      readonly windowId: bigint;
      readonly mappedWidth: number;
      readonly mappedHeight: number;
    }
  | {
      readonly kind: 'map-surface-to-scaled-window';
      readonly surfaceId: number;
      readonly windowId: bigint;
      readonly mappedWidth: number;
      readonly mappedHeight: number;
      readonly targetWidth: number;
      readonly targetHeight: number;
    }
  | {
      readonly kind: 'cache-import-offer';
      readonly entries: readonly { readonly cacheKey: bigint; readonly bitmapLength: number }[];
    }
  | { readonly kind: 'cache-import-reply'; readonly cacheSlots: readonly number[] }
  | { readonly kind: 'caps-advertise'; readonly capsSets: readonly GfxCapsSet[] }
  | { readonly kind: 'caps-confirm'; readonly capsSet: GfxCapsSet }
  | {
      readonly kind: 'qoe-frame-acknowledge';
      readonly frameId: number;
      readonly timestamp: number;
      readonly timeDiffSE: number;
      readonly timeDiffEDR: number;
    }
  | { readonly kind: 'unknown'; readonly cmdId: number };

/**
 * Decodes those of several messages that have one of these commands, and passes over the others by their headers.
 * @throws DecodeError
 */
export function* decodeGfxPdus(bytes: Uint8Array, commands: ReadonlySet<number>): Generator<GfxPdu, void> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at < bytes.length; ) {
    const isWhole = at + HEADER_SIZE <= bytes.length;
    const pduLength = isWhole ? view.getUint32(at + PDU_LENGTH_OFFSET, true) : 0;
    const isSkipped =
      pduLength >= HEADER_SIZE && pduLength <= bytes.length - at && !commands.has(view.getUint16(at, true));
    // What is damaged goes to the decoder, which says how.
    if (!isSkipped) yield decodeGfxPdu(new ReadCursor(bytes, 'RDPGFX_HEADER', at));
    at += Math.max(pduLength, HEADER_SIZE);
  }
}

/** Reads the next message; several may follow one another in one channel message. */
export function decodeGfxPdu(cursor: ReadCursor): GfxPdu {
  const cmdId = cursor.u16('cmdId');
  cursor.skip(2, 'flags');
  const pduLength = cursor.u32('pduLength');
  if (pduLength < HEADER_SIZE) throw cursor.error('invalid_value', 'pduLength', `${pduLength} is less than its header`);
  const body = cursor.sub(pduLength - HEADER_SIZE, 'pduLength', contextOf(cmdId));
  switch (cmdId) {
    case GfxCommand.wireToSurface1: {
      const surfaceId = body.u16('surfaceId');
      const codecId = body.u16('codecId');
      const pixelFormat = body.u8('pixelFormat');
      const destRect = readRect(body, 'destRect');
      const bitmapData = body.bytes(body.u32('bitmapDataLength'), 'bitmapData');
      return { kind: 'wire-to-surface-1', surfaceId, codecId, pixelFormat, destRect, bitmapData };
    }
    case GfxCommand.wireToSurface2: {
      const surfaceId = body.u16('surfaceId');
      const codecId = body.u16('codecId');
      const codecContextId = body.u32('codecContextId');
      const pixelFormat = body.u8('pixelFormat');
      const bitmapData = body.bytes(body.u32('bitmapDataLength'), 'bitmapData');
      return { kind: 'wire-to-surface-2', surfaceId, codecId, codecContextId, pixelFormat, bitmapData };
    }
    case GfxCommand.deleteEncodingContext:
      return {
        kind: 'delete-encoding-context',
        surfaceId: body.u16('surfaceId'),
        codecContextId: body.u32('codecContextId'),
      };
    case GfxCommand.solidFill: {
      const surfaceId = body.u16('surfaceId');
      const fillPixel = body.u32('fillPixel');
      return { kind: 'solid-fill', surfaceId, fillPixel, fillRects: readList(body, 'fillRects', readRect) };
    }
    case GfxCommand.surfaceToSurface: {
      const surfaceIdSrc = body.u16('surfaceIdSrc');
      const surfaceIdDest = body.u16('surfaceIdDest');
      const rectSrc = readRect(body, 'rectSrc');
      const destPoints = readList(body, 'destPts', readPoint);
      return { kind: 'surface-to-surface', surfaceIdSrc, surfaceIdDest, rectSrc, destPoints };
    }
    case GfxCommand.surfaceToCache:
      return {
        kind: 'surface-to-cache',
        surfaceId: body.u16('surfaceId'),
        cacheKey: body.u64('cacheKey'),
        cacheSlot: body.u16('cacheSlot'),
        rectSrc: readRect(body, 'rectSrc'),
      };
    case GfxCommand.cacheToSurface: {
      const cacheSlot = body.u16('cacheSlot');
      const surfaceId = body.u16('surfaceId');
      return { kind: 'cache-to-surface', cacheSlot, surfaceId, destPoints: readList(body, 'destPts', readPoint) };
    }
    case GfxCommand.evictCacheEntry:
      return { kind: 'evict-cache-entry', cacheSlot: body.u16('cacheSlot') };
    case GfxCommand.createSurface:
      return {
        kind: 'create-surface',
        surfaceId: body.u16('surfaceId'),
        width: body.u16('width'),
        height: body.u16('height'),
        pixelFormat: body.u8('pixelFormat'),
      };
    case GfxCommand.deleteSurface:
      return { kind: 'delete-surface', surfaceId: body.u16('surfaceId') };
    case GfxCommand.startFrame:
      return { kind: 'start-frame', timestamp: body.u32('timestamp'), frameId: body.u32('frameId') };
    case GfxCommand.endFrame:
      return { kind: 'end-frame', frameId: body.u32('frameId') };
    case GfxCommand.frameAcknowledge:
      return {
        kind: 'frame-acknowledge',
        queueDepth: body.u32('queueDepth'),
        frameId: body.u32('frameId'),
        totalFramesDecoded: body.u32('totalFramesDecoded'),
      };
    case GfxCommand.resetGraphics:
      return decodeResetGraphics(body);
    case GfxCommand.mapSurfaceToOutput: {
      const surfaceId = body.u16('surfaceId');
      body.skip(2, 'reserved');
      return {
        kind: 'map-surface-to-output',
        surfaceId,
        outputOriginX: body.u32('outputOriginX'),
        outputOriginY: body.u32('outputOriginY'),
      };
    }
    case GfxCommand.mapSurfaceToScaledOutput: {
      const surfaceId = body.u16('surfaceId');
      body.skip(2, 'reserved');
      return {
        kind: 'map-surface-to-scaled-output',
        surfaceId,
        outputOriginX: body.u32('outputOriginX'),
        outputOriginY: body.u32('outputOriginY'),
        targetWidth: body.u32('targetWidth'),
        targetHeight: body.u32('targetHeight'),
      };
    }
    case GfxCommand.mapSurfaceToWindow:
      return { kind: 'map-surface-to-window', ...readWindow(body) };
    case GfxCommand.mapSurfaceToScaledWindow:
      return {
        kind: 'map-surface-to-scaled-window',
        ...readWindow(body),
        targetWidth: body.u32('targetWidth'),
        targetHeight: body.u32('targetHeight'),
      };
    case GfxCommand.cacheImportOffer: {
      const readEntry = (entry: ReadCursor): { cacheKey: bigint; bitmapLength: number } => ({
        cacheKey: entry.u64('cacheKey'),
        bitmapLength: entry.u32('bitmapLength'),
      });
      const entries = readList(body, 'cacheEntries', readEntry);
      if (entries.length > GfxLimits.cacheEntries) {
        throw body.error('limit_exceeded', 'cacheEntriesCount', `${entries.length}`);
      }
      return { kind: 'cache-import-offer', entries };
    }
    case GfxCommand.cacheImportReply:
      return { kind: 'cache-import-reply', cacheSlots: readList(body, 'cacheSlots', (slot) => slot.u16('cacheSlot')) };
    case GfxCommand.capsAdvertise: {
      const capsSets = readList(body, 'capsSets', readCapsSet);
      if (capsSets.length > GfxLimits.capsSets)
        throw body.error('limit_exceeded', 'capsSetCount', `${capsSets.length}`);
      return { kind: 'caps-advertise', capsSets };
    }
    case GfxCommand.capsConfirm:
      return { kind: 'caps-confirm', capsSet: readCapsSet(body) };
    case GfxCommand.qoeFrameAcknowledge:
      return {
        kind: 'qoe-frame-acknowledge',
        frameId: body.u32('frameId'),
        timestamp: body.u32('timestamp'),
        timeDiffSE: body.u16('timeDiffSE'),
        timeDiffEDR: body.u16('timeDiffEDR'),
      };
    default:
      return { kind: 'unknown', cmdId };
  }
}

/** [MS-RDPEGFX] 2.2.2.14 RDPGFX_RESET_GRAPHICS_PDU; the padding is skipped. */
function decodeResetGraphics(body: ReadCursor): GfxPdu {
  const width = body.u32('width');
  const height = body.u32('height');
  const count = body.u32('monitorCount');
  if (count > GfxLimits.monitors) throw body.error('limit_exceeded', 'monitorCount', `${count} monitors`);
  const monitors: GfxMonitor[] = [];
  for (let i = 0; i < count; i++) {
    monitors.push({
      left: body.i32('monitor.left'),
      top: body.i32('monitor.top'),
      right: body.i32('monitor.right'),
      bottom: body.i32('monitor.bottom'),
      flags: body.u32('monitor.flags'),
    });
  }
  return { kind: 'reset-graphics', width, height, monitors };
}

function readRect(cursor: ReadCursor, field = 'rect'): GfxRect {
  const left = cursor.u16('left');
  const top = cursor.u16('top');
  const right = cursor.u16('right');
  const bottom = cursor.u16('bottom');
  if (right < left || bottom < top) throw cursor.error('invalid_value', field, `${left},${top} to ${right},${bottom}`);
  return { left, top, right, bottom };
}

function readPoint(cursor: ReadCursor): GfxPoint {
  return { x: cursor.i16('x'), y: cursor.i16('y') };
}

/** A window of RemoteApp, and how much of a surface it shows. */
interface SurfaceWindow {
  readonly surfaceId: number;
  readonly windowId: bigint;
  readonly mappedWidth: number;
  readonly mappedHeight: number;
}

function readWindow(cursor: ReadCursor): SurfaceWindow {
  return {
    surfaceId: cursor.u16('surfaceId'),
    windowId: cursor.u64('windowId'),
    mappedWidth: cursor.u32('mappedWidth'),
    mappedHeight: cursor.u32('mappedHeight'),
  };
}

function readCapsSet(cursor: ReadCursor): GfxCapsSet {
  const version = cursor.u32('version');
  const data = cursor.sub(cursor.u32('capsDataLength'), 'capsData');
  // Version 10.1 has sixteen reserved bytes; they read as flags without meaning.
  return { version, flags: data.remaining >= 4 && version !== GfxVersion.v101 ? data.u32('flags') : 0 };
}

function readList<T>(cursor: ReadCursor, field: string, read: (cursor: ReadCursor) => T): T[] {
  const count = cursor.u16(`${field} count`);
  const items: T[] = [];
  for (let i = 0; i < count; i++) items.push(read(cursor));
  return items;
}

function contextOf(cmdId: number): string {
  for (const [name, value] of Object.entries(GfxCommand)) {
    if (value === cmdId) return `RDPGFX_${name.replace(/([A-Z0-9])/g, '_$1').toUpperCase()}_PDU`;
  }
  return 'RDPGFX_HEADER';
}

/** One message with its header. */
export function encodeGfxPdu(pdu: Exclude<GfxPdu, { readonly kind: 'unknown' }>): Uint8Array {
  const { cmdId, size, write } = plan(pdu);
  const cursor = new WriteCursor(HEADER_SIZE + size);
  cursor.u16(cmdId);
  cursor.u16(0);
  cursor.u32(HEADER_SIZE + size);
  write(cursor);
  return cursor.finish();
}

interface EncodePlan {
  readonly cmdId: number;
  /** Bytes after the header. */
  readonly size: number;
  readonly write: (cursor: WriteCursor) => void;
}

const SIZE_OF_RECT = 8;
const SIZE_OF_POINT = 4;
const SIZE_OF_WINDOW = 18;

function plan(pdu: Exclude<GfxPdu, { readonly kind: 'unknown' }>): EncodePlan {
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
    case 'frame-acknowledge':
      return words(GfxCommand.frameAcknowledge, [4, pdu.queueDepth], [4, pdu.frameId], [4, pdu.totalFramesDecoded]);
    case 'reset-graphics':
      return {
        cmdId: GfxCommand.resetGraphics,
        size: RESET_GRAPHICS_SIZE - HEADER_SIZE,
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
