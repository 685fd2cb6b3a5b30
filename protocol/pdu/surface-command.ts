import type { ReadCursor, WriteCursor } from '../core/cursor.ts';

/** [MS-RDPBCGR] 2.2.9.1.2.1.10.1 TS_SURFCMD, `cmdType`. */
export const SurfaceCommandType = { setSurfaceBits: 0x0001, frameMarker: 0x0004, streamSurfaceBits: 0x0006 } as const;

/** An encoded picture and where its upper left corner goes. */
export interface SurfaceBits {
  readonly kind: 'bits';
  /** One of `setSurfaceBits` and `streamSurfaceBits`, which mean the same. */
  readonly type: number;
  readonly destLeft: number;
  readonly destTop: number;
  readonly bitsPerPixel: number;
  /** 0 for uncompressed, else as agreed in the Bitmap Codecs Capability Set. */
  readonly codecId: number;
  readonly width: number;
  readonly height: number;
  /** A view when decoded. */
  readonly data: Uint8Array;
}

/** [MS-RDPBCGR] 2.2.9.2.3 TS_FRAME_MARKER, `frameAction`. */
export const FrameAction = { begin: 0, end: 1 } as const;

/** [MS-RDPBCGR] 2.2.9.2.3 TS_FRAME_MARKER. */
export interface FrameMarker {
  readonly kind: 'frame';
  /** One of `FrameAction`. */
  readonly action: number;
  readonly frameId: number;
}

export type SurfaceCommand = SurfaceBits | FrameMarker;

const EXTENDED_HEADER_PRESENT = 0x01;
const EXTENDED_HEADER_SIZE = 24; // highUniqueId, lowUniqueId, tmMilliseconds, tmSeconds

/**
 * Decodes the next command of a surface commands update.
 * @pdu [MS-RDPBCGR] 2.2.9.2.1 TS_SURFCMD_SET_SURF_BITS, 2.2.9.2.2 TS_SURFCMD_STREAM_SURF_BITS,
 * 2.2.9.2.1.1 TS_BITMAP_DATA_EX, 2.2.9.2.1.1.1 TS_COMPRESSED_BITMAP_HEADER_EX, 2.2.9.2.3 TS_FRAME_MARKER
 */
export function decodeSurfaceCommand(cursor: ReadCursor): SurfaceCommand {
  const type = cursor.u16('cmdType');
  if (type === SurfaceCommandType.frameMarker) {
    const action = cursor.u16('frameAction');
    // Some servers leave the frame id out of the last command.
    return { kind: 'frame', action, frameId: cursor.remaining === 0 ? 0 : cursor.u32('frameId') };
  }
  if (type !== SurfaceCommandType.setSurfaceBits && type !== SurfaceCommandType.streamSurfaceBits) {
    throw cursor.error('invalid_value', 'cmdType', `0x${type.toString(16)}`);
  }
  const destLeft = cursor.u16('destLeft');
  const destTop = cursor.u16('destTop');
  cursor.skip(4, 'destRight'); // and destBottom: the picture's own size counts
  const bitsPerPixel = cursor.u8('bpp');
  const flags = cursor.u8('flags');
  cursor.skip(1, 'reserved');
  const codecId = cursor.u8('codecID');
  const width = cursor.u16('width');
  const height = cursor.u16('height');
  const length = cursor.u32('bitmapDataLength');
  if (flags & EXTENDED_HEADER_PRESENT) cursor.skip(EXTENDED_HEADER_SIZE, 'exBitmapDataHeader');
  const data = cursor.bytes(length, 'bitmapData');
  return { kind: 'bits', type, destLeft, destTop, bitsPerPixel, codecId, width, height, data };
}

export function sizeOfSurfaceCommand(command: SurfaceCommand): number {
  if (command.kind === 'frame') return 2 + 2 + 4; // cmdType, frameAction, frameId
  const destination = 2 + 4 * 2; // cmdType, destLeft, destTop, destRight, destBottom
  const header = 4 + 2 + 2 + 4; // bpp flags reserved codecID, width, height, bitmapDataLength
  return destination + header + command.data.length;
}

export function encodeSurfaceCommand(command: SurfaceCommand, cursor: WriteCursor): void {
  if (command.kind === 'frame') {
    cursor.u16(SurfaceCommandType.frameMarker);
    cursor.u16(command.action);
    cursor.u32(command.frameId);
    return;
  }
  cursor.u16(command.type);
  cursor.u16(command.destLeft);
  cursor.u16(command.destTop);
  cursor.u16(command.destLeft + command.width);
  cursor.u16(command.destTop + command.height);
  cursor.u8(command.bitsPerPixel);
  cursor.u8(0); // flags
  cursor.u8(0); // reserved
  cursor.u8(command.codecId);
  cursor.u16(command.width);
  cursor.u16(command.height);
  cursor.u32(command.data.length);
  cursor.bytes(command.data);
}
