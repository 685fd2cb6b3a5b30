import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { generate } from 'selfsigned';
import { startDemoServer } from '../../demo/server.ts';
import { askPassword } from './ask-password.ts';
import { CommandLineError, readCommandLine } from './command-line.ts';

const main = fileURLToPath(new URL('./main.ts', import.meta.url));

test('a host, with or without a port', () => {
  const target = (word: string) => {
    const { host, port } = readCommandLine([word])?.options ?? {};
    return [host, port];
  };
  assert.deepEqual(target('srv.example'), ['srv.example', 3389]);
  assert.deepEqual(target('srv.example:3390'), ['srv.example', 3390]);
  assert.deepEqual(target('10.0.0.7:1'), ['10.0.0.7', 1]);
  assert.deepEqual(target('2001:db8::7'), ['2001:db8::7', 3389]);
  assert.deepEqual(target('[2001:db8::7]:3390'), ['2001:db8::7', 3390]);
});

test('what is wrong is said', () => {
  const wrong: readonly (readonly string[])[] = [
    [],
    ['a', 'b'],
    ['srv:0'],
    ['srv:70000'],
    ['http://srv'],
    ['srv', '--nla', 'maybe'],
    ['srv', '--min-tls', '2.0'],
    ['srv', '--min-credssp', '1'],
    ['srv', '--domain', 'LAB'],
    ['srv', '--fingerprint', 'abc'],
    ['srv', '--fingerprint', 'a'.repeat(64), '--system-trust'],
    ['srv', '--timeout', '0'],
    ['srv', '--unknown'],
  ];
  for (const words of wrong) assert.throws(() => readCommandLine(words), CommandLineError, words.join(' '));
});

test('a password is never an argument, and is not shown again', () => {
  assert.throws(
    () => readCommandLine(['srv', '--password=Secret1']),
    (error: Error) => /never an argument/.test(error.message) && !error.message.includes('Secret1'),
  );
});

test('options become what the doctor takes', () => {
  const line = readCommandLine([
    ...['srv', '--user', 'LAB\\ann', '--nla', 'required', '--min-tls', '1.0', '--restricted-admin', '--logon-only'],
    ...['--fingerprint', 'AA:'.repeat(31).concat('AA'), '--timeout', '2.5', '--json', '--standard-rdp'],
    ...['--min-credssp', '5'],
  ]);
  assert.deepEqual(line, {
    json: true,
    account: { username: 'LAB\\ann', domain: '' },
    options: {
      host: 'srv',
      port: 3389,
      nla: 'required',
      minimumTls: '1.0',
      oldestCredSsp: 5,
      timeoutMs: 2500,
      until: 'logon',
      restrictedAdmin: true,
      legacySecurity: 'accepted',
      trust: { mode: 'pinned', fingerprint: 'aa'.repeat(32) },
    },
  });
  assert.equal(readCommandLine(['--help']), undefined);
});

test('asks for the password without an echo', async () => {
  const modes: boolean[] = [];
  const input = Object.assign(new PassThrough(), { setRawMode: (mode: boolean) => modes.push(mode) });
  const output = new PassThrough();
  const asked = askPassword('Password: ', input, output);
  for (const typed of ['Wrong', '\u007f\u007f', 'ö€!\r', 'not part of it']) input.write(typed);
  assert.equal(await asked, 'Wroö€!');
  assert.equal(String(output.read()), 'Password: \n');
  assert.deepEqual(modes, [true, false]);
});

test('lets a person give up', async () => {
  for (const typed of ['abc\u0003', '\u0004']) {
    const input = new PassThrough();
    const asked = askPassword('', input, new PassThrough());
    input.write(typed);
    assert.equal(await asked, undefined);
  }
  const input = new PassThrough();
  const asked = askPassword('', input, new PassThrough());
  input.end();
  assert.equal(await asked, undefined);
});

interface Run {
  readonly code: number;
  readonly output: string;
  readonly errors: string;
}

async function run(words: readonly string[], environment: Record<string, string> = {}): Promise<Run> {
  const child = spawn(process.execPath, [main, ...words], {
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  let errors = '';
  child.stdout.on('data', (chunk) => {
    output += chunk;
  });
  child.stderr.on('data', (chunk) => {
    errors += chunk;
  });
  const [code] = (await once(child, 'close')) as [number];
  return { code, output, errors };
}

test('as a program: text, JSON, exit status, and never the password', async () => {
  const password = 'Canary-Doctor-1!';
  const made = await generate([{ name: 'commonName', value: 'localhost' }], { keySize: 2048, algorithm: 'sha256' });
  const tls = { cert: made.cert, key: made.private };
  const demo = await startDemoServer({ credentials: { username: 'ann', password }, tls, nla: 'required' });
  try {
    const target = `127.0.0.1:${demo.port}`;
    const works = await run([target, '--user', 'ann'], { ORIEL_DOCTOR_PASSWORD: password });
    assert.equal(works.code, 0, works.output + works.errors);
    assert.match(works.output, /\[ ok ] First picture/);
    assert.match(works.output, /All is well/);

    const failed = await run([target, '--user', 'ann', '--json'], { ORIEL_DOCTOR_PASSWORD: `${password}x` });
    assert.equal(failed.code, 1);
    const report = JSON.parse(failed.output);
    assert.equal(report.verdict, 'failed');
    assert.equal(report.steps.length, 11);
    for (const { output, errors } of [works, failed]) assert.ok(!`${output}${errors}`.includes(password));

    const asked = await run([target, '--user', 'ann']);
    assert.equal(asked.code, 2);
    assert.match(asked.errors, /ORIEL_DOCTOR_PASSWORD/);
    assert.equal((await run(['--help'])).code, 0);
  } finally {
    await demo.close();
  }
});
