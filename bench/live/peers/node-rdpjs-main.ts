import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { answerCalls } from '../calls.ts';

/** Of `node-rdpjs-2`, what is used here. */
interface RdpJs {
  createClient(config: object): {
    on(event: string, listener: (...values: never[]) => void): unknown;
    connect(host: string, port: number): unknown;
    close(): void;
  };
}

/** A process for `node-rdpjs-2`: it decodes what a server draws and hands bitmaps to whoever asks; here they are counted. */
const folder = process.argv[2] ?? process.cwd();
const rdp = createRequire(pathToFileURL(`${folder}/`))('node-rdpjs-2') as RdpJs;
const sessions = new Map<number, { bytes: number; pictures: number; failure: string | undefined; close(): void }>();
let next = 1;

answerCalls({
  open: (wish: { user: string; password: string; port: number; size: object }): number => {
    const id = next++;
    const client = rdp.createClient({
      ...{ domain: '', userName: wish.user, password: wish.password, enablePerf: true, autoLogin: true },
      ...{ decompress: true, screen: wish.size, locale: 'en', logLevel: 'ERROR' },
    });
    const session = { bytes: 0, pictures: 0, failure: undefined as string | undefined, close: () => client.close() };
    sessions.set(id, session);
    client.on('bitmap', (bitmap: { data: Uint8Array }) => {
      session.bytes += bitmap.data.length;
      session.pictures++;
    });
    client.on('error', (error: unknown) => {
      session.failure ??= String(error);
    });
    client.on('close', () => {
      session.failure ??= 'closed';
    });
    client.connect('127.0.0.1', wish.port);
    return id;
  },
  counts: (id: number) => {
    const { bytes, pictures, failure } = sessions.get(id) ?? { bytes: 0, pictures: 0, failure: 'unknown' };
    return { bytes, pictures, failure };
  },
  close: (id: number) => {
    sessions.get(id)?.close();
    sessions.delete(id);
  },
});
process.on('uncaughtException', (error) => {
  for (const session of sessions.values()) session.failure ??= String(error);
});
