import { dirname } from 'node:path';
import type { TestContext } from 'node:test';
import type { Rect } from '#protocol/graphics/geometry.ts';
import type { RecorderError, RecordingSummary } from '../recording.ts';
import { SessionRecorder, type SessionRecorderOptions } from '../session-recorder.ts';
import { CanvasDesktop } from './canvas-desktop.ts';
import { FakeClock } from './fake-clock.ts';
import { temporaryDirectory } from './media-tools.ts';

/** A recorder with the real ffmpeg on a canvas desktop, in a time that runs as fast as the encoder. */
export class RecordingSession {
  readonly clock = new FakeClock();
  readonly startedAt = this.clock.now();
  readonly failures: RecorderError[] = [];
  readonly root: string;
  readonly directory: string;
  readonly desktop: CanvasDesktop;
  recorder!: SessionRecorder;

  private constructor(root: string, desktop: CanvasDesktop) {
    this.root = root;
    this.directory = `${root}/session-1`;
    this.desktop = desktop;
  }

  static async open(
    context: TestContext,
    width: number,
    height: number,
    options: Partial<SessionRecorderOptions> = {},
  ): Promise<RecordingSession> {
    const root = options.directory === undefined ? await temporaryDirectory(context) : dirname(options.directory);
    const session = new RecordingSession(root, new CanvasDesktop(width, height));
    session.recorder = await SessionRecorder.open(
      {
        directory: session.directory,
        sessionId: 'session-1',
        clock: session.clock,
        onFailure: (error) => session.failures.push(error),
        ...options,
      },
      session.desktop,
    );
    return session;
  }

  draw(area: Rect, paint: Parameters<CanvasDesktop['draw']>[1]): void {
    this.recorder.damaged(this.desktop.draw(area, paint), this.clock.now());
  }

  fill(area: Rect, style: string): void {
    this.draw(area, (context) => {
      context.fillStyle = style;
      context.fillRect(area.x, area.y, area.width, area.height);
    });
  }

  text(lines: readonly string[], x: number, y: number, font: string, style: string, lineHeight: number): void {
    const area = { x: 0, y: y - lineHeight, width: this.desktop.width, height: lineHeight * (lines.length + 1) };
    this.draw(area, (context) => {
      context.font = font;
      context.fillStyle = style;
      lines.forEach((line, index) => {
        context.fillText(line, x, y + index * lineHeight);
      });
    });
  }

  async advance(ms: number): Promise<void> {
    await this.clock.advance(ms, () => this.recorder.drained());
    await this.recorder.drained();
  }

  /** Milliseconds of session so far. */
  get elapsed(): number {
    return this.clock.now() - this.startedAt;
  }

  finish(): Promise<RecordingSummary | undefined> {
    return this.recorder.finish(this.clock.now());
  }
}
