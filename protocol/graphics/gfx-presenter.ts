import { OPAQUE_BLACK } from '../codecs/pixel-target.ts';
import { DamageList } from './damage.ts';
import { intersect, type Rect } from './geometry.ts';
import type { GfxSurface, OutputMapping } from './gfx-surface.ts';
import { blitScaled } from './scaled-blit.ts';

/** What surfaces are shown on. */
export interface GfxScreen {
  readonly width: number;
  readonly height: number;
  /** Its own pixels, `0xAABBGGRR`, `width * height`; another array after it was reset. */
  readonly words: Uint32Array;
  damaged(rect: Rect): void;
  /** Absent where what is shown must be its own pixels. */
  readonly lender?: ScreenLender;
}

/** Shows a surface's pixels in place of a screen's own. */
export interface ScreenLender {
  /** Whether nobody has looked yet at all that was damaged. */
  readonly isWaiting: boolean;
  /** Shows these from now on; its own where there are none. */
  lend(words: Uint32Array<ArrayBuffer> | undefined): void;
}

/**
 * Brings what mapped surfaces hold to the desktop. Mostly one surface is all of the desktop: where that may be, its pixels are shown as they are, and
 * copied only if it is drawn on again before anybody has looked.
 */
export class GfxPresenter {
  readonly #screen: GfxScreen;
  /** Whether the alpha of any pixel of a surface may be other than opaque. */
  hasAlpha = false;
  /** The surface whose pixels are shown in place of the screen's own. */
  #lent: GfxSurface | undefined;
  /** Where the screen's own pixels are older than these. */
  readonly #behind = new DamageList();
  /** The surface that the screen shows all of, but for what is damaged, and nothing else. */
  #whole: GfxSurface | undefined;

  constructor(screen: GfxScreen) {
    this.#screen = screen;
  }

  /** Shows a part of a surface. */
  show(surface: GfxSurface, mapping: OutputMapping, rect: Rect): void {
    const screen = this.#screen;
    if (mapping.width !== surface.width || mapping.height !== surface.height) {
      this.giveBack();
      showScaled(surface, mapping, rect, screen);
      return;
    }
    const part = intersect({ ...rect, x: rect.x + mapping.x, y: rect.y + mapping.y }, boundsOf(screen));
    if (part === undefined) return;
    if (this.#isLendable(surface, mapping, part)) {
      this.#behind.add(part);
      this.#lent = surface;
      screen.lender?.lend(surface.words);
    } else {
      this.giveBack();
      copyRows(surface, part.x - mapping.x, part.y - mapping.y, part, screen, this.hasAlpha);
    }
    screen.damaged(part);
  }

  /** A surface is about to be drawn on: what is shown and was not looked at must not change by it. */
  beforeDrawing(): void {
    if (this.#lent !== undefined && this.#screen.lender?.isWaiting) this.#catchUp();
  }

  /** The screen shows its own pixels again. What is half drawn may be among them, but does not count as damaged. */
  giveBack(): void {
    this.#catchUp();
    this.#whole = undefined;
  }

  /** The screen is another one. */
  forget(): void {
    this.#behind.clear();
    this.#lent = undefined;
    this.#whole = undefined;
  }

  #catchUp(): void {
    if (this.#lent === undefined) return;
    for (const part of this.#behind.take()) copyRows(this.#lent, part.x, part.y, part, this.#screen, false);
    this.#lent = undefined;
    this.#screen.lender?.lend(undefined);
  }

  /** Whether the screen, once it shows this part of a surface, shows all that the surface holds. */
  #isLendable(surface: GfxSurface, { x, y }: OutputMapping, part: Rect): boolean {
    const { lender, width, height } = this.#screen;
    if (lender === undefined || this.hasAlpha || surface.width !== width || surface.height !== height) return false;
    if (this.#whole === surface) return true;
    if (x !== 0 || y !== 0 || part.width !== width || part.height !== height) return false;
    this.giveBack();
    this.#whole = surface;
    return true;
  }
}

function boundsOf({ width, height }: GfxScreen): Rect {
  return { x: 0, y: 0, width, height };
}

function showScaled(surface: GfxSurface, mapping: OutputMapping, rect: Rect, screen: GfxScreen): void {
  // One source pixel reaches into its neighbours' places.
  const scaleX = mapping.width / surface.width;
  const scaleY = mapping.height / surface.height;
  const left = mapping.x + Math.floor((rect.x - 1) * scaleX);
  const top = mapping.y + Math.floor((rect.y - 1) * scaleY);
  const right = mapping.x + Math.ceil((rect.x + rect.width + 1) * scaleX);
  const bottom = mapping.y + Math.ceil((rect.y + rect.height + 1) * scaleY);
  const reached = intersect({ x: left, y: top, width: right - left, height: bottom - top }, mapping);
  const part = reached && intersect(reached, boundsOf(screen));
  if (part === undefined) return;
  blitScaled(surface, mapping, part, screen.words, screen.width);
  screen.damaged(part);
}

/** What a surface shows from a point on, into a part of the desktop, which is opaque whatever alpha a surface has. */
function copyRows(
  { words: source, width: sourceStride }: GfxSurface,
  fromX: number,
  fromY: number,
  { x, y, width, height }: Rect,
  { words: target, width: targetStride }: GfxScreen,
  hasAlpha: boolean,
): void {
  let from = fromY * sourceStride + fromX;
  let to = y * targetStride + x;
  for (let row = 0; row < height; row++, from += sourceStride, to += targetStride) {
    if (hasAlpha) for (let i = 0; i < width; i++) target[to + i] = source[from + i]! | OPAQUE_BLACK;
    else target.set(source.subarray(from, from + width), to);
  }
}
