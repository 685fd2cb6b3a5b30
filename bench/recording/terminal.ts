import { Random, words } from './random.ts';
import { Every, type Scenario, type Screen, Script } from './scenario.ts';
import { drawBackground, drawClock } from './windows.ts';

/**
 * An administrator's terminal in steady use, at the pace of fingers: listings, logs, an editor, a monitor.
 */
export function terminal(): Scenario {
  const random = new Random(2);
  const second = new Every(1000);
  const view = new TerminalView();
  const script = new Script(random);
  let round = 0;
  return {
    name: 'terminal',
    start(screen) {
      drawBackground(screen);
      for (let i = 0; i < 24; i++) view.print(listing(random));
      view.prompt();
      view.drawAll(screen);
      screen.pointer(1500, 700);
    },
    step(screen, ms) {
      if (second.due(ms)) drawClock(screen, ms);
      if (script.done) addCommand(script, round++, random, view);
      script.step(screen, ms);
    },
  };
}

const COLUMNS = 150;
const ROWS = 50;
const CELL_WIDTH = 9;
const CELL_HEIGHT = 19;
const LEFT = 150;
const TOP = 40;
const FONT = '15px DejaVu Sans Mono';
const COLOURS = ['#d0d0d0', '#60d060', '#d0d060', '#70a0f0', '#e07070', '#60d0d0'] as const;

interface Line {
  readonly text: string;
  readonly colour: string;
}

class TerminalView {
  #lines: Line[] = [];

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

  get lines(): readonly Line[] {
    return this.#lines;
  }

  #drawRow(screen: Screen, row: number): void {
    const area = { x: LEFT, y: TOP + row * CELL_HEIGHT, width: COLUMNS * CELL_WIDTH + 8, height: CELL_HEIGHT };
    const line = this.#lines[row];
    screen.draw(area, (context) => {
      context.fillStyle = '#101010';
      context.fillRect(area.x, area.y, area.width, area.height);
      if (line === undefined) return;
      context.font = FONT;
      context.fillStyle = line.colour;
      const text = line.text.slice(0, COLUMNS);
      context.fillText(text, area.x + 4, area.y + 15);
      if (row === this.#lines.length - 1) {
        context.fillRect(area.x + 4 + text.length * CELL_WIDTH, area.y + 2, CELL_WIDTH, 16);
      }
    });
  }
}

/** The next of a round of commands: typed, answered, read. */
function addCommand(script: Script, round: number, random: Random, view: TerminalView): void {
  const run = (command: string, count: number, make: (random: Random) => Line): void => {
    script.pause(1000, 2500);
    script.type(command, (screen, letter) => view.type(screen, letter));
    script.after(100, 400, (screen) => {
      for (let i = 0; i < count; i++) view.print(make(random));
      view.prompt();
      view.drawAll(screen);
    });
    // A page takes longer to read than a line.
    script.pause(count > 20 ? 5000 : 2500, count > 20 ? 11_000 : 6500);
  };
  const steps = [
    () => run('ls -la /srv/data/exports/reports/archive | head -60', 60, listing),
    () => run('df -h --output=source,size,avail', 9, processLine),
    () => run('ps aux --sort=-%mem | head -40', 40, processLine),
    () => run('tail -n 45 /var/log/application/daemon.log', 45, logLine),
    () => followLog(script, random, view),
    () => run('systemctl status ssh.service --no-pager', 14, logLine),
    () => run('grep ERROR /var/log/application/daemon.log | head -80', 80, logLine),
    () => edit(script, random, view),
    () => run('cat /etc/passwd', 32, listing),
    () => run('free -m; uptime; ip addr show', 5, processLine),
    () => run('find /usr/share/doc -maxdepth 1 | head -200', 200, pathLine),
    () => monitor(script, random, view),
    () => run('git -C /srv/config status --short', 8, pathLine),
  ];
  steps[round % steps.length]?.();
}

function followLog(script: Script, random: Random, view: TerminalView): void {
  script.type('tail -f /var/log/application/daemon.log', (screen, letter) => view.type(screen, letter));
  for (let i = 0; i < 26; i++) {
    script.after(100, 600, (screen) => {
      view.print(logLine(random));
      view.drawAll(screen);
    });
  }
  script.after(500, 1000, (screen) => {
    view.prompt();
    view.drawAll(screen);
  });
}

/** Opens a text, moves about, types a sentence, pages, and leaves. */
function edit(script: Script, random: Random, view: TerminalView): void {
  script.pause(1000, 2500);
  script.type('vi /srv/data/documents/notes.txt', (screen, letter) => view.type(screen, letter));
  const pages = Array.from({ length: 3 }, () => Array.from({ length: ROWS - 1 }, () => textLine(random)));
  const show = (screen: Screen, page: number): void => {
    view.replaceAll([...(pages[page] ?? []), { text: '', colour: COLOURS[0] }]);
    view.drawAll(screen);
  };
  const before = view.lines;
  script.after(300, 600, (screen) => show(screen, 0));
  script.pause(1000, 2000);
  script.type('The maintenance window was moved to Friday 22:00. ', (screen, letter) => {
    const line = view.lines[4] ?? { text: '', colour: COLOURS[0] };
    view.replace(screen, 4, { ...line, text: `${line.text}${letter}` });
  });
  for (const page of [1, 2, 1]) script.after(600, 1500, (screen) => show(screen, page));
  script.after(600, 1200, (screen) => {
    view.replaceAll(before);
    view.prompt();
    view.drawAll(screen);
  });
}

function monitor(script: Script, random: Random, view: TerminalView): void {
  script.pause(1000, 2500);
  script.type('top -d 1', (screen, letter) => view.type(screen, letter));
  const processes = Array.from({ length: ROWS }, () => processLine(random));
  script.after(200, 300, (screen) => {
    view.replaceAll(processes);
    view.drawAll(screen);
  });
  for (let i = 0; i < 8; i++) {
    script.after(1000, 1000, (screen) => {
      // The busiest use more or less than before, and one has come or gone.
      for (let row = 2; row < 14; row++) {
        const line = row === 2 + i ? processLine(random) : (processes[row] ?? processLine(random));
        const share = (random.next() * 60).toFixed(1).padStart(6);
        view.replace(screen, row, { ...line, text: line.text.slice(0, 48) + share + line.text.slice(54) });
      }
    });
  }
  script.after(500, 1000, (screen) => {
    view.prompt();
    view.drawAll(screen);
  });
}

function listing(random: Random): Line {
  // Most of what a terminal shows has its own colour.
  const colour = random.next() < 0.85 ? COLOURS[0] : random.pick(COLOURS);
  const size = String(random.integer(100, 9_999_999)).padStart(9);
  const text = `-rw-r--r-- 1 admin staff ${size} Nov ${random.integer(10, 28)} ${random.integer(10, 23)}:${random.integer(10, 59)}`;
  return { text: `${text} ${words(random, 3).replaceAll(' ', '-')}.txt`, colour };
}

function logLine(random: Random): Line {
  const time = `Nov 21 09:${random.integer(10, 59)}:${random.integer(10, 59)}`;
  return { text: `${time} server-04 daemon[${random.integer(1000, 9999)}]: ${words(random, 6)}`, colour: COLOURS[0] };
}

function textLine(random: Random): Line {
  const empty = random.next() < 0.1;
  return { text: empty ? '' : words(random, random.integer(6, 10)), colour: COLOURS[0] };
}

function pathLine(random: Random): Line {
  return { text: `/usr/share/doc/${words(random, 2).replaceAll(' ', '-')}`, colour: COLOURS[0] };
}

function processLine(random: Random): Line {
  const numbers = [random.integer(1000, 99_999), 20, 0, random.integer(10_000, 999_999), random.integer(1000, 99_999)];
  const share = (random.next() * 60).toFixed(1).padStart(6);
  return {
    text: `${numbers.map((n) => String(n).padStart(9)).join('')} S ${share} ${words(random, 2)}`,
    colour: COLOURS[0],
  };
}
