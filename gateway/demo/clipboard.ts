import type { ClipboardAction, ClipboardOutput } from '#protocol/channels/cliprdr/clipboard-channel.ts';
import { StandardFormat, textFormatOf } from '#protocol/channels/cliprdr/format-list.ts';
import { decodeClipboardText, encodeClipboardText } from '#protocol/channels/cliprdr/text.ts';

/** The clipboard of one demo desktop: what was copied in it, or what the client offers. Text only. */
export class DemoClipboard {
  readonly #act: (action: ClipboardAction) => void;
  readonly #insert: (text: string) => void;
  /** Copied in the desktop; nothing once the client has offered something. */
  #copied: string | undefined;
  /** What the client offers text in. */
  #offered: number | undefined;

  /**
   * @param act says something to the client
   * @param insert types what is pasted
   */
  constructor(act: (action: ClipboardAction) => void, insert: (text: string) => void) {
    this.#act = act;
    this.#insert = insert;
  }

  copy(text: string): void {
    this.#copied = text;
    this.#offered = undefined;
    this.#act({ kind: 'offer', formats: [{ id: StandardFormat.unicodeText, name: '' }] });
  }

  paste(): void {
    if (this.#copied !== undefined) this.#insert(this.#copied);
    else if (this.#offered !== undefined) this.#act({ kind: 'request', formatId: this.#offered });
  }

  heard(output: ClipboardOutput): void {
    switch (output.kind) {
      case 'clipboard-offered':
        if (output.formats.length === 0) return;
        this.#copied = undefined;
        this.#offered = textFormatOf(output.formats);
        return;
      case 'clipboard-wanted':
        this.#act({
          kind: 'respond',
          data: this.#copied === undefined ? undefined : encodeClipboardText(this.#copied),
        });
        return;
      case 'clipboard-data':
        if (output.data !== undefined) this.#insert(decodeClipboardText(output.formatId, output.data));
        return;
      case 'clipboard-file-wanted':
        this.#act({ kind: 'respond-file', streamId: output.request.streamId, data: undefined });
    }
  }
}
