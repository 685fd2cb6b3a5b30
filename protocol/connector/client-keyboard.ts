/** The keyboard that goes with a layout, as core data ([MS-RDPBCGR] 2.2.1.3.2) and the input capability set (2.2.7.1.6) describe it. */
export interface ClientKeyboard {
  readonly keyboardLayout: number;
  readonly keyboardType: number;
  readonly keyboardSubType: number;
  readonly keyboardFunctionKey: number;
}

/** @param layout a Windows input locale identifier */
export function keyboardOf(layout: number): ClientKeyboard {
  const type =
    (layout & LANGUAGE_MASK) === JAPANESE ? JAPANESE_106_KEYS : { keyboardType: ENHANCED_101_KEYS, keyboardSubType: 0 };
  return { keyboardLayout: layout, ...type, keyboardFunctionKey: 12 };
}

/** The low half is the language; input methods for one language differ above it. */
const LANGUAGE_MASK = 0xffff;
const JAPANESE = 0x0411;

/** IBM enhanced, 101 or 102 keys. */
const ENHANCED_101_KEYS = 4;

/**
 * For Japanese alone Windows chooses the table by the type of the keyboard: with the type of all others it takes the keys for those of the
 * United States, and the keys of Japan for none. The subtype is what Windows' own client reads from a keyboard of 106 or 109 keys.
 */
const JAPANESE_106_KEYS = { keyboardType: 7, keyboardSubType: 2 };
