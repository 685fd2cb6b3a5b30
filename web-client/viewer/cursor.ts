import type { PointerLook, PointerPicture } from './worker-messages.ts';

/** The part of a pointer's shape that CSS needs, after scaling. */
export interface CursorPlan {
  /** CSS pixels. */
  readonly width: number;
  readonly height: number;
  readonly hotX: number;
  readonly hotY: number;
}

/** Browsers ignore larger cursors. */
const maxCursorSide = 128;

/** How large a pointer of this shape is at a zoom, and where its hot spot lies then. */
export function planCursor(shape: PointerPicture, scale: number): CursorPlan {
  const fitting = Math.min(scale, maxCursorSide / shape.width, maxCursorSide / shape.height);
  const width = Math.max(1, Math.round(shape.width * fitting));
  const height = Math.max(1, Math.round(shape.height * fitting));
  return {
    width,
    height,
    hotX: Math.min(width - 1, Math.floor((shape.hotX + 0.5) * fitting)),
    hotY: Math.min(height - 1, Math.floor((shape.hotY + 0.5) * fitting)),
  };
}

/**
 * Values of the CSS property `cursor` for a pointer at a zoom (CSS pixels for one desktop pixel), the best last: each
 * is to be set in turn, since browsers ignore what they do not know.
 */
export function cursorStyles(look: PointerLook, scale: number, devicePixelRatio: number): readonly string[] {
  if (look.kind === 'hidden') return ['none'];
  if (look.kind !== 'shape') return ['default'];
  const plan = planCursor(look, scale);
  const place = `${plan.hotX} ${plan.hotY}, default`;
  const plain = `url(${pictureOf(look, plan)}) ${place}`;
  if (devicePixelRatio <= 1) return [plain];
  return [plain, `image-set(url(${pictureOf(look, plan, devicePixelRatio)}) ${devicePixelRatio}x) ${place}`];
}

/** The pointer's shape as a `data:` URL, in the size of the plan times `density`. */
export function pictureOf(look: PointerPicture, plan: CursorPlan, density = 1): string {
  const width = Math.round(plan.width * density);
  const height = Math.round(plan.height * density);
  const source = document.createElement('canvas');
  source.width = look.width;
  source.height = look.height;
  source.getContext('2d')?.putImageData(new ImageData(look.rgba, look.width, look.height), 0, 0);
  if (width === look.width && height === look.height) return source.toDataURL();
  const scaled = document.createElement('canvas');
  scaled.width = width;
  scaled.height = height;
  const context = scaled.getContext('2d');
  if (context !== null) {
    context.imageSmoothingQuality = 'high';
    context.drawImage(source, 0, 0, width, height);
  }
  return scaled.toDataURL();
}
