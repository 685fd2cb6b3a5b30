import { guessKeyboardLayout, type KeyboardLayout } from '../../viewer/keyboard-layout.ts';

/** The keyboard layouts to choose from, by Windows' own identifiers ([MS-LCID], and input locales above 0xffff). */
export const keyboardLayouts: readonly (readonly [layout: KeyboardLayout, name: string])[] = [
  [0x0401, 'Arabic'],
  [0x0813, 'Belgian (period)'],
  [0x080c, 'Belgian French'],
  [0x0402, 'Bulgarian'],
  [0x1009, 'Canadian French'],
  [0x0804, 'Chinese (Simplified)'],
  [0x0404, 'Chinese (Traditional)'],
  [0x041a, 'Croatian'],
  [0x0405, 'Czech'],
  [0x0406, 'Danish'],
  [0x0413, 'Dutch'],
  [0x0425, 'Estonian'],
  [0x040b, 'Finnish'],
  [0x040c, 'French'],
  [0x0407, 'German'],
  [0x0408, 'Greek'],
  [0x040d, 'Hebrew'],
  [0x040e, 'Hungarian'],
  [0x040f, 'Icelandic'],
  [0x1809, 'Irish'],
  [0x0410, 'Italian'],
  [0x0411, 'Japanese'],
  [0x0412, 'Korean'],
  [0x080a, 'Latin American'],
  [0x0426, 'Latvian'],
  [0x0427, 'Lithuanian'],
  [0x0414, 'Norwegian'],
  [0x0415, 'Polish (Programmers)'],
  [0x0816, 'Portuguese'],
  [0x0416, 'Portuguese (Brazil)'],
  [0x0418, 'Romanian'],
  [0x2_0418, 'Romanian (Programmers)'],
  [0x0419, 'Russian'],
  [0x0c1a, 'Serbian (Cyrillic)'],
  [0x041b, 'Slovak'],
  [0x0424, 'Slovenian'],
  [0x040a, 'Spanish'],
  [0x041d, 'Swedish'],
  [0x100c, 'Swiss French'],
  [0x0807, 'Swiss German'],
  [0x041f, 'Turkish Q'],
  [0x0422, 'Ukrainian'],
  [0x0809, 'United Kingdom'],
  [0x0409, 'United States'],
  [0x2_0409, 'United States (International)'],
];

/** As far as `localStorage` is used. */
export interface SettingStore {
  getItem(name: string): string | null;
  setItem(name: string, value: string): void;
  removeItem(name: string): void;
}

const settingName = 'oriel.keyboardLayout';

/** What this browser's user chose; `undefined` for the layout that is guessed. */
export function chosenKeyboardLayout(store: SettingStore | undefined = browserStore()): KeyboardLayout | undefined {
  const value = Number(store?.getItem(settingName) ?? undefined);
  return keyboardLayouts.some(([layout]) => layout === value) ? value : undefined;
}

export function chooseKeyboardLayout(
  layout: KeyboardLayout | undefined,
  store: SettingStore | undefined = browserStore(),
): void {
  if (layout === undefined) store?.removeItem(settingName);
  else store?.setItem(settingName, String(layout));
}

/** For the next session: the user's choice, or the guess. */
export async function keyboardLayout(): Promise<KeyboardLayout> {
  return chosenKeyboardLayout() ?? (await guessKeyboardLayout());
}

/** Browsers that are told to keep nothing throw at the first touch. */
export function browserStore(): SettingStore | undefined {
  try {
    return window.localStorage;
  } catch {
    return undefined;
  }
}
