import { ReadCursor } from '../../core/cursor.ts';
import { DecodeError } from '../../core/errors.ts';
import type { GfxWork } from './gfx-work.ts';
import {
  GFX_HEADER_SIZE,
  type GfxCapsSet,
  GfxCommand,
  GfxLimits,
  GfxMessageLimits,
  type GfxMonitor,
  type GfxPdu,
  type GfxPoint,
  type GfxRect,
  GfxVersion,
  type SurfaceWindow,
} from './pdu.ts';

/** In an RDPGFX_HEADER, behind cmdId and flags. */
export const PDU_LENGTH_OFFSET = 4;

/**
 * Decodes those of several messages that have one of these commands, and passes over the others by their headers.
 * @param work is told of each
 * @throws DecodeError also where there are more than `GfxMessageLimits` allows
 */
export function decodeGfxPdus(bytes: Uint8Array, commands: ReadonlySet<number>, work?: GfxWork): GfxPdu[] {
  const pdus: GfxPdu[] = [];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0, count = 1; at < bytes.length; count++) {
    if (count > GfxMessageLimits.commands) throw tooMany(at, `more than ${GfxMessageLimits.commands} commands`);
    const isWhole = at + GFX_HEADER_SIZE <= bytes.length;
    const pduLength = isWhole ? view.getUint32(at + PDU_LENGTH_OFFSET, true) : 0;
    const isSound = pduLength >= GFX_HEADER_SIZE && pduLength <= bytes.length - at;
    const cmdId = isSound ? view.getUint16(at, true) : 0;
    if (isSound) work?.add(cmdId, bytes, view, at, at + pduLength);
    const isSkipped = isSound && !commands.has(cmdId);
    // What is damaged goes to the decoder, which says how.
    if (!isSkipped) pdus.push(decodeGfxPdu(new ReadCursor(bytes, 'RDPGFX_HEADER', at)));
    if (pdus.length > GfxMessageLimits.heard)
      throw tooMany(at, `more than ${GfxMessageLimits.heard} frames and resets`);
    at += Math.max(pduLength, GFX_HEADER_SIZE);
  }
  return pdus;
}

function tooMany(at: number, detail: string): DecodeError {
  return new DecodeError('limit_exceeded', 'RDPGFX_HEADER', 'cmdId', at, detail);
}

/** Reads the next message; several may follow one another in one channel message. */
export function decodeGfxPdu(cursor: ReadCursor): GfxPdu {
  const cmdId = cursor.u16('cmdId');
  cursor.skip(2, 'flags');
  const pduLength = cursor.u32('pduLength');
  if (pduLength < GFX_HEADER_SIZE)
    throw cursor.error('invalid_value', 'pduLength', `${pduLength} is less than its header`);
  const body = cursor.sub(pduLength - GFX_HEADER_SIZE, 'pduLength', contextOf(cmdId));
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

/** Made once: text for an error that nearly no message has. */
const CONTEXTS = new Map<number, string>(
  Object.entries(GfxCommand).map(([name, value]) => [
    value,
    `RDPGFX_${name.replace(/([A-Z0-9])/g, '_$1').toUpperCase()}_PDU`,
  ]),
);

function contextOf(cmdId: number): string {
  return CONTEXTS.get(cmdId) ?? 'RDPGFX_HEADER';
}
