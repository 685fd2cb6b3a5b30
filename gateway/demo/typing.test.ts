import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { TextBuffer } from './text-buffer.ts';
import { type EditKey, UsKeyboard } from './us-keyboard.ts';

describe('UsKeyboard', () => {
  const press = (keyboard: UsKeyboard, code: number, extended = false) => {
    const action = keyboard.press({ kind: 'scancode', code, extended, down: true });
    keyboard.press({ kind: 'scancode', code, extended, down: false });
    if (action?.kind === 'text') return action.text;
    return action?.kind === 'edit' ? action.key : action?.kind;
  };
  const hold = (keyboard: UsKeyboard, code: number, down: boolean, extended = false) =>
    keyboard.press({ kind: 'scancode', code, extended, down });

  it('types every character of the US layout', () => {
    const rows: [number, string, string][] = [
      [0x29, '`', '~'],
      [0x02, '1234567890-=', '!@#$%^&*()_+'],
      [0x10, 'qwertyuiop[]', 'QWERTYUIOP{}'],
      [0x1e, "asdfghjkl;'", 'ASDFGHJKL:"'],
      [0x2b, '\\zxcvbnm,./', '|ZXCVBNM<>?'],
      [0x39, ' ', ' '],
    ];
    for (const [first, plain, shifted] of rows) {
      const keyboard = new UsKeyboard();
      assert.equal([...plain].map((_, i) => press(keyboard, first + i)).join(''), plain);
      hold(keyboard, 0x36, true);
      assert.equal([...shifted].map((_, i) => press(keyboard, first + i)).join(''), shifted);
      hold(keyboard, 0x36, false);
      assert.equal(press(keyboard, first), plain[0]);
    }
  });

  it('caps lock turns letters only, and shift turns them back', () => {
    const keyboard = new UsKeyboard();
    press(keyboard, 0x3a);
    assert.equal(press(keyboard, 0x1e), 'A');
    assert.equal(press(keyboard, 0x02), '1');
    hold(keyboard, 0x2a, true);
    assert.equal(press(keyboard, 0x1e), 'a');
  });

  it('synchronise sets the locks and lets go of all keys', () => {
    const keyboard = new UsKeyboard();
    hold(keyboard, 0x2a, true);
    keyboard.press({ kind: 'synchronize', scrollLock: false, numLock: false, capsLock: true, kanaLock: false });
    assert.equal(press(keyboard, 0x1e), 'A');
    assert.equal(press(keyboard, 0x47), 'home');
    press(keyboard, 0x45);
    assert.equal(press(keyboard, 0x47), '7');
  });

  it('tells arrows from the keypad, and types nothing with Ctrl or Alt', () => {
    const keyboard = new UsKeyboard();
    assert.equal(press(keyboard, 0x4b, true), 'left');
    assert.equal(press(keyboard, 0x4b), '4');
    hold(keyboard, 0x1d, true);
    assert.equal(press(keyboard, 0x2d), undefined);
    assert.equal(press(keyboard, 0x2e), 'copy');
    assert.equal(press(keyboard, 0x2f), 'paste');
    hold(keyboard, 0x38, true);
    assert.equal(press(keyboard, 0x2e), undefined);
    hold(keyboard, 0x38, false);
    hold(keyboard, 0x1d, false);
    assert.equal(press(keyboard, 0x2e), 'c');
  });

  it('puts surrogates together and drops what is alone', () => {
    const keyboard = new UsKeyboard();
    const unicode = (unit: number) => keyboard.press({ kind: 'unicode', unit, down: true });
    assert.equal(unicode(0xd83d), undefined);
    assert.deepEqual(unicode(0xde00), { kind: 'text', text: '😀' });
    assert.equal(unicode(0xde00), undefined);
    assert.deepEqual(unicode(13), { kind: 'edit', key: 'enter' });
  });
});

describe('TextBuffer', () => {
  const type = (text: string, ...edits: EditKey[]) => {
    const buffer = new TextBuffer();
    buffer.insert(text);
    for (const edit of edits) buffer.edit(edit);
    return buffer;
  };

  it('edits at the caret', () => {
    assert.equal(type('abc', 'backspace').text, 'ab');
    assert.equal(type('abc', 'left', 'backspace').text, 'ac');
    assert.equal(type('abc', 'left', 'delete').text, 'ab');
    assert.equal(type('abc', 'left', 'enter').text, 'ab\nc');
    assert.equal(type('abc', 'left', 'enter', 'backspace').text, 'abc');
    assert.equal(type('abc', 'enter', 'up', 'end', 'delete').text, 'abc');
    assert.equal(type('a😀', 'backspace').text, 'a');
  });

  it('moves over lines', () => {
    const buffer = type('abc', 'enter');
    buffer.insert('de');
    buffer.edit('up');
    assert.deepEqual(buffer.caret, { row: 0, column: 2 });
    buffer.edit('end');
    buffer.edit('right');
    assert.deepEqual(buffer.caret, { row: 1, column: 0 });
    buffer.edit('left');
    assert.deepEqual(buffer.caret, { row: 0, column: 3 });
    buffer.moveCaret(9, 9);
    assert.deepEqual(buffer.caret, { row: 1, column: 2 });
    assert.equal(buffer.beforeCaret, 'de');
  });

  it('stays whole and bounded whatever is typed', () => {
    const keys: EditKey[] = ['backspace', 'delete', 'enter', 'left', 'right', 'up', 'down', 'home', 'end', 'tab'];
    const step = fc.oneof(fc.constantFrom(...keys), fc.string({ unit: 'grapheme', maxLength: 100 }));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
        const buffer = new TextBuffer();
        for (const each of steps) {
          if (keys.includes(each as EditKey)) buffer.edit(each as EditKey);
          else buffer.insert(each);
          const { row, column } = buffer.caret;
          const line = buffer.lines[row];
          assert.ok(line !== undefined && column >= 0 && column <= [...line].length);
        }
        assert.ok(buffer.lines.length <= 200 && buffer.lines.every((line) => [...line].length <= 400));
      }),
      { numRuns: 50 },
    );
  });
});
