/** What the player can be told to do. */
export type PlayerCommand =
  | { readonly kind: 'toggle-play' | 'faster' | 'slower' | 'skip-idle' | 'full-screen' | 'copy-link' | 'help' | 'live' }
  | { readonly kind: 'seek-by'; readonly ms: number }
  | { readonly kind: 'seek-to'; readonly share: number }
  | { readonly kind: 'frame' | 'event'; readonly direction: 1 | -1 };

export const speeds = [0.5, 1, 1.5, 2, 4, 8, 16] as const;

interface Shortcut {
  /** `KeyboardEvent.key`, one of these. */
  readonly keys: readonly string[];
  readonly command: PlayerCommand;
  /** As the help writes keys and meaning; shortcuts without are other spellings of one that has it. */
  readonly help?: readonly [keys: string, meaning: string];
}

export const shortcuts: readonly Shortcut[] = [
  { keys: [' ', 'k', 'K'], command: { kind: 'toggle-play' }, help: ['Space', 'Play or pause'] },
  { keys: ['ArrowLeft'], command: { kind: 'seek-by', ms: -5000 }, help: ['← →', '5 seconds back or forward'] },
  { keys: ['ArrowRight'], command: { kind: 'seek-by', ms: 5000 } },
  { keys: ['j', 'J'], command: { kind: 'seek-by', ms: -30_000 }, help: ['J L', '30 seconds back or forward'] },
  { keys: ['l', 'L'], command: { kind: 'seek-by', ms: 30_000 } },
  {
    keys: [','],
    command: { kind: 'frame', direction: -1 },
    help: [', .', 'One change of the picture back or forward'],
  },
  { keys: ['.'], command: { kind: 'frame', direction: 1 } },
  { keys: ['p', 'P'], command: { kind: 'event', direction: -1 }, help: ['P N', 'Previous or next event'] },
  { keys: ['n', 'N'], command: { kind: 'event', direction: 1 } },
  { keys: ['<'], command: { kind: 'slower' }, help: ['< >', 'Slower or faster'] },
  { keys: ['>'], command: { kind: 'faster' } },
  { keys: ['i', 'I'], command: { kind: 'skip-idle' }, help: ['I', 'Skip what is idle, or play it'] },
  { keys: ['Home'], command: { kind: 'seek-to', share: 0 }, help: ['Home End', 'To the start or the end'] },
  { keys: ['End'], command: { kind: 'seek-to', share: 1 } },
  { keys: ['f', 'F'], command: { kind: 'full-screen' }, help: ['F', 'Full screen'] },
  { keys: ['m', 'M'], command: { kind: 'copy-link' }, help: ['M', 'Copy a link to this moment'] },
  { keys: ['e', 'E'], command: { kind: 'live' }, help: ['E', 'To the live edge, while the session goes on'] },
  { keys: ['?'], command: { kind: 'help' }, help: ['?', 'Show these keys'] },
];

interface Key {
  readonly key: string;
  readonly ctrlKey: boolean;
  readonly altKey: boolean;
  readonly metaKey: boolean;
}

/** What a key means to the player; nothing for keys that are the browser's. */
export function commandFor({ key, ctrlKey, altKey, metaKey }: Key): PlayerCommand | undefined {
  if (ctrlKey || altKey || metaKey) return undefined;
  if (/^[1-9]$/.test(key)) return { kind: 'seek-to', share: Number(key) / 10 };
  return shortcuts.find(({ keys }) => keys.includes(key))?.command;
}

/** The speed next to this one; at the end of the list, this one. */
export function nextSpeed(speed: number, direction: 1 | -1): number {
  const index = speeds.findIndex((choice) => choice >= speed);
  return speeds[(index < 0 ? speeds.length : index) + direction] ?? speed;
}
