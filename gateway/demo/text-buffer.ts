import type { EditKey } from './us-keyboard.ts';

/** Longest text: enough to type into, too little to be a way of filling memory. */
const MAX_LINES = 200;
const MAX_LINE_LENGTH = 400;

/** Lines of text with a caret. Positions count characters (code points), so that a caret never splits one. */
export class TextBuffer {
  #lines: string[][] = [[]];
  #row = 0;
  #column = 0;

  get lines(): readonly string[] {
    return this.#lines.map((line) => line.join(''));
  }

  get rowCount(): number {
    return this.#lines.length;
  }

  get text(): string {
    return this.lines.join('\n');
  }

  get caret(): { readonly row: number; readonly column: number } {
    return { row: this.#row, column: this.#column };
  }

  /** The text of the caret's line that stands before the caret. */
  get beforeCaret(): string {
    return this.#line(this.#row).slice(0, this.#column).join('');
  }

  moveCaret(row: number, column: number): void {
    this.#row = clamp(row, 0, this.#lines.length - 1);
    this.#column = clamp(column, 0, this.#line(this.#row).length);
  }

  insert(text: string): void {
    for (const character of text) {
      const line = this.#line(this.#row);
      if (line.length >= MAX_LINE_LENGTH) return;
      line.splice(this.#column++, 0, character);
    }
  }

  edit(key: EditKey): void {
    const line = this.#line(this.#row);
    switch (key) {
      case 'backspace':
        if (this.#column > 0) line.splice(--this.#column, 1);
        else if (this.#row > 0) this.#joinWithNext(this.#row - 1);
        break;
      case 'delete':
        if (this.#column < line.length) line.splice(this.#column, 1);
        else if (this.#row < this.#lines.length - 1) this.#joinWithNext(this.#row);
        break;
      case 'enter':
        if (this.#lines.length >= MAX_LINES) break;
        this.#lines.splice(++this.#row, 0, line.splice(this.#column));
        this.#column = 0;
        break;
      case 'tab':
        this.insert('    ');
        break;
      case 'left':
        if (this.#column > 0) this.#column--;
        else if (this.#row > 0) this.moveCaret(this.#row - 1, MAX_LINE_LENGTH);
        break;
      case 'right':
        if (this.#column < line.length) this.#column++;
        else if (this.#row < this.#lines.length - 1) this.moveCaret(this.#row + 1, 0);
        break;
      case 'up':
        this.moveCaret(this.#row - 1, this.#row === 0 ? 0 : this.#column);
        break;
      case 'down':
        this.moveCaret(this.#row + 1, this.#row === this.#lines.length - 1 ? MAX_LINE_LENGTH : this.#column);
        break;
      case 'home':
        this.#column = 0;
        break;
      case 'end':
        this.#column = line.length;
        break;
    }
  }

  #joinWithNext(row: number): void {
    const line = this.#line(row);
    this.#row = row;
    this.#column = line.length;
    line.push(...(this.#lines.splice(row + 1, 1)[0] ?? []));
  }

  #line(row: number): string[] {
    return this.#lines[row] ?? [];
  }
}

function clamp(value: number, low: number, high: number): number {
  return Math.max(low, Math.min(high, value));
}
