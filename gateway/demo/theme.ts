import { fileURLToPath } from 'node:url';
import { GlobalFonts, type SKRSContext2D } from '@napi-rs/canvas';

export const Color = {
  backgroundTop: '#20405f',
  backgroundBottom: '#0f2033',
  panel: '#12263a',
  panelText: '#e8eef4',
  window: '#f4f5f7',
  titleActive: '#2f6fab',
  titleInactive: '#7f93a8',
  titleText: '#ffffff',
  border: '#5a6b7d',
  text: '#1b2733',
  faint: '#5d6b79',
  field: '#ffffff',
  fieldBorder: '#8fa1b3',
  accent: '#2f6fab',
  accentDown: '#1f4f7e',
  selection: '#d3e5f7',
  scrollTrack: '#e1e6eb',
  scrollThumb: '#9fb0c0',
} as const;

export const PANEL_HEIGHT = 32;
export const TITLE_HEIGHT = 26;

/** CSS font of the desktop. Loads the packaged face once, so that the desktop looks alike on every machine. */
export function font(size: number, weight: 400 | 600 = 400): string {
  loadFonts();
  return `${weight === 600 ? '600 ' : ''}${size}px "${FAMILY}", "DejaVu Sans", sans-serif`;
}

export function drawText(
  context: SKRSContext2D,
  text: string,
  x: number,
  baseline: number,
  color: string,
  cssFont: string,
): void {
  context.fillStyle = color;
  context.font = cssFont;
  context.fillText(text, x, baseline);
}

/** Not "Inter": an installed face of that name must not win over the packaged one. */
const FAMILY = 'Oriel Demo Sans';
let loaded = false;

function loadFonts(): void {
  if (loaded) return;
  loaded = true;
  for (const weight of [400, 600]) {
    try {
      const url = import.meta.resolve(`@fontsource/inter/files/inter-latin-${weight}-normal.woff2`);
      GlobalFonts.registerFromPath(fileURLToPath(url), FAMILY);
    } catch {
      // Not installed: the system's fonts do.
    }
  }
}
