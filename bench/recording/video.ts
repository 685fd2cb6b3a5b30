import { type Canvas, createCanvas, type SKRSContext2D } from '@napi-rs/canvas';
import type { Rect } from '#protocol/graphics/geometry.ts';
import { Random } from './random.ts';
import type { Scenario } from './scenario.ts';
import { drawBackground, drawWindow, insideOf } from './windows.ts';

/** A film of 1280 × 720 in a window, at 20 pictures a second: a camera that pans over a soft scene, and cuts. */
export function video(): Scenario {
  const area = { x: 300, y: 60, width: 1284, height: 780 };
  const film = new Film(new Random(5));
  return {
    name: 'video',
    start(screen) {
      drawBackground(screen);
      drawWindow(screen, area, 'Player', () => {});
      screen.pointer(1700, 900);
    },
    step(screen, ms) {
      const { x, y } = insideOf(area);
      const picture = { x, y, width: 1280, height: 720 };
      screen.draw(picture, (context) => film.draw(context, picture, ms));
    },
  };
}

/** A camera that pans over a soft scene, and cuts; drawn with times that only grow. */
export class Film {
  readonly #random: Random;
  #scene: Canvas;
  #cutAt = 6000;
  #from = 0;

  constructor(random: Random) {
    this.#random = random;
    this.#scene = drawScene(random);
  }

  /** @param area of 1280 × 720 */
  draw(context: SKRSContext2D, area: Rect, ms: number): void {
    if (ms >= this.#cutAt) {
      this.#scene = drawScene(this.#random);
      this.#cutAt += this.#random.integer(4000, 9000);
      this.#from = ms;
    }
    const { width, height } = area;
    const x = (this.#scene.width - width) * Math.min(1, (ms - this.#from) / 9000);
    const y = (this.#scene.height - height) * (0.5 + 0.5 * Math.sin(ms / 1700));
    context.drawImage(this.#scene, x, y, width, height, area.x, area.y, width, height);
    // Somebody walks through the picture.
    context.fillStyle = '#382818';
    context.fillRect(area.x + ((ms / 8) % 1200), area.y + 380 + 12 * Math.sin(ms / 150), 70, 240);
  }
}

function drawScene(random: Random): Canvas {
  const canvas = createCanvas(1500, 800);
  const context = canvas.getContext('2d');
  context.fillStyle = `hsl(${random.integer(0, 360)}, 30%, 40%)`;
  context.fillRect(0, 0, canvas.width, canvas.height);
  for (let i = 0; i < 90; i++) {
    const x = random.next() * canvas.width;
    const y = random.next() * canvas.height;
    const radius = 20 + random.next() * 180;
    const gradient = context.createRadialGradient(x, y, 0, x, y, radius);
    const hue = random.integer(0, 360);
    gradient.addColorStop(0, `hsla(${hue}, 40%, ${random.integer(20, 75)}%, 0.8)`);
    gradient.addColorStop(1, `hsla(${hue}, 40%, 50%, 0)`);
    context.fillStyle = gradient;
    context.fillRect(0, 0, canvas.width, canvas.height);
  }
  // What stands in it has edges: walls, windows, leaves.
  for (let i = 0; i < 200; i++) {
    context.fillStyle = `hsl(${random.integer(0, 360)}, 30%, ${random.integer(20, 75)}%)`;
    const size = 6 + random.next() * 40;
    context.beginPath();
    context.ellipse(
      ...[random.next() * canvas.width, random.next() * canvas.height, size, size * (0.3 + random.next())],
      ...[random.next() * Math.PI, 0, 2 * Math.PI],
    );
    context.fill();
  }
  const image = context.getImageData(0, 0, canvas.width, canvas.height);
  for (let i = 0; i < image.data.length; i += 4) {
    const grain = (random.next() - 0.5) * 10;
    for (let c = 0; c < 3; c++) image.data[i + c] = (image.data[i + c] ?? 0) + grain;
  }
  context.putImageData(image, 0, 0);
  return canvas;
}
