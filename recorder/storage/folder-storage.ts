import { copyFile, mkdir, open, readdir, rename, rm, rmdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type ByteSource, openFile } from './byte-source.ts';
import type { ObjectStorage } from './object-storage.ts';
import { syncDirectory } from './recording-folder.ts';

/** Another folder: a larger disk, or a network's. */
export class FolderStorage implements ObjectStorage {
  readonly description: string;
  readonly #root: string;

  constructor(root: string) {
    this.#root = root;
    this.description = root;
  }

  async put(name: string, path: string): Promise<void> {
    const place = join(this.#root, name);
    await mkdir(dirname(place), { recursive: true, mode: 0o700 });
    await copyFile(path, `${place}${PARTIAL_SUFFIX}`);
    const file = await open(`${place}${PARTIAL_SUFFIX}`, 'r+');
    await file.sync().finally(() => file.close());
    await rename(`${place}${PARTIAL_SUFFIX}`, place);
    await syncDirectory(dirname(place));
  }

  async abandon(name: string): Promise<void> {
    const place = join(this.#root, name);
    await rm(`${place}${PARTIAL_SUFFIX}`, { force: true });
    await rmdir(dirname(place)).catch(() => {});
  }

  async open(name: string): Promise<ByteSource | undefined> {
    try {
      return await openFile(join(this.#root, name));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  }

  async list(prefix: string): Promise<string[]> {
    const entries = await readdir(this.#root, { recursive: true, withFileTypes: true }).catch(() => []);
    const names = entries
      .filter((entry) => entry.isFile() && !entry.name.endsWith(PARTIAL_SUFFIX))
      .map((entry) => join(entry.parentPath, entry.name).slice(this.#root.length + 1));
    return names.filter((name) => name.startsWith(prefix)).sort();
  }

  async remove(name: string): Promise<void> {
    await rm(join(this.#root, name), { force: true });
    // With its last file the recording's folder goes; one that is not empty stays.
    await rmdir(dirname(join(this.#root, name))).catch(() => {});
  }

  async check(): Promise<void> {
    try {
      await mkdir(this.#root, { recursive: true, mode: 0o700 });
      const probe = join(this.#root, '.oriel-probe');
      await (await open(probe, 'w', 0o600)).close();
      await rm(probe);
    } catch (cause) {
      throw new Error(`${this.description} cannot be written: ${(cause as Error).message}`, { cause });
    }
  }
}

const PARTIAL_SUFFIX = '.part';
