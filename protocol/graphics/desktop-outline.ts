import { ReadCursor } from '../core/cursor.ts';
import { checkDesktopSize } from './desktop-size.ts';
import { type GfxOutline, GfxPlan, type GfxSurfaceOutline, type Size } from './gfx-plan.ts';
import { type GraphicsUpdate, UpdateCode } from './update.ts';

/** What an `UpdateQueue` has to know of the desktop that its updates will be drawn on. */
export interface QueuedDesktop {
  readonly width: number;
  readonly height: number;
  /** A plan for messages of the graphics pipeline that are to come. */
  planGraphics(): GfxPlan;
}

/**
 * A desktop as far as heads of updates tell it, without a pixel: follows what a compositor is given elsewhere, for who keeps a queue
 * for it and forgets what later updates cover.
 */
export class DesktopOutline implements QueuedDesktop {
  #width = 0;
  #height = 0;
  readonly #slots = new Map<number, Size>();
  readonly #surfaces = new Map<number, GfxSurfaceOutline>();
  #pipeline: GfxOutline = {
    inFrame: false,
    surfaces: this.#surfaces,
    surfacePixels: 0,
    open: [],
    cached: () => undefined,
  };

  get width(): number {
    return this.#width;
  }

  get height(): number {
    return this.#height;
  }

  planGraphics(): GfxPlan {
    return new GfxPlan(this.#pipeline);
  }

  /**
   * An update has been given to the compositor.
   * @throws {DecodeError} when its structure is broken
   */
  follow({ code, data }: GraphicsUpdate): void {
    if (code === UpdateCode.desktopReset) {
      const cursor = new ReadCursor(data, 'desktop reset');
      this.#resize(cursor.u16('width'), cursor.u16('height'));
    } else if (code === UpdateCode.graphicsPipeline) {
      const plan = this.planGraphics();
      for (const { pdu } of plan.read(data)) {
        if (pdu.kind === 'reset-graphics') this.#resize(pdu.width, pdu.height);
      }
      this.#pipeline = plan.end(this.#slots, this.#surfaces);
    }
  }

  #resize(width: number, height: number): void {
    checkDesktopSize(width, height);
    this.#width = width;
    this.#height = height;
  }
}
