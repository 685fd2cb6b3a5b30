import { type Canvas, createCanvas, type SKRSContext2D } from '@napi-rs/canvas';
import { intersect, type Rect } from '#protocol/graphics/geometry.ts';
import { type InputEvent, MouseButton } from '#protocol/pdu/input.ts';
import { Damage } from './damage.ts';
import { Color, drawText, font, PANEL_HEIGHT } from './theme.ts';
import { UsKeyboard } from './us-keyboard.ts';
import { ButtonWindow, type DemoWindow, DriftWindow, ListWindow, NotesWindow, type PointerKind } from './windows.ts';

/**
 * One client's desktop: a panel with a clock and a few windows, drawn on a canvas. It knows no RDP: input events in,
 * damage and a pointer's kind out. Time comes in as an argument (milliseconds since the epoch).
 */
export class DemoDesktop {
  readonly width: number;
  readonly height: number;
  readonly notes: NotesWindow;
  readonly button: ButtonWindow;
  readonly list: ListWindow;
  readonly drift: DriftWindow;
  /** Ctrl+C was pressed, or with Shift to copy a file, with all that the notes hold; Ctrl+V was. */
  onCopy: (text: string, file: boolean) => void = () => {};
  onPaste: () => void = () => {};
  readonly #canvas: Canvas;
  readonly #context: SKRSContext2D;
  readonly #damage: Damage;
  readonly #keyboard = new UsKeyboard();
  /** Bottom to top. */
  readonly #windows: DemoWindow[];
  #clock = '';
  #mouse = { x: 0, y: 0 };
  /** The window that the held button went down on; by its title, it is dragged. */
  #held: { readonly window: DemoWindow; readonly grip: { x: number; y: number } | undefined } | undefined;

  constructor(width: number, height: number) {
    this.width = width;
    this.height = height;
    this.#canvas = createCanvas(width, height);
    this.#context = this.#canvas.getContext('2d');
    this.#damage = new Damage(width, height);
    this.notes = new NotesWindow(40, 64);
    this.button = new ButtonWindow(40, 330);
    this.list = new ListWindow(Math.max(500, width - 380), 64);
    this.drift = new DriftWindow(Math.min(330, width - 200), Math.max(PANEL_HEIGHT, height - 130), width - 560);
    this.#windows = [this.drift, this.list, this.button, this.notes];
    for (const window of this.#windows) window.onDamage = (rect) => this.#damage.add(rect);
    this.notes.setActive(true);
    this.#damage.addAll();
  }

  /** The pointer's shape where it is now. */
  get pointer(): PointerKind {
    if (this.#held?.grip) return 'move';
    const window = this.#held?.window ?? this.#windowAt(this.#mouse);
    return window?.pointerAt(this.#mouse.x - window.x, this.#mouse.y - window.y) ?? 'arrow';
  }

  get dirty(): boolean {
    return !this.#damage.empty;
  }

  input(events: readonly InputEvent[]): void {
    for (const event of events) this.#inputEvent(event);
  }

  /** Types what is pasted into the notes. */
  paste(text: string): void {
    for (const [index, line] of text.split('\n').entries()) {
      if (index > 0) this.notes.key({ kind: 'edit', key: 'enter' });
      if (line !== '') this.notes.key({ kind: 'text', text: line });
    }
  }

  /** Lets time pass; returns when something changes next by itself. */
  tick(now: number): number {
    const clock = new Date(now).toLocaleTimeString('en-GB');
    if (clock !== this.#clock) {
      this.#clock = clock;
      this.#damage.add(this.#clockArea);
    }
    let next = now - (now % 1000) + 1000;
    for (const window of this.#windows) next = Math.min(next, window.tick(now));
    return next;
  }

  /** Everything counts as changed. */
  invalidate(): void {
    this.#damage.addAll();
  }

  /** Draws what has changed and says where that was. */
  paint(): Rect[] {
    const rects = this.#damage.take();
    for (const rect of rects) this.#paint(rect);
    return rects;
  }

  /** RGBA pixels of a rectangle; opaque black where it leaves the desktop. */
  read(rect: Rect): Uint8ClampedArray {
    return this.#context.getImageData(rect.x, rect.y, rect.width, rect.height).data;
  }

  toPng(): Uint8Array {
    return this.#canvas.toBuffer('image/png');
  }

  #inputEvent(event: InputEvent): void {
    switch (event.kind) {
      case 'mouse-move':
        this.#moveMouse(event.x, event.y);
        break;
      case 'mouse-button':
        this.#moveMouse(event.x, event.y);
        if (event.button !== MouseButton.left) break;
        if (event.down) this.#buttonDown();
        else this.#buttonUp();
        break;
      case 'wheel': {
        // Where the pointer is: some clients send no position with a wheel event.
        if (!event.horizontal) this.#windowAt(this.#mouse)?.wheel(event.delta);
        break;
      }
      default: {
        const action = this.#keyboard.press(event);
        if (action?.kind === 'copy' || action?.kind === 'copy-file') {
          this.onCopy(this.notes.buffer.text, action.kind === 'copy-file');
        } else if (action?.kind === 'paste') this.onPaste();
        else if (action !== undefined) this.#windows.at(-1)?.key(action);
      }
    }
  }

  #moveMouse(x: number, y: number): void {
    this.#mouse = { x, y };
    if (!this.#held) return;
    const { window, grip } = this.#held;
    if (!grip) {
      window.mouseMove(x - window.x, y - window.y);
      return;
    }
    // The title stays where it can be grabbed again.
    const left = Math.max(40 - window.width, Math.min(this.width - 40, x - grip.x));
    const top = Math.max(PANEL_HEIGHT, Math.min(this.height - 20, y - grip.y));
    window.moveTo(left, top);
  }

  #buttonDown(): void {
    const { x, y } = this.#mouse;
    const window = this.#windowAt(this.#mouse);
    if (!window) return;
    this.#raise(window);
    const draggable = window.onTitle(x, y) && window !== this.drift;
    this.#held = { window, grip: draggable ? { x: x - window.x, y: y - window.y } : undefined };
    if (!draggable) window.mouseDown(x - window.x, y - window.y);
  }

  #buttonUp(): void {
    const held = this.#held;
    this.#held = undefined;
    if (held && !held.grip) held.window.mouseUp(this.#mouse.x - held.window.x, this.#mouse.y - held.window.y);
  }

  #raise(window: DemoWindow): void {
    const at = this.#windows.indexOf(window);
    if (at === this.#windows.length - 1) return;
    this.#windows.at(-1)?.setActive(false);
    this.#windows.splice(at, 1);
    this.#windows.push(window);
    window.setActive(true);
    this.#damage.add(window.bounds);
  }

  #windowAt(at: { readonly x: number; readonly y: number }): DemoWindow | undefined {
    return this.#windows.findLast(
      ({ bounds }) =>
        at.x >= bounds.x && at.y >= bounds.y && at.x < bounds.x + bounds.width && at.y < bounds.y + bounds.height,
    );
  }

  get #clockArea(): Rect {
    return { x: this.width - 100, y: 0, width: 100, height: PANEL_HEIGHT };
  }

  #paint(rect: Rect): void {
    const context = this.#context;
    context.save();
    context.beginPath();
    context.rect(rect.x, rect.y, rect.width, rect.height);
    context.clip();
    this.#paintBackground(rect);
    if (rect.y < PANEL_HEIGHT) {
      context.fillStyle = Color.panel;
      context.fillRect(0, 0, this.width, PANEL_HEIGHT);
      drawText(context, 'Oriel demo desktop', 12, 21, Color.panelText, font(15, 600));
      drawText(context, this.#clock, this.width - 84, 21, Color.panelText, font(15));
    }
    for (const window of this.#windows) {
      if (intersect(rect, window.bounds)) window.draw(context);
    }
    context.restore();
  }

  /** Bands of one colour: a smooth gradient would cost every client bytes for nothing. */
  #paintBackground(rect: Rect): void {
    const context = this.#context;
    const band = Math.ceil((this.height - PANEL_HEIGHT) / BACKGROUND_BANDS);
    const first = Math.max(0, Math.floor((rect.y - PANEL_HEIGHT) / band));
    for (let i = first; i < BACKGROUND_BANDS; i++) {
      const top = PANEL_HEIGHT + i * band;
      if (top >= rect.y + rect.height) break;
      context.fillStyle = mix(Color.backgroundTop, Color.backgroundBottom, i / (BACKGROUND_BANDS - 1));
      context.fillRect(0, top, this.width, band);
    }
  }
}

const BACKGROUND_BANDS = 24;

function mix(from: string, to: string, share: number): string {
  const channels = [1, 3, 5].map((at) => {
    const a = Number.parseInt(from.slice(at, at + 2), 16);
    const b = Number.parseInt(to.slice(at, at + 2), 16);
    return Math.round(a + (b - a) * share);
  });
  return `rgb(${channels.join(', ')})`;
}
