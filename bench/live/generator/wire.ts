import { decodeGfxPdu } from '#protocol/channels/rdpgfx/decode-pdu.ts';
import type { GfxPdu } from '#protocol/channels/rdpgfx/pdu.ts';
import type { SentGfxPdu } from '#protocol/channels/rdpgfx/server-graphics.ts';
import { offerGraphics } from '#protocol/connector/graphics-offer.ts';
import { ReadCursor, WriteCursor } from '#protocol/core/cursor.ts';
import { type GraphicsUpdate, UpdateCode } from '#protocol/graphics/update.ts';
import { decodeBitmapUpdate, encodeBitmapUpdate, sizeOfBitmapUpdate } from '#protocol/pdu/bitmap-update.ts';
import type { TlsPeer } from '#protocol/security/certificate.ts';
import { RdpClient } from '#protocol/session/rdp-client.ts';
import { RdpServer, type ServerOutput } from '#protocol/session/rdp-server.ts';
import { nodeCrypto } from '../../../gateway/rdp/node-crypto.ts';
import type { Stream } from '../streams/stream.ts';

/**
 * A stream's frames as they go over the wire below TLS, built once. Nothing in them belongs to one connection but the
 * numbers of its channels, so all connections with the same ones are sent the same buffers.
 */
export class WireFrames {
  readonly stream: Stream;
  readonly #byShape = new Map<string, readonly Buffer[]>();

  constructor(stream: Stream) {
    this.stream = stream;
  }

  /** Whether the graphics pipeline has to be open for it. */
  get usesPipeline(): boolean {
    return this.stream.frames.some(({ updates }) => updates.some(({ code }) => code === UpdateCode.graphicsPipeline));
  }

  of(server: RdpServer): readonly Buffer[] {
    const shape = shapeOf(server);
    const known = this.#byShape.get(shape);
    if (known !== undefined) return known;
    const frames = this.stream.frames.map(({ updates }) =>
      Buffer.concat(updates.flatMap((update) => sentBy(server, update))),
    );
    this.#byShape.set(shape, frames);
    return frames;
  }
}

/** What decides about the bytes besides the stream. */
function shapeOf(server: RdpServer): string {
  const { connection } = server;
  if (connection === undefined) throw new Error('no connection to send frames on');
  return [
    connection.ioChannelId,
    connection.share.maxUpdateSize,
    ...connection.channels.map(({ name, id }) => `${name}:${id}`),
  ].join();
}

function sentBy(server: RdpServer, { code, data }: GraphicsUpdate): Uint8Array[] {
  // The desktop's size is what the client asked for.
  if (code === UpdateCode.desktopReset) return [];
  const outputs =
    code === UpdateCode.graphicsPipeline
      ? server.graphics(pdusOf(data))
      : partsOf(server, code, data).flatMap((part) => server.update(code, part));
  return outputs.flatMap((output) => (output.kind === 'send' ? [output.bytes] : []));
}

/**
 * What a client takes at once may be less than what another one was sent: bitmaps then go one by one.
 * [MS-RDPBCGR] 2.2.7.2.6, `MaxRequestSize`
 */
function partsOf(server: RdpServer, code: number, data: Uint8Array): Uint8Array[] {
  const most = server.connection?.share.maxUpdateSize ?? 0;
  if (code !== UpdateCode.bitmap || data.length <= most) return [data];
  const { rectangles } = decodeBitmapUpdate(new ReadCursor(data, 'TS_UPDATE_BITMAP_DATA'));
  return rectangles.map((rectangle) => {
    const update = { rectangles: [rectangle] };
    const cursor = new WriteCursor(sizeOfBitmapUpdate(update));
    encodeBitmapUpdate(update, cursor);
    return cursor.finish();
  });
}

function pdusOf(data: Uint8Array): SentGfxPdu[] {
  const cursor = new ReadCursor(data, 'RDPGFX_HEADER');
  const pdus: SentGfxPdu[] = [];
  while (cursor.remaining > 0) {
    const pdu: GfxPdu = decodeGfxPdu(cursor);
    if (pdu.kind !== 'unknown') pdus.push(pdu);
  }
  return pdus;
}

/** A server whose client is in memory and connected, with the graphics pipeline open: for bytes that no client asks for. */
export function connectedServer(width: number, height: number, peer: TlsPeer): RdpServer {
  const server = new RdpServer(
    { computerName: 'BENCH', tls: { authenticate: () => true }, compressesGraphics: false },
    nodeCrypto,
  );
  const client = new RdpClient(
    {
      ...{ host: 'bench', username: 'bench', password: '', domain: '', width, height, colorDepth: 32 },
      ...{ nla: 'never', keyboardLayout: 0x409, clientName: 'bench' },
      ...offerGraphics(['surface', 'remotefx', 'rdpgfx']),
    },
    nodeCrypto,
  );
  const up: Uint8Array[] = [];
  const down: Uint8Array[] = [];
  const takeServer = (outputs: readonly ServerOutput[]): void => {
    for (const output of outputs) {
      if (output.kind === 'send') down.push(output.bytes);
      else if (output.kind === 'start-tls') takeServer(server.tlsEstablished(peer, 0));
      else if (output.kind === 'connected') takeServer(server.openGraphics());
      else if (output.kind === 'refused') throw new Error(`refused: ${output.reason}`);
    }
  };
  const takeClient = (outputs: ReturnType<RdpClient['start']>): void => {
    for (const output of outputs) {
      if (output.kind === 'send') up.push(output.bytes);
      else if (output.kind === 'start-tls') takeClient(client.tlsEstablished(peer, 0));
    }
  };
  takeClient(client.start());
  while (up.length + down.length > 0) {
    for (const bytes of up.splice(0)) takeServer(server.receive(bytes, 0));
    for (const bytes of down.splice(0)) takeClient(client.receive(bytes, 0));
  }
  return server;
}
