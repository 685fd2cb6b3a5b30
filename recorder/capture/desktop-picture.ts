import type { Rect } from '#protocol/graphics/geometry.ts';
import type { FrameSource, RecordedPointer } from '../recording.ts';
import { DamageGrid } from './damage-grid.ts';
import { I420Picture, rgbaImage, roundUpToEven } from './i420.ts';
import { PointerOverlay } from './pointer-overlay.ts';

/** The picture of a desktop as it is at a moment. */
export interface UpToDatePicture {
  readonly image: I420Picture;
  /** Whether anything of it is new. */
  readonly changed: boolean;
  /** In which areas any sample is new (even edges). */
  readonly areas: readonly Rect[];
  /** Of the desktop, which those are. */
  readonly share: number;
}

/**
 * The picture that frames are made of: a session's desktop, with the pointer on it, in the middle of a canvas that has room for
 * every size that the desktop has had.
 */
export class DesktopPicture {
  readonly #source: FrameSource;
  readonly #resizing: (width: number, height: number) => void;
  readonly #overlay = new PointerOverlay();
  #damage = new DamageGrid(0, 0);
  /** What no frame shows yet, though it is in the image. */
  #unwritten: readonly Rect[] = [];
  #image: I420Picture | undefined;
  #size = { width: 0, height: 0 };

  /** @param resizing is told of another size, also the first, before the image is replaced by one that has room for it */
  constructor(source: FrameSource, resizing: (width: number, height: number) => void) {
    this.#source = source;
    this.#resizing = resizing;
  }

  /** As of the last update; nothing before the first. */
  get image(): I420Picture | undefined {
    return this.#image;
  }

  /** Of the desktop in it; 0 × 0 before the first. */
  get size(): { readonly width: number; readonly height: number } {
    return this.#size;
  }

  /** Whether the source has another size by now. */
  get isResized(): boolean {
    return this.#source.width !== this.#size.width || this.#source.height !== this.#size.height;
  }

  damaged(rects: readonly Rect[]): void {
    for (const rect of rects) this.#damage.add(rect);
  }

  /** In pixels of the desktop. Says whether there is anything new to draw. */
  pointer(x: number, y: number, pointer: RecordedPointer): boolean {
    return this.#overlay.set(x, y, pointer);
  }

  /**
   * Brings it up to date. Nothing before there is a desktop.
   * @throws Error where a picture with room for every size of the desktop would be too large
   */
  update(): UpToDatePicture | undefined {
    this.damaged(this.#source.prepare?.() ?? []);
    const { width, height } = this.#source;
    if (width === 0 || height === 0) return undefined;
    const resized = this.isResized;
    const image = resized || this.#image === undefined ? this.#resize(width, height) : this.#image;
    const desktop = rgbaImage(width, height, this.#source.pixels);
    const left = centred(image.width, width);
    const top = centred(image.height, height);
    const fresh = this.#overlay.renderAround(desktop, image, left, top, () =>
      this.#damage
        .take()
        .filter((rect) => image.convert(desktop, rect, left, top))
        .map(({ x, y, ...size }) => ({
          x: left + x,
          y: top + y,
          width: roundUpToEven(size.width),
          height: roundUpToEven(size.height),
        })),
    );
    const areas = [...this.#unwritten, ...fresh];
    this.#unwritten = [];
    const share = areas.reduce((sum, area) => sum + area.width * area.height, 0) / (width * height);
    return { image, changed: areas.length > 0 || resized, areas, share };
  }

  /** What the last update has brought gets no frame yet: it is new in the next one as well. */
  leaveUnwritten(areas: readonly Rect[]): void {
    this.#unwritten = areas;
  }

  #resize(width: number, height: number): I420Picture {
    const canvasWidth = Math.max(roundUpToEven(width), this.#image?.width ?? 0);
    const canvasHeight = Math.max(roundUpToEven(height), this.#image?.height ?? 0);
    // As wide as one size of the desktop and as high as another: two that are allowed by themselves could take gigabytes.
    if (canvasWidth * canvasHeight > MAX_CANVAS_PIXELS) {
      throw new Error(`all sizes of the desktop together need a picture of ${canvasWidth} x ${canvasHeight}`);
    }
    this.#resizing(width, height);
    this.#size = { width, height };
    this.#damage = new DamageGrid(width, height);
    this.#damage.addAll();
    this.#unwritten = [];
    this.#overlay.forget();
    // A new one even when its size stays: the old one may be on its way to the old encoder.
    this.#image = new I420Picture(canvasWidth, canvasHeight);
    return this.#image;
  }
}

/** A desktop of 8192 × 4320 that is turned on its side has room in it; the spool takes no more. */
export const MAX_CANVAS_PIXELS = 8192 * 8192;

/** Even, so that chroma blocks of desktop and canvas coincide. */
function centred(outer: number, inner: number): number {
  return ((outer - inner) >> 1) & ~1;
}
