export interface KeyCombination {
  readonly label: string;
  /** What it does on Windows, for people who do not know it by its keys. */
  readonly does: string;
  /** `KeyboardEvent.code` of each key, in the order they go down. */
  readonly codes: readonly string[];
}

/** Combinations that the browser or the local system keeps for itself. */
export const keyCombinations: readonly KeyCombination[] = [
  { label: 'Ctrl+Alt+Del', does: 'Lock, sign out, Task Manager', codes: ['ControlLeft', 'AltLeft', 'Delete'] },
  { label: 'Ctrl+Shift+Esc', does: 'Task Manager', codes: ['ControlLeft', 'ShiftLeft', 'Escape'] },
  { label: 'Windows', does: 'Start menu', codes: ['MetaLeft'] },
  { label: 'Windows+L', does: 'Lock', codes: ['MetaLeft', 'KeyL'] },
  { label: 'Windows+R', does: 'Run', codes: ['MetaLeft', 'KeyR'] },
  { label: 'Windows+E', does: 'Files', codes: ['MetaLeft', 'KeyE'] },
  { label: 'Windows+D', does: 'Show the desktop', codes: ['MetaLeft', 'KeyD'] },
  { label: 'Alt+Tab', does: 'Next window', codes: ['AltLeft', 'Tab'] },
  { label: 'Alt+F4', does: 'Close the window', codes: ['AltLeft', 'F4'] },
  { label: 'Print Screen', does: 'Copy the screen', codes: ['PrintScreen'] },
];
