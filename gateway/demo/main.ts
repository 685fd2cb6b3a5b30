import { generate } from 'selfsigned';
import { type DemoServerOptions, startDemoServer } from './server.ts';

/**
 * The demo desktop as a process of its own. Its credentials come by IPC (`DemoStart`, from the gateway) or from the
 * environment (`ORIEL_DEMO_USERNAME`, `ORIEL_DEMO_PASSWORD`, `ORIEL_DEMO_PORT`, by hand), never as arguments, which
 * every user of the machine can read. Ends with its parent.
 */

/** From the parent, once. */
export interface DemoStart {
  readonly kind: 'start';
  readonly options: Pick<DemoServerOptions, 'port' | 'credentials' | 'tls' | 'nla' | 'maxClients'>;
}

/** To the parent, once. */
export type DemoReport =
  | { readonly kind: 'listening'; readonly port: number }
  | { readonly kind: 'failed'; readonly message: string };

if (import.meta.main) {
  process.on('disconnect', () => process.exit(0));
  // The terminal's Ctrl+C and a service manager's stop reach the whole process group: a parent ends its sessions first.
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
    process.on(signal, () => {
      if (process.send === undefined) process.exit(0);
    });
  }
  const { ORIEL_DEMO_USERNAME: username, ORIEL_DEMO_PASSWORD: password, ORIEL_DEMO_PORT: port } = process.env;
  if (username !== undefined && password !== undefined) {
    const tls = await selfMadeCertificate();
    await run({ credentials: { username, password }, tls, port: Number(port ?? 0) });
  } else if (process.send) {
    process.once('message', (message: DemoStart) => void run(message.options));
  } else {
    console.error('set ORIEL_DEMO_USERNAME and ORIEL_DEMO_PASSWORD');
    process.exitCode = 1;
  }
}

async function run(options: DemoStart['options']): Promise<void> {
  try {
    const { port } = await startDemoServer({ ...options, onClientError: (error) => console.error(messageOf(error)) });
    console.log(`demo desktop listening on 127.0.0.1:${port}`);
    report({ kind: 'listening', port });
  } catch (error) {
    console.error(`demo desktop cannot start: ${messageOf(error)}`);
    report({ kind: 'failed', message: messageOf(error) });
    process.exitCode = 1;
    process.disconnect?.();
  }
}

function report(message: DemoReport): void {
  process.send?.(message);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

async function selfMadeCertificate(): Promise<DemoServerOptions['tls']> {
  const made = await generate([{ name: 'commonName', value: 'oriel-demo' }], { keySize: 2048, algorithm: 'sha256' });
  return { cert: made.cert, key: made.private };
}
