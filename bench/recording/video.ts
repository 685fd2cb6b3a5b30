import { type Canvas, createCanvas } from '@napi-rs/canvas';
import { Random } from './random.ts';
import type { Scenario } from './scenario.ts';
import { drawBackground, drawWindow, insideOf } from './windows.ts';

/** A film of 1280 × 720 in a window, at 20 pictures a second: a camera that pans over a soft scene, and cuts. */
export function video(): Scenario {
  const random = new Random(5);
  const area = { x: 300, y: 60, width: 1284, height: 780 };
  let scene = drawScene(random);
  let cutAt = 6000;
  let from = 0;
  return {
    name: 'video',
    start(screen) {
      drawBackground(screen);
      drawWindow(screen, area, 'Player', () => {});
      screen.pointer(1700, 900);
    },
    step(screen, ms) {
      if (ms >= cutAt) {
        scene = drawScene(random);
        cutAt += random.integer(4000, 9000);
        from = ms;
      }
      const inside = insideOf(area);
      const x = (scene.width - 1280) * Math.min(1, (ms - from) / 9000);
      const y = (scene.height - 720) * (0.5 + 0.5 * Math.sin(ms / 1700));
      screen.draw({ x: inside.x, y: inside.y, width: 1280, height: 720 }, (context) => {
        context.drawImage(scene, x, y, 1280, 720, inside.x, inside.y, 1280, 720);
        // Somebody walks through the picture.
        context.fillStyle = '#382818';
        const walk = inside.x + ((ms / 8) % 1200);
        context.fillRect(walk, inside.y + 380 + 12 * Math.sin(ms / 150), 70, 240);
      });
    },
  };
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
