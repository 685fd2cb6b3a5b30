import { Work, workOfRemoteFx } from '../codecs/decoding-work.ts';
import { MAX_PICTURE_PIXELS } from '../codecs/pixel-target.ts';
import { u16At } from '../core/bytes.ts';
import { SurfaceCodecId } from '../graphics/surface-outline.ts';
import { type GraphicsUpdate, UpdateCode } from '../graphics/update.ts';
import { SurfaceCommandType } from '../pdu/surface-command.ts';

/**
 * What drawing an update takes, by its heads, in units of `Work`: of all but the graphics pipeline's, whose channel knows. What is damaged counts as
 * far as it is not: whoever draws it finds out.
 */
export function drawingWork({ code, data }: GraphicsUpdate): number {
  if (code === UpdateCode.bitmap) return workOfBitmaps(data);
  if (code === UpdateCode.surfaceCommands) return workOfSurfaceCommands(data);
  return Work.command + data.length;
}

/** [MS-RDPBCGR] 2.2.9.1.1.3.1.2 TS_UPDATE_BITMAP_DATA. A picture is decoded whole, whatever of it is shown. */
function workOfBitmaps(data: Uint8Array): number {
  let work = 0;
  for (let at = RECTANGLES_OFFSET; at + RECTANGLE_HEADER_SIZE <= data.length; ) {
    const pixels = u16At(data, at + WIDTH_OFFSET) * u16At(data, at + WIDTH_OFFSET + 2);
    const end = at + RECTANGLE_HEADER_SIZE + u16At(data, at + BITMAP_LENGTH_OFFSET);
    // Nothing behind what nobody decodes is decoded.
    if (!DEPTHS.has(u16At(data, at + DEPTH_OFFSET)) || pixels > MAX_PICTURE_PIXELS || end > data.length) break;
    work += Work.command + pixels * Work.picture;
    at = end;
  }
  return work;
}

/** [MS-RDPBCGR] 2.2.9.2 surface commands. */
function workOfSurfaceCommands(data: Uint8Array): number {
  let work = 0;
  for (let at = 0; at + 2 <= data.length; ) {
    work += Work.command;
    const type = u16At(data, at);
    if (type === SurfaceCommandType.frameMarker) {
      at += FRAME_MARKER_SIZE;
      continue;
    }
    const isBits = type === SurfaceCommandType.setSurfaceBits || type === SurfaceCommandType.streamSurfaceBits;
    if (!isBits || at + SURFACE_BITS_SIZE > data.length) break;
    const hasMore = (data[at + FLAGS_OFFSET]! & EXTENDED_HEADER_PRESENT) !== 0;
    const start = at + SURFACE_BITS_SIZE + (hasMore ? EXTENDED_HEADER_SIZE : 0);
    const end = start + u16At(data, at + LENGTH_OFFSET) + u16At(data, at + LENGTH_OFFSET + 2) * 0x1_0000;
    work +=
      data[at + CODEC_OFFSET] === SurfaceCodecId.remoteFx
        ? workOfRemoteFx(data, start, Math.min(end, data.length))
        : u16At(data, at + SIZE_OFFSET) * u16At(data, at + SIZE_OFFSET + 2) * Work.picture;
    at = end;
  }
  return work;
}

/** updateType, numberRectangles. */
const RECTANGLES_OFFSET = 4;
/** destLeft … bitmapLength: nine 16-bit fields. */
const RECTANGLE_HEADER_SIZE = 18;
const WIDTH_OFFSET = 8;
const DEPTH_OFFSET = 12;
const BITMAP_LENGTH_OFFSET = 16;
const DEPTHS: ReadonlySet<number> = new Set([8, 15, 16, 24, 32]);
/** cmdType, frameAction, frameId. */
const FRAME_MARKER_SIZE = 2 + 2 + 4;
/** cmdType, destLeft to destBottom, bpp, flags, reserved, codecID, width, height, bitmapDataLength. */
const SURFACE_BITS_SIZE = 2 + 4 * 2 + 4 + 2 * 2 + 4;
const FLAGS_OFFSET = 2 + 4 * 2 + 1;
const CODEC_OFFSET = FLAGS_OFFSET + 2;
const SIZE_OFFSET = CODEC_OFFSET + 1;
const LENGTH_OFFSET = SIZE_OFFSET + 2 * 2;
const EXTENDED_HEADER_PRESENT = 0x01;
const EXTENDED_HEADER_SIZE = 24;
