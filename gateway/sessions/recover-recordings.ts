import type { Logger } from '../log.ts';
import type { RecordingResult } from './ports.ts';
import type { SessionHistory } from './session-history.ts';

export interface RecoveryParts {
  /**
   * Finishes what a gateway that died left unfinished, and looks up what its pixel host finished after it.
   * @param expected sessions whose recording is not accounted for
   * @param others whether another one that is unfinished on the disk may be finished, too; without it, none is
   * @returns what there is, by session id. `left`: it may still be finished, by this or by another process
   */
  recover(
    expected: readonly string[],
    others: ((id: string) => Promise<boolean>) | undefined,
  ): Promise<ReadonlyMap<string, RecordingResult | 'left'>>;
  readonly history: Pick<SessionHistory, 'recordingFinished' | 'isSettled'>;
  /** More may be finished than a moment ago. */
  finished(): Promise<void>;
  readonly log: Logger;
}

/** What the last run of the gateway left unfinished; what cannot be finished at once is tried again. */
export class RecordingRecovery {
  readonly #parts: RecoveryParts;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(parts: RecoveryParts) {
    this.#parts = parts;
  }

  /** Never rejects. A recording that cannot be recovered at all (no ffmpeg) is tried again at the next start. */
  async run(expected: readonly string[], attempt = 0): Promise<void> {
    const { recover, history, finished, log } = this.#parts;
    try {
      // Of what was finished once, nobody is believed who puts an unfinished state of it back: it would be signed, and take
      // the place of the whole.
      const others = async (id: string) => !(await history.isSettled(id));
      const recovered = await recover(expected, attempt === 0 ? others : undefined);
      const left: string[] = [];
      for (const id of new Set([...expected, ...recovered.keys()])) {
        const result = recovered.get(id);
        if (result !== 'left') await history.recordingFinished(id, result);
        else if (attempt < ATTEMPTS) left.push(id);
        else await history.recordingFinished(id, undefined);
      }
      await finished();
      if (left.length === 0 || this.#stopped) return;
      log.warn({ sessions: left }, 'interrupted recordings are not finished yet; tried again');
      this.#timer = setTimeout(() => void this.run(left, attempt + 1), Math.min(RETRY_MS * 2 ** attempt, LONGEST_MS));
      this.#timer.unref();
    } catch (error) {
      log.error({ err: error }, 'interrupted recordings could not be finished');
    }
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }
}

const RETRY_MS = 30_000;
const LONGEST_MS = 10 * 60_000;
/** An hour and a half; what has not been finished by then, the next start tries again. */
const ATTEMPTS = 12;
