import { CHUNK_HEADER_SIZE, ChunkAssembler, encodeChunks } from '../channels/chunks.ts';
import { type ClipboardAction, ClipboardChannel, type ClipboardOutput } from '../channels/cliprdr/clipboard-channel.ts';
import { CLIPBOARD_CHANNEL, MAX_CLIPBOARD_MESSAGE } from '../channels/cliprdr/pdu.ts';
import {
  DRDYNVC_CHANNEL,
  type DynamicChannel,
  DynamicChannels,
  PLAIN_DATA_HEADER_SIZE,
} from '../channels/dynamic-channels.ts';
import { GraphicsChannel, type GraphicsChannelOutput } from '../channels/rdpgfx/graphics-channel.ts';
import type { JoinedChannel } from '../connector/types.ts';
import { MessageMemory } from '../core/message-memory.ts';
import { sendDataRequest } from '../pdu/mcs-domain.ts';

/** What the channels of a session produce besides messages for the server. */
export type ChannelOutput = GraphicsChannelOutput | ClipboardOutput;

/**
 * The client's side of the static virtual channels of one session: puts chunks together, hands the messages of
 * `drdynvc` to the dynamic channels and those of `cliprdr` to the clipboard, and cuts what they answer into chunks again.
 */
export class ChannelRouter {
  readonly #userId: number;
  readonly #dynamicId: number | undefined;
  readonly #assembler = new ChunkAssembler();
  readonly #memory = new MessageMemory();
  readonly graphics = new GraphicsChannel(this.#memory);
  readonly #dynamic: DynamicChannels<ChannelOutput>;
  /** Of a frame, as it was sent on this dynamic channel. */
  #acknowledgement: { readonly channel: number | undefined; readonly packet: Uint8Array } | undefined;
  readonly #clipboardId: number | undefined;
  readonly #clipboardAssembler = new ChunkAssembler(MAX_CLIPBOARD_MESSAGE);
  readonly #clipboard = new ClipboardChannel('client');
  /** All before the data of the frame that went on with a longer message last, and how large it was; 0 where its like may mean something else. */
  readonly #head = new Uint8Array(LONGEST_HEAD);
  #headSize = 0;
  #frameSize = 0;

  /**
   * @param userId our MCS user id
   * @param further dynamic channels besides graphics
   */
  constructor(
    userId: number,
    joined: readonly JoinedChannel[],
    further: readonly DynamicChannel<ChannelOutput>[] = [],
  ) {
    this.#userId = userId;
    this.#dynamicId = joined.find(({ name }) => name.toLowerCase() === DRDYNVC_CHANNEL)?.id;
    this.#clipboardId = joined.find(({ name }) => name.toLowerCase() === CLIPBOARD_CHANNEL)?.id;
    this.#dynamic = new DynamicChannels<ChannelOutput>([this.graphics, ...further], this.#memory);
  }

  /** Dynamic channels that the server asked for and that nobody here serves. */
  get refused(): readonly string[] {
    return this.#dynamic.refused;
  }

  /** What the channels produced before is not needed any more. */
  reclaim(): void {
    this.#memory.reclaim();
  }

  /**
   * Takes one Virtual Channel PDU where all it does is to go on with a message that is longer.
   *
   * @param frame a whole one, with the PDU from `start` to its end
   * @returns false for any other, which is left to `receive`
   */
  goOn(channelId: number, frame: Uint8Array, start: number): boolean {
    if (channelId !== this.#dynamicId || !this.#assembler.isWhole(frame, start)) return false;
    if (!this.#dynamic.goOn(frame, start + CHUNK_HEADER_SIZE, frame.length)) return false;
    this.#headSize = start + CHUNK_HEADER_SIZE + PLAIN_DATA_HEADER_SIZE;
    this.#frameSize = this.#headSize > LONGEST_HEAD ? 0 : frame.length;
    for (let i = 0; i < this.#headSize; i++) this.#head[i] = frame[i]!;
    return true;
  }

  /**
   * Takes frames that differ from the one before them, which `goOn` has taken, in their data alone: a large picture is hundreds of these.
   * @returns where the first other frame begins, or one that is not whole
   */
  goOnAlike(bytes: Uint8Array, start: number): number {
    const size = this.#frameSize;
    if (size === 0) return start;
    const head = this.#head;
    const headSize = this.#headSize;
    let at = start;
    for (; at + size <= bytes.length; at += size) {
      for (let i = 0; i < headSize; i++) if (bytes[at + i] !== head[i]) return at;
      if (!this.#dynamic.goOn(bytes, at + headSize - PLAIN_DATA_HEADER_SIZE, at + size)) return at;
    }
    return at;
  }

  /**
   * Takes one Virtual Channel PDU.
   *
   * @param out takes what the channels produce
   * @returns packets for the server, or `undefined` when nobody serves this channel
   * @throws DecodeError
   */
  receive(channelId: number, chunk: Uint8Array, out: ChannelOutput[]): Uint8Array[] | undefined {
    if (channelId === this.#clipboardId) {
      const message = this.#clipboardAssembler.push(chunk);
      return message === undefined ? [] : this.#packets(channelId, this.#clipboard.process(message, out));
    }
    if (channelId !== this.#dynamicId) return undefined;
    this.#frameSize = 0;
    const message = this.#assembler.push(chunk);
    if (message === undefined) return [];
    return this.#packets(channelId, this.#dynamic.process(message, out));
  }

  /** Packets that carry messages of a dynamic channel's own accord; none while the server has not opened it. */
  send(channel: DynamicChannel<ChannelOutput>, messages: readonly Uint8Array[]): Uint8Array[] {
    return messages.flatMap((message) => this.#packets(this.#dynamicId, this.#dynamic.send(channel, message)));
  }

  /**
   * Packets that acknowledge the oldest frames of the graphics pipeline that are held.
   * @param queueDepth bytes that wait to be decoded, if somebody knows
   */
  acknowledge(count: number, queueDepth?: number): Uint8Array[] {
    const messages = this.graphics.acknowledge(count, queueDepth);
    if (messages.length === 0) return [];
    const channel = this.#dynamic.idOf(this.graphics);
    const last = this.#acknowledgement;
    if (last === undefined || last.channel !== channel) {
      const packets = this.send(this.graphics, messages);
      const [packet] = packets;
      this.#acknowledgement = packet && { channel, packet };
      return packets;
    }
    // Like that of the one before but for its last bytes, which are all of the message.
    return messages.map((message) => {
      const packet = last.packet.slice();
      packet.set(message, packet.length - message.length);
      return packet;
    });
  }

  /** Packets that say something to the server's clipboard; none where it has no such channel. */
  clipboard(action: ClipboardAction): Uint8Array[] {
    return this.#packets(this.#clipboardId, this.#clipboard.act(action));
  }

  /** Windows takes messages of `drdynvc` only where they say that the protocol headers are to be shown. */
  #packets(channelId: number | undefined, messages: readonly Uint8Array[]): Uint8Array[] {
    if (channelId === undefined) return [];
    return messages
      .flatMap((message) => encodeChunks(message, undefined, true))
      .map((chunk) => sendDataRequest(this.#userId, channelId, chunk));
  }
}

/** TPKT, X.224 Data and Send Data Indication take 15 bytes at most; then the headers of the chunk and of its data. */
const LONGEST_HEAD = 32;
