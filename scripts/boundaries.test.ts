import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { findViolations, violationsIn } from './boundaries.ts';

/** [importing file, import line, part of the broken rule's text or undefined for "allowed"] */
const CASES: [file: string, line: string, rule: string | undefined][] = [
  ['protocol/core/a.ts', "import { x } from '../pdu/x.ts';", 'protocol/core/ comes before protocol/pdu/'],
  [
    'protocol/security/a.ts',
    "export * from '../connector/x.ts';",
    'protocol/security/ comes before protocol/connector/',
  ],
  [
    'protocol/graphics/deep/a.ts',
    "import type { X } from '../../session/x.ts';",
    'protocol/graphics/ comes before protocol/session/',
  ],
  [
    'protocol/session/a.ts',
    "const x = await import('../tunnel/x.ts');",
    'protocol/session/ comes before protocol/tunnel/',
  ],
  ['protocol/tunnel/a.ts', "import { x } from '../core/x.ts';", undefined],
  ['protocol/connector/a.ts', "import { x } from '#protocol/security/x.ts';", undefined],
  ['protocol/pdu/a.ts', "import { y } from './y.ts';", undefined],
  ['protocol/pdu/a.ts', "import { y } from '../loose.ts';", 'modules live in one of its folders'],
  ['protocol/core/a.ts', "import fs from 'node:fs';", 'no npm package and no Node module'],
  ['protocol/core/a.ts', "import { z } from 'zod';", 'no npm package and no Node module'],
  ['protocol/core/a.ts', "import test from 'node:test';", 'no npm package and no Node module'],
  ['protocol/core/a.test.ts', "import test from 'node:test';", undefined],
  ['protocol/core/a.test.ts', "import assert from 'node:assert/strict';", undefined],
  ['protocol/core/a.test.ts', "import fc from 'fast-check';", undefined],
  ['protocol/core/a.test.ts', "import { webcrypto } from 'node:crypto';", undefined],
  ['protocol/core/a.test.ts', "import fs from 'node:fs';", 'no npm package and no Node module'],
  ['protocol/core/testing/a.ts', "import { webcrypto } from 'node:crypto';", undefined],
  ['protocol/core/a.ts', "import { x } from './testing/x.ts';", 'only tests import what is for tests'],
  ['protocol/pdu/a.test.ts', "import { x } from '../core/testing/x.ts';", undefined],
  ['protocol/core/testing/a.ts', "import { x } from './x.ts';", undefined],
  ['protocol/core/a.ts', "import { x } from '../../gateway/x.ts';", 'nothing outside protocol/'],
  ['gateway/http/a.ts', "import { x } from '#protocol/core/x.ts';", undefined],
  ['gateway/http/a.ts', "import Koa from 'koa';", undefined],
  [
    'gateway/http/a.ts',
    "import { x } from '../../recorder/x.ts';",
    'gateway/ imports only protocol/ and itself, not recorder/',
  ],
  ['gateway/main.ts', "import { x } from '../recorder/x.ts';", undefined],
  ['gateway/pixels/host.ts', "import { x } from '../../recorder/x.ts';", undefined],
  ['gateway/pixels/other.ts', "import { x } from '../../recorder/x.ts';", 'not recorder/'],
  ['gateway/main.ts', "import { x } from '../web-client/x.ts';", 'not web-client/'],
  [
    'recorder/a.ts',
    "import { x } from '../gateway/x.ts';",
    'recorder/ imports only protocol/ and itself, not gateway/',
  ],
  [
    'web-client/viewer/a.ts',
    "import { x } from '../../gateway/x.ts';",
    'web-client/ imports only protocol/ and itself, not gateway/',
  ],
  ['web-client/viewer/a.ts', "new Worker(new URL('../../recorder/w.ts', import.meta.url));", 'not recorder/'],
  ['gateway/a.ts', "import { x } from '../bench/x.ts';", 'nothing imports bench/'],
  ['gateway/a.ts', "import { x } from '../test/x.ts';", 'nothing imports test/'],
  ['gateway/a.test.ts', "import { x } from '../test/x.ts';", 'nothing imports test/'],
  ['protocol/codecs/a.test.ts', "import { x } from '../graphics/x.ts';", undefined],
  ['recorder/a.ts', "import { x } from '../scripts/x.ts';", 'nothing imports scripts/'],
  ['gateway/a.ts', "import fs from 'fs';", 'node: prefix'],
  ['bench/a.ts', "import { x } from '../gateway/x.ts';", undefined],
  ['test/a.ts', "import { x } from '../recorder/x.ts';", undefined],
];

for (const [file, line, rule] of CASES) {
  test(`${file}: ${line} is ${rule === undefined ? 'allowed' : 'refused'}`, () => {
    const rules = violationsIn(file, `// first line\n${line}\n`).map((violation) => violation.rule);
    if (rule === undefined) assert.deepEqual(rules, []);
    else {
      assert.equal(rules.length, 1);
      assert.ok(rules[0]?.includes(rule), `"${rules[0]}" should say "${rule}"`);
    }
  });
}

test('imports in comments do not count, imports over several lines do', () => {
  const source =
    "/** import a from '../../gateway/a.ts' */\n// import b from '../../gateway/b.ts'\nimport {\n  c,\n  d,\n} from '../../gateway/c.ts';\n";
  assert.deepEqual(
    violationsIn('recorder/deep/a.ts', source).map(({ line, specifier }) => ({ line, specifier })),
    [{ line: 6, specifier: '../../gateway/c.ts' }],
  );
});

test('a tree is walked: the violating file is named', () => {
  const root = mkdtempSync(join(tmpdir(), 'oriel-boundaries-'));
  try {
    for (const [file, text] of [
      ['protocol/core/fine.ts', 'export const a = 1;\n'],
      ['protocol/core/bad.ts', "import { b } from '../pdu/b.ts';\n"],
      ['web-client/dist/built.ts', "import '../../gateway/x.ts';\n"],
    ] as const) {
      mkdirSync(dirname(join(root, file)), { recursive: true });
      writeFileSync(join(root, file), text);
    }
    assert.deepEqual(
      findViolations(root).map(({ file }) => file),
      ['protocol/core/bad.ts'],
    );
  } finally {
    rmSync(root, { recursive: true });
  }
});
