import type { Disposable } from './disposable.ts';
import type { Size } from './scaling.ts';

/** Milliseconds that the window has to stay the same size before the remote desktop is asked to follow. */
const DELAY_MS = 300;

export interface WindowFollowerParts {
  /** The desktop size that would fill the window; nothing where the desktop is not to follow it now. */
  wish(): Size | undefined;
  /** The desktop's own size, once known. */
  size(): Size | undefined;
  ask(size: Size): void;
}

/** Asks for the window's size once it has stayed the same for a moment. */
export class WindowFollower implements Disposable {
  readonly #parts: WindowFollowerParts;
  /** What was asked for last: a server that does not do it is not asked again and again. */
  #asked: Size | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(parts: WindowFollowerParts) {
    this.#parts = parts;
  }

  /** The window may have another size, or the desktop may follow it now. */
  changed(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#follow(), DELAY_MS);
  }

  dispose(): void {
    clearTimeout(this.#timer);
  }

  #follow(): void {
    const wish = this.#parts.wish();
    const known = this.#asked ?? this.#parts.size();
    if (wish === undefined || (known?.width === wish.width && known.height === wish.height)) return;
    this.#asked = wish;
    this.#parts.ask(wish);
  }
}
