import type { RdpConnectionEvents } from '../../gateway/rdp/connection-contract.ts';
import { RdpConnection } from '../../gateway/rdp/driver.ts';
import type { ConnectionEnd } from '../../gateway/rdp/failures.ts';
import { nodeCrypto } from '../../gateway/rdp/node-crypto.ts';
import type { ClipboardOutput } from '../../protocol/channels/cliprdr/clipboard-channel.ts';
import { decodeGfxPdu } from '../../protocol/channels/rdpgfx/decode-pdu.ts';
import type { ClientConfig } from '../../protocol/connector/types.ts';
import { ReadCursor } from '../../protocol/core/cursor.ts';
import { Compositor } from '../../protocol/graphics/compositor.ts';
import { createSurfaceCodecs } from '../../protocol/graphics/surface-codecs.ts';
import { type GraphicsUpdate, UpdateCode } from '../../protocol/graphics/update.ts';
import { decodeBitmapUpdate } from '../../protocol/pdu/bitmap-update.ts';
import { decodeSurfaceCommand } from '../../protocol/pdu/surface-command.ts';
import { RdpClient } from '../../protocol/session/rdp-client.ts';
import { comparePictures, type Desktop, type Picture } from './desktop.ts';
import { Hopeless, waitFor } from './processes.ts';
import type { LabServer } from './server.ts';

/** The project's own client at a real server, without gateway or browser. */
export interface LabClient {
  readonly connection: RdpConnection;
  readonly compositor: Compositor;
  readonly phases: readonly string[];
  /** What the server has sent so far, by `wireName`, and how often. */
  readonly received: ReadonlyMap<string, number>;
  end(): ConnectionEnd | undefined;
  picture(): Picture;
}

type Account = Pick<LabServer, 'host' | 'port' | 'username' | 'password' | 'width' | 'height'>;

/**
 * @param record takes a copy of every update
 * @param clipboard hears what the server's clipboard says
 */
export function connectTo(
  server: Account,
  options: Partial<ClientConfig> = {},
  record?: (update: GraphicsUpdate) => void,
  clipboard?: (output: ClipboardOutput) => void,
): LabClient {
  const compositor = new Compositor(createSurfaceCodecs());
  const phases: string[] = [];
  const received = new Map<string, number>();
  let end: ConnectionEnd | undefined;
  const connection = openConnection(server, options, {
    phase: (phase) => phases.push(phase),
    graphics: (update) => {
      for (const name of wireNames(update)) received.set(name, (received.get(name) ?? 0) + 1);
      record?.({ code: update.code, data: update.data.slice() });
      compositor.apply(update);
    },
    clipboard: (output) => clipboard?.(output),
    ended: (reason) => {
      end = reason;
    },
  });
  return {
    connection,
    compositor,
    phases,
    received,
    end: () => end,
    picture() {
      const { width, height, pixels } = compositor;
      const rgb = new Uint8Array(width * height * 3);
      for (let from = 0, to = 0; from < pixels.length; from += 4, to += 3) rgb.set(pixels.subarray(from, from + 3), to);
      return { width, height, rgb };
    },
  };
}

/** Logs on, and draws nothing: what the server sends is `on`'s. */
export function openConnection(
  { host, port, username, password, width, height }: Account,
  options: Partial<ClientConfig>,
  on: Pick<RdpConnectionEvents, 'graphics' | 'ended'> & Partial<RdpConnectionEvents>,
): RdpConnection {
  const config: ClientConfig = {
    ...{ host, username, password, domain: '', width, height, colorDepth: 32, nla: 'preferred' },
    ...{ keyboardLayout: 0x409, clientName: 'oriel-test', autoDetect: true },
    ...options,
  };
  const nothing = () => {};
  return new RdpConnection(
    new RdpClient(config, nodeCrypto),
    { host, port, trust: () => true },
    { phase: nothing, connected: nothing, bytes: nothing, clipboard: nothing, ...on },
  );
}

/** What an update holds, so that a test can tell by which way a picture came: `bitmap 16`, `surface 3`, `gfx 10`. */
function wireNames({ code, data }: GraphicsUpdate): string[] {
  const names: string[] = [];
  if (code === UpdateCode.bitmap) {
    for (const { bitsPerPixel } of decodeBitmapUpdate(new ReadCursor(data, 'test')).rectangles) {
      names.push(`bitmap ${bitsPerPixel}`);
    }
  } else if (code === UpdateCode.surfaceCommands) {
    const cursor = new ReadCursor(data, 'test');
    while (cursor.remaining > 0) {
      const command = decodeSurfaceCommand(cursor);
      if (command.kind === 'bits') names.push(`surface ${command.codecId}`);
    }
  } else if (code === UpdateCode.graphicsPipeline) {
    const cursor = new ReadCursor(data, 'test');
    while (cursor.remaining > 0) {
      const pdu = decodeGfxPdu(cursor);
      if ('codecId' in pdu) names.push(`gfx ${pdu.codecId}`);
    }
  }
  return names;
}

/** How near a picture has to come: exactly, exactly but for low bits that a depth has not got, or by PSNR. */
export type Nearness = ({ readonly tolerance: number } | { readonly psnr: number }) & {
  /** The part of the pictures that counts; all unless given. */
  readonly area?: { readonly x: number; readonly y: number; readonly width: number; readonly height: number };
};

/** Waits until the client has drawn what the X side shows. */
export function drawsWhatXShows(client: LabClient, desktop: Desktop, nearness: Nearness): Promise<void> {
  return drawsPicture(client, () => desktop.screenshot(), nearness);
}

export async function drawsPicture(
  client: LabClient,
  truth: () => Picture | Promise<Picture>,
  nearness: Nearness,
): Promise<void> {
  await waitFor("the client's picture to equal the server's", async () => {
    if (client.end() !== undefined) throw new Hopeless(`the connection has ended: ${JSON.stringify(client.end())}`);
    if (client.compositor.width === 0) return false;
    const tolerance = 'tolerance' in nearness ? nearness.tolerance : 0;
    const { area } = nearness;
    const shown = await truth();
    const { share, psnr } = comparePictures(client.picture(), shown, { tolerance, ...(area && { area }) });
    if ('psnr' in nearness ? psnr < nearness.psnr : share > 0) {
      throw new Error(`${(share * 100).toFixed(3)} % of the pixels differ, PSNR ${psnr.toFixed(1)} dB`);
    }
    return true;
  });
}
