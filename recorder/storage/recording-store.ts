import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { EVENTS_FILE, type RecordedEvent, readEvents } from '../evidence/event-log.ts';
import { eventsOf, readEvidence } from '../evidence/verify.ts';
import { VIDEO_FILE } from '../finish.ts';
import { type KeyOf, NO_KEYS } from '../library.ts';
import { MANIFEST_FILE, type Manifest, parseManifest } from '../manifest.ts';
import { type ByteSource, readWhole } from './byte-source.ts';
import type { ObjectStorage } from './object-storage.ts';
import { RecordingFolder, SEALED_SUFFIX } from './recording-folder.ts';
import { MissingKeyError, openSealed, requireNoKey } from './sealed-file.ts';

export interface RecordingStoreOptions {
  /** `<data>/recordings`, where recordings are made. */
  readonly directory: string;
  readonly keyOf?: KeyOf | undefined;
  /** Where finished ones go; nothing: they stay in the folder. */
  readonly storage?: ObjectStorage | undefined;
}

/** All recordings of a gateway, wherever they are, decrypted. */
export class RecordingStore {
  readonly directory: string;
  readonly #keyOf: KeyOf;
  readonly #storage: ObjectStorage | undefined;

  constructor({ directory, keyOf = NO_KEYS, storage }: RecordingStoreOptions) {
    this.directory = directory;
    this.#keyOf = keyOf;
    this.#storage = storage;
  }

  async folder(id: string): Promise<RecordingFolder> {
    return new RecordingFolder(join(this.directory, id), id, await this.#keyOf(id));
  }

  /** A file of a recording; `undefined` when it is nowhere. Rejects with `SealedFileError` when it is not as it was written. */
  async open(id: string, name: string): Promise<ByteSource | undefined> {
    const local = await (await this.folder(id)).open(name);
    if (local !== undefined || this.#storage === undefined) return local;
    const sealed = await this.#storage.open(`${id}/${name}${SEALED_SUFFIX}`);
    const key = await this.#keyOf(id);
    if (sealed === undefined) return requireNoKey(await this.#storage.open(`${id}/${name}`), key, name);
    if (key !== undefined) return openSealed(sealed, { key, recordingId: id, name });
    await sealed.close();
    throw new MissingKeyError(name);
  }

  /** `undefined` where there is none. */
  async manifest(id: string): Promise<Manifest | undefined> {
    const source = await this.open(id, MANIFEST_FILE);
    return source && parseManifest(await readWhole(source).finally(() => source.close()));
  }

  /** The event log: from the video, or beside it while that is not finished. `undefined` where there is none. */
  async events(id: string): Promise<readonly RecordedEvent[] | undefined> {
    const folder = await this.folder(id);
    const log = await folder.openLog(EVENTS_FILE);
    if (log !== undefined) return eventsIn(log);
    const video = await this.open(id, VIDEO_FILE);
    const box = video && (await readEvidence(video).finally(() => video.close()));
    if (box !== undefined) return eventsOf(box);
    // What could not be signed keeps them beside the video, wherever that is kept.
    const beside = await this.open(id, EVENTS_FILE);
    return beside && eventsIn(beside);
  }

  /** Removes all files of a recording. */
  async remove(id: string): Promise<void> {
    const folder = join(this.directory, id);
    for (const name of await readdir(folder).catch(() => [])) {
      await this.#storage?.abandon(`${id}/${name}`, join(folder, name));
    }
    await rm(folder, { recursive: true, force: true });
    for (const name of (await this.#storage?.list(`${id}/`)) ?? []) await this.#storage?.remove(name);
  }

  /** Recordings that are in the folder on this machine. */
  async local(): Promise<string[]> {
    return (await readdir(this.directory).catch(() => [])).sort();
  }
}

async function eventsIn(log: ByteSource): Promise<readonly RecordedEvent[]> {
  return readEvents(await readWhole(log).finally(() => log.close()));
}
