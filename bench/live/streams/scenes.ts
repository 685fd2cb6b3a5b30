import { type Canvas, createCanvas } from '@napi-rs/canvas';
import { Random, words } from '../../recording/random.ts';
import { drawBackground, drawClock, drawWindow, TASKBAR_HEIGHT } from '../../recording/windows.ts';
import type { Scenario, Size } from '../matrix.ts';
import type { StreamCanvas } from './canvas.ts';

/** One kind of work on a desktop, in short steps that repeat. */
export interface Scene {
  readonly stepMs: number;
  readonly steps: number;
  /** Draws the first picture. */
  start(canvas: StreamCanvas): void;
  /** @param index from 1 to `steps` */
  step(canvas: StreamCanvas, index: number): void;
}

/** The scenarios of the live bench. All scale with the desktop, and are the same on every run. */
export const SCENES: Readonly<Record<Exclude<Scenario, 'mix'>, () => Scene>> = {
  /** A clock that ticks. */
  idle: () => ({ stepMs: 1000, steps: 10, start: drawBackground, step: (canvas, i) => drawClock(canvas, i * 1000) }),
  /** A letter in a terminal for each key. */
  type: () => {
    const text = words(new Random(11), 30);
    return {
      stepMs: 200,
      steps: 100,
      start(canvas) {
        drawBackground(canvas);
        drawTerminal(canvas, 0);
      },
      step(canvas, i) {
        const { x, y } = terminalArea(canvas);
        const column = (i - 1) % (COLUMNS - 2);
        const row = Math.floor((i - 1) / (COLUMNS - 2)) % ROWS;
        const cell = {
          x: x + column * CELL_WIDTH,
          y: y + row * CELL_HEIGHT,
          width: CELL_WIDTH * 2,
          height: CELL_HEIGHT,
        };
        canvas.draw(cell, (context) => {
          context.fillStyle = '#101418';
          context.fillRect(cell.x, cell.y, cell.width, cell.height);
          context.font = FONT;
          context.fillStyle = '#e0e0e0';
          context.fillText(text[i % text.length] ?? ' ', cell.x, cell.y + CELL_HEIGHT - 4);
          context.fillRect(cell.x + CELL_WIDTH, cell.y + 1, CELL_WIDTH, CELL_HEIGHT - 2);
        });
      },
    };
  },
  /** Twenty lines a second through a terminal of 120 × 45. */
  scroll: () => ({
    stepMs: 50,
    steps: 40,
    start(canvas) {
      drawBackground(canvas);
      drawTerminal(canvas, 0);
    },
    step: (canvas, i) => drawTerminal(canvas, i % 40),
  }),
  /** Two new pages a second, as large as the desktop. */
  page: () => ({
    stepMs: 500,
    steps: 8,
    start: drawBackground,
    step: (canvas, i) => drawPage(canvas, i % 8),
  }),
  /** A window that is dragged around in a circle, thirty moves a second. */
  drag: () => {
    const place = (canvas: StreamCanvas, i: number) => ({
      x: Math.round(canvas.width * (0.35 + 0.2 * Math.cos((i / 60) * 2 * Math.PI))),
      y: Math.round(canvas.height * (0.3 + 0.18 * Math.sin((i / 60) * 2 * Math.PI))),
      width: 460,
      height: 320,
    });
    let behind: Canvas | undefined;
    const drawAt = (canvas: StreamCanvas, i: number) => {
      const area = place(canvas, i);
      drawWindow(canvas, area, 'Notes', (context, inside) => {
        context.font = '14px DejaVu Sans';
        context.fillStyle = '#202020';
        const random = new Random(12);
        for (let row = 0; row * 20 < inside.height - 10; row++) {
          context.fillText(words(random, 6), inside.x + 10, inside.y + 22 + row * 20);
        }
      });
    };
    return {
      stepMs: 1000 / 30,
      steps: 60,
      start(canvas) {
        drawBackground(canvas);
        drawPage(canvas, 3);
        behind = pictureOf(canvas);
        drawAt(canvas, 0);
      },
      step(canvas, i) {
        const before = place(canvas, i - 1);
        canvas.draw(before, (context) => {
          const { x, y, width, height } = before;
          if (behind !== undefined) context.drawImage(behind, x, y, width, height, x, y, width, height);
        });
        drawAt(canvas, i);
      },
    };
  },
  /** A film of 640 × 360 at thirty pictures a second. */
  video: () => filmOf({ width: 640, height: 360, perSecond: 30 }),
};

/** Two seconds of a film that pans over one large picture. */
export function filmOf({ width, height, perSecond }: Size & { readonly perSecond: number }): Scene {
  const film = drawFilm(new Random(13), { width: width + 160, height: height + 120 });
  const steps = 2 * perSecond;
  return {
    stepMs: 1000 / perSecond,
    steps,
    start: drawBackground,
    step(canvas, i) {
      const x = Math.round((canvas.width - width) / 2);
      const y = Math.round((canvas.height - height) / 3);
      const turn = (i / steps) * 2 * Math.PI;
      canvas.draw({ x, y, width, height }, (context) => {
        const left = 60 + 60 * Math.cos(turn);
        const top = 40 + 40 * Math.sin(turn);
        context.drawImage(film, left, top, width, height, x, y, width, height);
      });
    },
  };
}

const COLUMNS = 120;
const ROWS = 45;
const CELL_WIDTH = 8;
const CELL_HEIGHT = 15;
const FONT = '13px DejaVu Sans Mono';

function terminalArea(canvas: StreamCanvas) {
  const width = COLUMNS * CELL_WIDTH;
  const height = ROWS * CELL_HEIGHT;
  const x = Math.round((canvas.width - width) / 2);
  const y = Math.round((canvas.height - TASKBAR_HEIGHT - height) / 2);
  return { x, y, width, height };
}

/** Lines of a log from one on; the same line always says the same. */
function drawTerminal(canvas: StreamCanvas, top: number): void {
  const area = terminalArea(canvas);
  canvas.draw(area, (context) => {
    context.fillStyle = '#101418';
    context.fillRect(area.x, area.y, area.width, area.height);
    context.font = FONT;
    for (let row = 0; row < ROWS; row++) {
      const random = new Random(100 + ((top + row) % 40));
      context.fillStyle = random.pick(['#e0e0e0', '#e0e0e0', '#70d070', '#e0c060']);
      const text = `${random.integer(10, 23)}:${random.integer(10, 59)} ${words(random, random.integer(4, 16))}`;
      context.fillText(text.slice(0, COLUMNS), area.x, area.y + (row + 1) * CELL_HEIGHT - 4);
    }
  });
}

/** A page of text with headings, a table's worth of lines, and a picture on every other page. */
function drawPage(canvas: StreamCanvas, page: number): void {
  const area = { x: 0, y: 0, width: canvas.width, height: canvas.height - TASKBAR_HEIGHT };
  drawWindow(canvas, area, `Report, page ${page + 1}`, (context, inside) => {
    const random = new Random(200 + page);
    context.fillStyle = '#1f4e9a';
    context.font = 'bold 24px DejaVu Sans';
    context.fillText(words(random, 4), inside.x + 60, inside.y + 50);
    context.font = '15px DejaVu Serif';
    context.fillStyle = '#101010';
    const wordsALine = Math.floor(inside.width / 80);
    for (let y = 90; y < inside.height - 20; y += 23) {
      context.fillText(words(random, wordsALine), inside.x + 60, inside.y + y);
    }
    if (page % 2 === 0) return;
    const gradient = context.createLinearGradient(
      inside.x,
      inside.y,
      inside.x + inside.width,
      inside.y + inside.height,
    );
    gradient.addColorStop(0, `hsl(${page * 40}, 50%, 60%)`);
    gradient.addColorStop(1, `hsl(${page * 40 + 90}, 40%, 30%)`);
    context.fillStyle = gradient;
    context.fillRect(inside.x + inside.width * 0.6, inside.y + 120, inside.width * 0.3, inside.height * 0.4);
  });
}

function drawFilm(random: Random, { width, height }: Size): Canvas {
  const canvas = createCanvas(width, height);
  const context = canvas.getContext('2d');
  context.fillStyle = '#405868';
  context.fillRect(0, 0, canvas.width, canvas.height);
  for (let i = 0; i < 60; i++) {
    const x = random.next() * canvas.width;
    const y = random.next() * canvas.height;
    const gradient = context.createRadialGradient(x, y, 0, x, y, 30 + random.next() * 120);
    gradient.addColorStop(0, `hsla(${random.integer(0, 360)}, 45%, ${random.integer(25, 75)}%, 0.8)`);
    gradient.addColorStop(1, 'hsla(0, 0%, 50%, 0)');
    context.fillStyle = gradient;
    context.fillRect(0, 0, canvas.width, canvas.height);
  }
  const image = context.getImageData(0, 0, canvas.width, canvas.height);
  for (let i = 0; i < image.data.length; i += 4) {
    const grain = (random.next() - 0.5) * 12;
    for (let c = 0; c < 3; c++) image.data[i + c] = (image.data[i + c] ?? 0) + grain;
  }
  context.putImageData(image, 0, 0);
  return canvas;
}

function pictureOf(canvas: StreamCanvas): Canvas {
  const { width, height } = canvas;
  const copy = createCanvas(width, height);
  const context = copy.getContext('2d');
  const image = context.createImageData(width, height);
  image.data.set(canvas.read({ x: 0, y: 0, width, height }));
  context.putImageData(image, 0, 0);
  return copy;
}
