import type { SKRSContext2D } from '@napi-rs/canvas';
import type { Rect } from '#protocol/graphics/geometry.ts';
import { fill, type Screen } from './scenario.ts';

/** The common parts of an office desktop. */
export const TITLE_HEIGHT = 30;
export const TASKBAR_HEIGHT = 40;

export function drawBackground(screen: Screen): void {
  const area = { x: 0, y: 0, width: screen.width, height: screen.height };
  screen.draw(area, (context) => {
    const gradient = context.createLinearGradient(0, 0, 0, screen.height);
    gradient.addColorStop(0, '#0a4a8a');
    gradient.addColorStop(1, '#2a8acb');
    context.fillStyle = gradient;
    context.fillRect(0, 0, screen.width, screen.height);
    context.font = '13px DejaVu Sans';
    for (let i = 0; i < 8; i++) {
      context.fillStyle = ['#e8c040', '#d0d0d0', '#60c060', '#c06060'][i % 4] as string;
      context.fillRect(30, 30 + i * 95, 44, 44);
      context.fillStyle = '#ffffff';
      context.fillText(`Folder ${i + 1}`, 24, 92 + i * 95);
    }
  });
  fill(screen, { x: 0, y: screen.height - TASKBAR_HEIGHT, width: screen.width, height: TASKBAR_HEIGHT }, '#101820');
  drawClock(screen, 0);
}

export function drawClock(screen: Screen, ms: number): void {
  const area = { x: screen.width - 120, y: screen.height - TASKBAR_HEIGHT, width: 120, height: TASKBAR_HEIGHT };
  const seconds = 9 * 3600 + Math.floor(ms / 1000);
  const parts = [seconds / 3600, (seconds / 60) % 60, seconds % 60].map((part) =>
    String(Math.floor(part)).padStart(2, '0'),
  );
  screen.draw(area, (context) => {
    context.fillStyle = '#101820';
    context.fillRect(area.x, area.y, area.width, area.height);
    context.fillStyle = '#ffffff';
    context.font = '15px DejaVu Sans';
    context.fillText(parts.join(':'), area.x + 24, area.y + 25);
  });
}

/** A window with a title bar, a tool bar and a white inside; `paint` draws the inside, clipped. */
export function drawWindow(
  screen: Screen,
  area: Rect,
  title: string,
  paint: (context: SKRSContext2D, inside: Rect) => void,
): void {
  screen.draw(area, (context) => {
    context.fillStyle = '#f3f3f3';
    context.fillRect(area.x, area.y, area.width, area.height);
    context.strokeStyle = '#707070';
    context.strokeRect(area.x + 0.5, area.y + 0.5, area.width - 1, area.height - 1);
    context.fillStyle = '#202020';
    context.font = '14px DejaVu Sans';
    context.fillText(title, area.x + 12, area.y + 20);
    context.font = '13px DejaVu Sans';
    ['File', 'Edit', 'View', 'Insert', 'Format', 'Tools', 'Help'].forEach((name, i) => {
      context.fillText(name, area.x + 12 + i * 64, area.y + TITLE_HEIGHT + 18);
    });
    const inside = insideOf(area);
    context.save();
    context.beginPath();
    context.rect(inside.x, inside.y, inside.width, inside.height);
    context.clip();
    context.fillStyle = '#ffffff';
    context.fillRect(inside.x, inside.y, inside.width, inside.height);
    paint(context, inside);
    context.restore();
  });
}

export function insideOf(area: Rect): Rect {
  const top = TITLE_HEIGHT + 28;
  return { x: area.x + 2, y: area.y + top, width: area.width - 4, height: area.height - top - 2 };
}
