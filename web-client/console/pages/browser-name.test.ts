import assert from 'node:assert/strict';
import { test } from 'node:test';
import { browserName } from './browser-name.ts';

test('browsers by name, version and system', () => {
  const windows = 'Mozilla/5.0 (Windows NT 10.0; Win64; x64)';
  const webkit = 'AppleWebKit/537.36 (KHTML, like Gecko)';
  const cases: readonly (readonly [userAgent: string, name: string])[] = [
    [`${windows} ${webkit} Chrome/128.0.0.0 Safari/537.36`, 'Chrome 128 on Windows'],
    [`${windows} ${webkit} Chrome/128.0.0.0 Safari/537.36 Edg/127.0.0.0`, 'Edge 127 on Windows'],
    ['Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0', 'Firefox 130 on Linux'],
    [
      'Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) ' +
        'Version/17.5 Mobile/15E148 Safari/604.1',
      'Safari 17 on iOS',
    ],
    [`Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) ${webkit} Chrome/128.0.0.0 Safari/537.36`, 'Chrome 128 on macOS'],
    ['curl/8.5.0', 'curl'],
    ['', 'Unknown program'],
  ];
  for (const [userAgent, name] of cases) assert.equal(browserName(userAgent), name);
});
