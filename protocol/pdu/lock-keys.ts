/** The toggle keys of a keyboard, and which of them are on. */
export interface LockKeys {
  readonly scrollLock: boolean;
  readonly numLock: boolean;
  readonly capsLock: boolean;
  readonly kanaLock: boolean;
}

/** [MS-RDPBCGR] 2.2.8.1.1.3.1.1.5 TS_SYNC_EVENT `toggleFlags`, and 2.2.8.2.1.1 TS_SET_KEYBOARD_INDICATORS_PDU `ledFlags`. */
const ToggleFlag = { scrollLock: 1, numLock: 2, capsLock: 4, kanaLock: 8 } as const;

export function toggleFlagsOf(keys: LockKeys): number {
  return (
    (keys.scrollLock ? ToggleFlag.scrollLock : 0) |
    (keys.numLock ? ToggleFlag.numLock : 0) |
    (keys.capsLock ? ToggleFlag.capsLock : 0) |
    (keys.kanaLock ? ToggleFlag.kanaLock : 0)
  );
}

export function lockKeysOf(flags: number): LockKeys {
  return {
    scrollLock: (flags & ToggleFlag.scrollLock) !== 0,
    numLock: (flags & ToggleFlag.numLock) !== 0,
    capsLock: (flags & ToggleFlag.capsLock) !== 0,
    kanaLock: (flags & ToggleFlag.kanaLock) !== 0,
  };
}
