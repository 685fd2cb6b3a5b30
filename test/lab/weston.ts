import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodePng, type Picture } from './desktop.ts';
import { freePort, type LabProcess, runCommand, startProcess, waitForPort } from './processes.ts';

const POINTER_BOTTOM = 128;

/** weston's desktop: the whole screen shows a picture that the test knows, pixel for pixel. */
export interface WestonServer {
  readonly host: string;
  readonly port: number;
  readonly username: string;
  readonly password: string;
  readonly width: number;
  readonly height: number;
  readonly picture: Picture;
  /** weston draws its pointer, near the upper left corner, into the picture itself; this is the part below. */
  readonly belowPointer: { readonly x: number; readonly y: number; readonly width: number; readonly height: number };
  /** Opens a terminal over the picture. */
  openTerminal(): void;
  stop(): Promise<void>;
  log(): string;
}

/**
 * weston 10 with its RDP backend, which sends whole pictures as surface commands: raw, NSCodec or RemoteFX, whatever
 * the client offers. There is no X side to take screenshots of, so its background is the truth.
 */
export async function startWeston(width = 1024, height = 768): Promise<WestonServer> {
  const folder = mkdtempSync(join(tmpdir(), 'oriel-weston-'));
  const started: LabProcess[] = [];
  const picture = testPicture(width, height);
  const stop = async () => {
    for (const child of started.splice(0).reverse()) await child.stop();
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    const runtime = join(folder, 'runtime');
    mkdirSync(runtime, { mode: 0o700 });
    const [certificate, key, image] = [join(folder, 'cert.pem'), join(folder, 'key.pem'), join(folder, 'picture.png')];
    runCommand([
      ...['openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '30', '-subj', '/CN=weston-lab'],
      ...['-keyout', key, '-out', certificate],
    ]);
    writeFileSync(image, await encodePng(picture));
    const configuration = join(folder, 'weston.ini');
    const shell = `locking=false\npanel-position=none\nbackground-image=${image}\nbackground-type=centered\n`;
    writeFileSync(configuration, `[core]\nidle-time=0\n[shell]\n${shell}`);
    const port = await freePort();
    const env = { XDG_RUNTIME_DIR: runtime, HOME: folder };
    const socket = 'wayland-lab';
    const server = startProcess(
      'weston',
      [
        ...['weston', '--backend=rdp-backend.so', '--address=127.0.0.1', `--port=${port}`, `--width=${width}`],
        ...[`--height=${height}`, `--rdp-tls-cert=${certificate}`, `--rdp-tls-key=${key}`, `--socket=${socket}`],
        ...[`--config=${configuration}`, '--idle-time=0'],
      ],
      { env },
    );
    started.push(server);
    await waitForPort(port, server);
    return {
      ...{ host: '127.0.0.1', port, username: 'anyone', password: 'any', width, height, picture, stop },
      belowPointer: { x: 0, y: POINTER_BOTTOM, width, height: height - POINTER_BOTTOM },
      openTerminal() {
        const terminal = ['weston-terminal', '--shell=/bin/sh'];
        started.push(startProcess('terminal', terminal, { env: { ...env, WAYLAND_DISPLAY: socket, PS1: 'lab> ' } }));
      },
      log: () => server.output(),
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/**
 * Gradients, flat parts and hard edges; no two corners alike, so that a picture upside down is noticed. Colour changes
 * slowly and only brightness has edges, as codecs that halve the chroma's resolution expect.
 */
export function testPicture(width: number, height: number): Picture {
  const rgb = new Uint8Array(width * height * 3);
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++, at += 3) {
      const text = y > height / 2 && (x * 5 + y * 3) % 17 < 4 && y % 16 < 9;
      const flat = x < width / 3 && y < height / 3;
      const brightness = (text ? 20 : 110) + (flat ? 0 : (y * 60) / height + ((x ^ y) & 15));
      rgb[at] = brightness + (x * 60) / width;
      rgb[at + 1] = brightness;
      rgb[at + 2] = brightness + (y * 60) / height;
    }
  }
  return { width, height, rgb };
}
