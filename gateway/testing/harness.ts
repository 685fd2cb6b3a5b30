import { createReadStream } from 'node:fs';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import type { IncomingHttpHeaders } from 'node:http';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable, Writable } from 'node:stream';
import { WebSocket } from 'ws';
import type { ClipboardAction } from '#protocol/channels/cliprdr/clipboard-channel.ts';
import type { GraphicsUpdate } from '#protocol/graphics/update.ts';
import type { InputEvent } from '#protocol/pdu/input.ts';
import type { BrowserMessage } from '#protocol/tunnel/messages.ts';
import { decodeGatewayMessage, encodeBrowserMessage, type GatewayMessage } from '#protocol/tunnel/messages.ts';
import type { SessionEnd } from '#protocol/tunnel/sink.ts';
import type { Role } from '../access/can.ts';
import { readConfig } from '../config.ts';
import type { Evidence, RecordingEvent, Verdict } from '../evidence/evidence.ts';
import { type Gateway, type GatewayOptions, type GatewayParts, startGateway } from '../gateway.ts';
import type { ServedFile } from '../http/send-file.ts';
import type { LiveRecordings, LiveVideo } from '../library/live-recordings.ts';
import { createLogger } from '../log.ts';
import type { RecordingStorage } from '../retention/retention.ts';
import type { Space } from '../retention/storage-space.ts';
import type {
  Connect,
  Driver,
  DriverEvents,
  DriverOptions,
  PixelOptions,
  PixelOwner,
  PixelSession,
  Pixels,
  PixelViewer,
  RecordingResult,
} from '../sessions/ports.ts';
import { testSigner } from './trail-signer.ts';

/** A real gateway (HTTPS, store, vault, tunnel) on a free port, with a driver and pixel host that a test plays itself. */
export interface Harness {
  readonly gateway: Gateway;
  readonly driver: FakeDriver;
  readonly pixels: FakePixels;
  readonly evidence: FakeEvidence;
  readonly storage: FakeStorage;
  readonly live: FakeLive;
  readonly dataDirectory: string;
  readonly log: readonly string[];
  call(method: string, path: string, options?: CallOptions): Promise<Answer>;
  /** Signs in; returns the token. */
  signIn(username: string, password: string): Promise<string>;
  /** Makes a user with this role, entitled to every account without asking, and signs in. */
  userWith(role: Role): Promise<string>;
  openTunnel(options?: { origin?: string; protocols?: string[]; path?: string }): TunnelClient;
  /** A target with an account. */
  target(): Promise<{ targetId: string; accountId: string }>;
  stop(): Promise<void>;
}

export interface CallOptions {
  readonly token?: string;
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
  readonly json: any;
}

export const ADMIN_PASSWORD = 'correct horse';
export const CANARY = 'cAnAry-Passw0rd-€-unique';

/** @param change what is real of it, or otherwise */
export async function startHarness(
  environment: Record<string, string> = {},
  attachWithinMs = 5000,
  change: Pick<GatewayOptions, 'linkClock'> & { readonly parts?: Partial<GatewayParts> } = {},
): Promise<Harness> {
  const dataDirectory = await mkdtemp(join(tmpdir(), 'oriel-gateway-'));
  const log: string[] = [];
  const config = readConfig(
    {
      ORIEL_PORT: '0',
      ORIEL_HOST: '127.0.0.1',
      ORIEL_DATA: dataDirectory,
      ORIEL_ADMIN_PASSWORD: ADMIN_PASSWORD,
      ORIEL_LOG_LEVEL: 'trace',
      ...environment,
    },
    dataDirectory,
  );
  const driver = new FakeDriver();
  const pixels = new FakePixels();
  const evidence = new FakeEvidence();
  const storage = new FakeStorage();
  const live = new FakeLive();
  const stream = new Writable({
    write(chunk, _encoding, done) {
      log.push(String(chunk));
      done();
    },
  });
  const gateway = await startGateway({
    config,
    log: createLogger(config.logLevel, stream),
    version: '0.0.0-test',
    webRoot: join(dataDirectory, 'web'),
    attachWithinMs,
    ...(change.linkClock === undefined ? {} : { linkClock: change.linkClock }),
    parts: {
      connect: driver.connect,
      pixels,
      recordings: {
        video: (id) => plainFile(join(dataDirectory, 'recordings', id, 'video.mp4')),
        thumbnail: (id) => plainFile(join(dataDirectory, 'recordings', id, 'thumbnail.jpg')),
      },
      evidence,
      trailSigner: testSigner(),
      storage,
      live,
      recoverRecordings: async () => new Map(),
      ...change.parts,
    },
  }).catch(async (error: unknown) => {
    await rm(dataDirectory, { recursive: true });
    throw error;
  });
  const call = (method: string, path: string, options: CallOptions = {}) =>
    callApi(gateway.port, method, path, options);
  const signIn = async (username: string, password: string) => {
    const answer = await call('POST', '/api/login', { body: { username, password } });
    if (answer.status !== 200) throw new Error(`sign-in failed: ${answer.text}`);
    return answer.json.token as string;
  };
  const tunnels: TunnelClient[] = [];
  let users = 0;
  return {
    gateway,
    driver,
    pixels,
    evidence,
    storage,
    live,
    dataDirectory,
    log,
    call,
    signIn,
    async userWith(role) {
      const username = `${role}${++users}`;
      const password = `password of ${username}`;
      const { id } = await gateway.services.users.create(username, password, [role]);
      await gateway.services.groups.addAdministrator(id);
      return signIn(username, password);
    },
    openTunnel(options = {}) {
      const tunnel = new TunnelClient(gateway.port, options);
      tunnels.push(tunnel);
      return tunnel;
    },
    async target() {
      const { targets } = gateway.services;
      const target = await targets.create({ name: 'server', host: '192.0.2.10' });
      const account = await targets.addAccount(target.id, { username: 'jane', password: CANARY });
      return { targetId: target.id, accountId: account.id };
    },
    async stop() {
      for (const tunnel of tunnels) tunnel.socket.terminate();
      await gateway.stop();
      await rm(dataDirectory, { recursive: true });
    },
  };
}

/** A driver whose server is the test. */
export class FakeDriver {
  readonly connections: FakeConnection[] = [];

  readonly connect: Connect = (options, events) => {
    const connection = new FakeConnection(options, events);
    this.connections.push(connection);
    return connection;
  };

  get last(): FakeConnection {
    const connection = this.connections.at(-1);
    if (connection === undefined) throw new Error('nothing was connected');
    return connection;
  }
}

export class FakeConnection implements Driver {
  readonly options: DriverOptions;
  readonly events: DriverEvents;
  readonly typed: InputEvent[] = [];
  /** What else was asked of the server, in order. */
  readonly asked: string[] = [];
  /** What was said to the server's clipboard. */
  readonly clipboardActions: ClipboardAction[] = [];
  /** What was told of the owner's progress. */
  readonly progress: string[] = [];
  paused = false;
  closed = false;

  constructor(options: DriverOptions, events: DriverEvents) {
    this.options = options;
    this.events = events;
  }

  input(events: readonly InputEvent[]): void {
    this.typed.push(...events);
  }
  pause(): void {
    this.paused = true;
  }
  resume(): void {
    this.paused = false;
  }
  drawn(updates: number, behindBytes: number): void {
    this.progress.push(`${updates} drawn, ${behindBytes} bytes behind`);
  }
  unwatched(): void {
    this.progress.push('unwatched');
  }
  refresh(): void {
    this.asked.push('refresh');
  }
  suppressOutput(suppress: boolean): void {
    this.asked.push(`suppress ${suppress}`);
  }
  resize(width: number, height: number): void {
    this.asked.push(`resize ${width} x ${height}`);
  }
  clipboard(action: ClipboardAction): void {
    this.clipboardActions.push(action);
  }
  close(): void {
    this.closed = true;
  }
}

/** Evidence of every recording, as a test sets it. */
export class FakeEvidence implements Evidence {
  found: readonly RecordingEvent[] | undefined = [{ n: 0, at: 0, t: null, type: 'log', prev: '0'.repeat(64) }];
  verdict: Verdict = 'whole';
  /** The last file that was sent. */
  received: string | undefined;
  /** What a bundle waits for: its recording is checked first. */
  checked: Promise<void> = Promise.resolve();

  async publicKey() {
    return { algorithm: 'Ed25519', id: 'a'.repeat(64), pem: 'PEM' } as const;
  }
  async events() {
    return this.found;
  }
  async verify() {
    return { verdict: this.verdict, text: 'words', report: { verdict: this.verdict } };
  }
  async verifyFile(bytes: Readable) {
    this.received = Buffer.concat(await bytes.toArray()).toString('latin1');
    return this.verify();
  }
  async bundle() {
    await this.checked;
    return this.found && { zip: Readable.from([Buffer.from('PK')]), verdict: this.verdict };
  }
}

/** Where recordings are; counts what is destroyed. */
export class FakeStorage implements RecordingStorage {
  readonly destroyed: string[] = [];
  room: Space | undefined = { free: 100e9, total: 200e9 };
  /** What `destroy` answers with instead, once set. */
  refusal: Error | undefined;

  async destroy(id: string): Promise<void> {
    if (this.refusal !== undefined) throw this.refusal;
    this.destroyed.push(id);
  }
  async space(): Promise<Space | undefined> {
    return this.room;
  }
}

/** A recording that goes on, as a test sets it. */
export class FakeLive implements LiveRecordings {
  found: LiveVideo | undefined;
  bytes = new Uint8Array();

  async video(): Promise<LiveVideo | undefined> {
    return this.found;
  }
  async read(_id: string, segment: number, from: number): Promise<Uint8Array | undefined> {
    return this.found?.segments[segment] && this.bytes.subarray(from);
  }
}

/** A pixel host that keeps what it is given. */
async function plainFile(path: string): Promise<ServedFile | undefined> {
  const facts = await stat(path).catch(() => undefined);
  return (
    facts && {
      size: facts.size,
      modifiedAt: facts.mtimeMs,
      stream: (start, end) => createReadStream(path, { start, end: end - 1 }),
      close: async () => {},
    }
  );
}

export class FakePixels implements Pixels {
  readonly sessions: FakePixelSession[] = [];
  /** What `open` answers with instead, once set. */
  refusal: Error | undefined;

  async open(options: PixelOptions): Promise<PixelSession> {
    if (this.refusal !== undefined) throw this.refusal;
    const session = new FakePixelSession(options);
    this.sessions.push(session);
    return session;
  }

  get last(): FakePixelSession {
    const session = this.sessions.at(-1);
    if (session === undefined) throw new Error('no session in the pixel host');
    return session;
  }
}

export class FakePixelSession implements PixelSession {
  readonly options: PixelOptions;
  readonly updates: GraphicsUpdate[] = [];
  readonly pointers: [number, number][] = [];
  readonly viewers: PixelViewer[] = [];
  /** Those of them that are owners; and how large a state they have asked for. */
  readonly owners: PixelOwner[] = [];
  readonly stateLimits: number[] = [];
  readonly acknowledged: number[] = [];
  readonly events: { type: string; fields: Readonly<Record<string, unknown>>; at: number }[] = [];
  readonly #finished = Promise.withResolvers<RecordingResult | 'left' | undefined>();
  readonly finished = this.#finished.promise;
  /** How often it was said that somebody plays the recording. */
  timesWatched = 0;
  end: SessionEnd | undefined;
  result: RecordingResult | 'left' | undefined = { durationMs: 1234, bytes: 5678 };

  constructor(options: PixelOptions) {
    this.options = options;
  }

  readonly sink = {
    graphics: (update: GraphicsUpdate) => {
      this.updates.push({ code: update.code, data: update.data.slice() });
    },
    pointerMoved: (x: number, y: number) => {
      this.pointers.push([x, y]);
    },
    end: (reason: SessionEnd) => {
      this.end = reason;
      this.#finished.resolve(this.result);
    },
  };

  event(type: string, fields: Readonly<Record<string, unknown>>, at: number): void {
    this.events.push({ type, fields, at });
  }

  pending(): void {}

  watchAsOwner(owner: PixelOwner) {
    this.owners.push(owner);
    const watch = this.watch(owner);
    return { ...watch, takeState: (limit: number) => void this.stateLimits.push(limit) };
  }

  recordingWatched(): void {
    this.timesWatched += 1;
  }

  watch(viewer: PixelViewer) {
    this.viewers.push(viewer);
    return {
      acknowledge: (seq: number) => {
        this.acknowledged.push(seq);
      },
      close: () => {
        this.viewers.splice(this.viewers.indexOf(viewer), 1);
      },
    };
  }
}

/** The browser's end of a tunnel. */
export class TunnelClient {
  readonly socket: WebSocket;
  readonly messages: GatewayMessage[] = [];
  readonly closed: Promise<{ code: number; reason: string }>;
  readonly opened: Promise<void>;
  #waiting: (() => void)[] = [];

  constructor(port: number, options: { origin?: string; protocols?: string[]; path?: string }) {
    this.socket = new WebSocket(
      `wss://127.0.0.1:${port}${options.path ?? '/tunnel'}`,
      options.protocols ?? ['oriel.v1'],
      {
        rejectUnauthorized: false,
        origin: options.origin ?? `https://127.0.0.1:${port}`,
      },
    );
    this.opened = new Promise((resolve, reject) => {
      this.socket.once('open', () => resolve());
      this.socket.once('error', reject);
    });
    this.opened.catch(() => {});
    this.closed = new Promise((resolve) => {
      this.socket.once('close', (code, reason) => {
        resolve({ code, reason: String(reason) });
        this.#wake();
      });
    });
    this.socket.on('error', () => {});
    this.socket.on('message', (data) => {
      this.messages.push(decodeGatewayMessage(new Uint8Array(data as Buffer)));
      this.#wake();
    });
  }

  send(message: BrowserMessage): void {
    this.socket.send(encodeBrowserMessage(message));
  }

  async attach(ticket: string): Promise<void> {
    await this.opened;
    this.send({ type: 'attach', ticket, version: 1 });
  }

  /** The next message of this type that was not asked for before; waits for it. Rejects when the tunnel closes first. */
  async next<T extends GatewayMessage['type']>(type: T): Promise<Extract<GatewayMessage, { type: T }>> {
    for (;;) {
      const at = this.messages.findIndex((message) => message.type === type);
      if (at >= 0) return this.messages.splice(at, 1)[0] as Extract<GatewayMessage, { type: T }>;
      if (this.socket.readyState === WebSocket.CLOSED) throw new Error(`closed before ${type}`);
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}

/** Waits until something is so; for what happens in the gateway with nothing to await. Node's test runner bounds it. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 5));
}

export function callApi(port: number, method: string, path: string, options: CallOptions = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const body = options.body === undefined ? undefined : JSON.stringify(options.body);
    const outgoing = request(
      {
        host: '127.0.0.1',
        port,
        method,
        path,
        rejectUnauthorized: false,
        agent: false,
        headers: {
          ...(options.token === undefined ? {} : { Authorization: `Bearer ${options.token}` }),
          // Node says no length by itself with DELETE.
          ...(body === undefined
            ? {}
            : { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) }),
          ...options.headers,
        },
      },
      (response) => {
        const parts: Buffer[] = [];
        response.on('data', (part: Buffer) => parts.push(part));
        response.on('error', reject);
        response.on('end', () => {
          const text = Buffer.concat(parts).toString('utf8');
          const isJson = /^application\/json(;|$)/.test(response.headers['content-type'] ?? '') && text !== '';
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            text,
            json: isJson ? JSON.parse(text) : undefined,
          });
        });
      },
    );
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}
