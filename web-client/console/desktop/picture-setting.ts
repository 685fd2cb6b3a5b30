import type { PictureChoice } from '../../viewer/remote-desktop.ts';
import { browserStore, type SettingStore } from './keyboard-setting.ts';

/** How the pictures of a desktop may come, in the words of who looks at them. */
export const pictureChoices: readonly (readonly [choice: PictureChoice, label: string, does: string])[] = [
  ['automatic', 'Automatic', 'whichever suits the connection'],
  ['stream', 'As the computer sends it', 'exact, for a good connection'],
  ['regions', 'Adapted to a slow connection', 'less to load, sharp once it is still'],
];

const settingName = 'oriel.pictures';

/** What this browser's user chose. */
export function chosenPictures(store: SettingStore | undefined = browserStore()): PictureChoice {
  const value = store?.getItem(settingName);
  return pictureChoices.find(([choice]) => choice === value)?.[0] ?? 'automatic';
}

export function choosePictures(choice: PictureChoice, store: SettingStore | undefined = browserStore()): void {
  if (choice === 'automatic') store?.removeItem(settingName);
  else store?.setItem(settingName, choice);
}
