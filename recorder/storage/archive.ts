import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { MANIFEST_FILE, readManifest } from '../manifest.ts';
import type { RecorderLog } from '../recording.ts';
import type { ObjectStorage } from './object-storage.ts';
import { PARTIAL_SUFFIX, SEALED_SUFFIX } from './recording-folder.ts';
import type { RecordingStore } from './recording-store.ts';
import { UPLOAD_SUFFIX } from './s3-storage.ts';

export interface ArchiveOptions {
  readonly store: RecordingStore;
  readonly storage: ObjectStorage;
  readonly log: RecorderLog;
  readonly everyMs?: number | undefined;
}

/**
 * Moves finished recordings from the folder where they are made to where they are kept, one after another. A recording
 * that cannot be moved stays where it is, playable, and is tried again.
 */
export class RecordingArchive {
  readonly #options: ArchiveOptions;
  #timer: NodeJS.Timeout | undefined;
  #sweeping: Promise<void> | undefined;
  #stopped = false;

  constructor(options: ArchiveOptions) {
    this.#options = options;
  }

  start(): void {
    this.#timer = setInterval(() => void this.sweep(), this.#options.everyMs ?? SWEEP_EVERY_MS);
    this.#timer.unref();
    void this.sweep();
  }

  /** An upload that goes on is broken off with the process; the next start goes on with it. */
  stop(): void {
    this.#stopped = true;
    clearInterval(this.#timer);
  }

  /** Moves what is finished. Never rejects. */
  sweep(): Promise<void> {
    this.#sweeping ??= this.#sweep().finally(() => {
      this.#sweeping = undefined;
    });
    return this.#sweeping;
  }

  async #sweep(): Promise<void> {
    const { store, storage, log } = this.#options;
    for (const id of await store.local()) {
      if (this.#stopped) return;
      try {
        if (await this.#isFinished(id)) {
          await this.#move(id);
          log.info({ sessionId: id, storage: storage.description }, 'recording moved to its storage');
        }
      } catch (error) {
        log.warn(
          { sessionId: id, storage: storage.description, err: error },
          'recording could not be moved; tried again',
        );
      }
    }
  }

  async #isFinished(id: string): Promise<boolean> {
    const manifest = await readManifest(await this.#options.store.folder(id));
    const { state, video } = manifest ?? {};
    return (state === 'complete' || state === 'incomplete') && video !== undefined;
  }

  async #move(id: string): Promise<void> {
    const { store, storage } = this.#options;
    const folder = await store.folder(id);
    const left = [PARTIAL_SUFFIX, UPLOAD_SUFFIX, `${UPLOAD_SUFFIX}.new`];
    const names = (await folder.files()).filter((name) => !left.some((suffix) => name.endsWith(suffix)));
    // The manifest comes last: where it is, everything is.
    const isManifest = (name: string) => name === MANIFEST_FILE || name === `${MANIFEST_FILE}${SEALED_SUFFIX}`;
    try {
      for (const name of [...names.filter((name) => !isManifest(name)), ...names.filter(isManifest)]) {
        await storage.put(`${id}/${name}`, join(folder.path, name));
      }
    } finally {
      // Destroyed meanwhile: what was put there after that is without a key, and goes too. One that cannot be read is there.
      if ((await readManifest(folder)) === undefined) await store.remove(id);
    }
    await rm(folder.path, { recursive: true, force: true });
  }
}

const SWEEP_EVERY_MS = 30_000;
