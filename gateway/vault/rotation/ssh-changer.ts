import { createHash, timingSafeEqual } from 'node:crypto';
import ssh2, { type ClientChannel } from 'ssh2';
import type { Secret } from '../secret.ts';
import { type ChangeJob, type ChangePlace, ChangerError, type Login, type PasswordChanger } from './changer.ts';

const CONNECT_MS = 15_000;
/** For the dialogue with `passwd`: PAM waits two seconds after a mistake. */
const DIALOGUE_MS = 20_000;
const MAX_OUTPUT = 16 * 1024;
/** Of what a program said before it failed. */
const LAST_LINES = 3;

/**
 * Passwords of Linux accounts, over SSH: with `passwd` as the account itself, or with `chpasswd` as a privileged one
 * (root, or by sudo). The new password goes through a terminal or standard input, never through an argument.
 */
export class SshChanger implements PasswordChanger {
  async change(job: ChangeJob): Promise<void> {
    if (job.privileged !== undefined) await changeForOther(job, job.privileged);
    else await changeOwn(job);
  }

  async signsIn(place: ChangePlace, login: Login): Promise<boolean> {
    try {
      (await connect(place, login)).end();
      return true;
    } catch (error) {
      if (error instanceof SignInRefused) return false;
      throw error;
    }
  }
}

/** SHA-256 of a host key, as `ssh-keygen -l` prints it. */
export function hostKeyName(key: Uint8Array): string {
  return `SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`;
}

class SignInRefused extends ChangerError {}

async function connect(place: ChangePlace, { username, password }: Login): Promise<ssh2.Client> {
  const client = new ssh2.Client();
  let refusal: ChangerError | undefined;
  return new Promise((resolve, reject) => {
    client.on('ready', () => resolve(client));
    client.on('error', (error: Error & { level?: string }) => {
      if (refusal !== undefined) reject(refusal);
      else if (error.level === 'client-authentication') {
        reject(new SignInRefused(`${username} is not let in with the password that is known`, { untouched: true }));
      } else reject(new ChangerError(`no connection: ${error.message}`, { untouched: true, cause: error }));
    });
    client.on('close', () => reject(new ChangerError('the connection was closed', { untouched: true })));
    // Where PAM alone asks: it wants one answer, the password.
    client.on('keyboard-interactive', (_name, _text, _language, prompts, finish) => {
      finish(prompts.map(() => password.text()));
    });
    client.connect({
      host: place.host,
      port: place.port,
      username,
      password: password.text(),
      tryKeyboard: true,
      readyTimeout: CONNECT_MS,
      hostVerifier: (key: Buffer, verify: (ok: boolean) => void) => {
        trust(place, hostKeyName(key)).then(
          () => verify(true),
          (error: unknown) => {
            refusal =
              error instanceof ChangerError
                ? error
                : new ChangerError('its key could not be kept', { untouched: true, cause: error });
            verify(false);
          },
        );
      },
    });
  });
}

/** On first use the key is kept; from then on it is that one or none. */
async function trust(place: ChangePlace, offered: string): Promise<void> {
  if (place.hostKey === null) return place.pin(offered);
  const [a, b] = [Buffer.from(place.hostKey), Buffer.from(offered)];
  if (a.length === b.length && timingSafeEqual(a, b)) return;
  throw new ChangerError(`the computer has the key ${offered}`, { untouched: true, offeredKey: offered });
}

/** In the words of every `passwd`: shadow's and PAM's, with `LC_ALL=C`. */
const prompts = {
  again: /(?:re-?type|re-?enter|again)[^\n]*: ?$/i,
  next: /new[^\n]*password: ?$/i,
  present: /(?:current|old|\(current\))[^\n]*password: ?$/i,
} as const;

async function changeOwn({ place, account, next }: ChangeJob): Promise<void> {
  const client = await connect(place, account);
  try {
    // Who is root is not asked for the present one.
    await dialogue(client, 'env LC_ALL=C passwd', { pty: true, secrets: [account.password, next] }, (text) => {
      if (prompts.again.test(text) || prompts.next.test(text)) return next;
      return prompts.present.test(text) ? account.password : undefined;
    });
  } finally {
    client.end();
  }
}

/**
 * The first line of its input is the password for sudo, which is thrown away where sudo asks for none. Whether it does is
 * tried with chpasswd itself, given nothing to change: an account may be let off the password for this one program.
 */
const CHPASSWD = [
  'PATH="$PATH:/usr/sbin:/sbin"',
  'if [ "$(id -u)" = 0 ]; then read -r _; exec chpasswd',
  'elif sudo -n chpasswd </dev/null >/dev/null 2>&1; then read -r _; exec sudo -n chpasswd',
  'else exec sudo -S -p "" chpasswd; fi',
].join('\n');

async function changeForOther({ place, account, next }: ChangeJob, privileged: Login): Promise<void> {
  if (/[:\n\r]/.test(account.username)) {
    throw new ChangerError('no Linux account has such a name', { untouched: true });
  }
  const client = await connect(place, privileged);
  const lines = [privileged.password.bytes, '\n', `${account.username}:`, next.bytes, '\n'];
  const input = Buffer.concat(lines.map((part) => (typeof part === 'string' ? Buffer.from(part) : part)));
  try {
    await dialogue(
      client,
      `env LC_ALL=C sh -c '${CHPASSWD}'`,
      { pty: false, secrets: [privileged.password, next], input },
      () => undefined,
    );
  } finally {
    input.fill(0);
    client.end();
  }
}

interface DialogueOptions {
  readonly pty: boolean;
  /** What must not be in what is said of a failure. */
  readonly secrets: readonly Secret[];
  /** All that is typed, where nothing is asked. */
  readonly input?: Buffer;
}

/** Runs a program and answers its prompts until it ends. Throws what it said last where it ends with a failure. */
function dialogue(
  client: ssh2.Client,
  command: string,
  { pty, secrets, input }: DialogueOptions,
  answer: (said: string) => Secret | undefined,
): Promise<void> {
  return new Promise((resolve, reject) => {
    let said = '';
    let asked = 0;
    const fail = (message: string): void => {
      clearTimeout(timer);
      reject(new ChangerError(message, { untouched: false }));
    };
    const timer = setTimeout(() => fail(`it did not end in time${lastWords(said, secrets)}`), DIALOGUE_MS);
    const run = (error: Error | undefined, channel: ClientChannel): void => {
      if (error !== undefined) {
        fail(`the program was not started: ${error.message}`);
        return;
      }
      const read = (chunk: Buffer): void => {
        said = (said + chunk.toString('utf8')).slice(-MAX_OUTPUT);
        const reply = answer(said.slice(asked));
        if (reply === undefined) return;
        asked = said.length;
        channel.write(Buffer.concat([reply.bytes, Buffer.from('\n')]));
      };
      channel.on('data', read);
      channel.stderr.on('data', read);
      channel.on('close', (code: number | null) => {
        if (code !== 0) {
          fail(`it ended with ${code ?? 'a signal'}${lastWords(said, secrets)}`);
          return;
        }
        clearTimeout(timer);
        resolve();
      });
      if (input !== undefined) channel.end(input);
    };
    client.on('close', () => fail('the connection was lost'));
    client.exec(command, { pty }, run);
  });
}

function lastWords(said: string, secrets: readonly Secret[]): string {
  let text = said;
  for (const secret of secrets) text = text.replaceAll(secret.text(), '…');
  const lines = text.split(/[\r\n]+/).map((line) => line.trim());
  const words = lines.filter((line) => line !== '' && !line.endsWith(':')).slice(-LAST_LINES);
  const plain = [...words.join('; ').slice(0, 300)].filter((character) => character >= ' ').join('');
  return plain === '' ? '' : `: ${plain}`;
}
