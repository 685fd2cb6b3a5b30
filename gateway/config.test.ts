import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { ConfigError, readConfig, unknownVariables, variables } from './config.ts';

test('defaults', () => {
  const config = readConfig({}, '/srv/oriel');
  assert.equal(config.port, 8443);
  assert.equal(config.host, '::');
  assert.equal(config.dataDirectory, '/srv/oriel/data');
  assert.equal(config.masterKey.file, '/srv/oriel/data/keys/master.key');
  assert.equal(config.recording, 'required');
  assert.equal(config.demo, true);
  assert.equal(config.adminPassword, undefined);
});

test('paths are taken from the working directory', () => {
  const config = readConfig({ ORIEL_DATA: 'state', ORIEL_KEY_FILE: '/etc/oriel/key' }, '/srv/oriel');
  assert.equal(config.dataDirectory, '/srv/oriel/state');
  assert.equal(config.masterKey.file, '/etc/oriel/key');
});

test('an empty variable is one that is not set; a password keeps its spaces', () => {
  const config = readConfig({ ORIEL_PORT: ' ', ORIEL_ADMIN_PASSWORD: ' a b ' }, '/');
  assert.equal(config.port, 8443);
  assert.equal(config.adminPassword, ' a b ');
  assert.equal(readConfig({ ORIEL_ADMIN_PASSWORD: '' }, '/').adminPassword, undefined);
});

test('what cannot be used is refused by name', () => {
  const cases: [string, string][] = [
    ['ORIEL_PORT', '65536'],
    ['ORIEL_PORT', '-1'],
    ['ORIEL_PORT', '1e3'],
    ['ORIEL_DEMO', 'no'],
    ['ORIEL_GRAPHICS', 'rdpgfx,avc'],
    ['ORIEL_RECORDING', 'sometimes'],
    ['ORIEL_LOG_LEVEL', 'loud'],
    ['ORIEL_ORIGINS', 'desktops.example.com'],
    ['ORIEL_ORIGINS', 'https://desktops.example.com/path'],
    ['ORIEL_TLS_CERT', 'cert.pem'],
  ];
  for (const [name, value] of cases) {
    assert.throws(
      () => readConfig({ [name]: value }, '/'),
      (error) => error instanceof ConfigError && error.variable === name,
      `${name}=${value}`,
    );
  }
});

test('origins are normalised', () => {
  const { origins } = readConfig({ ORIEL_ORIGINS: 'https://A.example.com:443/, https://b.example.com:8443' }, '/');
  assert.deepEqual(origins, ['https://a.example.com', 'https://b.example.com:8443']);
});

test('a misspelt setting is found', () => {
  assert.deepEqual(unknownVariables({ ORIEL_PROT: '1', ORIEL_PORT: '1', HOME: '/' }), ['ORIEL_PROT']);
});

test('every variable is described once', () => {
  const names = variables.map(({ name }) => name);
  assert.equal(new Set(names).size, names.length);
  for (const { meaning, defaultText } of variables) assert.ok(meaning !== '' && defaultText !== '');
});

test('the README lists every variable as it is described here', async () => {
  const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8');
  const rows = readme.split('\n').filter((line) => line.startsWith('| `ORIEL_'));
  assert.deepEqual(
    rows,
    variables.map(({ name, defaultText, meaning }) => `| \`${name}\` | ${defaultText} | ${meaning} |`),
  );
});
