import { type Canvas, createCanvas } from '@napi-rs/canvas';
import { Random, words } from './random.ts';
import { fill, type Scenario, type Screen } from './scenario.ts';

/** Reading the web: long pages of text and pictures, smooth scrolling with pauses, a new page now and then. */
export function web(): Scenario {
  const random = new Random(4);
  let page = drawPage(random);
  let top = 0;
  let velocity = 0;
  let target = 0;
  let restUntil = 1500;
  let pageUntil = 25_000;
  const show = (screen: Screen): void => {
    screen.draw({ x: 0, y: BAR, width: screen.width, height: screen.height - BAR }, (context) => {
      context.drawImage(
        page,
        0,
        Math.round(top),
        page.width,
        screen.height - BAR,
        0,
        BAR,
        page.width,
        screen.height - BAR,
      );
    });
  };
  return {
    name: 'web',
    start(screen) {
      drawBar(screen, 0);
      show(screen);
      screen.pointer(1200, 600);
    },
    step(screen, ms) {
      if (ms < restUntil) return;
      if (Math.abs(target - top) < 1 && velocity === 0) {
        if (ms >= pageUntil) {
          page = drawPage(random);
          top = 0;
          target = 0;
          pageUntil = ms + 25_000;
          drawBar(screen, ms);
          show(screen);
          restUntil = ms + random.integer(1500, 3000);
          return;
        }
        const distance = random.integer(270, 720) * (random.next() < 0.85 ? 1 : -1);
        target = Math.min(page.height - screen.height, Math.max(0, top + distance));
        velocity = 1;
        return;
      }
      // A browser's smooth scrolling: about 400 ms of motion.
      top = Math.abs(target - top) < 6 ? target : top + (target - top) * 0.35;
      show(screen);
      if (top === target) {
        velocity = 0;
        restUntil = ms + random.integer(1200, 3800);
      }
    },
  };
}

const BAR = 80;
const PAGE_HEIGHT = 5200;

function drawBar(screen: Screen, ms: number): void {
  fill(screen, { x: 0, y: 0, width: screen.width, height: BAR }, '#e4e6ea');
  screen.draw({ x: 100, y: 44, width: 1400, height: 30 }, (context) => {
    context.fillStyle = '#ffffff';
    context.fillRect(100, 44, 1400, 30);
    context.fillStyle = '#303030';
    context.font = '15px DejaVu Sans';
    context.fillText(`https://news.example.com/articles/${1000 + Math.floor(ms / 1000)}`, 116, 65);
  });
}

function drawPage(random: Random): Canvas {
  const canvas = createCanvas(1920, PAGE_HEIGHT);
  const context = canvas.getContext('2d');
  context.fillStyle = '#ffffff';
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.fillStyle = '#14202c';
  context.fillRect(0, 0, canvas.width, 90);
  context.fillStyle = '#ffffff';
  context.font = 'bold 34px DejaVu Sans';
  context.fillText('The Daily Example', 280, 58);
  let y = 150;
  while (y < PAGE_HEIGHT - 400) {
    context.fillStyle = '#101820';
    context.font = 'bold 26px DejaVu Sans';
    context.fillText(words(random, 7), 280, y);
    y += 40;
    if (random.next() < 0.4) {
      drawPhotograph(random, canvas, 280, y, 480, 270);
      y += 300;
    }
    for (let line = random.integer(5, 11); line > 0; line--) {
      context.fillStyle = '#303030';
      context.font = '17px DejaVu Serif';
      context.fillText(words(random, 13), 280, y);
      if (line % 4 === 0) {
        context.fillStyle = '#0645ad';
        context.font = '15px DejaVu Sans';
        context.fillText(words(random, 4), 1420, y);
      }
      y += 28;
    }
    y += 40;
  }
  return canvas;
}

/** Soft shapes and some grain: as hard to encode as a photograph, unlike plain colours. */
function drawPhotograph(random: Random, canvas: Canvas, x: number, y: number, width: number, height: number): void {
  const context = canvas.getContext('2d');
  context.save();
  context.beginPath();
  context.rect(x, y, width, height);
  context.clip();
  for (let i = 0; i < 40; i++) {
    const cx = x + random.next() * width;
    const cy = y + random.next() * height;
    const radius = 30 + random.next() * 160;
    const gradient = context.createRadialGradient(cx, cy, 0, cx, cy, radius);
    const hue = random.integer(0, 360);
    gradient.addColorStop(0, `hsla(${hue}, 50%, ${random.integer(25, 75)}%, 0.9)`);
    gradient.addColorStop(1, `hsla(${hue}, 50%, 50%, 0)`);
    context.fillStyle = gradient;
    context.fillRect(x, y, width, height);
  }
  const image = context.getImageData(x, y, width, height);
  for (let i = 0; i < image.data.length; i += 4) {
    const grain = (random.next() - 0.5) * 16;
    for (let c = 0; c < 3; c++) image.data[i + c] = (image.data[i + c] ?? 0) + grain;
  }
  context.putImageData(image, x, y);
  context.restore();
}
