import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clientAddress, networkOf, trustedProxies } from './address.ts';

function request(remoteAddress: string, forwarded?: string) {
  const headers = forwarded === undefined ? {} : { 'x-forwarded-for': forwarded };
  return { socket: { remoteAddress }, headers } as unknown as Parameters<typeof clientAddress>[0];
}

test('without trusted proxies nobody is believed', () => {
  assert.equal(clientAddress(request('::ffff:192.0.2.7', '203.0.113.1'), undefined), '192.0.2.7');
  const proxies = trustedProxies('10.0.0.0/8');
  assert.equal(clientAddress(request('192.0.2.7', '203.0.113.1'), proxies), '192.0.2.7', 'not from there');
});

test('the client is the first from the end that is no trusted proxy', () => {
  const proxies = trustedProxies('loopback, 10.0.0.0/8, 2001:db8:1::/48');
  const cases: readonly (readonly [peer: string, header: string | undefined, client: string])[] = [
    ['10.0.0.1', '203.0.113.1', '203.0.113.1'],
    ['::ffff:10.0.0.1', '203.0.113.1', '203.0.113.1'],
    ['10.0.0.1', '198.51.100.9, 203.0.113.1', '203.0.113.1'],
    ['10.0.0.1', '203.0.113.1, 10.2.3.4', '203.0.113.1'],
    ['2001:db8:1::5', '2001:db8:ffff::1, 2001:db8:1::6', '2001:db8:ffff::1'],
    ['127.0.0.1', '[2001:db8:ffff::1]:4711', '2001:db8:ffff::1'],
    ['127.0.0.1', '203.0.113.1:4711', '203.0.113.1'],
    ['127.0.0.1', '::ffff:203.0.113.1', '203.0.113.1'],
    ['10.0.0.1', undefined, '10.0.0.1'],
    ['10.0.0.1', '', '10.0.0.1'],
    ['10.0.0.1', 'unknown', '10.0.0.1'],
    ['10.0.0.1', 'somebody, 10.0.0.2', '10.0.0.2'],
    ['10.0.0.1', '10.0.0.3, 10.0.0.2', '10.0.0.3'],
  ];
  for (const [peer, header, client] of cases) {
    assert.equal(clientAddress(request(peer, header), proxies), client, `${peer} says ${header}`);
  }
});

test('what is no network is refused by name', () => {
  for (const bad of ['10.0.0.0/33', 'proxy.example', '10.0.0.0/', '10.0.0.0/8/8', '2001:db8::/129', '1.2.3']) {
    assert.throws(() => trustedProxies(`127.0.0.1,${bad}`), { message: /is no address or network/ });
  }
});

test('an IPv6 subscriber is one place', () => {
  assert.equal(networkOf('2001:db8:0:1::1'), networkOf('2001:db8:0:1:ffff::2'));
  assert.notEqual(networkOf('2001:db8:0:1::1'), networkOf('2001:db8:0:2::1'));
  assert.equal(networkOf('fe80::1%eth0'), 'fe80:0:0:0');
  assert.equal(networkOf('192.0.2.1'), '192.0.2.1');
});
