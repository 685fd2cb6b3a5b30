import { ChunkAssembler, encodeChunks } from '../channels/chunks.ts';
import { type ClipboardAction, ClipboardChannel, type ClipboardOutput } from '../channels/cliprdr/clipboard-channel.ts';
import { CLIPBOARD_CHANNEL, MAX_CLIPBOARD_MESSAGE } from '../channels/cliprdr/pdu.ts';
import { DRDYNVC_CHANNEL } from '../channels/dynamic-channels.ts';
import { DynamicServer, type DynamicServerOutput } from '../channels/dynamic-server.ts';
import { GRAPHICS_CHANNEL } from '../channels/rdpgfx/graphics-channel.ts';
import { type SentGfxPdu, ServerGraphics, type ServerGraphicsOutput } from '../channels/rdpgfx/server-graphics.ts';
import type { JoinedChannel } from '../connector/types.ts';
import { sendDataIndication } from '../pdu/mcs-domain.ts';

export type ServerChannelOutput =
  | ServerGraphicsOutput
  /** What happens to the client's clipboard, and what it wants of ours. */
  | ClipboardOutput
  /** The client does not know the graphics channel, or has closed it. */
  | { readonly kind: 'graphics-refused' };

/** Where outputs go: a list of these, or of more kinds than these. */
interface ChannelSink {
  push(...outputs: ServerChannelOutput[]): unknown;
}

/** The server's side of the virtual channels of one session; the mirror image of `ChannelRouter`. */
export class ServerChannels {
  readonly #dynamicId: number | undefined;
  readonly #assembler = new ChunkAssembler();
  readonly #dynamic = new DynamicServer();
  readonly #compresses: boolean;
  #graphics: ServerGraphics;
  readonly #clipboardId: number | undefined;
  readonly #clipboardAssembler = new ChunkAssembler(MAX_CLIPBOARD_MESSAGE);
  readonly #clipboard = new ClipboardChannel('server');

  /** @param compressesGraphics see `ServerConfig` */
  constructor(joined: readonly JoinedChannel[], compressesGraphics = true) {
    this.#compresses = compressesGraphics;
    this.#graphics = new ServerGraphics(compressesGraphics);
    this.#dynamicId = joined.find(({ name }) => name.toLowerCase() === DRDYNVC_CHANNEL)?.id;
    this.#clipboardId = joined.find(({ name }) => name.toLowerCase() === CLIPBOARD_CHANNEL)?.id;
  }

  /** Begins with the clipboard; `clipboard-ready` follows. Nothing at a client without `cliprdr`. */
  openClipboard(): Uint8Array[] {
    return this.#packets(this.#clipboard.start(), this.#clipboardId);
  }

  /** Says something to the client's clipboard. */
  clipboard(action: ClipboardAction): Uint8Array[] {
    return this.#packets(this.#clipboard.act(action), this.#clipboardId);
  }

  /** Closes it first where it is open. Begins with DRDYNVC's capabilities; the graphics channel follows once the client has answered. */
  openGraphics(): Uint8Array[] {
    this.#graphics = new ServerGraphics(this.#compresses);
    return this.#packets([...this.#dynamic.close(GRAPHICS_CHANNEL), ...this.#dynamic.start()]);
  }

  graphics(pdus: readonly SentGfxPdu[]): Uint8Array[] {
    if (this.#graphics.agreed === undefined) return [];
    return this.#packets(this.#dynamic.send(GRAPHICS_CHANNEL, this.#graphics.pack(pdus)));
  }

  /** Takes one Virtual Channel PDU. Returns packets to answer with, `undefined` when nobody serves the channel. */
  receive(channelId: number, chunk: Uint8Array, out: ChannelSink): Uint8Array[] | undefined {
    if (channelId === this.#clipboardId) {
      const message = this.#clipboardAssembler.push(chunk);
      return message === undefined ? [] : this.#packets(this.#clipboard.process(message, out), channelId);
    }
    if (channelId !== this.#dynamicId) return undefined;
    const message = this.#assembler.push(chunk);
    if (message === undefined) return [];
    const produced: DynamicServerOutput[] = [];
    this.#dynamic.process(message, produced);
    return this.#packets(produced.flatMap((output) => this.#dynamicOutput(output, out)));
  }

  #dynamicOutput(output: DynamicServerOutput, out: ChannelSink): Uint8Array[] {
    switch (output.kind) {
      case 'ready':
        return this.#dynamic.open(GRAPHICS_CHANNEL);
      case 'opened':
        return [];
      case 'refused':
      case 'closed':
        out.push({ kind: 'graphics-refused' });
        return [];
      case 'message': {
        const heard: ServerGraphicsOutput[] = [];
        const answers = this.#graphics.process(output.data, heard);
        out.push(...heard);
        return answers.flatMap((answer) => this.#dynamic.send(output.name, answer));
      }
      default:
        return output satisfies never;
    }
  }

  #packets(messages: readonly Uint8Array[], id: number | undefined = this.#dynamicId): Uint8Array[] {
    if (id === undefined) return [];
    return messages
      .flatMap((message) => encodeChunks(message, undefined, true))
      .map((chunk) => sendDataIndication(id, chunk));
  }
}
