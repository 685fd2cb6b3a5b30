import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import type { GraphicsUpdate } from '../../protocol/graphics/update.ts';
import { decodeGolden } from './decode.ts';

const FOLDER = join(import.meta.dirname, 'files');

/** Bytes in, pixels out: `NAME.updates` and `NAME.png`. */
export interface Golden {
  readonly name: string;
  readonly records: Uint8Array;
  /** RGBA. */
  readonly pixels: Buffer;
  readonly width: number;
  readonly height: number;
}

export async function readGoldens(): Promise<Golden[]> {
  const names = readdirSync(FOLDER).filter((file) => file.endsWith('.updates'));
  return Promise.all(
    names.sort().map(async (file) => {
      const name = file.slice(0, -'.updates'.length);
      const image = sharp(join(FOLDER, `${name}.png`)).ensureAlpha();
      const { data, info } = await image.raw().toBuffer({ resolveWithObject: true });
      return { name, records: readFileSync(join(FOLDER, file)), pixels: data, width: info.width, height: info.height };
    }),
  );
}

/** Writes a golden whose picture is what the decoders make of it now; the caller has held that against the truth. */
export async function writeGolden(name: string, updates: readonly GraphicsUpdate[]): Promise<void> {
  const records = Buffer.concat(
    updates.map(({ code, data }) => {
      const head = Buffer.alloc(5);
      head.writeUInt8(code);
      head.writeUInt32LE(data.length, 1);
      return Buffer.concat([head, data]);
    }),
  );
  const { width, height, pixels } = decodeGolden(records);
  writeFileSync(join(FOLDER, `${name}.updates`), records);
  const image = sharp(Buffer.from(pixels.buffer, 0, pixels.length), { raw: { width, height, channels: 4 } });
  await image
    .removeAlpha()
    .png({ compressionLevel: 9 })
    .toFile(join(FOLDER, `${name}.png`));
}
