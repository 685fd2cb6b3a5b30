/** What the printing keys of a US keyboard give with Shift, by `KeyboardEvent.code`; letters aside. */
const shifted: Readonly<Record<string, string>> = {
  Backquote: '~',
  Digit1: '!',
  Digit2: '@',
  Digit3: '#',
  Digit4: '$',
  Digit5: '%',
  Digit6: '^',
  Digit7: '&',
  Digit8: '*',
  Digit9: '(',
  Digit0: ')',
  Minus: '_',
  Equal: '+',
  BracketLeft: '{',
  BracketRight: '}',
  Backslash: '|',
  Semicolon: ':',
  Quote: '"',
  Comma: '<',
  Period: '>',
  Slash: '?',
};

/**
 * Whether a key brings a character that it gives only with Shift, though no Shift is down. Password managers,
 * on-screen keyboards, remote-control and test programs send such keys: they mean the character.
 */
export function lacksShift(event: {
  readonly code: string;
  readonly key: string;
  readonly shiftKey: boolean;
  getModifierState(key: string): boolean;
}): boolean {
  const { code, key } = event;
  // With AltGr, many layouts have such characters (Spanish: AltGr+2 is @) where Shift would make another.
  if (event.shiftKey || event.getModifierState('AltGraph')) return false;
  // On German and French keyboards that locks the digits as well.
  if (event.getModifierState('CapsLock')) return false;
  if (code.startsWith('Key')) return key === code.slice(3);
  return shifted[code] === key;
}
