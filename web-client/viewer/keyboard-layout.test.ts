import assert from 'node:assert/strict';
import { test } from 'node:test';
import { guessKeyboardLayout, keyboardLayoutFor } from './keyboard-layout.ts';

/** The printing keys of a keyboard, row by row, from the left. */
function keyboard(digits: string, top: string, home: string, bottom: string): ReadonlyMap<string, string> {
  const letters = (row: string) => [...row].map((letter) => `Key${letter}`);
  const codes = [
    ...['Backquote', ...[...'1234567890'].map((digit) => `Digit${digit}`), 'Minus', 'Equal'],
    ...[...letters('QWERTYUIOP'), 'BracketLeft', 'BracketRight'],
    ...[...letters('ASDFGHJKL'), 'Semicolon', 'Quote', 'Backslash'],
    ...[...letters('ZXCVBNM'), 'Comma', 'Period', 'Slash'],
  ];
  const characters = [...digits, ...top, ...home, ...bottom];
  assert.equal(characters.length, codes.length);
  return new Map(codes.map((code, index) => [code, characters[index] ?? '']));
}

const keyboards = {
  unitedStates: keyboard('`1234567890-=', 'qwertyuiop[]', "asdfghjkl;'\\", 'zxcvbnm,./'),
  unitedKingdom: keyboard('`1234567890-=', 'qwertyuiop[]', "asdfghjkl;'#", 'zxcvbnm,./'),
  germany: keyboard('^1234567890ß´', 'qwertzuiopü+', 'asdfghjklöä#', 'yxcvbnm,.-'),
  switzerland: keyboard("§1234567890'^", 'qwertzuiopü¨', 'asdfghjklöä$', 'yxcvbnm,.-'),
  france: keyboard('²&é"\'(-è_çà)=', 'azertyuiop^$', 'qsdfghjklmù*', 'wxcvbn,;:!'),
  belgium: keyboard('²&é"\'(§è!çà)-', 'azertyuiop^$', 'qsdfghjklmùµ', 'wxcvbn,;:='),
  spain: keyboard("º1234567890'¡", 'qwertyuiop`+', 'asdfghjklñ´ç', 'zxcvbnm,.-'),
  latinAmerica: keyboard("|1234567890'¿", 'qwertyuiop´+', 'asdfghjklñ{}', 'zxcvbnm,.-'),
  sweden: keyboard('§1234567890+´', 'qwertyuiopå¨', "asdfghjklöä'", 'zxcvbnm,.-'),
  norway: keyboard('|1234567890+\\', 'qwertyuiopå¨', "asdfghjkløæ'", 'zxcvbnm,.-'),
  russia: keyboard('ё1234567890-=', 'йцукенгшщзхъ', 'фывапролджэ\\', 'ячсмитьбю.'),
};

test('the keyboard decides, whatever the language', () => {
  assert.equal(keyboardLayoutFor('de-DE', keyboards.unitedStates), 0x0409);
  assert.equal(keyboardLayoutFor('en-US', keyboards.germany), 0x0407);
  assert.equal(keyboardLayoutFor('en-US', keyboards.switzerland), 0x0807);
  assert.equal(keyboardLayoutFor('en-US', keyboards.unitedKingdom), 0x0809);
  assert.equal(keyboardLayoutFor('en-US', keyboards.france), 0x040c);
  assert.equal(keyboardLayoutFor('en-US', keyboards.belgium), 0x080c);
  assert.equal(keyboardLayoutFor('en-US', keyboards.spain), 0x040a);
  assert.equal(keyboardLayoutFor('en-US', keyboards.latinAmerica), 0x080a);
  assert.equal(keyboardLayoutFor('en-US', keyboards.sweden), 0x041d);
  assert.equal(keyboardLayoutFor('en-US', keyboards.norway), 0x0414);
});

test('keys of the United States have the letters of a language whose layout adds them by AltGr', () => {
  assert.equal(keyboardLayoutFor('pl', keyboards.unitedStates), 0x0415);
  assert.equal(keyboardLayoutFor('pl-PL', keyboards.unitedStates), 0x0415);
  assert.equal(keyboardLayoutFor('ro-RO', keyboards.unitedStates), 0x2_0418);
  assert.equal(keyboardLayoutFor('pl-PL', keyboards.germany), 0x0407);
});

test('a keyboard that is not known leaves it to the language', () => {
  assert.equal(keyboardLayoutFor('ru', keyboards.russia), 0x0419);
});

test('without a map of the keyboard, language and region decide', () => {
  assert.equal(keyboardLayoutFor('de-DE', undefined), 0x0407);
  assert.equal(keyboardLayoutFor('de-CH', undefined), 0x0807);
  assert.equal(keyboardLayoutFor('pt-BR', undefined), 0x0416);
  assert.equal(keyboardLayoutFor('pt-AO', undefined), 0x0816);
  assert.equal(keyboardLayoutFor('en-AU', undefined), 0x0409);
});

test('an unknown language gets the layout of the United States', () => {
  assert.equal(keyboardLayoutFor('tlh', undefined), 0x0409);
  assert.equal(keyboardLayoutFor('', undefined), 0x0409);
});

test('a browser that never says what keyboard there is holds no desktop up', async (context) => {
  context.mock.timers.enable({ apis: ['setTimeout'] });
  const answers = [() => new Promise<never>(() => {}), () => Promise.reject(new Error('not allowed'))];
  for (const getLayoutMap of answers) {
    const guess = withNavigator({ language: 'de-DE', keyboard: { getLayoutMap } }, guessKeyboardLayout);
    context.mock.timers.tick(2000);
    assert.equal(await guess, 0x0407);
  }
  const told = { language: 'de-DE', keyboard: { getLayoutMap: async () => keyboards.france } };
  assert.equal(await withNavigator(told, guessKeyboardLayout), 0x040c);
});

function withNavigator<T>(navigator: object, run: () => T): T {
  const own = Object.getOwnPropertyDescriptor(globalThis, 'navigator');
  Object.defineProperty(globalThis, 'navigator', { configurable: true, value: navigator });
  try {
    return run();
  } finally {
    if (own !== undefined) Object.defineProperty(globalThis, 'navigator', own);
  }
}
