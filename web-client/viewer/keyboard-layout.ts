/** A Windows keyboard layout identifier; the low half is a language identifier ([MS-LCID] 2.2). */
export type KeyboardLayout = number;

/** The unshifted character of each key, by `KeyboardEvent.code`: what the browser's `KeyboardLayoutMap` gives. */
export interface LayoutMap {
  get(code: string): string | undefined;
}

/**
 * The keyboard layout that the remote desktop should use, so that a key means there what is printed on it here.
 * The browser's map of the keyboard decides where there is one; the user's language is the next best guess.
 */
export function keyboardLayoutFor(language: string, map: LayoutMap | undefined): KeyboardLayout {
  const tag = language.toLowerCase();
  const spoken = tag.split('-')[0] ?? '';
  if (map !== undefined) {
    for (const [layout, ...marks] of layoutMarks) {
      if (!marks.every((mark) => map.get(mark.slice(0, -1)) === mark.at(-1))) continue;
      return layout === usLayout ? (layoutOfUsKeys.get(spoken) ?? layout) : layout;
    }
  }
  return layoutByLanguage.get(tag) ?? layoutByLanguage.get(spoken) ?? usLayout;
}

/** The layout of the keyboard at hand. */
export async function guessKeyboardLayout(): Promise<KeyboardLayout> {
  const { keyboard, language } = navigator as Navigator & NavigatorWithLayout;
  // Refused in frames without permission, and absent in browsers that do not tell. A desktop waits for it: not for long.
  const late = new Promise<undefined>((resolve) => setTimeout(resolve, TOLD_WITHIN_MS, undefined));
  const map = await Promise.race([keyboard?.getLayoutMap?.().catch(() => undefined), late]);
  return keyboardLayoutFor(language, map);
}

const TOLD_WITHIN_MS = 2000;

interface NavigatorWithLayout {
  readonly keyboard?: { getLayoutMap?(): Promise<LayoutMap> };
}

const usLayout: KeyboardLayout = 0x0409;

/**
 * Keys that together tell a layout from all others here: the code, then its character without Shift. Looked through in
 * order, the first hit counts. Layouts that share these keys follow the language instead.
 */
const layoutMarks: readonly (readonly [layout: KeyboardLayout, ...marks: readonly string[]])[] = [
  [0x0809, 'KeyQq', 'KeyYy', 'Semicolon;', "Quote'", 'Backslash#'], // United Kingdom
  [0x0409, 'KeyQq', 'KeyYy', 'Semicolon;', "Quote'", 'Backslash\\', 'BracketLeft[', 'Minus-'], // United States
  [0x0407, 'KeyYz', 'Semicolonö', 'BracketLeftü', 'Minusß'], // Germany
  [0x0807, 'KeyYz', 'Semicolonö', 'BracketLeftü', "Minus'"], // Switzerland, German
  [0x100c, 'KeyYz', 'Semicoloné', 'BracketLeftè'], // Switzerland, French
  [0x080c, 'KeyQa', 'Minus)', 'Equal-'], // Belgium
  [0x040c, 'KeyQa', 'Semicolonm', 'Minus)', 'Equal='], // France
  [0x0410, 'Semicolonò', 'BracketLeftè'], // Italy
  [0x080a, 'Semicolonñ', 'Quote{'], // Latin America
  [0x040a, 'Semicolonñ', 'BracketLeft`'], // Spain
  [0x0816, 'Semicolonç', 'BracketLeft+'], // Portugal
  [0x0416, 'Semicolonç', "Backquote'"], // Brazil
  [0x0414, 'Semicolonø', 'Quoteæ'], // Norway
  [0x0406, 'Semicolonæ', 'Quoteø'], // Denmark
  [0x041d, 'Semicolonö', 'Quoteä', 'BracketLeftå'], // Sweden and Finland
];

/**
 * Layouts that are that of the United States with more characters by AltGr, which no map tells: who speaks one of these
 * languages types her letters so.
 */
const layoutOfUsKeys: ReadonlyMap<string, KeyboardLayout> = new Map([
  ['pl', 0x0415],
  ['ro', 0x2_0418], // Romanian (Programmers)
]);

/** By language tag in lower case: with the region where that matters. */
const layoutByLanguage: ReadonlyMap<string, KeyboardLayout> = new Map([
  ['ar', 0x0401],
  ['bg', 0x0402],
  ['cs', 0x0405],
  ['da', 0x0406],
  ['de', 0x0407],
  ['de-ch', 0x0807],
  ['el', 0x0408],
  ['en', 0x0409],
  ['en-gb', 0x0809],
  ['en-ie', 0x1809],
  ['es', 0x040a],
  ['es-419', 0x080a],
  ['es-ar', 0x080a],
  ['es-cl', 0x080a],
  ['es-co', 0x080a],
  ['es-mx', 0x080a],
  ['et', 0x0425],
  ['fi', 0x040b],
  ['fr', 0x040c],
  ['fr-be', 0x080c],
  ['fr-ca', 0x1009],
  ['fr-ch', 0x100c],
  ['he', 0x040d],
  ['hr', 0x041a],
  ['hu', 0x040e],
  ['is', 0x040f],
  ['it', 0x0410],
  ['ja', 0x0411],
  ['ko', 0x0412],
  ['lt', 0x0427],
  ['lv', 0x0426],
  ['nb', 0x0414],
  // The Netherlands type on the layout of the United States with dead keys.
  ['nl', 0x2_0409],
  ['nl-be', 0x0813],
  ['nn', 0x0414],
  ['no', 0x0414],
  ['pl', 0x0415],
  ['pt', 0x0816],
  ['pt-br', 0x0416],
  ['ro', 0x0418],
  ['ru', 0x0419],
  ['sk', 0x041b],
  ['sl', 0x0424],
  ['sr', 0x0c1a],
  ['sv', 0x041d],
  ['tr', 0x041f],
  ['uk', 0x0422],
  ['zh', 0x0804],
  ['zh-hk', 0x0404],
  ['zh-tw', 0x0404],
]);
