import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { answerCalls } from '../calls.ts';
import { KeyWatch } from '../viewers/key-watch.ts';
import type { ViewerReport } from '../viewers/main.ts';
import type { Typing } from '../viewers/viewer.ts';
import { type MendableClient, mendInfo, mendReading } from './node-rdpjs-mends.ts';

/** Of `node-rdpjs-2`, what is used here. */
interface RdpJs {
  createClient(config: object): RdpJsClient;
}

interface RdpJsClient extends MendableClient {
  on(event: string, listener: (...values: never[]) => void): unknown;
  connect(host: string, port: number): unknown;
  sendKeyEventScancode(code: number, isPressed: boolean): void;
  close(): void;
}

interface Session {
  readonly client: RdpJsClient;
  readonly keys: KeyWatch | undefined;
  bytes: number;
  pictures: number;
  ended: string | undefined;
}

/** Set 1 make code of `A`. */
const KEY = 0x1e;

/** A process for `node-rdpjs-2`: it decodes what a server draws and hands bitmaps to whoever asks; here they are counted. */
// It says much on stderr otherwise.
process.env.log_level ??= 'error';
const folder = process.argv[2] ?? process.cwd();
const load = createRequire(pathToFileURL(`${folder}/`));
const rdp = load('node-rdpjs-2') as RdpJs;
mendReading(load);
const sessions = new Map<number, Session>();
let next = 1;

answerCalls({
  open: (wish: { user: string; password: string; port: number; size: object; typing?: Typing }): number => {
    const id = next++;
    const session = open(wish);
    sessions.set(id, session);
    return id;
  },
  report: (id: number): ViewerReport => {
    const session = sessions.get(id);
    if (session === undefined) throw new RangeError(`no session ${id}`);
    const { bytes, pictures, ended, keys } = session;
    return { bytes, pictures, messages: pictures, ready: pictures > 0, ended, keys: [...(keys?.keys ?? [])] };
  },
  close: (id: number) => {
    const session = sessions.get(id);
    session?.keys?.stop();
    session?.client.close();
    sessions.delete(id);
  },
});
process.on('uncaughtException', (error) => {
  for (const session of sessions.values()) session.ended ??= String(error);
});

function open({ user, password, port, size, typing }: Parameters<typeof connectAs>[0] & { typing?: Typing }): Session {
  const client = connectAs({ user, password, port, size });
  const press = () => {
    client.sendKeyEventScancode(KEY, true);
    client.sendKeyEventScancode(KEY, false);
  };
  const keys = typing === undefined ? undefined : new KeyWatch(typing, press);
  const session: Session = { client, keys, bytes: 0, pictures: 0, ended: undefined };
  client.on('bitmap', ({ data }: { data: Uint8Array }) => {
    session.bytes += data.length;
    session.pictures++;
    keys?.seen(data);
  });
  client.on('error', (error: unknown) => {
    session.ended ??= String(error);
  });
  client.on('close', () => {
    session.ended ??= 'closed';
  });
  return session;
}

function connectAs(wish: { user: string; password: string; port: number; size: object }): RdpJsClient {
  const client = rdp.createClient({
    ...{ domain: '', userName: wish.user, password: wish.password, enablePerf: true, autoLogin: true },
    ...{ decompress: true, screen: wish.size, locale: 'en', logLevel: 'ERROR' },
  });
  mendInfo(client);
  client.connect('127.0.0.1', wish.port);
  return client;
}
