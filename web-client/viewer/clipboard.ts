import type {
  ClipboardNews,
  ClipboardTerms,
  CopiedKinds,
  FileOffer,
  TransferProgress,
} from '#protocol/tunnel/messages.ts';
import { TunnelLimits } from '#protocol/tunnel/messages.ts';
import { type FileSource, filesIn, LocalFiles, MAX_FILES } from './local-files.ts';
import type { Notice } from './worker-messages.ts';

/** The browser's own clipboard. */
export interface LocalClipboard {
  /** Rejects where the browser does not allow it now. */
  write(text: string): Promise<void>;
  /** Nothing where the page may not read without asking the user. */
  read(): Promise<string | undefined>;
}

/** What there is to show of the clipboard. */
export interface ClipboardState {
  /** What may pass; nothing until the desktop is there. */
  readonly terms: ClipboardTerms | undefined;
  /** The text that was copied in the desktop last. */
  readonly copied: string | undefined;
  /** The browser has refused to take `copied`; it is tried again. */
  readonly waiting: boolean;
  /** The files that were copied in the desktop last. */
  readonly files: FileOffer | undefined;
  /** Files on their way, or there; the newest last. */
  readonly transfers: readonly TransferProgress[];
}

export interface ClipboardOptions {
  readonly local: LocalClipboard;
  /** Sends a text to the desktop's clipboard. */
  offer(text: string): void;
  /** Sends the names of files to the desktop's clipboard. */
  offerFiles(offer: FileOffer): void;
  /** Answers with what was read of a file; nothing where it cannot be read. */
  answerFile(request: number, data: ArrayBuffer | undefined): void;
  cancelFile(id: number): void;
  notice(notice: Notice): void;
  changed(state: ClipboardState): void;
}

/** What of a `DataTransfer` matters. */
export interface PastedData extends FileSource {
  readonly types: readonly string[];
  getData(type: string): string;
}

/**
 * Keeps the user's clipboard and the desktop's alike. Which of the two holds what the user copied last, no browser tells:
 * the desktop's does while the user has not left the page since, and a text that was there before is no news.
 */
export class Clipboard {
  readonly #options: ClipboardOptions;
  readonly #files = new LocalFiles();
  #state: ClipboardState = {
    ...{ terms: undefined, copied: undefined, waiting: false, files: undefined, transfers: [] },
  };
  /** The last text that is known to be, or to have been, in the user's clipboard. */
  #known: string | undefined;
  /** Something was copied in the desktop, or given to it by hand, since the user last came here: that is what she pastes there. */
  #desktopHasNewer = false;
  /** The same, but for what she has pasted from here: files cannot be told from those before, and are given again with each paste. */
  #filesAreOlder = false;

  constructor(options: ClipboardOptions) {
    this.#options = options;
  }

  get state(): ClipboardState {
    return this.#state;
  }

  /** What the gateway tells of the desktop's clipboard. */
  heard(news: ClipboardNews): void {
    switch (news.type) {
      case 'clipboard-terms': {
        const { type: _, ...terms } = news;
        this.#change({ terms });
        this.came();
        return;
      }
      case 'clipboard-copied':
        this.#copied(news);
        return;
      case 'clipboard-text':
        this.#known = news.text;
        this.#change({ copied: news.text });
        this.#write(news.text);
        return;
      case 'clipboard-files': {
        const { list, files } = news;
        this.#change({ files: { list, files } });
        return;
      }
      case 'file-wanted':
        this.#files.read(news).then(
          (data) => this.#options.answerFile(news.request, data),
          () => this.#options.answerFile(news.request, undefined),
        );
        return;
      case 'file-transfer': {
        const { type: _, ...progress } = news;
        const others = this.#state.transfers.filter(({ id }) => id !== progress.id);
        const transfers = [...others, progress].sort((a, b) => a.id - b.id).slice(-MAX_TRANSFERS);
        this.#change({ transfers });
      }
    }
  }

  /**
   * Puts files into the desktop's clipboard, or says why not.
   * @param hasFolders whether there were folders among them, which are left out
   * @returns whether they are on their way there
   */
  giveFiles(files: readonly File[], hasFolders = false): boolean {
    const isGiven = this.#offerFiles(files, hasFolders);
    if (isGiven) this.#filesAreOlder = true;
    return isGiven;
  }

  #offerFiles(files: readonly File[], hasFolders: boolean): boolean {
    const { terms } = this.#state;
    if (terms?.available !== true || (files.length === 0 && !hasFolders)) return false;
    const why = !terms.filesToDesktop
      ? 'Copying files to the desktop is not allowed here.'
      : files.length > MAX_FILES
        ? `At most ${MAX_FILES} files are copied at once.`
        : files.length === 0
          ? 'Folders are not copied to the desktop: take the files that are in them.'
          : undefined;
    if (why !== undefined) {
      this.#options.notice({ code: 'clipboard_refused', message: why });
      return false;
    }
    this.#desktopHasNewer = true;
    this.#options.offerFiles(this.#files.add(files));
    return true;
  }

  /** A file is not to go on its way. */
  cancel(id: number): void {
    this.#options.cancelFile(id);
  }

  /** The user pastes, and her clipboard holds this. Call it before the keys go on their way. */
  pasted(data: PastedData): void {
    const { files, hasFolders } = filesIn(data);
    const text = data.getData('text/plain');
    // Browsers show the picture of copied cells as a file beside their text. With what a file manager copies, there is no HTML.
    if ((files.length === 0 && !hasFolders) || (text !== '' && data.types.includes('text/html'))) {
      this.#textPasted(text);
      return;
    }
    // The text of before, copied again, would be news.
    this.#known = undefined;
    if (!this.#filesAreOlder) this.#offerFiles(files, hasFolders);
  }

  /** Puts a text into the desktop's clipboard, or says why not. @returns whether it is on its way */
  give(text: string): boolean {
    const isGiven = this.#offerText(text);
    if (isGiven) {
      this.#desktopHasNewer = true;
      this.#filesAreOlder = true;
    }
    return isGiven;
  }

  #textPasted(text: string): void {
    // A paste event on Windows has the line ends of Windows, and what the page reads by itself has not.
    const lines = text.replaceAll('\r\n', '\n');
    if (this.#desktopHasNewer || text === '' || lines === this.#known) return;
    this.#known = lines;
    this.#offerText(text);
  }

  #offerText(text: string): boolean {
    const { terms } = this.#state;
    if (terms?.available !== true) return false;
    if (!terms.textToDesktop) {
      this.#options.notice({ code: 'clipboard_refused', message: 'Copying to the desktop is not allowed here.' });
      return false;
    }
    if (new TextEncoder().encode(text).length > TunnelLimits.clipboardTextBytes) {
      const most = TunnelLimits.clipboardTextBytes / 1024 / 1024;
      const message = `The text was not copied to the desktop: it is larger than ${most} MB.`;
      this.#options.notice({ code: 'clipboard_refused', message });
      return false;
    }
    this.#options.offer(text);
    return true;
  }

  /** The user comes to the page, or does something on it: what the browser refused before, it may take now. */
  acted(): void {
    const { waiting, copied } = this.#state;
    if (waiting && copied !== undefined) this.#write(copied);
  }

  /** The user comes to the page. Where it may, it looks for what she copied elsewhere. */
  came(): void {
    this.acted();
    const { terms } = this.#state;
    if (terms?.available !== true || !terms.textToDesktop) return;
    this.#options.local.read().then(
      (text) => {
        // What waits to be written is newer.
        if (text !== undefined && !this.#state.waiting) this.#textPasted(text);
      },
      () => undefined,
    );
  }

  /** The user goes elsewhere, where she may copy something. */
  left(): void {
    this.#desktopHasNewer = false;
    this.#filesAreOlder = false;
  }

  /** The user has copied or cut something on the page: that is newer than what the browser refused before. */
  copiedHere(): void {
    this.left();
    if (this.#state.waiting) this.#change({ waiting: false });
  }

  #copied({ text }: CopiedKinds): void {
    this.#desktopHasNewer = true;
    this.#filesAreOlder = true;
    // A text that still waits is no longer what was copied last; one that comes now, follows.
    if (this.#state.waiting) this.#change({ waiting: false });
    if (!text && this.#state.copied !== undefined) this.#change({ copied: undefined });
    if (this.#state.files !== undefined) this.#change({ files: undefined });
  }

  #write(text: string): void {
    this.#options.local.write(text).then(
      () => this.#written(text, false),
      () => this.#written(text, true),
    );
  }

  #written(text: string, waiting: boolean): void {
    if (this.#state.copied === text && this.#state.waiting !== waiting) this.#change({ waiting });
  }

  #change(change: Partial<ClipboardState>): void {
    this.#state = { ...this.#state, ...change };
    this.#options.changed(this.#state);
  }
}

/** More than these nobody looks at. */
const MAX_TRANSFERS = 20;
