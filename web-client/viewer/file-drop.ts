import { type Disposable, DisposableStore, listen } from './disposable.ts';
import { filesIn } from './local-files.ts';

export interface FileDropParts {
  mayDrop(): boolean;
  dropped(dropped: ReturnType<typeof filesIn>): void;
}

/** Takes files that are dropped on an element. Without it, dropping would open the file in place of the page. */
export class FileDrop implements Disposable {
  readonly #owned = new DisposableStore();

  constructor(element: HTMLElement, parts: FileDropParts) {
    this.#owned.add(
      listen<DragEvent>(element, 'dragover', (event) => {
        event.preventDefault();
        if (event.dataTransfer !== null) event.dataTransfer.dropEffect = parts.mayDrop() ? 'copy' : 'none';
      }),
    );
    this.#owned.add(
      listen<DragEvent>(element, 'drop', (event) => {
        event.preventDefault();
        if (parts.mayDrop() && event.dataTransfer !== null) parts.dropped(filesIn(event.dataTransfer));
      }),
    );
  }

  dispose(): void {
    this.#owned.dispose();
  }
}
