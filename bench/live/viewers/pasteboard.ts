import { createCanvas, loadImage, type SKRSContext2D } from '@napi-rs/canvas';
import type { Picture } from './viewer.ts';

/** A picture as it came, encoded or as plain RGBA. */
export interface Pasted {
  readonly encoding: string;
  readonly bytes: Uint8Array;
  readonly width: number;
  readonly height: number;
}

type Step =
  | { readonly kind: 'size'; readonly on: string; readonly width: number; readonly height: number }
  | { readonly kind: 'paste'; readonly on: string; readonly x: number; readonly y: number; readonly picture: Pasted }
  | { readonly kind: 'fill'; readonly on: string; readonly rect: Area; readonly colour: string }
  | {
      readonly kind: 'copy';
      readonly on: string;
      readonly source: string;
      readonly from: Area;
      readonly x: number;
      readonly y: number;
    };

export interface Area {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** The surface that is shown; others are kept to copy from. */
export const DESKTOP = '0';

/** Keeps what a viewer was told to draw, and draws it when somebody wants to see it: nothing is decoded while measuring. */
export class Pasteboard {
  #steps: Step[] = [];

  resize(width: number, height: number, on = DESKTOP): void {
    this.#steps.push({ kind: 'size', on, width, height });
  }

  paste(x: number, y: number, picture: Pasted): void {
    this.#steps.push({
      kind: 'paste',
      on: DESKTOP,
      x,
      y,
      picture: { ...picture, bytes: Uint8Array.from(picture.bytes) },
    });
  }

  /** A place in the order of drawing for a picture whose bytes come later. @returns what takes them */
  reserve(x: number, y: number, on: string): (bytes: Uint8Array) => void {
    const picture = { encoding: 'image', bytes: new Uint8Array(0), width: 0, height: 0 };
    this.#steps.push({ kind: 'paste', on, x, y, picture });
    return (bytes) => {
      picture.bytes = Uint8Array.from(bytes);
    };
  }

  fill(rect: Area, colour: string, on = DESKTOP): void {
    this.#steps.push({ kind: 'fill', on, rect, colour });
  }

  copy(from: Area, x: number, y: number, source = DESKTOP, on = DESKTOP): void {
    this.#steps.push({ kind: 'copy', on, source, from, x, y });
  }

  async picture(): Promise<Picture | undefined> {
    const surfaces = new Map<string, Surface>();
    for (const step of this.#steps) await draw(surfaces, step);
    const desktop = surfaces.get(DESKTOP);
    if (desktop === undefined) return undefined;
    const { width, height } = desktop.canvas;
    return { width, height, pixels: new Uint8Array(desktop.getImageData(0, 0, width, height).data) };
  }
}

type Surface = SKRSContext2D;

async function draw(surfaces: Map<string, Surface>, step: Step): Promise<void> {
  if (step.kind === 'size') {
    surfaces.set(step.on, resized(surfaces.get(step.on), step.width, step.height));
    return;
  }
  // Surfaces besides the desktop grow with what is drawn on them.
  const target = (width: number, height: number): Surface => {
    const known = surfaces.get(step.on);
    const least = {
      width: Math.max(known?.canvas.width ?? 1, width),
      height: Math.max(known?.canvas.height ?? 1, height),
    };
    if (known?.canvas.width === least.width && known.canvas.height === least.height) return known;
    if (known !== undefined && step.on === DESKTOP) return known;
    const grown = resized(known, least.width, least.height);
    surfaces.set(step.on, grown);
    return grown;
  };
  if (step.kind === 'fill') {
    const { x, y, width, height } = step.rect;
    const surface = target(x + width, y + height);
    surface.fillStyle = step.colour;
    surface.fillRect(x, y, width, height);
  } else if (step.kind === 'copy') {
    const { x, y, width, height } = step.from;
    const pixels = surfaces.get(step.source)?.getImageData(x, y, width, height);
    if (pixels !== undefined) target(step.x + width, step.y + height).putImageData(pixels, step.x, step.y);
  } else if (step.picture.encoding === 'rgba') {
    const { width, height, bytes } = step.picture;
    const surface = target(step.x + width, step.y + height);
    const image = surface.createImageData(width, height);
    image.data.set(bytes);
    surface.putImageData(image, step.x, step.y);
  } else if (step.picture.bytes.length > 0) {
    const image = await loadImage(Buffer.from(step.picture.bytes));
    target(step.x + image.width, step.y + image.height).drawImage(image, step.x, step.y);
  }
}

function resized(before: Surface | undefined, width: number, height: number): Surface {
  const surface = createCanvas(width, height).getContext('2d');
  if (before !== undefined) surface.drawImage(before.canvas, 0, 0);
  return surface;
}
