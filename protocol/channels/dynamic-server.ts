import { ReadCursor } from '../core/cursor.ts';
import { DecodeError } from '../core/errors.ts';
import { DYNAMIC_CHANNEL_VERSION, MAX_DYNAMIC_PDU } from './dynamic-channels.ts';
import { DynamicInflater } from './dynamic-inflater.ts';
import {
  decodeDynamicPdu,
  encodeCapabilities,
  encodeClose,
  encodeCreateRequest,
  encodeDynamicData,
} from './dynamic-pdu.ts';

/** What comes of the client's messages. */
export type DynamicServerOutput =
  /** Capabilities are exchanged: channels may be opened. */
  | { readonly kind: 'ready'; readonly version: number }
  | { readonly kind: 'opened'; readonly name: string }
  /** @see CreationStatus */
  | { readonly kind: 'refused'; readonly name: string; readonly status: number }
  | { readonly kind: 'closed'; readonly name: string }
  /** A whole message; a view where one PDU held it. */
  | { readonly kind: 'message'; readonly name: string; readonly data: Uint8Array };

interface ServerChannel {
  readonly name: string;
  open: boolean;
  message: Uint8Array | undefined;
  filled: number;
  inflater: DynamicInflater | undefined;
}

/** Clients have little to say: acknowledgements, capabilities, layouts. */
const MAX_CLIENT_MESSAGE = 1024 * 1024;

/** The server's side of DRDYNVC, [MS-RDPEDYC] 3.3: opens channels by name and carries their messages. */
export class DynamicServer {
  readonly #channels = new Map<number, ServerChannel>();
  #nextId = 1;

  /** The first message, once the static channel is there. */
  start(): Uint8Array[] {
    return [encodeCapabilities(DYNAMIC_CHANNEL_VERSION, true)];
  }

  /** Asks the client to open a channel; `opened` or `refused` follows. */
  open(name: string): Uint8Array[] {
    const id = this.#nextId++;
    this.#channels.set(id, { name, open: false, message: undefined, filled: 0, inflater: undefined });
    return [encodeCreateRequest(id, name)];
  }

  /** A message for the client; nothing where the channel is not open. */
  send(name: string, message: Uint8Array): Uint8Array[] {
    const id = this.#idOf(name);
    return id === undefined ? [] : encodeDynamicData(id, message, MAX_DYNAMIC_PDU);
  }

  close(name: string): Uint8Array[] {
    const id = this.#idOf(name);
    if (id === undefined) return [];
    this.#channels.delete(id);
    return [encodeClose(id)];
  }

  /** Takes one message of the static channel. Throws `DecodeError`. */
  process(message: Uint8Array, out: DynamicServerOutput[]): void {
    const pdu = decodeDynamicPdu(new ReadCursor(message, 'DYNVC'), false);
    switch (pdu.kind) {
      case 'capabilities':
        out.push({ kind: 'ready', version: pdu.version });
        return;
      case 'create-response': {
        const channel = this.#channels.get(pdu.channelId);
        if (channel === undefined || channel.open) return;
        channel.open = pdu.status < 0x8000_0000;
        if (channel.open) {
          out.push({ kind: 'opened', name: channel.name });
        } else {
          this.#channels.delete(pdu.channelId);
          out.push({ kind: 'refused', name: channel.name, status: pdu.status });
        }
        return;
      }
      case 'close': {
        const channel = this.#channels.get(pdu.channelId);
        if (channel === undefined) return;
        this.#channels.delete(pdu.channelId);
        out.push({ kind: 'closed', name: channel.name });
        return;
      }
      case 'data-first':
      case 'data': {
        const channel = this.#channels.get(pdu.channelId);
        // Data may cross our close on the way.
        if (channel === undefined || !channel.open) return;
        if (pdu.compressed) channel.inflater ??= new DynamicInflater();
        const part = pdu.compressed && channel.inflater ? channel.inflater.inflate(pdu.data) : pdu.data;
        const data = assemble(channel, part, pdu.kind === 'data-first' ? pdu.length : undefined);
        if (data !== undefined) out.push({ kind: 'message', name: channel.name, data });
        return;
      }
      case 'create':
      case 'soft-sync-request':
      case 'unknown':
        return;
      default:
        pdu satisfies never;
    }
  }

  #idOf(name: string): number | undefined {
    for (const [id, channel] of this.#channels) if (channel.open && channel.name === name) return id;
    return undefined;
  }
}

/** @param length of the whole message, where this is its first part */
function assemble(channel: ServerChannel, part: Uint8Array, length: number | undefined): Uint8Array | undefined {
  if (length !== undefined) {
    if (length > MAX_CLIENT_MESSAGE)
      throw new DecodeError('limit_exceeded', 'DYNVC_DATA_FIRST', 'length', 0, `${length}`);
    channel.message = new Uint8Array(length);
    channel.filled = 0;
  }
  const { message } = channel;
  if (message === undefined) return part;
  if (part.length > message.length - channel.filled) {
    throw new DecodeError('invalid_value', 'DYNVC_DATA', 'data', 0, 'more than the message was to have');
  }
  message.set(part, channel.filled);
  channel.filled += part.length;
  if (channel.filled < message.length) return undefined;
  channel.message = undefined;
  return message;
}
