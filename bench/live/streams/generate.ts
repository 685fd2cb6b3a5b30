import type { GraphicsUpdate } from '#protocol/graphics/update.ts';
import { idle } from '../../recording/idle.ts';
import { office } from '../../recording/office.ts';
import { TICK_MS, type Scenario as WorkScenario } from '../../recording/scenario.ts';
import { terminal } from '../../recording/terminal.ts';
import { video } from '../../recording/video.ts';
import { web } from '../../recording/web.ts';
import {
  type Film,
  parseFilm,
  parseSize,
  type Scenario,
  type Sender,
  type Size,
  streamKey,
  type Work,
} from '../matrix.ts';
import { StreamCanvas } from './canvas.ts';
import { filmOf, SCENES, type Scene } from './scenes.ts';
import { createFrameEncoder } from './senders.ts';
import type { Stream, StreamFrame } from './stream.ts';

/** Draws and encodes one stream; the same each time on the same machine (fonts may differ between machines). */
export function generateStream(scenario: Scenario | Film | Work, sizeName: string, sender: Sender): Stream {
  const size = parseSize(sizeName);
  if (size === undefined) throw new TypeError(`no size: ${sizeName}`);
  const name = streamKey(scenario, sizeName, sender);
  return { name, ...size, onKeys: scenario === 'type', ...encode(scenario, size, sender) };
}

type Course = Pick<Stream, 'loopMs' | 'frames'>;

function encode(scenario: Scenario | Film | Work, size: Size, sender: Sender): Course {
  if (isWork(scenario)) return encodeWork(scenario, size, sender);
  if (scenario === 'mix') return encodeMix(size, sender);
  const film = parseFilm(scenario);
  return encodeScene(film === undefined ? SCENES[scenario as keyof typeof SCENES]() : filmOf(film), size, sender);
}

function encodeScene(scene: Scene, size: Size, sender: Sender): Course {
  const recorder = new FrameRecorder(size, sender);
  scene.start(recorder.canvas);
  recorder.frame(0);
  for (let i = 1; i <= scene.steps; i++) {
    scene.step(recorder.canvas, i);
    recorder.frame((i - 1) * scene.stepMs);
  }
  return { loopMs: scene.steps * scene.stepMs, frames: recorder.frames };
}

/** Half a minute of each kind of work after another, but for typing that nobody types. */
const MIX: readonly { readonly scenario: Exclude<Scenario, 'mix'>; readonly ms: number }[] = [
  { scenario: 'idle', ms: 5000 },
  { scenario: 'type', ms: 4000 },
  { scenario: 'scroll', ms: 1000 },
  { scenario: 'page', ms: 2000 },
  { scenario: 'drag', ms: 1000 },
  { scenario: 'video', ms: 1000 },
];

function encodeMix(size: Size, sender: Sender): Course {
  const recorder = new FrameRecorder(size, sender);
  let at = 0;
  for (const { scenario, ms } of MIX) {
    const scene = SCENES[scenario]();
    scene.start(recorder.canvas);
    recorder.frame(at);
    for (let i = 1; i <= scene.steps && i * scene.stepMs < ms; i++) {
      scene.step(recorder.canvas, i);
      recorder.frame(at + i * scene.stepMs);
    }
    at += ms;
  }
  return { loopMs: at, frames: recorder.frames };
}

const WORK_SCENARIOS: Readonly<Record<Work, { readonly make: () => WorkScenario; readonly ms: number }>> = {
  'work-idle': { make: idle, ms: 20_000 },
  'work-terminal': { make: terminal, ms: 20_000 },
  'work-office': { make: office, ms: 20_000 },
  'work-web': { make: web, ms: 20_000 },
  // A film is as dear to encode as it is to send.
  'work-video': { make: video, ms: 3000 },
};

function encodeWork(work: Work, size: Size, sender: Sender): Course {
  const { make, ms } = WORK_SCENARIOS[work];
  const scenario = make();
  const recorder = new FrameRecorder(size, sender);
  scenario.start(recorder.canvas);
  recorder.frame(0);
  for (let at = TICK_MS; at <= ms; at += TICK_MS) {
    scenario.step(recorder.canvas, at);
    recorder.frame(at - TICK_MS);
  }
  return { loopMs: ms, frames: recorder.frames };
}

function isWork(scenario: Scenario | Film | Work): scenario is Work {
  return scenario.startsWith('work-');
}

/** Collects frames; a frame without damage is none. */
class FrameRecorder {
  readonly canvas: StreamCanvas;
  readonly frames: StreamFrame[] = [];
  readonly #encode: (damage: ReturnType<StreamCanvas['takeDamage']>) => GraphicsUpdate[];

  constructor(size: Size, sender: Sender) {
    this.canvas = new StreamCanvas(size.width, size.height);
    const encode = createFrameEncoder(sender, size);
    this.#encode = (damage) => encode(this.frames.length, damage, (rect) => this.canvas.read(rect));
  }

  frame(at: number): void {
    const damage = this.canvas.takeDamage();
    if (damage.length > 0) this.frames.push({ at: Math.round(at), updates: this.#encode(damage) });
  }
}
