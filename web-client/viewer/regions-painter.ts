import type { CopyRegion, GatewayMessage, PictureRegion, Region, RegionEncoding } from '#protocol/tunnel/messages.ts';
import type { Painted, Painter, PainterEvents, Surface } from './painter.ts';
import type { Size } from './scaling.ts';

/** Decodes one region's picture: `createImageBitmap` in the browser. */
export type DecodeRegion = (region: PictureRegion) => Promise<ImageBitmap>;

/** Regions mode: pictures of rectangles, decoded by the browser at their own pace and drawn in the order they came. */
export class RegionsPainter implements Painter {
  readonly #events: PainterEvents;
  readonly #decode: DecodeRegion;
  readonly #steps: Step[] = [];
  #left = false;

  constructor(events: PainterEvents, decode: DecodeRegion) {
    this.#events = events;
    this.#decode = decode;
  }

  take(message: GatewayMessage): void {
    switch (message.type) {
      case 'desktop-size': {
        const size = { width: message.width, height: message.height };
        this.#steps.push({ kind: 'resize', size });
        this.#events.size(size);
        this.#events.dirty();
        return;
      }
      case 'regions':
        this.#takeRegions(message.seq, message.regions);
        return;
      case 'pointer-shape':
        if (message.kind === 'shape') {
          this.#events.pointer({ ...message, kind: 'shape', rgba: new Uint8ClampedArray(message.rgba) });
        } else this.#events.pointer({ kind: message.kind });
        return;
      case 'pointer-position':
        this.#events.pointerPosition(message.x, message.y);
        return;
      default:
        return;
    }
  }

  paint(surface: Surface): Painted | undefined {
    let painted: Painted | undefined;
    for (let step = this.#steps[0]; step !== undefined; step = this.#steps[0]) {
      if (step.kind === 'resize') surface.resize(step.size);
      else {
        if (step.drawings === undefined) break;
        for (const { region, bitmap } of step.drawings) {
          if (bitmap === undefined) surface.copy(region.fromX, region.fromY, region);
          else {
            surface.drawBitmap(bitmap, region);
            bitmap.close();
          }
        }
        painted = { seq: step.seq, picture: true };
      }
      this.#steps.shift();
    }
    return painted;
  }

  /** What takes over shows everything anew. */
  leave(): undefined {
    this.#left = true;
    for (const step of this.#steps.splice(0)) if (step.kind === 'regions') close(step.drawings);
  }

  #takeRegions(seq: number, regions: readonly Region[]): void {
    const step: RegionsStep = { kind: 'regions', seq, drawings: undefined };
    this.#steps.push(step);
    Promise.all(regions.map((region) => this.#prepare(region))).then(
      (drawings) => {
        if (this.#left) {
          close(drawings);
          return;
        }
        step.drawings = drawings;
        this.#events.dirty();
      },
      (error: unknown) => this.#events.failed(error),
    );
  }

  async #prepare(region: Region): Promise<Drawing> {
    if (region.encoding === 'copy') return { region, bitmap: undefined };
    return { region, bitmap: await this.#decode(region) };
  }
}

function close(drawings: readonly Drawing[] = []): void {
  for (const { bitmap } of drawings) bitmap?.close();
}

type Drawing =
  | { readonly region: CopyRegion; readonly bitmap: undefined }
  | { readonly region: PictureRegion; readonly bitmap: ImageBitmap };

interface RegionsStep {
  readonly kind: 'regions';
  readonly seq: number;
  /** `undefined` until all are decoded. */
  drawings: readonly Drawing[] | undefined;
}

type Step = { readonly kind: 'resize'; readonly size: Size } | RegionsStep;

/** Media types of the encodings that are files; raw pixels are none. */
export const regionMediaTypes: Readonly<Record<Exclude<RegionEncoding, 'rgba'>, string>> = {
  png: 'image/png',
  webp: 'image/webp',
  jpeg: 'image/jpeg',
};
