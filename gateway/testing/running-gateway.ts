import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Compositor } from '#protocol/graphics/compositor.ts';
import { NOT_ACKNOWLEDGED } from '#protocol/tunnel/messages.ts';
import { type Answer, type CallOptions, callApi, TunnelClient, until } from './harness.ts';

const MAIN = fileURLToPath(new URL('../main.ts', import.meta.url));

/** The gateway as a user starts it: a process with a real driver, pixel host, recorder and demo desktop. */
export interface RunningGateway {
  readonly child: ChildProcess;
  readonly port: number;
  readonly printed: string;
  readonly log: () => string;
  call(method: string, path: string, options?: CallOptions): Promise<Answer>;
  stop(signal?: NodeJS.Signals): Promise<number | null>;
}

/** Starts in a folder, and waits for the address, which is printed last. Rejects with what it said when it ends instead. */
export async function startProcess(folder: string, environment: Record<string, string> = {}): Promise<RunningGateway> {
  const child = spawn(process.execPath, [MAIN], {
    cwd: folder,
    env: {
      PATH: process.env.PATH,
      NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE,
      ORIEL_PORT: '0',
      ORIEL_HOST: '127.0.0.1',
      ...environment,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let printed = '';
  let log = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    printed += text;
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    log += text;
  });
  const exited = once(child, 'exit');
  const address = () => /^https:\/\/localhost:(\d+)\/\n$/m.exec(printed)?.[1];
  await until(() => address() !== undefined || child.exitCode !== null);
  const port = Number(address());
  if (!(port > 0)) throw new Error(log);
  return {
    child,
    port,
    printed,
    log: () => log,
    call: (method, path, options) => callApi(port, method, path, options),
    async stop(signal = 'SIGTERM') {
      child.kill(signal);
      await exited;
      return child.exitCode;
    },
  };
}

/**
 * Opens the demo desktop. `screen` is what its browser shows, decoded as the browser does it, and told to the gateway at once, as the browser
 * does: from a desktop whose pictures nobody draws nothing comes any more, not even what was copied there.
 */
export async function openDemo(gateway: RunningGateway, token: string) {
  const [target] = (await gateway.call('GET', '/api/targets', { token })).json;
  const body = { targetId: target.id, accountId: target.accounts[0].id, width: 800, height: 600 };
  const { json } = await gateway.call('POST', '/api/sessions', { token, body });
  const owner = new TunnelClient(gateway.port, {});
  const screen = new Compositor();
  let drawn = 0;
  let isOver = false;
  const drawing = async () => {
    for (;;) {
      const { seq, updates } = await owner.next('graphics');
      for (const update of updates) screen.apply(update);
      drawn += screen.takeDamage().length;
      if (seq !== NOT_ACKNOWLEDGED) owner.send({ type: 'ack', seq });
    }
  };
  // It ends with the tunnel.
  drawing().catch(() => {
    isOver = true;
  });
  await owner.attach(json.ticket);
  /** Until this is so of what is drawn. */
  const draws = async (isSo: () => boolean) => {
    await until(() => isOver || isSo());
    if (!isSo()) throw new Error('nothing more is drawn');
  };
  return { id: json.id as string, owner, screen, draws, drawn: () => drawn };
}
