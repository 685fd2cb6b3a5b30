import type { Rect } from '#protocol/graphics/geometry.ts';
import { Random, words } from './random.ts';
import { Every, type Scenario, type Screen } from './scenario.ts';
import { drawBackground, drawClock, drawWindow, insideOf } from './windows.ts';

/** Documents, a table and mail: typing, switching windows, moving them, menus, scrolling, and a pointer that goes with it. */
export function office(): Scenario {
  const random = new Random(3);
  const second = new Every(1000);
  const key = new Every(150);
  const windows = [new DocumentWindow(random), new TableWindow(random), new MailWindow(random)] as const;
  let front = 0;
  let busyUntil = 0;
  let work: 'type' | 'scroll' | 'menu' | 'drag' = 'type';
  let workUntil = 4000;
  let moved = 0;
  let pointer = { x: 600, y: 500 };
  let goal = pointer;
  return {
    name: 'office',
    start(screen) {
      drawBackground(screen);
      for (const window of [...windows].reverse()) window.draw(screen);
      screen.pointer(pointer.x, pointer.y);
    },
    step(screen, ms) {
      if (second.due(ms)) drawClock(screen, ms);
      if (pointer.x !== goal.x || pointer.y !== goal.y) {
        pointer = { x: approach(pointer.x, goal.x), y: approach(pointer.y, goal.y) };
        screen.pointer(pointer.x, pointer.y);
      }
      if (ms < busyUntil) return;
      const window = windows[front] as OfficeWindow;
      if (ms >= workUntil) {
        if (work === 'menu') window.draw(screen);
        if (work === 'drag') drawMoved(screen, windows, front, 0, ms);
        work = random.pick(['type', 'type', 'scroll', 'menu', 'drag'] as const);
        workUntil = ms + WORK_MS[work] + random.integer(0, WORK_MS[work]);
        goal = { x: random.integer(200, 1700), y: random.integer(100, 950) };
        if (random.next() < 0.3) {
          front = random.integer(0, windows.length - 1);
          windows[front]?.draw(screen);
        }
        if (work === 'menu') drawMenu(screen, windows[front]?.area ?? window.area, random.integer(0, 5));
        moved = 0;
        busyUntil = ms + random.integer(300, 900);
        return;
      }
      if (work === 'type' && key.due(ms)) window.type(screen);
      if (work === 'drag' && moved < 1) {
        moved = Math.min(1, moved + 0.05);
        drawMoved(screen, windows, front, moved, ms);
      }
      if (work === 'scroll') {
        window.scroll(screen, random.next() < 0.7 ? 3 : -3);
        // A turn of the wheel, then reading.
        busyUntil = ms + (random.next() < 0.6 ? 150 : random.integer(800, 2500));
      }
    },
  };
}

/** All windows anew, the front one on its way to where it is dragged; `share` of the way. */
function drawMoved(screen: Screen, windows: readonly OfficeWindow[], front: number, share: number, ms: number): void {
  const [dx, dy] = [Math.round(64 * share), Math.round(60 * share)];
  drawBackground(screen);
  drawClock(screen, ms);
  for (const window of windows.toReversed()) if (window !== windows[front]) window.draw(screen);
  windows[front]?.draw({
    ...{ width: screen.width, height: screen.height },
    pointer: () => {},
    draw: (area, paint) =>
      screen.draw({ ...area, x: area.x + dx, y: area.y + dy }, (context) => {
        context.save();
        context.translate(dx, dy);
        paint(context);
        context.restore();
      }),
  });
}

/** How long each kind of work lasts at least; at most twice as long. */
const WORK_MS = { type: 5000, scroll: 2500, menu: 1500, drag: 1800 } as const;

interface OfficeWindow {
  readonly area: Rect;
  draw(screen: Screen): void;
  type(screen: Screen): void;
  scroll(screen: Screen, lines: number): void;
}

/** A long text; typing appends to a paragraph in the middle. */
class DocumentWindow implements OfficeWindow {
  readonly area = { x: 140, y: 30, width: 1320, height: 880 };
  readonly #random: Random;
  readonly #lines: string[];
  #top = 0;
  #cursor = 20;

  constructor(random: Random) {
    this.#random = random;
    this.#lines = Array.from({ length: 300 }, (_, i) => (i % 9 === 8 ? '' : words(random, 12)));
  }

  draw(screen: Screen): void {
    drawWindow(screen, this.area, 'Quarterly report.docx', (context, inside) => {
      for (let row = 0; row * 24 < inside.height - 24; row++) {
        const line = this.#lines[this.#top + row] ?? '';
        const heading = (this.#top + row) % 36 === 0;
        context.fillStyle = heading ? '#1f4e9a' : '#000000';
        context.font = heading ? 'bold 18px DejaVu Sans' : '16px DejaVu Serif';
        context.fillText(line, inside.x + 90, inside.y + 30 + row * 24);
      }
    });
  }

  type(screen: Screen): void {
    const line = this.#lines[this.#top + this.#cursor] ?? '';
    const next = line.length > 110 ? '' : line + this.#random.pick([...'etaoinshrdlu ']);
    this.#lines[this.#top + this.#cursor] = next;
    this.#drawRow(screen, next);
    if (next !== '') return;
    this.#cursor = 8 + ((this.#cursor + 1) % 20);
  }

  #drawRow(screen: Screen, text: string): void {
    const inside = insideOf(this.area);
    const row = { x: inside.x, y: inside.y + 11 + this.#cursor * 24, width: inside.width, height: 25 };
    screen.draw(row, (context) => {
      context.fillStyle = '#ffffff';
      context.fillRect(row.x, row.y, row.width, row.height);
      context.fillStyle = '#000000';
      context.font = '16px DejaVu Serif';
      context.fillText(text, inside.x + 90, row.y + 19);
      if (text !== '') context.fillRect(inside.x + 91 + context.measureText(text).width, row.y + 4, 1, 18);
    });
  }

  scroll(screen: Screen, lines: number): void {
    this.#top = Math.min(260, Math.max(0, this.#top + lines));
    this.draw(screen);
  }
}

/** Columns of numbers; typing fills cells one after another. */
class TableWindow implements OfficeWindow {
  readonly area = { x: 300, y: 80, width: 1500, height: 760 };
  readonly #random: Random;
  readonly #cells: number[][];
  #top = 0;
  #cursor = 0;

  constructor(random: Random) {
    this.#random = random;
    this.#cells = Array.from({ length: 200 }, () => Array.from({ length: 13 }, () => random.integer(10, 99_999)));
  }

  draw(screen: Screen): void {
    drawWindow(screen, this.area, 'Figures.xlsx', (context, inside) => {
      context.font = '13px DejaVu Sans';
      for (let row = 0; row * 22 < inside.height; row++) {
        for (let column = 0; column < 13; column++) {
          const x = inside.x + column * 114;
          const y = inside.y + row * 22;
          context.strokeStyle = '#d8d8d8';
          context.strokeRect(x + 0.5, y + 0.5, 114, 22);
          context.fillStyle = row === 0 ? '#1f6e43' : '#101010';
          const value = row === 0 ? `Month ${column + 1}` : String(this.#cells[this.#top + row]?.[column] ?? '');
          context.fillText(value, x + 110 - context.measureText(value).width, y + 16);
        }
      }
    });
  }

  type(screen: Screen): void {
    this.#cursor = (this.#cursor + 1) % (13 * 30);
    const column = this.#cursor % 13;
    const row = 1 + Math.floor(this.#cursor / 13);
    const value = this.#random.integer(10, 99_999);
    const cells = this.#cells[this.#top + row];
    if (cells !== undefined) cells[column] = value;
    const inside = insideOf(this.area);
    const cell = { x: inside.x + column * 114 + 1, y: inside.y + row * 22 + 1, width: 112, height: 20 };
    screen.draw(cell, (context) => {
      context.fillStyle = '#e6f2ea';
      context.fillRect(cell.x, cell.y, cell.width, cell.height);
      context.fillStyle = '#101010';
      context.font = '13px DejaVu Sans';
      context.fillText(String(value), cell.x + 109 - context.measureText(String(value)).width, cell.y + 15);
    });
  }

  scroll(screen: Screen, lines: number): void {
    this.#top = Math.min(150, Math.max(0, this.#top + lines));
    this.draw(screen);
  }
}

/** A list of messages and one of them; typing opens the next. */
class MailWindow implements OfficeWindow {
  readonly area = { x: 120, y: 120, width: 1500, height: 740 };
  readonly #subjects: string[];
  readonly #bodies: string[][];
  #top = 0;
  #selected = 0;
  #keys = 0;

  constructor(random: Random) {
    this.#subjects = Array.from({ length: 120 }, () => words(random, 5));
    this.#bodies = Array.from({ length: 120 }, () => Array.from({ length: 22 }, () => words(random, 10)));
  }

  draw(screen: Screen): void {
    drawWindow(screen, this.area, 'Inbox', (context, inside) => {
      for (let row = 0; row * 40 < inside.height; row++) {
        const index = this.#top + row;
        const selected = index === this.#selected;
        context.fillStyle = selected ? '#cce4f7' : '#fafafa';
        context.fillRect(inside.x, inside.y + row * 40, 480, 39);
        context.fillStyle = '#202020';
        context.font = selected ? 'bold 14px DejaVu Sans' : '14px DejaVu Sans';
        context.fillText(this.#subjects[index] ?? '', inside.x + 14, inside.y + 25 + row * 40);
      }
      context.fillStyle = '#202020';
      context.font = '15px DejaVu Sans';
      (this.#bodies[this.#selected] ?? []).forEach((line, i) => {
        context.fillText(line, inside.x + 520, inside.y + 60 + i * 28);
      });
    });
  }

  type(screen: Screen): void {
    this.#keys += 1;
    if (this.#keys % 40 !== 0) return;
    this.#selected = (this.#selected + 1) % 100;
    this.draw(screen);
  }

  scroll(screen: Screen, lines: number): void {
    this.#top = Math.min(95, Math.max(0, this.#top + lines));
    this.draw(screen);
  }
}

function drawMenu(screen: Screen, window: Rect, index: number): void {
  const area = { x: window.x + 12 + index * 64, y: window.y + 56, width: 240, height: 300 };
  screen.draw(area, (context) => {
    context.fillStyle = '#fbfbfb';
    context.fillRect(area.x, area.y, area.width, area.height);
    context.strokeStyle = '#a0a0a0';
    context.strokeRect(area.x + 0.5, area.y + 0.5, area.width - 1, area.height - 1);
    context.font = '14px DejaVu Sans';
    ['New', 'Open…', 'Save', 'Save as…', 'Print…', 'Properties', 'Share', 'Options', 'Close'].forEach((name, i) => {
      context.fillStyle = '#202020';
      context.fillText(name, area.x + 24, area.y + 30 + i * 32);
    });
  });
}

function approach(from: number, to: number): number {
  return Math.abs(to - from) < 12 ? to : from + (to - from) * 0.25;
}
