import { type Disposable, DisposableStore, listen } from './disposable.ts';

export interface FileDropParts {
  mayDrop(): boolean;
  dropped(files: File[]): void;
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
        if (parts.mayDrop()) parts.dropped([...(event.dataTransfer?.files ?? [])]);
      }),
    );
  }

  dispose(): void {
    this.#owned.dispose();
  }
}
