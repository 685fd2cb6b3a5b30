import { ChunkAssembler, encodeChunks } from '../channels/chunks.ts';
import { DRDYNVC_CHANNEL, type DynamicChannel, DynamicChannels } from '../channels/dynamic-channels.ts';
import { GraphicsChannel, type GraphicsChannelOutput } from '../channels/rdpgfx/graphics-channel.ts';
import type { JoinedChannel } from '../connector/types.ts';
import { sendDataRequest } from '../pdu/mcs-domain.ts';

/** What the channels of a session produce besides messages for the server. */
export type ChannelOutput = GraphicsChannelOutput;

/**
 * The client's side of the static virtual channels of one session: puts chunks together, hands the messages of
 * `drdynvc` to the dynamic channels, and cuts what they answer into chunks again.
 */
export class ChannelRouter {
  readonly #userId: number;
  readonly #dynamicId: number | undefined;
  readonly #assembler = new ChunkAssembler();
  readonly graphics = new GraphicsChannel();
  readonly #dynamic: DynamicChannels<ChannelOutput>;

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
    this.#dynamic = new DynamicChannels<ChannelOutput>([this.graphics, ...further]);
  }

  /** Dynamic channels that the server asked for and that nobody here serves. */
  get refused(): readonly string[] {
    return this.#dynamic.refused;
  }

  /**
   * Takes one Virtual Channel PDU.
   *
   * @param out takes what the channels produce
   * @returns packets for the server, or `undefined` when nobody serves this channel
   * @throws DecodeError
   */
  receive(channelId: number, chunk: Uint8Array, out: ChannelOutput[]): Uint8Array[] | undefined {
    if (channelId !== this.#dynamicId) return undefined;
    const message = this.#assembler.push(chunk);
    if (message === undefined) return [];
    return this.#packets(this.#dynamic.process(message, out));
  }

  /** Packets that carry messages of a dynamic channel's own accord; none while the server has not opened it. */
  send(channel: DynamicChannel<ChannelOutput>, messages: readonly Uint8Array[]): Uint8Array[] {
    return messages.flatMap((message) => this.#packets(this.#dynamic.send(channel, message)));
  }

  /** Windows takes messages of `drdynvc` only where they say that the protocol headers are to be shown. */
  #packets(messages: readonly Uint8Array[]): Uint8Array[] {
    const channelId = this.#dynamicId;
    if (channelId === undefined) return [];
    return messages
      .flatMap((message) => encodeChunks(message, undefined, true))
      .map((chunk) => sendDataRequest(this.#userId, channelId, chunk));
  }
}
