import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import sharp from 'sharp';
import { type LabProcess, START_TIMEOUT_MS, startProcess, waitFor } from './processes.ts';

/** A picture with three bytes a pixel, R G B, rows without padding. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly rgb: Uint8Array;
}

/** Where the lab's desktop puts things, in pixels of a screen of at least 1024 by 768. */
export const LAYOUT = {
  /** Inside the terminal's text area. */
  terminal: { x: 300, y: 300 },
  /** Inside the window that logs mouse events. */
  mouse: { x: 860, y: 600 },
} as const;

const MAX_PICTURE_BYTES = 256 * 1024 * 1024;

/** A shell script that sets a test desktop up on `$DISPLAY`, with its files in `$HOME`, and ends when the window manager does. */
export const DESKTOP_SCRIPT = `#!/bin/sh
xsetroot -solid '#204060'
openbox &
manager=$!
# Reports every pointer event inside its window; line-buffered, since the test reads along.
stdbuf -oL xev -geometry 240x200+740+500 -event mouse -event button > "$HOME/mouse.log" 2>&1 &
until xwininfo -name 'Event Tester' > /dev/null 2>&1; do sleep 0.1; done
# Comes last, so that it has the focus. Its shell has a prompt and nothing of the machine's own start-up files.
xterm -geometry 90x24+20+40 -T terminal -fa 'DejaVu Sans Mono' -fs 11 -bg white -fg black -xrm '*selectToClipboard: true' -e sh -c 'cd "$HOME"; PS1="lab> " ENV= exec sh -i' &
wait $manager
`;

/**
 * The X side of a lab server's desktop: what really arrived, and what its screen really shows. INVARIANT: nothing here holds up this process. Its
 * screen may stand still until a client, or a network, in this very process has taken what it was sent.
 */
export class Desktop {
  readonly display: string;
  /** The desktop user's home, where the terminal's shell runs. */
  readonly home: string;
  readonly #env: NodeJS.ProcessEnv;

  constructor(display: string, home: string, authority?: string) {
    this.display = display;
    this.home = home;
    this.#env = { DISPLAY: display, ...(authority === undefined ? {} : { XAUTHORITY: authority }) };
  }

  /** Resolves once the terminal and the mouse window are on the screen and the terminal has the focus. */
  async ready(): Promise<void> {
    let seen = 'nothing';
    const isReady = async () => {
      if ((await this.xdotool('search', '--onlyvisible', '--name', '^Event Tester$')) === '') return false;
      seen = 'the mouse window';
      // It does not wait for the focus itself: it would for fifteen seconds, where the window manager gives that to another window meanwhile.
      await this.xdotool('search', '--onlyvisible', '--name', '^terminal$', 'windowfocus');
      const focused = await this.#focused();
      seen = `the focus on "${focused}"`;
      return focused === 'terminal';
    };
    try {
      await waitFor(`a terminal with the focus on display ${this.display}`, isReady);
    } catch (cause) {
      throw new Error(`the desktop on display ${this.display} is not ready; seen: ${seen}`, { cause });
    }
  }

  /** Resolves once the terminal has the keyboard: the window manager gives it some time after the click, and keys go elsewhere until then. */
  async terminalFocused(): Promise<void> {
    await waitFor('the terminal to have the keyboard', async () => (await this.#focused()) === 'terminal');
  }

  async #focused(): Promise<string> {
    return (await this.xdotool('getwindowfocus', 'getwindowname')).trim();
  }

  /** Waits for a file in the desktop user's home and returns its text. */
  file(name: string, holds: RegExp = /\n$/): Promise<string> {
    return waitFor(`${name} on the X side to match ${holds}`, () => {
      const path = join(this.home, name);
      if (!existsSync(path)) return undefined;
      const text = readFileSync(path, 'utf8');
      return holds.test(text) ? text : undefined;
    });
  }

  /** Position of the X server's pointer. */
  async pointer(): Promise<{ x: number; y: number }> {
    const found = /x:(\d+) y:(\d+)/.exec(await this.xdotool('getmouselocation'));
    if (!found) throw new Error('xdotool tells no pointer position');
    return { x: Number(found[1]), y: Number(found[2]) };
  }

  /** Waits until the X server's pointer is there. */
  async pointerAt(x: number, y: number): Promise<void> {
    await waitFor(`the pointer to be at ${x}, ${y} on the X side`, async () => {
      const at = await this.pointer();
      return at.x === x && at.y === y;
    });
  }

  /** Pointer events that the mouse window saw so far, oldest first; wheel turns are buttons 4 to 7. */
  mouseEvents(): { type: 'press' | 'release' | 'move'; button: number; x: number; y: number }[] {
    const path = join(this.home, 'mouse.log');
    if (!existsSync(path)) return [];
    const pattern =
      /^(ButtonPress|ButtonRelease|MotionNotify) event[\s\S]*?\((\d+),(\d+)\), root:\((\d+),(\d+)\),[\s\S]*?(?:button (\d+)|is_hint)/gm;
    return [...readFileSync(path, 'utf8').matchAll(pattern)].map(([, type, , , x, y, button]) => ({
      type: type === 'ButtonPress' ? 'press' : type === 'ButtonRelease' ? 'release' : 'move',
      button: Number(button ?? 0),
      x: Number(x),
      y: Number(y),
    }));
  }

  /** Types text on the X side itself, as somebody at the server's own keyboard would; a newline is the Return key. */
  async type(text: string): Promise<void> {
    for (const [index, line] of text.split('\n').entries()) {
      if (index > 0) await this.key('Return');
      if (line !== '') await this.xdotool('type', '--delay', '5', line);
    }
  }

  /** Copies a text on the X side; xclip stays behind to give it to whoever asks. */
  async copy(text: string): Promise<void> {
    const copying = this.#run('sh', ['-c', 'exec xclip -selection clipboard -i >/dev/null 2>&1']);
    copying.child.stdin?.end(text);
    await copying;
  }

  /** The text in the X side's clipboard, for which the server may have to ask its client. */
  async clipboard(): Promise<string> {
    const asking = this.#run('xclip', ['-selection', 'clipboard', '-t', 'UTF8_STRING', '-o'], 5000);
    return (await asking.catch(() => ({ stdout: '' }))).stdout;
  }

  /** Presses keys on the X side, named as xdotool names them (`Return`, `ctrl+l`). */
  async key(...names: string[]): Promise<void> {
    await this.xdotool('key', ...names);
  }

  /** Starts a program on this screen, in the desktop user's home; whoever starts it ends it. */
  start(name: string, command: readonly string[]): LabProcess {
    return startProcess(name, command, { env: this.#env, cwd: this.home });
  }

  async movePointer(x: number, y: number): Promise<void> {
    await this.xdotool('mousemove', String(x), String(y));
  }

  /** The whole screen as it is now, without the pointer: the truth that pictures are compared with. */
  async screenshot(): Promise<Picture> {
    const { width, height } = await this.size();
    const input = ['-f', 'x11grab', '-draw_mouse', '0', '-video_size', `${width}x${height}`, '-i', this.display];
    const output = ['-frames:v', '1', '-f', 'rawvideo', '-pix_fmt', 'rgb24', '-'];
    const { stdout: rgb } = await promisify(execFile)('ffmpeg', ['-nostdin', '-v', 'error', ...input, ...output], {
      env: { ...process.env, ...this.#env },
      encoding: 'buffer',
      maxBuffer: MAX_PICTURE_BYTES,
      timeout: START_TIMEOUT_MS,
    });
    return { width, height, rgb };
  }

  async size(): Promise<{ width: number; height: number }> {
    const [width = 0, height = 0] = (await this.xdotool('getdisplaygeometry')).trim().split(' ').map(Number);
    return { width, height };
  }

  /** For what has no method of its own; what it prints. Where nothing is found, that is nothing. */
  async xdotool(...args: string[]): Promise<string> {
    try {
      return (await this.#run('xdotool', args)).stdout;
    } catch (error) {
      // `search` exits 1 when it finds nothing.
      if (args[0] === 'search') return '';
      throw error;
    }
  }

  #run(file: string, args: readonly string[], timeout = START_TIMEOUT_MS) {
    const env = { ...process.env, LC_ALL: 'C.UTF-8', ...this.#env };
    return promisify(execFile)(file, args, { env, timeout });
  }
}

/** Decodes a PNG (or JPEG, WebP) into a picture. */
export async function decodePicture(bytes: Uint8Array): Promise<Picture> {
  const { data, info } = await sharp(bytes)
    .removeAlpha()
    .toColourspace('srgb')
    .raw()
    .toBuffer({ resolveWithObject: true });
  return { width: info.width, height: info.height, rgb: data };
}

/** A PNG of a picture, to look at what a test saw. */
export function encodePng({ width, height, rgb }: Picture): Promise<Buffer> {
  return sharp(rgb, { raw: { width, height, channels: 3 } })
    .png()
    .toBuffer();
}

/** How far apart two pictures of one size are. */
export interface Difference {
  /** Share of pixels, 0 to 1, of which a channel differs by more than `tolerance`. */
  readonly share: number;
  /** Peak signal-to-noise ratio over all channels in dB; Infinity when equal. */
  readonly psnr: number;
}

/** Compares two pictures of one size, optionally only a rectangle of them; throws when the sizes differ. */
export function comparePictures(
  a: Picture,
  b: Picture,
  { tolerance = 0, area }: { tolerance?: number; area?: { x: number; y: number; width: number; height: number } } = {},
): Difference {
  if (a.width !== b.width || a.height !== b.height) {
    throw new Error(`pictures differ in size: ${a.width}x${a.height} and ${b.width}x${b.height}`);
  }
  const { x, y, width, height } = area ?? { x: 0, y: 0, width: a.width, height: a.height };
  let different = 0;
  let squares = 0;
  for (let row = y; row < y + height; row++) {
    for (let at = (row * a.width + x) * 3; at < (row * a.width + x + width) * 3; at += 3) {
      const red = Math.abs(a.rgb[at]! - b.rgb[at]!);
      const green = Math.abs(a.rgb[at + 1]! - b.rgb[at + 1]!);
      const blue = Math.abs(a.rgb[at + 2]! - b.rgb[at + 2]!);
      if (Math.max(red, green, blue) > tolerance) different++;
      squares += red * red + green * green + blue * blue;
    }
  }
  const pixels = width * height;
  return {
    share: different / pixels,
    psnr: squares === 0 ? Number.POSITIVE_INFINITY : 10 * Math.log10((255 * 255 * 3 * pixels) / squares),
  };
}
