import { Random, words } from './random.ts';
import { Every, fill, type Scenario, type Screen } from './scenario.ts';
import { drawBackground, drawClock, drawWindow } from './windows.ts';

/** A document left open: a clock with seconds, and a caret that blinks. */
export function idle(): Scenario {
  const random = new Random(1);
  const second = new Every(1000);
  const blink = new Every(530);
  let caret = false;
  return {
    name: 'idle',
    start(screen: Screen) {
      drawBackground(screen);
      drawWindow(screen, { x: 260, y: 60, width: 1300, height: 900 }, 'Report.docx', (context, inside) => {
        context.fillStyle = '#000000';
        context.font = 'bold 18px DejaVu Sans';
        context.fillText(words(random, 5), inside.x + 60, inside.y + 44);
        context.font = '16px DejaVu Serif';
        for (let line = 0; line < 10; line++)
          context.fillText(words(random, 12), inside.x + 60, inside.y + 84 + line * 24);
      });
      screen.pointer(900, 500);
    },
    step(screen, ms) {
      if (second.due(ms)) drawClock(screen, ms);
      if (blink.due(ms)) {
        caret = !caret;
        fill(screen, { x: 322, y: 482, width: 2, height: 18 }, caret ? '#000000' : '#ffffff');
      }
    },
  };
}
