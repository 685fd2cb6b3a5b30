import type { FileOffer, FileWanted } from '#protocol/tunnel/messages.ts';
import { TunnelLimits } from '#protocol/tunnel/messages.ts';

/** Offers that are kept: a desktop may still read what was offered before. */
const KEPT = 4;
/** Names of all of them fit into one message. */
export const MAX_FILES = 60;

/** What of a `DataTransfer` matters for its files. */
export interface FileSource {
  readonly files: Iterable<File>;
  readonly items?: Iterable<{
    readonly kind: string;
    webkitGetAsEntry?(): { readonly isDirectory: boolean } | null;
  }>;
}

/** What was dropped or pasted: browsers give a folder as a file, which cannot be read. */
export function filesIn({ files, items = [] }: FileSource): { readonly files: File[]; readonly hasFolders: boolean } {
  const isFolder = [...items]
    .filter(({ kind }) => kind === 'file')
    .map((item) => item.webkitGetAsEntry?.()?.isDirectory === true);
  return { files: [...files].filter((_, index) => isFolder[index] !== true), hasFolders: isFolder.includes(true) };
}

/** Files that the user has given to the desktop. What is in them is read as the desktop asks for it. */
export class LocalFiles {
  readonly #offers = new Map<number, readonly File[]>();
  #list = 0;

  /** @returns what to tell the gateway */
  add(files: readonly File[]): FileOffer {
    const list = ++this.#list;
    this.#offers.set(list, files);
    this.#offers.delete(list - KEPT);
    const described = files.map(({ name, size }, index) => ({ name: shortened(name), size, index }));
    return { list, files: described };
  }

  /** Rejects where there is no such file, or where it cannot be read any more. */
  async read({ list, index, position, length }: FileWanted): Promise<ArrayBuffer> {
    const file = this.#offers.get(list)?.[index];
    if (file === undefined || length > TunnelLimits.filePartBytes) throw new Error('there is no such file');
    return file.slice(position, position + length).arrayBuffer();
  }
}

/** A name within its limit of UTF-8 bytes; its end says what it is. */
function shortened(name: string): string {
  return name.length <= MAX_NAME ? name : `${name.slice(0, MAX_NAME - 30)}${name.slice(-30)}`.toWellFormed();
}

/** UTF-16 units, three bytes each at most. */
const MAX_NAME = Math.floor(TunnelLimits.fileNameBytes / 3);
