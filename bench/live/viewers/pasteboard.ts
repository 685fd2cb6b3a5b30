import { createCanvas, loadImage } from '@napi-rs/canvas';
import type { Picture } from './viewer.ts';

/** A picture as it came, encoded or as plain RGBA. */
export interface Pasted {
  readonly encoding: string;
  readonly bytes: Uint8Array;
  readonly width: number;
  readonly height: number;
}

type Step =
  | { readonly kind: 'paste'; readonly x: number; readonly y: number; readonly picture: Pasted }
  | { readonly kind: 'fill'; readonly rect: Area; readonly colour: string }
  | { readonly kind: 'copy'; readonly from: Area; readonly x: number; readonly y: number };

export interface Area {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** Keeps what a viewer was told to draw, and draws it when somebody wants to see it: nothing is decoded while measuring. */
export class Pasteboard {
  #width = 0;
  #height = 0;
  #steps: Step[] = [];

  resize(width: number, height: number): void {
    if (width === this.#width && height === this.#height) return;
    this.#width = width;
    this.#height = height;
    this.#steps = [];
  }

  paste(x: number, y: number, picture: Pasted): void {
    this.#steps.push({ kind: 'paste', x, y, picture: { ...picture, bytes: Uint8Array.from(picture.bytes) } });
  }

  fill(rect: Area, colour: string): void {
    this.#steps.push({ kind: 'fill', rect, colour });
  }

  copy(from: Area, x: number, y: number): void {
    this.#steps.push({ kind: 'copy', from, x, y });
  }

  async picture(): Promise<Picture | undefined> {
    if (this.#width === 0) return undefined;
    const canvas = createCanvas(this.#width, this.#height);
    const context = canvas.getContext('2d');
    context.fillStyle = '#000000';
    context.fillRect(0, 0, this.#width, this.#height);
    for (const step of this.#steps) {
      if (step.kind === 'fill') {
        context.fillStyle = step.colour;
        context.fillRect(step.rect.x, step.rect.y, step.rect.width, step.rect.height);
      } else if (step.kind === 'copy') {
        const { x, y, width, height } = step.from;
        context.putImageData(context.getImageData(x, y, width, height), step.x, step.y);
      } else if (step.picture.encoding === 'rgba') {
        const { width, height, bytes } = step.picture;
        const image = context.createImageData(width, height);
        image.data.set(bytes);
        context.putImageData(image, step.x, step.y);
      } else {
        context.drawImage(await loadImage(Buffer.from(step.picture.bytes)), step.x, step.y);
      }
    }
    const { data } = context.getImageData(0, 0, this.#width, this.#height);
    return { width: this.#width, height: this.#height, pixels: new Uint8Array(data) };
  }
}
