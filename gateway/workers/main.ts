import { rm } from 'node:fs/promises';
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import { Socket } from 'node:net';
import { availableParallelism } from 'node:os';
import { dirname } from 'node:path';
import { EventJournal } from '../../recorder/evidence/event-journal.ts';
import { RecordingFolder } from '../../recorder/storage/recording-folder.ts';
import { trustedProxies } from '../address.ts';
import { every } from '../beat.ts';
import { sessionClock } from '../clock.ts';
import { GatewayError } from '../errors.ts';
import { hardenProcess } from '../hardening.ts';
import { KEEP_ALIVE_MS } from '../http/keep-alive.ts';
import { refuseUnparsed } from '../http/unparsed.ts';
import { createLogger } from '../log.ts';
import { PixelHostProcess } from '../pixels/pixel-host-process.ts';
import { rdpConnector } from '../rdp/connect.ts';
import { Tunnel } from '../tunnel/tunnel.ts';
import { Channel } from './channel.ts';
import { acceptPassedOn, Forwarding, INNER_HEADER_BYTES } from './forwarding.ts';
import { CONNECTION, type ControlCalls, type WorkerCalls, type WorkerSetup } from './messages.ts';
import { relay } from './relay.ts';
import { WorkerSessions } from './worker-sessions.ts';

/**
 * A worker: a child of the control process (`gateway/main.ts`) that serves the connections it is handed and runs the
 * sessions of their tunnels. Speaks `messages.ts` with it. When the control process is gone, it ends its sessions and
 * leaves.
 */

/** How long recordings may take once the control process is gone; what is left then, the pixel host finishes. */
const ORPHANED_MS = 10_000;
const ALIVE_EVERY_MS = 5000;

let log = createLogger(process.env.ORIEL_LOG_LEVEL ?? 'info').child({ part: 'worker' });
hardenProcess();

const control = new Channel<ControlCalls>(
  (message, sent) => {
    if (process.connected) process.send?.(message, undefined, undefined, sent);
  },
  {
    setup: (setup) => run(setup),
    rules: async (rules) => worker?.sessions.useRules(rules),
    command: (id, command) => worker?.sessions.command(id, command),
    recover: (id, key) => started().pixels.recover(id, key),
    leave: () => leave(0),
  } satisfies WorkerCalls,
  log,
);

let worker: Awaited<ReturnType<typeof start>> | undefined;
let leaving = false;

process.on('message', (message, handle) => {
  if (Array.isArray(message) && message[0] === CONNECTION) {
    control.tell('took', message[1]);
    // Its client may be gone already.
    if (handle instanceof Socket) started().take(handle);
    return;
  }
  control.received(message);
});

process.on('disconnect', () => {
  log.warn('the control process is gone');
  control.close();
  setTimeout(() => process.exit(1), ORPHANED_MS);
  void leave(1);
});

// The terminal's Ctrl+C and a service manager's stop reach the whole process group. The control process decides.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});

process.on('uncaughtException', (error) => {
  // A bug of ours. Sessions are ended in good form rather than lost where they stood.
  log.fatal({ err: error }, 'uncaught error');
  setTimeout(() => process.exit(1), ORPHANED_MS);
  void leave(1);
});

async function run(setup: WorkerSetup): Promise<void> {
  log = log.child({ worker: setup.number });
  worker = await start(setup);
  control.tell('ready');
  every(ALIVE_EVERY_MS, () => control.tell('alive'));
}

async function start(setup: WorkerSetup) {
  const pixels = new PixelHostProcess({
    recordingsDirectory: setup.recordingsDirectory,
    ffmpegPath: setup.ffmpegPath,
    encoders: setup.encoders,
    hosts: setup.workers,
    threads: Math.max(1, Math.floor(availableParallelism() / setup.workers)),
    signingKeyFile: setup.signingKeyFile,
    openJournal: (directory, id, key) => new EventJournal(new RecordingFolder(directory, id, key), sessionClock),
    log,
  });
  const sessions = new WorkerSessions({
    connect: rdpConnector(setup.graphics),
    hardwareId: setup.hardwareId,
    pixels,
    control,
    log,
  });
  await sessions.useRules(setup.rules);
  const proxies = setup.proxies === undefined ? undefined : trustedProxies(setup.proxies);
  const tunnel = new Tunnel({
    gate: {
      async enter(ticket, address) {
        const attachment = await control.ask('enter', ticket, address);
        if (attachment.role === 'owner') sessions.begin(attachment.order);
        else setImmediate(() => sessions.tellViews());
        return attachment;
      },
      left: (viewing) => {
        control.tell('left', viewing);
        sessions.tellViews();
      },
    },
    session: (id) => sessions.get(id),
    relay,
    origins: setup.origins,
    proxies,
    log,
  });

  const forwarding = new Forwarding(setup.controlPath, log);
  const outer = createServer({ ...setup.tls, minVersion: 'TLSv1.2' }, (request, answer) =>
    forwarding.forward(request, answer),
  );
  outer.keepAliveTimeout = KEEP_ALIVE_MS;
  outer.setTicketKeys(Buffer.from(setup.tlsTicketKeys));
  outer.on('upgrade', (request, socket, head) => tunnel.upgrade(request, socket, head));
  outer.on('tlsClientError', (error) => log.debug({ err: error }, 'tls handshake failed'));
  outer.on('clientError', refuseUnparsed);
  // It never listens: control does, and hands over. The timeouts of its connections begin with this event all the same.
  outer.emit('listening');

  // For control, and for browsers that came to another worker.
  const inner = createHttpServer({ maxHeaderSize: INNER_HEADER_BYTES }, (request, answer) => {
    serveFile(sessions, request, answer).catch((error: unknown) => {
      const code = error instanceof GatewayError ? error.code : 'internal_error';
      if (code === 'internal_error') log.error({ err: error }, 'a file was not served');
      if (answer.headersSent) answer.destroy();
      else answer.writeHead(500, { 'x-oriel-error': code }).end();
    });
  });
  inner.on('upgrade', (request, socket, head) => {
    acceptPassedOn(request);
    tunnel.upgrade(request, socket, head);
  });
  await rm(setup.ownPath, { force: true });
  await new Promise<void>((resolve, reject) => {
    inner.once('error', reject).listen(setup.ownPath, resolve);
  });
  pixels.start();

  return {
    sessions,
    pixels,
    take(socket: Socket) {
      socket.setNoDelay(true);
      outer.emit('connection', socket);
    },
    async stop() {
      await sessions.stop();
      tunnel.stop();
      // What was said last has a moment to get to the browsers.
      await new Promise((resolve) => setTimeout(resolve, 100));
      forwarding.close();
      outer.close();
      outer.closeAllConnections();
      inner.close();
      inner.closeAllConnections();
      await pixels.close();
      // Where control is gone, nobody else removes it; where it is not, it needs the others' sockets.
      await rm(process.connected ? setup.ownPath : dirname(setup.ownPath), { recursive: true, force: true });
    },
  };
}

function started() {
  if (worker === undefined) throw new GatewayError('not_ready', 'the worker has not started');
  return worker;
}

/** Answers control with a file from a desktop's clipboard. */
async function serveFile(
  sessions: WorkerSessions,
  { url = '' }: IncomingMessage,
  answer: ServerResponse,
): Promise<void> {
  const [, id = '', list, index] = /^\/sessions\/([^/]+)\/files\/(\d+)\/(\d+)$/.exec(url) ?? [];
  const file = await sessions.get(id).download(Number(list), Number(index));
  answer.writeHead(200, { 'x-oriel-name': encodeURIComponent(file.name), 'Content-Length': file.size });
  file.stream.on('error', () => answer.destroy());
  answer.on('close', () => file.stream.destroy());
  file.stream.pipe(answer);
}

/** Ends what there still is, has the recordings finished, and exits. */
async function leave(code: number): Promise<void> {
  if (leaving) return;
  leaving = true;
  await worker?.stop().catch((error: unknown) => log.error({ err: error }, 'leaving failed'));
  process.exit(code);
}
