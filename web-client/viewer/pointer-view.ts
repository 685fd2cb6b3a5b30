import { type CursorPlan, cursorStyles, pictureOf, planCursor } from './cursor.ts';
import type { Point } from './mouse.ts';
import type { DesktopLayout } from './scaling.ts';
import type { PointerLook } from './worker-messages.ts';

/** The server's pointer: the owner's is the browser's own, in the server's shape; a viewer sees the owner's as a picture. */
export class PointerView {
  readonly #canvas: HTMLCanvasElement;
  readonly #image: HTMLImageElement;
  #viewOnly = false;
  #layout: DesktopLayout | undefined;
  #look: PointerLook = { kind: 'default' };
  #at: Point | undefined;
  #plan: CursorPlan = arrow;

  /** @param parent where the canvas is, and the picture is put */
  constructor(parent: HTMLElement, canvas: HTMLCanvasElement) {
    this.#canvas = canvas;
    this.#image = document.createElement('img');
    this.#image.className = 'remote-desktop-pointer';
    this.#image.alt = '';
    this.#image.hidden = true;
    parent.append(this.#image);
  }

  set viewOnly(viewOnly: boolean) {
    this.#viewOnly = viewOnly;
  }

  set layout(layout: DesktopLayout) {
    this.#layout = layout;
    this.#show();
  }

  set look(look: PointerLook) {
    this.#look = look;
    this.#show();
  }

  /** In the desktop's pixels. */
  set at(at: Point) {
    this.#at = at;
    this.#place();
  }

  #show(): void {
    const scale = this.#layout?.scale ?? 1;
    if (!this.#viewOnly) {
      for (const style of cursorStyles(this.#look, scale, window.devicePixelRatio)) this.#canvas.style.cursor = style;
      return;
    }
    const look = this.#look;
    this.#plan = look.kind === 'shape' ? planCursor(look, scale) : arrow;
    this.#image.src = look.kind === 'shape' ? pictureOf(look, this.#plan) : arrow.url;
    this.#place();
  }

  #place(): void {
    const layout = this.#layout;
    const at = this.#at;
    const visible = this.#viewOnly && layout !== undefined && this.#look.kind !== 'hidden' && at !== undefined;
    this.#image.hidden = !visible;
    if (!visible) return;
    this.#image.style.left = `${layout.left + at.x * layout.scale - this.#plan.hotX}px`;
    this.#image.style.top = `${layout.top + at.y * layout.scale - this.#plan.hotY}px`;
  }
}

/** Stands for the default pointer in a live view, where the viewer's own pointer is another. */
const arrow = { url: new URL('./arrow.svg', import.meta.url).href, width: 20, height: 20, hotX: 1, hotY: 1 } as const;
