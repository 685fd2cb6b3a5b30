import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { Agent, request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { NODE_FLAGS } from '../../gateway/node-flags.ts';
import { Hopeless, startProcess, waitFor } from '../lab/processes.ts';
import type { LabServer } from '../lab/server.ts';

export const ADMIN_PASSWORD = 'Admin-E2E-Pass-1!';
const ROOT = join(import.meta.dirname, '..', '..');
/** A stopping gateway finishes its recordings first. */
const STOP_PATIENCE_MS = 20_000;

/** An answer of the API; `body` is parsed JSON, or undefined when there is none. */
export interface Answer<T = unknown> {
  readonly status: number;
  readonly headers: NodeJS.Dict<string | string[]>;
  readonly body: T;
  readonly bytes: Buffer;
}

export interface SessionRow {
  readonly id: string;
  readonly state: string;
  readonly user: { readonly username: string };
  readonly target: { readonly id: string; readonly name: string };
  readonly viewers: readonly { readonly username: string }[];
  readonly recordingHealth: { readonly behindMs: number } | null;
}

export interface RecordingRow {
  readonly id: string;
  readonly state: string;
  readonly endCode: string | null;
  readonly durationMs: number | null;
  readonly bytes: number | null;
}

/** Somebody who is signed in to the API, by Bearer token. */
export class ApiUser {
  readonly #url: URL;
  readonly #token: string;

  constructor(url: URL, token: string) {
    this.#url = url;
    this.#token = token;
  }

  call<T = unknown>(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer<T>> {
    return callApi<T>(this.#url, method, path, body, { Authorization: `Bearer ${this.#token}`, ...headers });
  }

  /** Calls and demands success; the answer's body. */
  async must<T>(method: string, path: string, body?: unknown): Promise<T> {
    const answer = await this.call<T>(method, path, body);
    if (answer.status >= 300)
      throw new Error(`${method} ${path}: ${answer.status} ${answer.bytes.toString().slice(0, 500)}`);
    return answer.body;
  }

  async sessions(): Promise<SessionRow[]> {
    return listOf<SessionRow>(await this.must('GET', '/api/sessions'));
  }

  async recordings(): Promise<RecordingRow[]> {
    return listOf<RecordingRow>(await this.must('GET', '/api/recordings'));
  }

  /** Adds a lab server as a target with its account; their ids. */
  async addTarget(
    name: string,
    server: Pick<LabServer, 'host' | 'port' | 'username' | 'password'>,
    more: Record<string, unknown> = {},
  ): Promise<{ targetId: string; accountId: string }> {
    const { host, port, username, password } = server;
    const target = await this.must<{ id: string }>('POST', '/api/targets', { name, host, port, ...more });
    const account = await this.must<{ id: string }>('POST', `/api/targets/${target.id}/accounts`, {
      username,
      password,
    });
    return { targetId: target.id, accountId: account.id };
  }

  /** A user who may open every desktop without asking. */
  async addUser(username: string, password: string, roles: readonly string[]): Promise<void> {
    await this.must('POST', '/api/users', { username, password, roles });
    await this.entitle(username);
  }

  /** Lets a user open every desktop without asking. */
  async entitle(username: string): Promise<void> {
    await this.must('POST', '/api/groups', { name: `only ${username}`, members: [username] });
    await this.must('POST', '/api/entitlements', { group: `only ${username}`, accounts: 'all', policy: 'Open' });
  }

  /** Waits until a session's recording is finished and can be played. */
  recordingReady(id: string): Promise<RecordingRow> {
    return waitFor(`recording ${id} to be ready`, async () => {
      const found = (await this.recordings()).find((recording) => recording.id === id);
      if (found?.state === 'failed') throw new Hopeless(`the recording failed: ${JSON.stringify(found)}`);
      return found?.state === 'ready' ? found : undefined;
    });
  }
}

/** A gateway of its own on a free port, with a data folder that is removed at the end. */
export interface TestGateway {
  readonly url: URL;
  readonly data: string;
  readonly admin: ApiUser;
  readonly pid: number;
  /** Everything that it printed, from the first byte. */
  log(): string;
  login(username: string, password: string): Promise<ApiUser>;
  /** Every file below the data folder. */
  files(): string[];
  running(): boolean;
  /** Ends the process in good form; the data folder stays until `stop`. */
  end(): Promise<void>;
  stop(): Promise<void>;
}

export async function startGateway(env: NodeJS.ProcessEnv = {}): Promise<TestGateway> {
  const folder = mkdtempSync(join(tmpdir(), 'oriel-e2e-'));
  const data = join(folder, 'data');
  const logFile = join(folder, 'log');
  // Through a shell, so that the log is complete whatever its size.
  const gateway = startProcess(
    'gateway',
    ['sh', '-c', `exec "$0" ${NODE_FLAGS.join(' ')} gateway/main.ts >"$1" 2>&1`, process.execPath, logFile],
    {
      cwd: ROOT,
      env: {
        ORIEL_DATA: data,
        ORIEL_PORT: '0',
        ORIEL_HOST: '127.0.0.1',
        ORIEL_ADMIN_PASSWORD: ADMIN_PASSWORD,
        ORIEL_DEMO: 'off',
        ORIEL_LOG_LEVEL: 'debug',
        ...env,
      },
    },
  );
  const log = () => readFileSync(logFile, 'utf8');
  const end = () => gateway.stop('SIGTERM', STOP_PATIENCE_MS);
  const stop = async () => {
    await end();
    const keep = process.env.E2E_PICTURES;
    if (keep) copyFileSync(logFile, join(keep, `gateway-${gateway.pid}.log`));
    rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  };
  try {
    const url = await waitFor('the gateway to print its address', () => {
      if (gateway.exited()) throw new Hopeless(`the gateway has exited: ${log().slice(-3000)}`);
      const found = /^.*(https:\/\/\S+:\d+)\/?\s*$/m.exec(log())?.[1];
      return found === undefined ? undefined : new URL(found);
    });
    // Its certificate and Origin check know the name it printed; the address is where it listens.
    const login = async (username: string, password: string) => {
      const answer = await callApi<{ token: string }>(url, 'POST', '/api/login', { username, password });
      if (answer.status !== 200) throw new Error(`signing in as ${username}: ${answer.status} ${answer.bytes}`);
      return new ApiUser(url, answer.body.token);
    };
    return {
      url,
      data,
      admin: await login('admin', ADMIN_PASSWORD),
      pid: gateway.pid,
      log,
      login,
      files: () =>
        readdirSync(data, { recursive: true, withFileTypes: true })
          .filter((entry) => entry.isFile())
          .map((entry) => join(entry.parentPath, entry.name)),
      running: () => !gateway.exited(),
      end,
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

const agent = new Agent({ rejectUnauthorized: false, keepAlive: false });

export function callApi<T>(
  url: URL,
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Answer<T>> {
  return new Promise((resolve, reject) => {
    const payload = body === undefined ? undefined : JSON.stringify(body);
    const call = request(
      new URL(path, url),
      {
        method,
        agent,
        headers: { ...(payload === undefined ? {} : { 'Content-Type': 'application/json' }), ...headers },
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => {
          const bytes = Buffer.concat(chunks);
          const json =
            /^application\/(?:problem\+)?json\b/.test(response.headers['content-type'] ?? '') && bytes.length > 0;
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            body: (json ? JSON.parse(bytes.toString()) : undefined) as T,
            bytes,
          });
        });
      },
    );
    call.on('error', reject);
    call.end(payload);
  });
}

/** A list answer is an array, or an object with the array as its one list. */
function listOf<T>(answer: unknown): T[] {
  if (Array.isArray(answer)) return answer as T[];
  const list = Object.values(answer as object).find(Array.isArray);
  if (list === undefined) throw new Error(`no list in ${JSON.stringify(answer)}`);
  return list as T[];
}
