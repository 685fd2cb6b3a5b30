import type { RecordingMode } from '../access/policy-rules.ts';
import type { Logger } from '../log.ts';
import type { LiveSession } from './live-session.ts';
import type { PixelSession, RecordingHealth } from './ports.ts';

/** Whether a session is recorded, and how that goes. */
export class SessionRecording {
  readonly #mode: RecordingMode;
  readonly #log: Logger;
  readonly #now: () => number;
  #state: LiveSession['recording'];
  #trouble: LiveSession['recordingTrouble'];
  #health: LiveSession['recordingHealth'];

  constructor(mode: RecordingMode, log: Logger, now: () => number) {
    this.#mode = mode;
    this.#log = log;
    this.#now = now;
    this.#state = mode === 'off' ? 'off' : 'starting';
  }

  get state(): LiveSession['recording'] {
    return this.#state;
  }

  /** Whether there is no session without it. */
  get isRequired(): boolean {
    return this.#mode === 'required';
  }

  get trouble(): LiveSession['recordingTrouble'] {
    return this.#trouble;
  }

  get health(): LiveSession['recordingHealth'] {
    return this.#state === 'recording' ? this.#health : undefined;
  }

  /** A recording that need not be had is done without where there is none to be had. */
  async open(open: (record: boolean) => Promise<PixelSession>): Promise<PixelSession> {
    try {
      return await open(this.#state !== 'off');
    } catch (error) {
      if (this.#mode !== 'on') throw error;
      this.#log.warn({ err: error }, 'the session is not recorded');
      this.#state = 'off';
      return open(false);
    }
  }

  /** The desktop is about to be connected. @returns whether it is recorded from here on */
  begin(): boolean {
    if (this.#state !== 'starting') return false;
    this.#state = 'recording';
    return true;
  }

  reported(health: RecordingHealth): void {
    this.#health = { ...health, reportedAt: this.#now() };
  }

  /** What goes wrong may pass. */
  troubled(detail: string): void {
    this.#log.warn({ detail }, 'recording is in trouble');
    this.#trouble = { detail, at: this.#now() };
  }

  failed(): void {
    if (this.#state !== 'off') this.#state = 'failed';
  }
}
