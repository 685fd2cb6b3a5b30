import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HOST_PATTERN } from './host-pattern.ts';

// As browsers compile it.
const host = new RegExp(`^(?:${HOST_PATTERN})$`, 'v');

test('names and addresses are hosts; with a port, a scheme or a path they are not', () => {
  for (const text of [
    'srv1',
    ' srv1.example.com ',
    'büro-7.example',
    '10.0.0.1',
    '::1',
    'fe80::1%eth0',
    '::ffff:10.0.0.1',
  ]) {
    assert.ok(host.test(text), text);
  }
  for (const text of [
    'srv1:3390',
    '10.0.0.1:3390',
    '[::1]',
    '[::1]:3389',
    'rdp://srv1',
    'srv1/x',
    'a@srv1',
    'my server',
  ]) {
    assert.ok(!host.test(text), text);
  }
});
