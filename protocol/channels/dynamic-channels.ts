import { ReadCursor } from '../core/cursor.ts';
import { DecodeError } from '../core/errors.ts';
import { MessageMemory } from '../core/message-memory.ts';
import { DynamicInflater } from './dynamic-inflater.ts';
import {
  DynamicCommand,
  decodeDynamicPdu,
  encodeCapabilities,
  encodeClose,
  encodeCreateResponse,
  encodeDynamicData,
  encodeSoftSyncResponse,
} from './dynamic-pdu.ts';

/** Name of the static virtual channel that carries the dynamic ones. */
export const DRDYNVC_CHANNEL = 'drdynvc';

/** [MS-RDPEDYC] 3.1.5.1.4: a PDU with its header is at most as large as a static channel's chunk. */
export const MAX_DYNAMIC_PDU = 1600;

/** In front of data for a channel whose number fits in a byte, [MS-RDPEDYC] 2.2.3.2: Cmd, Sp and cbId, ChannelId. */
export const PLAIN_DATA_HEADER_SIZE = 2;

/** The newest version we speak, [MS-RDPEDYC] 2.2.1.1. */
export const DYNAMIC_CHANNEL_VERSION = 3;

/** Most bytes of one message; graphics messages are the largest, and expand to no more than this either. */
export const MAX_DYNAMIC_MESSAGE = 64 * 1024 * 1024;
/** Most channels open at a time. */
export const MAX_DYNAMIC_CHANNELS = 64;

/** [MS-RDPEDYC] 2.2.2.2 DYNVC_CREATE_RSP, `CreationStatus`: HRESULTs. */
export const CreationStatus = { ok: 0, notFound: 0x8007_0490 } as const;

/** One dynamic virtual channel's logic. `Output` is what it produces besides messages for the server. */
export interface DynamicChannel<Output> {
  /** As the server names it. */
  readonly name: string;
  /** The server has opened the channel. Returns the messages to send first. */
  start(): Uint8Array[];
  /** A whole message has come. Returns the messages to answer with, and appends to `out`. */
  process(message: Uint8Array, out: Output[]): Uint8Array[];
  /** The server has closed the channel; it may open it again. */
  close(): void;
}

interface Open<Output> {
  readonly channel: DynamicChannel<Output>;
  /** Begins with what came of the message that is not whole yet. */
  message: Uint8Array<ArrayBuffer> | undefined;
  /** Bytes of it that came, and that it will have. */
  filled: number;
  length: number;
  inflater: DynamicInflater | undefined;
}

/**
 * The client's side of DRDYNVC, [MS-RDPEDYC] versions 1 to 3: opens the channels it is given when the server asks for
 * them by name and refuses all others. Soft-Sync is declined, and no multitransport offered.
 */
export class DynamicChannels<Output> {
  readonly #known: ReadonlyMap<string, DynamicChannel<Output>>;
  readonly #open = new Map<number, Open<Output>>();
  readonly #refused: string[] = [];
  readonly #memory: MessageMemory;
  /** The server was told of our version. */
  #introduced = false;

  /** @param memory for messages in parts; what channels produce of them is good until it is reclaimed */
  constructor(channels: readonly DynamicChannel<Output>[], memory = new MessageMemory()) {
    this.#memory = memory;
    this.#known = new Map(channels.map((channel) => [channel.name, channel]));
  }

  /** Names of channels that the server asked for and that nobody here serves; bounded. */
  get refused(): readonly string[] {
    return this.#refused;
  }

  /**
   * Takes a message of the static channel where it does nothing but go on with a longer one: graphics come in hundreds of these a picture.
   *
   * @param bytes the message from `start` to `end`
   * @returns false for any other, which is left to `process`
   */
  goOn(bytes: Uint8Array, start: number, end: number): boolean {
    const header = bytes[start]!;
    const data = start + PLAIN_DATA_HEADER_SIZE;
    if (data > end || header >> 4 !== DynamicCommand.data || (header & 0x3) !== 0) return false;
    const open = this.#open.get(bytes[start + 1]!);
    if (open?.message === undefined) return false;
    const filled = open.filled + end - data;
    if (filled >= open.length || filled > open.message.length) return false;
    open.message.set(bytes.subarray(data, end), open.filled);
    open.filled = filled;
    return true;
  }

  /**
   * Takes one message of the static channel.
   *
   * @param out takes what the channels produce
   * @returns messages for the static channel
   */
  process(message: Uint8Array, out: Output[]): Uint8Array[] {
    const pdu = decodeDynamicPdu(new ReadCursor(message, 'DYNVC'), true);
    switch (pdu.kind) {
      case 'capabilities':
        this.#introduced = true;
        return [encodeCapabilities(Math.min(pdu.version, DYNAMIC_CHANNEL_VERSION), false)];
      case 'create':
        return [...this.#introduction(), ...this.#create(pdu.channelId, pdu.name)];
      case 'close': {
        const open = this.#open.get(pdu.channelId);
        if (open === undefined) return [];
        this.#drop(pdu.channelId, open);
        return [encodeClose(pdu.channelId)];
      }
      case 'data-first': {
        const open = this.#open.get(pdu.channelId);
        // Data may cross our refusal or close on the way.
        if (open === undefined) return [];
        if (pdu.length > MAX_DYNAMIC_MESSAGE) {
          throw new DecodeError('limit_exceeded', 'DYNVC_DATA_FIRST', 'length', 0, `${pdu.length} bytes`);
        }
        // Memory grows with what comes, whatever length is said: a few bytes must not have the collector look through all of the heap.
        open.message ??= this.#memory.take(Math.min(pdu.length, MOST_TAKEN_AHEAD));
        open.filled = 0;
        open.length = pdu.length;
        return this.#data(pdu.channelId, open, inflate(open, pdu.data, pdu.compressed), out);
      }
      case 'data': {
        const open = this.#open.get(pdu.channelId);
        if (open === undefined) return [];
        return this.#data(pdu.channelId, open, inflate(open, pdu.data, pdu.compressed), out);
      }
      case 'soft-sync-request':
        // No tunnels: all data stays where it is.
        return [encodeSoftSyncResponse()];
      case 'create-response':
      case 'unknown':
        return [];
      default:
        return pdu satisfies never;
    }
  }

  /** Messages of a channel's own accord, cut for the static channel; none while the server has not opened it. */
  send(channel: DynamicChannel<Output>, message: Uint8Array): Uint8Array[] {
    const id = this.idOf(channel);
    return id === undefined ? [] : encodeDynamicData(id, message, MAX_DYNAMIC_PDU);
  }

  /** What the server calls a channel that it has opened. */
  idOf(channel: DynamicChannel<Output>): number | undefined {
    for (const [id, open] of this.#open) if (open.channel === channel) return id;
    return undefined;
  }

  /** There are servers that open channels without having asked for a version before, and go by one all the same. */
  #introduction(): Uint8Array[] {
    if (this.#introduced) return [];
    this.#introduced = true;
    return [encodeCapabilities(DYNAMIC_CHANNEL_VERSION, false)];
  }

  #create(channelId: number, name: string): Uint8Array[] {
    const channel = this.#known.get(name);
    if (channel === undefined || this.#open.size >= MAX_DYNAMIC_CHANNELS) {
      if (this.#refused.length < MAX_DYNAMIC_CHANNELS) this.#refused.push(name);
      return [encodeCreateResponse(channelId, CreationStatus.notFound)];
    }
    // A server that opens an id or a channel again has forgotten the one before.
    for (const [id, open] of this.#open) {
      if (id !== channelId && open.channel !== channel) continue;
      this.#drop(id, open);
    }
    this.#open.set(channelId, { channel, message: undefined, filled: 0, length: 0, inflater: undefined });
    const first = channel.start().flatMap((message) => encodeDynamicData(channelId, message, MAX_DYNAMIC_PDU));
    return [encodeCreateResponse(channelId, CreationStatus.ok), ...first];
  }

  #data(channelId: number, open: Open<Output>, data: Uint8Array, out: Output[]): Uint8Array[] {
    let whole = data;
    if (open.message !== undefined) {
      const filled = open.filled + data.length;
      if (filled > open.length) {
        throw new DecodeError('invalid_value', 'DYNVC_DATA', 'data', 0, 'more than the message was to have');
      }
      const message = filled > open.message.length ? this.#grow(open.message, open, filled) : open.message;
      message.set(data, open.filled);
      open.message = message;
      open.filled = filled;
      if (filled < open.length) return [];
      this.#memory.handOver(message);
      whole = message.subarray(0, filled);
      open.message = undefined;
    }
    const answers = open.channel.process(whole, out);
    return answers.flatMap((answer) => encodeDynamicData(channelId, answer, MAX_DYNAMIC_PDU));
  }

  /** @returns memory with what came of the message, for `needed` bytes of it at least */
  #grow(message: Uint8Array<ArrayBuffer>, { filled, length }: Open<Output>, needed: number): Uint8Array<ArrayBuffer> {
    const larger = this.#memory.take(Math.min(length, Math.max(needed, 2 * message.length)));
    larger.set(message.subarray(0, filled));
    this.#memory.giveBack(message);
    return larger;
  }

  #drop(channelId: number, open: Open<Output>): void {
    this.#open.delete(channelId);
    if (open.message !== undefined) this.#memory.giveBack(open.message);
    open.channel.close();
  }
}

/** Most bytes that are taken for a message before they have come: more than nearly every picture has. */
const MOST_TAKEN_AHEAD = 4 * 1024 * 1024;

function inflate<Output>(open: Open<Output>, data: Uint8Array, compressed: boolean): Uint8Array {
  if (!compressed) return data;
  open.inflater ??= new DynamicInflater();
  return open.inflater.inflate(data);
}
