import { Random, words } from './random.ts';
import { Every, type Scenario, type Screen } from './scenario.ts';

/** A full-screen terminal in steady use: typing, listings, logs that scroll by, paging, a monitor that refreshes. */
export function terminal(): Scenario {
  const random = new Random(2);
  const key = new Every(120);
  const view = new TerminalView(random);
  /** What is left to do, one entry a tick at most; `undefined` is a pause. */
  let script: (((screen: Screen) => void) | undefined)[] = [];
  return {
    name: 'terminal',
    start(screen) {
      for (let i = 0; i < 24; i++) view.print(listing(random));
      view.prompt();
      view.drawAll(screen);
      screen.pointer(1500, 700);
    },
    step(screen, ms) {
      if (script.length === 0) script = nextCommand(random, view);
      const action = script[0];
      // Typing goes at the speed of fingers, everything else at the machine's.
      if (action?.name === 'type' && !key.due(ms)) return;
      script.shift();
      action?.(screen);
    },
  };
}

const COLUMNS = 200;
const ROWS = 56;
const CELL_WIDTH = 9;
const CELL_HEIGHT = 19;
const FONT = '15px DejaVu Sans Mono';
const COLOURS = ['#d0d0d0', '#60d060', '#d0d060', '#70a0f0', '#e07070', '#60d0d0'] as const;

interface Line {
  readonly text: string;
  readonly colour: string;
}

class TerminalView {
  readonly #random: Random;
  #lines: Line[] = [];

  constructor(random: Random) {
    this.#random = random;
  }

  print(line: Line): void {
    this.#lines.push(line);
    if (this.#lines.length > ROWS) this.#lines.shift();
  }

  prompt(): void {
    this.print({ text: 'admin@server-04:/srv/data$ ', colour: '#60d060' });
  }

  type(screen: Screen, text: string): void {
    const row = this.#lines.length - 1;
    const last = this.#lines[row];
    if (last === undefined) return;
    this.#lines[row] = { ...last, text: last.text + text };
    this.#drawRow(screen, row);
  }

  replaceAll(lines: readonly Line[]): void {
    this.#lines = lines.slice(0, ROWS);
  }

  replace(screen: Screen, row: number, line: Line): void {
    this.#lines[row] = line;
    this.#drawRow(screen, row);
  }

  drawAll(screen: Screen): void {
    for (let row = 0; row < ROWS; row++) this.#drawRow(screen, row);
  }

  get random(): Random {
    return this.#random;
  }

  #drawRow(screen: Screen, row: number): void {
    const area = { x: 0, y: row * CELL_HEIGHT, width: screen.width, height: CELL_HEIGHT };
    const line = this.#lines[row];
    screen.draw(area, (context) => {
      context.fillStyle = '#101010';
      context.fillRect(area.x, area.y, area.width, area.height);
      if (line === undefined) return;
      context.font = FONT;
      context.fillStyle = line.colour;
      const text = line.text.slice(0, COLUMNS);
      context.fillText(text, 4, area.y + 15);
      if (row === this.#lines.length - 1) context.fillRect(4 + text.length * CELL_WIDTH, area.y + 2, CELL_WIDTH, 16);
    });
  }
}

function nextCommand(random: Random, view: TerminalView): (((screen: Screen) => void) | undefined)[] {
  const command = random.pick([
    'ls -la reports',
    'tail -f /var/log/messages',
    'less manual.txt',
    'top',
    'git status --short',
  ]);
  const steps: (((screen: Screen) => void) | undefined)[] = [...command].map((letter) => {
    const type = (screen: Screen): void => view.type(screen, letter);
    return type;
  });
  const pause = (ms: number): void => {
    for (let waited = 0; waited < ms; waited += 50) steps.push(undefined);
  };
  const print = (count: number, make: (random: Random) => Line): void => {
    steps.push((screen) => {
      for (let i = 0; i < count; i++) view.print(make(random));
      view.drawAll(screen);
    });
  };
  switch (command) {
    case 'tail -f /var/log/messages':
      for (let i = 0; i < 25; i++) {
        print(random.integer(1, 2), logLine);
        pause(random.integer(100, 900));
      }
      break;
    case 'less manual.txt': {
      const pages = Array.from({ length: 6 }, () => Array.from({ length: ROWS }, () => manualLine(random)));
      for (const page of [0, 1, 2, 3, 2, 3, 4, 5]) {
        steps.push((screen) => {
          view.replaceAll(pages[page] ?? []);
          view.drawAll(screen);
        });
        // Somebody reads it, if not every word.
        pause(random.integer(2500, 6000));
      }
      break;
    }
    case 'top':
      steps.push((screen) => {
        view.replaceAll(Array.from({ length: ROWS }, () => processLine(random)));
        view.drawAll(screen);
      });
      for (let i = 0; i < 5; i++) {
        pause(2000);
        steps.push((screen) => {
          for (let row = 2; row < 14; row++) view.replace(screen, row, processLine(random));
        });
      }
      break;
    default:
      print(random.integer(6, 22), listing);
  }
  // Reading the answer, thinking of the next question.
  pause(random.integer(2000, 7000));
  steps.push((screen) => {
    view.prompt();
    view.drawAll(screen);
  });
  pause(random.integer(300, 1200));
  return steps;
}

function listing(random: Random): Line {
  const size = String(random.integer(100, 9_999_999)).padStart(9);
  const text = `-rw-r--r-- 1 admin staff ${size} Nov ${random.integer(10, 28)} ${random.integer(10, 23)}:${random.integer(10, 59)}`;
  return { text: `${text} ${words(random, 3).replaceAll(' ', '-')}.txt`, colour: random.pick(COLOURS) };
}

function logLine(random: Random): Line {
  const time = `Nov 21 09:${random.integer(10, 59)}:${random.integer(10, 59)}`;
  return { text: `${time} server-04 daemon[${random.integer(1000, 9999)}]: ${words(random, 9)}`, colour: COLOURS[0] };
}

function manualLine(random: Random): Line {
  const empty = random.next() < 0.15;
  return { text: empty ? '' : `    ${words(random, random.integer(6, 11))}`, colour: COLOURS[0] };
}

function processLine(random: Random): Line {
  const numbers = [random.integer(1000, 99_999), 20, 0, random.integer(10_000, 999_999), random.integer(1000, 99_999)];
  const share = (random.next() * 60).toFixed(1).padStart(6);
  return {
    text: `${numbers.map((n) => String(n).padStart(9)).join('')} S ${share} ${words(random, 2)}`,
    colour: COLOURS[0],
  };
}
