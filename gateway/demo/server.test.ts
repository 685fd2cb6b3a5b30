import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { generate } from 'selfsigned';
import type { ClientConfig } from '#protocol/connector/types.ts';
import { Compositor } from '#protocol/graphics/compositor.ts';
import { ErrorInfo } from '#protocol/pdu/error-info.ts';
import { type InputEvent, MouseButton } from '#protocol/pdu/input.ts';
import { RdpClient } from '#protocol/session/rdp-client.ts';
import { RdpConnection } from '../rdp/driver.ts';
import { nodeCrypto } from '../rdp/node-crypto.ts';
import type { DemoDesktop } from './desktop.ts';
import { startDemoProcess } from './process.ts';
import { type DemoServer, startDemoServer } from './server.ts';

const credentials = { username: 'demo', password: 'demo password' };

/** A client that shows what it gets on a compositor. */
class Client {
  readonly compositor = new Compositor();
  readonly connection: RdpConnection;
  end: { readonly code: string } | undefined;
  updates = 0;
  #wake: () => void = () => {};

  constructor(port: number, config: Partial<ClientConfig> = {}) {
    const client = new RdpClient(
      {
        host: '127.0.0.1',
        ...credentials,
        domain: '',
        width: 640,
        height: 480,
        colorDepth: 32,
        nla: 'required',
        keyboardLayout: 0x409,
        clientName: 'test',
        ...config,
      },
      nodeCrypto,
    );
    this.connection = new RdpConnection(
      client,
      { host: '127.0.0.1', port, trust: () => true },
      {
        phase: () => {},
        connected: () => {},
        bytes: () => {},
        graphics: (update) => {
          this.updates++;
          this.compositor.apply(update);
          this.#wake();
        },
        ended: (end) => {
          this.end = end;
          this.#wake();
        },
      },
    );
  }

  /** Waits for something to be so; each update and the end make it look again. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      assert.equal(this.end, undefined);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  async untilEnd(): Promise<string | undefined> {
    while (!this.end) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return this.end.code;
  }

  /** Waits until the client shows what the server has drawn, here: time goes on meanwhile. */
  shows(desktop: () => DemoDesktop | undefined, at: { x: number; y: number; width: number; height: number }) {
    return this.until(() => {
      const drawn = desktop()?.read(at);
      if (!drawn || this.compositor.width === 0) return false;
      for (let row = 0; row < at.height; row++) {
        const start = ((at.y + row) * this.compositor.width + at.x) * 4;
        const shown = this.compositor.pixels.subarray(start, start + at.width * 4);
        if (Buffer.compare(bytesOf(shown), bytesOf(drawn.subarray(row * at.width * 4, (row + 1) * at.width * 4)))) {
          return false;
        }
      }
      return true;
    });
  }
}

function bytesOf(array: Uint8ClampedArray): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.length);
}

function type(codes: readonly number[]): InputEvent[] {
  return codes.flatMap((code) => [
    { kind: 'scancode', code, extended: false, down: true } as const,
    { kind: 'scancode', code, extended: false, down: false } as const,
  ]);
}

describe('demo server', { timeout: 120_000 }, () => {
  let tls: { cert: string; key: string };
  let server: DemoServer;
  const errors: unknown[] = [];
  const clients: Client[] = [];
  const open = (config?: Partial<ClientConfig>, port = server.port) => {
    const client = new Client(port, config);
    clients.push(client);
    return client;
  };
  /** The session that was opened last. */
  const lastSession = () => [...server.sessions].at(-1);

  before(async () => {
    const made = await generate([{ name: 'commonName', value: 'demo' }], { keySize: 2048, algorithm: 'sha256' });
    tls = { cert: made.cert, key: made.private };
    server = await startDemoServer({ credentials, tls, onClientError: (error) => errors.push(error) });
  });
  after(async () => {
    for (const client of clients) client.connection.close();
    await server.close();
  });

  for (const [nla, colorDepth] of [
    ['required', 32],
    ['never', 24],
  ] as const) {
    it(`shows its desktop at ${colorDepth} bpp, NLA ${nla}, and what is typed and clicked`, async () => {
      const client = open({ nla, colorDepth });
      await client.until(() => client.updates > 1);
      const session = lastSession();
      const desktop = session?.desktop;
      assert.ok(desktop);
      assert.deepEqual([desktop.width, desktop.height], [640, 480]);
      client.connection.input(type([0x23, 0x17]));
      await client.until(() => desktop.notes.buffer.text === 'hi');
      await client.shows(() => session.desktop, { x: 60, y: 140, width: 200, height: 60 });

      const { x, y } = desktop.button;
      const at = { button: MouseButton.left, x: x + 50, y: y + 60 };
      client.connection.input([
        { kind: 'mouse-button', down: true, ...at },
        { kind: 'mouse-button', down: false, ...at },
      ]);
      await client.until(() => desktop.button.clicks === 1);
      client.connection.input([{ kind: 'mouse-move', x: 100, y: 180 }]);
      await client.until(() => client.compositor.pointer.shape?.hotX === 4);
      client.connection.close();
    });
  }

  it('gives each client a desktop of its own', async () => {
    const [one, two] = [open(), open({ width: 800, height: 600, colorDepth: 16 })];
    await Promise.all([one, two].map((client) => client.until(() => client.updates > 1)));
    assert.equal(two.compositor.width, 800);
    const desktops = [...server.sessions].map((session) => session.desktop);
    one.connection.input(type([0x1e]));
    await one.until(() => desktops.some((desktop) => desktop?.notes.buffer.text === 'a'));
    assert.equal(desktops.filter((desktop) => desktop?.notes.buffer.text === 'a').length, 1);
    one.connection.close();
    two.connection.close();
  });

  it('changes its size in mid-session', async () => {
    const client = open();
    await client.until(() => client.updates > 1);
    const session = lastSession();
    session?.resize(720, 500);
    await client.until(() => client.compositor.width === 720 && client.compositor.height === 500);
    await client.shows(() => session?.desktop, { x: 0, y: 0, width: 200, height: 32 });
    client.connection.input(type([0x1e]));
    await client.until(() => session?.desktop?.notes.buffer.text === 'a');
    client.connection.close();
  });

  it('refuses a wrong password by NLA and by TLS, and lets the next one in', async () => {
    assert.equal(await open({ password: 'wrong' }).untilEnd(), 'logon_failed');
    assert.equal(await open({ password: 'wrong', nla: 'never' }).untilEnd(), 'logon_failed');
    assert.equal(await open({ username: 'nobody' }).untilEnd(), 'logon_failed');
    const client = open();
    await client.until(() => client.updates > 1);
    client.connection.close();
  });

  it('says why it ends a session', async () => {
    const client = open();
    await client.until(() => client.updates > 1);
    lastSession()?.end(ErrorInfo.logoffByUser);
    assert.equal(await client.untilEnd(), 'logged_off');
  });

  it('survives what is no RDP', async () => {
    errors.length = 0;
    const socket: Socket = connect(server.port, '127.0.0.1', () => socket.write('GET / HTTP/1.1\r\n\r\n'));
    await new Promise((resolve) => socket.once('close', resolve).resume());
    assert.match(String(errors[0]), /DecodeError/);
    const client = open();
    await client.until(() => client.updates > 1);
    client.connection.close();
  });

  it('does not draw for a client that does not read', async () => {
    const client = open({ width: 1280, height: 1024 });
    await client.until(() => client.updates > 1);
    const session = lastSession();
    client.connection.pause();
    const redraw = async () => {
      session?.desktop?.invalidate();
      await setTimeout(40);
    };
    // Until the kernel's buffers are full, which is when ours no longer empties; then many more frames.
    for (let full = 0; full < 5; full = session?.queuedBytes === 0 ? 0 : full + 1) await redraw();
    for (let i = 0; i < 30; i++) await redraw();
    assert.ok(session && session.queuedBytes < 512 * 1024, `${session?.queuedBytes} bytes are queued`);
    client.connection.resume();
    await client.shows(() => session.desktop, { x: 0, y: 0, width: 200, height: 32 });
    client.connection.close();
  });

  it('refuses clients beyond its limit, and NLA-less ones where it is required', async () => {
    const strict = await startDemoServer({ credentials, tls, maxClients: 1, nla: 'required' });
    try {
      assert.equal(await open({ nla: 'never' }, strict.port).untilEnd(), 'nla_required');
      const first = open({}, strict.port);
      await first.until(() => first.updates > 1);
      assert.ok(await open({}, strict.port).untilEnd());
      first.connection.close();
    } finally {
      await strict.close();
    }
  });

  it('runs as a process of its own and ends with it', async () => {
    const demo = await startDemoProcess({ credentials, tls });
    const client = open({}, demo.port);
    await client.until(() => client.updates > 1);
    // Ctrl+C in the terminal is for the gateway, which ends its sessions before their server.
    assert.ok(demo.pid !== undefined);
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.kill(demo.pid, signal);
    const another = open({}, demo.port);
    await another.until(() => another.updates > 1);
    await demo.stop();
    assert.ok(await client.untilEnd());
    await assert.rejects(startDemoProcess({ credentials, tls, port: server.port }), /EADDRINUSE/);
  });
});
