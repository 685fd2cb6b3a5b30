import { intersect, type Rect } from '#protocol/graphics/geometry.ts';
import type { PointerImage, RecordedPointer } from '../recording.ts';
import { type I420Picture, type RgbaImage, rgbaImage, roundUpToEven } from './i420.ts';

/**
 * The pointer, drawn into the picture at capture: the pixels beneath it are copied, blended and converted, the
 * desktop itself is left alone.
 */
export class PointerOverlay {
  #x = 0;
  #y = 0;
  #image: PointerImage | undefined;
  /** No pointer until the first `set`: a session that nobody has touched has none to show. */
  #drawn: Rect | undefined;
  /** The picture's samples where the pointer is. */
  #beneath: { readonly area: Rect; readonly copy: Uint8Array } | undefined;
  #scratch = new Uint8ClampedArray(0);

  /** Says whether there is anything new to draw. */
  set(x: number, y: number, pointer: RecordedPointer): boolean {
    const image = pointer.kind === 'hidden' ? undefined : (pointer.shape ?? DEFAULT_POINTER);
    const px = Math.round(x);
    const py = Math.round(y);
    const moved = px !== this.#x || py !== this.#y;
    const changed = image !== this.#image || (image !== undefined && moved);
    this.#x = px;
    this.#y = py;
    this.#image = image;
    return changed;
  }

  /** The picture was cleared: nothing is drawn on it. */
  forget(): void {
    this.#drawn = undefined;
    this.#beneath = undefined;
  }

  /**
   * Takes the pointer off `picture`, lets `convertDamage` bring it up to date, and draws the pointer where it is now.
   * Says in which areas of the picture (even edges) any sample is different after all that, as `convertDamage` does.
   * `left` and `top` say where the desktop lies in the picture.
   */
  renderAround(
    desktop: RgbaImage,
    picture: I420Picture,
    left: number,
    top: number,
    convertDamage: () => Rect[],
  ): Rect[] {
    const before = [this.#drawn, this.#areaOn(desktop)]
      .filter((area) => area !== undefined)
      .map((area) => ({ ...roundedToBlocks(area), x: left + area.x, y: top + area.y }))
      .map((area) => ({ area, copy: picture.copyArea(area) }));
    if (this.#beneath !== undefined) picture.pasteArea(this.#beneath.area, this.#beneath.copy);
    const changed = convertDamage();
    this.#draw(desktop, picture, left, top);
    const redrawn = before.filter(({ area, copy }) => !picture.equalsCopy(area, copy)).map(({ area }) => area);
    return [...changed, ...redrawn];
  }

  #draw(desktop: RgbaImage, picture: I420Picture, left: number, top: number): void {
    this.#drawn = this.#areaOn(desktop);
    this.#beneath = undefined;
    if (this.#image === undefined || this.#drawn === undefined) return;
    const { x, y, width, height } = this.#drawn;
    const area = { ...roundedToBlocks(this.#drawn), x: left + x, y: top + y };
    this.#beneath = { area, copy: picture.copyArea(area) };
    const patch = this.#copy(desktop, x, y, width, height);
    this.#blend(this.#image, patch, x, y, width, height);
    picture.convert(rgbaImage(width, height, patch), { x: 0, y: 0, width, height }, left + x, top + y);
  }

  /** What the pointer covers of the desktop, widened to whole 2×2 blocks, so that chroma is averaged as elsewhere. */
  #areaOn(desktop: RgbaImage): Rect | undefined {
    const image = this.#image;
    if (image === undefined) return undefined;
    const area = intersect(
      { x: this.#x - image.hotX, y: this.#y - image.hotY, width: image.width, height: image.height },
      { x: 0, y: 0, width: desktop.width, height: desktop.height },
    );
    if (area === undefined) return undefined;
    const x = area.x & ~1;
    const y = area.y & ~1;
    return {
      x,
      y,
      width: Math.min(desktop.width, (area.x + area.width + 1) & ~1) - x,
      height: Math.min(desktop.height, (area.y + area.height + 1) & ~1) - y,
    };
  }

  #copy(desktop: RgbaImage, x: number, y: number, width: number, height: number): Uint8ClampedArray {
    const bytes = width * height * 4;
    if (this.#scratch.byteLength < bytes) this.#scratch = new Uint8ClampedArray(bytes);
    const words = new Uint32Array(this.#scratch.buffer, 0, width * height);
    for (let row = 0; row < height; row++) {
      const from = (y + row) * desktop.width + x;
      words.set(desktop.words.subarray(from, from + width), row * width);
    }
    return this.#scratch;
  }

  #blend(image: PointerImage, patch: Uint8ClampedArray, x: number, y: number, width: number, height: number): void {
    const offsetX = this.#x - image.hotX - x;
    const offsetY = this.#y - image.hotY - y;
    const rgba = image.rgba;
    for (let row = Math.max(0, -offsetY); row < image.height && row + offsetY < height; row++) {
      for (let column = Math.max(0, -offsetX); column < image.width && column + offsetX < width; column++) {
        const source = (row * image.width + column) * 4;
        const alpha = (rgba[source + 3] ?? 0) / 255;
        if (alpha === 0) continue;
        const target = ((row + offsetY) * width + column + offsetX) * 4;
        for (let channel = 0; channel < 3; channel++) {
          const under = patch[target + channel] ?? 0;
          patch[target + channel] = under + ((rgba[source + channel] ?? 0) - under) * alpha;
        }
      }
    }
  }
}

/** A desktop's last odd column or row fills its block in the picture. */
function roundedToBlocks(area: Rect): Rect {
  return { ...area, width: roundUpToEven(area.width), height: roundUpToEven(area.height) };
}

/** Our own arrow, for "the system's pointer": `#` is outline, `.` is fill. */
const ARROW = [
  '#           ',
  '##          ',
  '#.#         ',
  '#..#        ',
  '#...#       ',
  '#....#      ',
  '#.....#     ',
  '#......#    ',
  '#.......#   ',
  '#........#  ',
  '#.........# ',
  '#......#####',
  '#...#..#    ',
  '#..# #..#   ',
  '#.#  #..#   ',
  '##    #..#  ',
  '#     #..#  ',
  '       ##   ',
] as const;

export const DEFAULT_POINTER: PointerImage = drawArrow();

function drawArrow(): PointerImage {
  const width = ARROW[0].length;
  const rgba = new Uint8ClampedArray(width * ARROW.length * 4);
  ARROW.forEach((line, row) => {
    for (let column = 0; column < width; column++) {
      const mark = line[column];
      if (mark === ' ' || mark === undefined) continue;
      const shade = mark === '#' ? 0 : 255;
      rgba.set([shade, shade, shade, 255], (row * width + column) * 4);
    }
  });
  return { width, height: ARROW.length, hotX: 0, hotY: 0, rgba };
}
