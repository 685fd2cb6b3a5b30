import { join } from 'node:path';
import { GlobalFonts, type SKRSContext2D } from '@napi-rs/canvas';
import type { Rect } from '#protocol/graphics/geometry.ts';
import { characterAccuracy, filterPicture, readText, saveFrameAt } from './media-tools.ts';

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
  /** Where it lies on a desktop at least 1280 × 800 in size. */
  readonly area: Rect;
}

/** What the blocks of a page say: four lines of each. Names and figures are the hard ones: no dictionary helps tesseract there. */
interface PageText {
  readonly prose: readonly string[];
  readonly shell: readonly string[];
  readonly figures: readonly string[];
}

const TEXTS: readonly PageText[] = [
  {
    prose: [
      'The quick brown fox jumps over the lazy dog near the river bank',
      'Pack my box with five dozen jugs and send them to the harbour',
      'Every session is recorded so that an auditor can read it later',
      'Reports from March 2026 show 47 changes in 385 different files',
    ],
    shell: [
      'user@server:~$ systemctl restart database && echo finished',
      'drwxr-xr-x 2 admin admin 4096 March 27 archive backup reports',
      'copied 8734 files from /srv/data/export in 26 seconds',
      'warning: disk usage at 93 percent, remove old snapshots',
    ],
    figures: [
      '1234567890 8365 9073 6638 5098 3856 10.20.36.58 2026-11-28',
      'Total 98,653.80 of 136,809.35 balance 85,036.98 due 06/08/2039',
      'Invoice 683950 order 5836098 phone 0800 365 8393 room 386 B',
      'CPU 68.3 MEM 95.8 PID 30865 PORT 33896 UID 1008 SIZE 8388608',
    ],
  },
  {
    prose: [
      'The treasurer approved seven invoices before the office closed',
      'Gross margin fell in Zurich while Oxford grew by a quarter',
      'Please forward the signed contract to Hannah before Friday',
      'Queue 36 of warehouse 8 holds 593 parcels for Jacksonville',
    ],
    shell: [
      'root@gateway:~$ journalctl --unit network --since yesterday',
      'rw-rw-r-- 3 deploy staff 58263 August 19 release notes draft',
      'mounted /dev/disk5 on /mnt/backup with 385 GB free',
      'error: certificate expires in 6 days, renew it before Monday',
    ],
    figures: [
      '9806325471 5583 6098 3369 8850 6583 172.16.98.35 2027-08-29',
      'Credit 36,985.08 of 863,590.86 interest 5,638.95 paid 29/06/2038',
      'Account 908653 batch 6385908 phone 0845 638 9536 floor 38 A',
      'GPU 83.6 NET 58.9 PID 68395 PORT 58633 GID 8653 SIZE 6553600',
    ],
  },
  {
    prose: [
      'Quiet voices explained how the bridge was repaired in winter',
      'A judge examined six boxes of evidence from the harbour fire',
      'Both teams should review the access policy by next Wednesday',
      'Room 583 was booked by 29 visitors between 8 and 16 June',
    ],
    shell: [
      'admin@backup:~$ rsync --archive --delete /home/shared /mnt/mirror',
      'crw-rw-r-- 5 backup users 36859 October 23 current logs config',
      'processed 56938 records from queue billing in 83 minutes',
      'notice: user jackson added to group auditors by helpdesk',
    ],
    figures: [
      '6350982714 9386 5069 8836 3598 9635 192.168.53.86 2028-06-23',
      'Refund 85,369.50 of 593,608.63 fees 3,865.98 sent 23/09/2036',
      'Ticket 863509 asset 9058366 phone 0870 593 6835 desk 963 C',
      'DISK 93.8 SWAP 36.5 PID 83596 PORT 65385 UID 5863 SIZE 3365888',
    ],
  },
  {
    prose: [
      'Fresh bread was sold at the market square until half past six',
      'Your password expires soon, so choose a longer one this week',
      'Major delays affected flights from Quebec and Johannesburg',
      'Version 8 fixed 365 defects and removed 96 unused functions',
    ],
    shell: [
      'guest@builder:~$ grep --recursive timeout /etc/services > sorted',
      'drwxrws--- 8 build wheel 95683 January 26 kernel modules cache',
      'uploaded 8396 objects to bucket archive within 58 seconds',
      'failed: connection refused by mail relay, retry in 36 minutes',
    ],
    figures: [
      '5836907142 6835 8953 5386 9608 3865 203.98.65.38 2029-03-26',
      'Salary 63,580.95 of 385,960.58 bonus 6,953.86 from 26/03/2035',
      'Parcel 596830 route 3869058 phone 0898 836 5936 gate 593 D',
      'LOAD 58.6 TEMP 63.9 PID 58936 PORT 38653 GID 6358 SIZE 9586368',
    ],
  },
  {
    prose: [
      'Exactly what happened during the night shift remains unknown',
      'The library lends films, maps and journals for three weeks',
      'Kindly confirm whether the driver may unload before sunrise',
      'Section 9 lists 683 devices, of which 58 need replacement',
    ],
    shell: [
      'oper@monitor:~$ ping -c 5 printer.example.com > /dev/null',
      'brw-rw---- 6 root disk 83569 February 28 volume snapshot keys',
      'verified 68359 blocks of image server in 39 seconds',
      'alert: temperature of rack 8 above limit, fans at full speed',
    ],
    figures: [
      '3698052714 5368 9586 6983 5830 8396 198.51.36.89 2026-09-25',
      'Deposit 58,396.85 of 659,830.96 taxes 9,385.60 until 28/12/2037',
      'Claim 358690 office 8693580 phone 0844 965 3863 unit 685 E',
      'CACHE 36.8 HEAP 89.5 PID 95386 PORT 83569 UID 3586 SIZE 5836800',
    ],
  },
];

/** Each page in all sizes and colours; later ones come over earlier ones, every kind in another place. */
export const CHART_PAGES: readonly (readonly ChartBlock[])[] = TEXTS.map(({ prose, shell, figures }, page) => {
  const blocks = [
    block('terminal, light on black', 'grey', '14px DejaVu Sans Mono', '#d0d0d0', '#000000', 18, shell),
    block('terminal, black on white', 'grey', '13px DejaVu Sans Mono', '#000000', '#ffffff', 17, shell),
    block('interface, 12 px on grey', 'grey', '12px DejaVu Sans', '#1a1a1a', '#f0f0f0', 17, prose),
    block('interface, 14 px on white', 'grey', '14px DejaVu Sans', '#202020', '#ffffff', 19, prose),
    block('document, 16 px serif', 'grey', '16px DejaVu Serif', '#000000', '#ffffff', 22, prose),
    block('disabled, 14 px grey on white', 'grey', '14px DejaVu Sans', '#707070', '#ffffff', 19, prose),
    block('terminal, bold', 'grey', 'bold 13px DejaVu Sans Mono', '#d0d0d0', '#101010', 17, shell),
    // Not in the terminal's font: tesseract reads its dotted zeros wrong in a lossless picture, too.
    block('table, bold figures', 'grey', 'bold 13px DejaVu Sans', '#202020', '#ffffff', 18, figures),
    block('link, blue on white', 'colour', '14px DejaVu Sans', '#0645ad', '#ffffff', 19, prose),
    block('error, red on white', 'colour', '14px DejaVu Sans', '#c00000', '#ffffff', 19, prose),
    block('green on black', 'colour', '14px DejaVu Sans Mono', '#00d000', '#000000', 18, shell),
    block('yellow on blue', 'colour', '14px DejaVu Sans Mono', '#ffff55', '#0000aa', 18, shell),
  ] as const;
  return blocks.map((it, index) => ({ ...it, area: areaOf((index + 5 * page) % blocks.length) }));
});

export function hasChartFonts(): boolean {
  return ['DejaVu Sans', 'DejaVu Sans Mono', 'DejaVu Serif'].every((name) => GlobalFonts.has(name));
}

export function drawBlock(
  context: SKRSContext2D,
  { area, background, colour, font, lines, lineHeight }: ChartBlock,
): void {
  context.fillStyle = background;
  context.fillRect(area.x, area.y, area.width, area.height);
  context.fillStyle = colour;
  context.font = font;
  lines.forEach((line, i) => {
    context.fillText(line, area.x + 12, area.y + 24 + i * lineHeight);
  });
}

/** How much of a page tesseract reads in a video's frame: for each block the share of its characters that are as they were drawn. */
export function readPage(video: string, ms: number, page: readonly ChartBlock[], directory: string): ReadBlock[] {
  const frame = join(directory, 'page.png');
  saveFrameAt(video, ms, frame, 'format=gray');
  return page.map((chartBlock) => {
    const picture = join(directory, 'block.png');
    const { x, y, width, height } = chartBlock.area;
    const crop = `crop=${width}:${height}:${x}:${y}`;
    // As a reader does it: larger, and dark on light.
    const light = isDark(chartBlock.background) ? ',negate' : '';
    filterPicture(frame, picture, `${crop},scale=iw*3:ih*3:flags=bicubic${light}`);
    const text = readText(picture);
    return { ...chartBlock, accuracy: characterAccuracy(chartBlock.lines.join('\n'), text), text };
  });
}

/** The share of characters of one kind, over all blocks. */
export function meanAccuracy(kind: ChartBlock['kind'], blocks: readonly ReadBlock[]): number {
  const sums = { read: 0, all: 0 };
  for (const { lines, accuracy } of blocks.filter((it) => it.kind === kind)) {
    const characters = lines.join('').length;
    sums.read += accuracy * characters;
    sums.all += characters;
  }
  return sums.read / sums.all;
}

export interface ReadBlock extends ChartBlock {
  readonly accuracy: number;
  readonly text: string;
}

/** Two columns. */
function areaOf(position: number): Rect {
  return { x: 20 + (position % 2) * 620, y: 20 + Math.floor(position / 2) * 128, width: 600, height: 120 };
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
): Omit<ChartBlock, 'area'> {
  return { name, kind, font, colour, background, lineHeight, lines };
}
