import { MAX_PICTURE_PIXELS } from '../codecs/pixel-target.ts';
import { DecodeError } from '../core/errors.ts';

/** Largest desktop side, [MS-RDPEGFX] 2.2.2.14; who asks for a desktop has to be content with 8,192 pixels. */
export const MAX_DESKTOP_SIDE = 32_766;

/** @throws {DecodeError} for a desktop that is none, or larger than any */
export function checkDesktopSize(width: number, height: number): void {
  const isSide = (pixels: number): boolean => pixels > 0 && pixels <= MAX_DESKTOP_SIDE;
  if (!isSide(width) || !isSide(height) || width * height > MAX_PICTURE_PIXELS) {
    throw new DecodeError('limit_exceeded', 'desktop reset', 'width', 0, `desktop of ${width} x ${height}`);
  }
}
