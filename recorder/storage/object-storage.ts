import type { ByteSource } from './byte-source.ts';

/**
 * Where finished recordings are kept. Objects have names such as `SESSION/video.mp4.sealed`; what is in them is already
 * encrypted. While a session goes on, and until its recording is there, it is in a folder on this machine.
 */
export interface ObjectStorage {
  /** For logs and pages; no secrets. */
  readonly description: string;
  /**
   * Puts a file there, whole or not at all; one that is there is replaced. An upload that was cut short goes on where it
   * was, also after a restart.
   * @param path of a file that does not change any more
   */
  put(name: string, path: string): Promise<void>;
  /** Clears away what is left of a `put` that was cut short and nobody goes on with. None there: no error. */
  abandon(name: string, path: string): Promise<void>;
  /** `undefined` when it is not there. */
  open(name: string): Promise<ByteSource | undefined>;
  /** Everything whose name begins so. */
  list(prefix: string): Promise<string[]>;
  /** None there: no error. */
  remove(name: string): Promise<void>;
  /** Rejects with what is wrong, in words for an administrator. */
  check(): Promise<void>;
}
