/** As stored and as the API takes them. */
export const MAX_USERNAME = 64;

/**
 * What nobody sees, or takes for a common space: control and format characters, halves of characters, what Unicode says to be ignored
 * in display, the Braille blank, other spaces; and spaces at an end or in a row. A name with these looks like another one.
 */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Cs}\p{DI}\p{Zl}\p{Zp}\u2800]|(?! )\p{Zs}|^ | $| {2}/u;

/** Whether somebody new may be called that. */
export function isUsername(name: string): boolean {
  return name !== '' && name.length <= MAX_USERNAME && !UNSEEN.test(name);
}

/**
 * The same for every way to write one name: in upper or lower case, letters and their marks as one character or as several
 * ([UAX #15]), as keyboards of different systems type them. Beyond the letters of ASCII, SQLite's `nocase` knows neither.
 */
export function nameKey(name: string): string {
  return name.normalize('NFC').toLowerCase().normalize('NFC');
}

/** Whether SQLite's `nocase` says the same as `nameKey`. */
export function isPlain(name: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: ASCII as a whole
  return /^[\u0000-\u007f]*$/.test(name);
}
