import { ReadCursor } from '../core/cursor.ts';
import { type GraphicsUpdate, UpdateCode } from '../graphics/update.ts';
import { decodeSurfaceCommand } from '../pdu/surface-command.ts';

/**
 * Pixels of the desktop that an update draws, by its headers alone. 0 for what says nothing of it, and for what is
 * damaged: whoever draws it finds out.
 */
export function drawnArea({ code, data }: GraphicsUpdate): number {
  if (code === UpdateCode.bitmap) return bitmapArea(data);
  return code === UpdateCode.surfaceCommands ? surfaceArea(data) : 0;
}

/** [MS-RDPBCGR] 2.2.9.1.1.3.1.2 TS_UPDATE_BITMAP_DATA: edges are inclusive. */
function bitmapArea(data: Uint8Array): number {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  let area = 0;
  for (let at = RECTANGLES_OFFSET; at + RECTANGLE_HEADER_SIZE <= data.length; ) {
    const width = view.getUint16(at + 4, true) - view.getUint16(at, true) + 1;
    const height = view.getUint16(at + 6, true) - view.getUint16(at + 2, true) + 1;
    area += Math.max(0, width) * Math.max(0, height);
    at += RECTANGLE_HEADER_SIZE + view.getUint16(at + BITMAP_LENGTH_OFFSET, true);
  }
  return area;
}

function surfaceArea(data: Uint8Array): number {
  const cursor = new ReadCursor(data, 'TS_SURFCMD');
  let area = 0;
  while (cursor.remaining > 0) {
    const command = decodeSurfaceCommand(cursor);
    if (command.kind === 'bits') area += command.width * command.height;
  }
  return area;
}

/** updateType, numberRectangles. */
const RECTANGLES_OFFSET = 4;
/** destLeft … bitmapLength: nine 16-bit fields, of which that is the last. */
const RECTANGLE_HEADER_SIZE = 18;
const BITMAP_LENGTH_OFFSET = 16;
