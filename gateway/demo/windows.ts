import type { SKRSContext2D } from '@napi-rs/canvas';
import type { Rect } from '#protocol/graphics/geometry.ts';
import { TextBuffer } from './text-buffer.ts';
import { Color, drawText, font, TITLE_HEIGHT } from './theme.ts';
import type { TypeAction } from './us-keyboard.ts';

/** What the pointer looks like. */
export type PointerKind = 'arrow' | 'text' | 'move';

/** A window's face to the desktop: where it is, and where to report what has changed. */
export abstract class DemoWindow {
  x: number;
  y: number;
  readonly width: number;
  readonly height: number;
  readonly title: string;
  /** Has the keyboard. */
  active = false;
  /** Set by the desktop; takes desktop coordinates. */
  onDamage: (rect: Rect) => void = () => {};

  constructor(title: string, x: number, y: number, width: number, height: number) {
    this.title = title;
    this.x = x;
    this.y = y;
    this.width = width;
    this.height = height;
  }

  get bounds(): Rect {
    return { x: this.x, y: this.y, width: this.width, height: this.height };
  }

  /** Whether a desktop position is on the title bar. */
  onTitle(x: number, y: number): boolean {
    return x >= this.x && x < this.x + this.width && y >= this.y && y < this.y + TITLE_HEIGHT;
  }

  moveTo(x: number, y: number): void {
    if (x === this.x && y === this.y) return;
    this.onDamage(this.bounds);
    this.x = x;
    this.y = y;
    this.onDamage(this.bounds);
  }

  draw(context: SKRSContext2D): void {
    context.save();
    context.translate(this.x, this.y);
    context.beginPath();
    context.rect(0, 0, this.width, this.height);
    context.clip();
    context.fillStyle = Color.border;
    context.fillRect(0, 0, this.width, this.height);
    context.fillStyle = this.active ? Color.titleActive : Color.titleInactive;
    context.fillRect(1, 1, this.width - 2, TITLE_HEIGHT - 1);
    context.fillStyle = Color.window;
    context.fillRect(1, TITLE_HEIGHT, this.width - 2, this.height - TITLE_HEIGHT - 1);
    drawText(context, this.title, 10, 18, Color.titleText, font(14, 600));
    this.drawContent(context);
    context.restore();
  }

  /** Draws in the window's own coordinates. */
  protected abstract drawContent(context: SKRSContext2D): void;

  // Positions are in the window's own coordinates; `mouseMove` and `mouseUp` come while the button is held, too.
  pointerAt(_x: number, _y: number): PointerKind {
    return 'arrow';
  }
  mouseDown(_x: number, _y: number): void {}
  mouseMove(_x: number, _y: number): void {}
  mouseUp(_x: number, _y: number): void {}
  wheel(_delta: number): void {}
  key(_action: TypeAction): void {}
  setActive(active: boolean): void {
    if (active === this.active) return;
    this.active = active;
    this.damaged({ x: 0, y: 0, width: this.width, height: TITLE_HEIGHT });
  }
  /** Time passes; returns when to be called again, in milliseconds since the epoch. */
  tick(_now: number): number {
    return Number.POSITIVE_INFINITY;
  }

  protected damaged(rect: Rect): void {
    this.onDamage({ ...rect, x: rect.x + this.x, y: rect.y + this.y });
  }
}

/** A text field to type into, and what a test looks for. */
export class NotesWindow extends DemoWindow {
  readonly buffer = new TextBuffer();
  readonly #field: Rect;
  #caretShown = true;
  #caretChange = 0;
  #firstRow = 0;

  constructor(x: number, y: number) {
    super('Notes', x, y, 440, 236);
    this.#field = { x: 16, y: TITLE_HEIGHT + 38, width: 408, height: NOTE_ROWS * NOTE_LINE + 12 };
  }

  protected drawContent(context: SKRSContext2D): void {
    this.#context = context;
    drawText(context, 'Click into the field and type:', 16, TITLE_HEIGHT + 25, Color.text, font(14));
    const { x, y, width, height } = this.#field;
    context.fillStyle = this.active ? Color.accent : Color.fieldBorder;
    context.fillRect(x - 1, y - 1, width + 2, height + 2);
    context.fillStyle = Color.field;
    context.fillRect(x, y, width, height);
    context.save();
    context.beginPath();
    context.rect(x, y, width, height);
    context.clip();
    const { lines, caret } = this.buffer;
    for (let row = this.#firstRow; row < lines.length && row < this.#firstRow + NOTE_ROWS; row++) {
      const baseline = y + 6 + (row - this.#firstRow) * NOTE_LINE + NOTE_LINE - 6;
      drawText(context, lines[row] ?? '', x + 8, baseline, Color.text, NOTE_FONT());
    }
    if (this.active && this.#caretShown) {
      const top = y + 7 + (caret.row - this.#firstRow) * NOTE_LINE;
      this.#caretArea = { x: x + this.#caretOffset(), y: top, width: 2, height: NOTE_LINE - 4 };
      context.fillStyle = Color.text;
      context.fillRect(this.#caretArea.x, top, 2, NOTE_LINE - 4);
    }
    context.restore();
  }

  /** Kept to measure text between drawings. */
  #context: SKRSContext2D | undefined;
  /** Where the caret was drawn last. */
  #caretArea: Rect = { x: 0, y: 0, width: 0, height: 0 };

  override pointerAt(x: number, y: number): PointerKind {
    return inside(this.#field, x, y) ? 'text' : 'arrow';
  }

  override mouseDown(x: number, y: number): void {
    if (!inside(this.#field, x, y)) return;
    const row = this.#firstRow + Math.floor((y - this.#field.y - 6) / NOTE_LINE);
    const line = this.buffer.lines[Math.min(row, this.buffer.lines.length - 1)] ?? '';
    this.buffer.moveCaret(row, this.#columnAt(line, x - this.#field.x - 8));
    this.#changed();
  }

  override key(action: TypeAction): void {
    const before = { row: this.buffer.caret.row, offset: this.#caretOffset() };
    const { rowCount } = this.buffer;
    if (action.kind === 'text') this.buffer.insert(action.text);
    else this.buffer.edit(action.key);
    this.#changed(rowCount === this.buffer.rowCount ? before : undefined);
  }

  override setActive(active: boolean): void {
    super.setActive(active);
    this.#caretShown = true;
    this.#damageField();
  }

  override tick(now: number): number {
    if (!this.active) return Number.POSITIVE_INFINITY;
    if (this.#caretChange === 0) this.#caretChange = now + CARET_PERIOD;
    if (now >= this.#caretChange) {
      this.#caretChange = now + CARET_PERIOD;
      this.#caretShown = !this.#caretShown;
      this.damaged(this.#caretArea);
    }
    return this.#caretChange;
  }

  /** @param before where the caret was, if no more than one row of text has changed */
  #changed(before?: { readonly row: number; readonly offset: number }): void {
    const { row } = this.buffer.caret;
    const firstRow = Math.max(row - NOTE_ROWS + 1, Math.min(this.#firstRow, row));
    const scrolled = firstRow !== this.#firstRow;
    this.#firstRow = firstRow;
    this.#caretShown = true;
    this.#caretChange = 0;
    if (before === undefined || scrolled) this.#damageField();
    else this.#damageRows(before, { row, offset: this.#caretOffset() });
  }

  /** Text left of both carets stays as it is, but for a few letters that may join with what follows them. */
  #damageRows(a: { row: number; offset: number }, b: { row: number; offset: number }): void {
    const { x, y, width } = this.#field;
    const first = Math.min(a.row, b.row);
    const left = a.row === b.row ? Math.max(0, Math.min(a.offset, b.offset) - JOINING_WIDTH) : 0;
    const height = (Math.abs(a.row - b.row) + 1) * NOTE_LINE;
    this.damaged({ x: x + left, y: y + 6 + (first - this.#firstRow) * NOTE_LINE, width: width - left, height });
  }

  /** Pixels from the field's edge. */
  #caretOffset(): number {
    if (!this.#context) return 0;
    this.#context.font = NOTE_FONT();
    return 8 + Math.round(this.#context.measureText(this.buffer.beforeCaret).width);
  }

  #damageField(): void {
    const { x, y, width, height } = this.#field;
    this.damaged({ x: x - 1, y: y - 1, width: width + 2, height: height + 2 });
  }

  #columnAt(line: string, offset: number): number {
    const context = this.#context;
    if (!context) return 0;
    context.font = NOTE_FONT();
    const characters = [...line];
    let column = 0;
    let width = 0;
    for (const character of characters) {
      const advance = context.measureText(character).width;
      if (width + advance / 2 > offset) break;
      width += advance;
      column++;
    }
    return column;
  }
}

/** A button that counts its clicks. */
export class ButtonWindow extends DemoWindow {
  clicks = 0;
  readonly #button: Rect;
  #pressed = false;

  constructor(x: number, y: number) {
    super('Button', x, y, 260, 130);
    this.#button = { x: 20, y: TITLE_HEIGHT + 18, width: 140, height: 34 };
  }

  protected drawContent(context: SKRSContext2D): void {
    const { x, y, width, height } = this.#button;
    context.fillStyle = this.#pressed ? Color.accentDown : Color.accent;
    context.fillRect(x, y, width, height);
    drawText(context, 'Click me', x + 40, y + 22, Color.titleText, font(14, 600));
    const label = this.clicks === 1 ? 'Clicked once' : `Clicked ${this.clicks} times`;
    drawText(context, label, x, y + height + 26, Color.text, font(14));
  }

  override mouseDown(x: number, y: number): void {
    if (inside(this.#button, x, y)) this.#press(true);
  }

  override mouseUp(x: number, y: number): void {
    if (!this.#pressed) return;
    if (inside(this.#button, x, y)) this.clicks++;
    this.#press(false);
  }

  #press(pressed: boolean): void {
    this.#pressed = pressed;
    this.damaged({ x: 1, y: TITLE_HEIGHT, width: this.width - 2, height: this.height - TITLE_HEIGHT });
  }
}

/** A list that follows the wheel and the scrollbar's thumb; a click selects. */
export class ListWindow extends DemoWindow {
  readonly #view: Rect;
  #offset = 0;
  #selected = 0;
  /** Where in the thumb the drag began. */
  #thumbGrip: number | undefined;

  constructor(x: number, y: number) {
    super('List', x, y, 300, TITLE_HEIGHT + LIST_ROWS * LIST_LINE + 2);
    this.#view = { x: 1, y: TITLE_HEIGHT, width: 298 - SCROLLBAR, height: LIST_ROWS * LIST_LINE };
  }

  /** Pixels that are scrolled off at the top. */
  get offset(): number {
    return this.#offset;
  }

  get selected(): number {
    return this.#selected;
  }

  protected drawContent(context: SKRSContext2D): void {
    const { x, y, width, height } = this.#view;
    context.save();
    context.beginPath();
    context.rect(x, y, width + SCROLLBAR, height);
    context.clip();
    const first = Math.floor(this.#offset / LIST_LINE);
    for (let row = first; row <= first + LIST_ROWS && row < LIST_ITEMS; row++) {
      const top = y + row * LIST_LINE - this.#offset;
      context.fillStyle = row === this.#selected ? Color.selection : row % 2 ? Color.window : Color.field;
      context.fillRect(x, top, width, LIST_LINE);
      const number = String(row + 1).padStart(3, '0');
      drawText(context, `Item ${number}`, x + 10, top + 17, Color.text, font(14));
      drawText(context, LIST_WORDS[row % LIST_WORDS.length] ?? '', x + 110, top + 17, Color.faint, font(13));
    }
    context.fillStyle = Color.scrollTrack;
    context.fillRect(x + width, y, SCROLLBAR, height);
    context.fillStyle = Color.scrollThumb;
    context.fillRect(x + width + 2, y + this.#thumbTop, SCROLLBAR - 4, this.#thumbHeight);
    context.restore();
  }

  override mouseDown(x: number, y: number): void {
    if (inside(this.#view, x, y)) {
      this.#selected = Math.floor((y - this.#view.y + this.#offset) / LIST_LINE);
      this.#damageView();
      return;
    }
    const inTrack = y - this.#view.y;
    if (x < this.#view.x + this.#view.width || inTrack < 0 || inTrack >= this.#view.height) return;
    const top = this.#thumbTop;
    if (inTrack < top) this.#scrollTo(this.#offset - this.#view.height);
    else if (inTrack >= top + this.#thumbHeight) this.#scrollTo(this.#offset + this.#view.height);
    else this.#thumbGrip = inTrack - top;
  }

  override mouseMove(_x: number, y: number): void {
    if (this.#thumbGrip === undefined) return;
    const room = this.#view.height - this.#thumbHeight;
    this.#scrollTo(((y - this.#view.y - this.#thumbGrip) / room) * this.#maxOffset);
  }

  override mouseUp(): void {
    this.#thumbGrip = undefined;
  }

  override wheel(delta: number): void {
    this.#scrollTo(this.#offset - (delta / 120) * 3 * LIST_LINE);
  }

  override key(action: TypeAction): void {
    if (action.kind !== 'edit') return;
    const step = action.key === 'up' ? -1 : action.key === 'down' ? 1 : 0;
    if (step === 0) return;
    this.#selected = Math.max(0, Math.min(LIST_ITEMS - 1, this.#selected + step));
    const top = this.#selected * LIST_LINE;
    this.#scrollTo(Math.max(top + LIST_LINE - this.#view.height, Math.min(this.#offset, top)));
    this.#damageView();
  }

  get #maxOffset(): number {
    return LIST_ITEMS * LIST_LINE - this.#view.height;
  }

  get #thumbHeight(): number {
    return Math.max(24, Math.round((this.#view.height * LIST_ROWS) / LIST_ITEMS));
  }

  get #thumbTop(): number {
    return Math.round((this.#offset / this.#maxOffset) * (this.#view.height - this.#thumbHeight));
  }

  #scrollTo(offset: number): void {
    const next = Math.max(0, Math.min(this.#maxOffset, Math.round(offset)));
    if (next === this.#offset) return;
    this.#offset = next;
    this.#damageView();
  }

  #damageView(): void {
    this.damaged({ ...this.#view, width: this.#view.width + SCROLLBAR });
  }
}

/** Moves by itself, back and forth, so that there is always something to see. */
export class DriftWindow extends DemoWindow {
  readonly #from: number;
  readonly #travel: number;
  #began: number | undefined;

  constructor(x: number, y: number, travel: number) {
    super('Drifting', x, y, 170, 84);
    this.#from = x;
    this.#travel = Math.max(1, travel);
  }

  protected drawContent(context: SKRSContext2D): void {
    drawText(context, 'I move by myself.', 18, TITLE_HEIGHT + 34, Color.text, font(14));
  }

  override tick(now: number): number {
    this.#began ??= now;
    const steps = Math.floor((now - this.#began) / DRIFT_PERIOD);
    const way = (steps * DRIFT_STEP) % (this.#travel * 2);
    this.moveTo(this.#from + (way <= this.#travel ? way : this.#travel * 2 - way), this.y);
    return this.#began + (steps + 1) * DRIFT_PERIOD;
  }
}

const NOTE_ROWS = 6;
const NOTE_LINE = 24;
const NOTE_FONT = () => font(16);
/** Pixels before a change that may look different after it: ligatures. */
const JOINING_WIDTH = 48;
const CARET_PERIOD = 530;
const LIST_ROWS = 12;
const LIST_LINE = 24;
const LIST_ITEMS = 200;
const LIST_WORDS = ['gateway', 'desktop', 'session', 'recording', 'target', 'account', 'tunnel'];
const SCROLLBAR = 14;
/** Pixels. */
const DRIFT_STEP = 3;
/** Milliseconds between two steps. */
const DRIFT_PERIOD = 200;

function inside(rect: Rect, x: number, y: number): boolean {
  return x >= rect.x && x < rect.x + rect.width && y >= rect.y && y < rect.y + rect.height;
}
