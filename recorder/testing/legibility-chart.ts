import { GlobalFonts, type SKRSContext2D } from '@napi-rs/canvas';
import type { Rect } from '#protocol/graphics/geometry.ts';
import { characterAccuracy, readText, saveFrameAt } from './media-tools.ts';

/** Known text in the sizes and colours of desktops, to be read back from a recording. */
export interface ChartBlock {
  readonly name: string;
  /** Grey text keeps its detail in luma alone; coloured text depends on chroma at half resolution. */
  readonly kind: 'grey' | 'colour';
  readonly font: string;
  readonly colour: string;
  readonly background: string;
  readonly lineHeight: number;
  readonly lines: readonly string[];
}

const PROSE = [
  'The quick brown fox jumps over the lazy dog near the river bank',
  'Pack my box with five dozen jugs and send them to the harbour',
  'Every session is recorded so that an auditor can read it later',
  'Reports from March 2026 show 47 changes in 385 different files',
] as const;

const SHELL = [
  'user@server:~$ systemctl restart database && echo finished',
  'drwxr-xr-x 2 admin admin 4096 March 27 archive backup reports',
  'copied 8734 files from /srv/data/export in 26 seconds',
  'warning: disk usage at 93 percent, remove old snapshots',
] as const;

const FIGURES = [
  '1234567890 8365 9073 6638 5098 3856 10.20.36.58 2026-11-28',
  'Total 98,653.80 of 136,809.35 balance 85,036.98 due 06/08/2039',
  'Invoice 683950 order 5836098 phone 0800 365 8393 room 386 B',
  'CPU 68.3 MEM 95.8 PID 30865 PORT 33896 UID 1008 SIZE 8388608',
] as const;

export const LEGIBILITY_CHART: readonly ChartBlock[] = [
  block('terminal, light on black', 'grey', '14px DejaVu Sans Mono', '#d0d0d0', '#000000', 18, SHELL),
  block('terminal, black on white', 'grey', '13px DejaVu Sans Mono', '#000000', '#ffffff', 17, SHELL),
  block('interface, 12 px on grey', 'grey', '12px DejaVu Sans', '#1a1a1a', '#f0f0f0', 17, PROSE),
  block('interface, 14 px on white', 'grey', '14px DejaVu Sans', '#202020', '#ffffff', 19, PROSE),
  block('document, 16 px serif', 'grey', '16px DejaVu Serif', '#000000', '#ffffff', 22, PROSE),
  block('disabled, 14 px grey on white', 'grey', '14px DejaVu Sans', '#707070', '#ffffff', 19, PROSE),
  block('terminal, bold', 'grey', 'bold 13px DejaVu Sans Mono', '#d0d0d0', '#101010', 17, SHELL),
  // Not in the terminal's font: tesseract reads its dotted zeros wrong in a lossless picture, too.
  block('table, bold figures', 'grey', 'bold 13px DejaVu Sans', '#202020', '#ffffff', 18, FIGURES),
  block('link, blue on white', 'colour', '14px DejaVu Sans', '#0645ad', '#ffffff', 19, PROSE),
  block('error, red on white', 'colour', '14px DejaVu Sans', '#c00000', '#ffffff', 19, PROSE),
  block('green on black', 'colour', '14px DejaVu Sans Mono', '#00d000', '#000000', 18, SHELL),
  block('yellow on blue', 'colour', '14px DejaVu Sans Mono', '#ffff55', '#0000aa', 18, SHELL),
];

export function hasChartFonts(): boolean {
  return ['DejaVu Sans', 'DejaVu Sans Mono', 'DejaVu Serif'].every((name) => GlobalFonts.has(name));
}

/** Where a block lies on a desktop at least 1280 × 800 in size: two columns. */
export function blockArea(index: number): Rect {
  return { x: 20 + (index % 2) * 620, y: 20 + Math.floor(index / 2) * 128, width: 600, height: 120 };
}

export function drawBlock(context: SKRSContext2D, index: number): void {
  const chartBlock = LEGIBILITY_CHART[index];
  if (chartBlock === undefined) return;
  const area = blockArea(index);
  context.fillStyle = chartBlock.background;
  context.fillRect(area.x, area.y, area.width, area.height);
  context.fillStyle = chartBlock.colour;
  context.font = chartBlock.font;
  chartBlock.lines.forEach((line, i) => {
    context.fillText(line, area.x + 12, area.y + 24 + i * chartBlock.lineHeight);
  });
}

/** Reads one block of a video's frame; the share of its characters that tesseract reads as they are. */
export function readBlock(
  video: string,
  ms: number,
  index: number,
  picture: string,
): { accuracy: number; text: string } {
  const chartBlock = LEGIBILITY_CHART[index] as ChartBlock;
  const { x, y, width, height } = blockArea(index);
  const crop = `crop=${width}:${height}:${x}:${y}`;
  // As a reader does it: larger, and dark on light.
  const light = isDark(chartBlock.background) ? ',negate' : '';
  saveFrameAt(video, ms, picture, `${crop},scale=iw*3:ih*3:flags=bicubic,format=gray${light}`);
  const text = readText(picture);
  return { accuracy: characterAccuracy(chartBlock.lines.join('\n'), text), text };
}

function isDark(colour: string): boolean {
  const [r = 0, g = 0, b = 0] = [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b < 128;
}

function block(
  name: string,
  kind: 'grey' | 'colour',
  font: string,
  colour: string,
  background: string,
  lineHeight: number,
  lines: readonly string[],
): ChartBlock {
  return { name, kind, font, colour, background, lineHeight, lines };
}
