import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { findCitations, isExercised, makeTable } from './protocol-coverage.ts';

const SOURCE = `/**
 * Two of them: [MS-ONE] 2.2.1 and [MS-TWO] 3.1.
 */
export function decodeThing(cursor: Cursor): Thing {
  return cursor.u8();
}

/** [MS-ONE] 2.2.2 THING */
export interface Thing {
  readonly a: number;
}

class Other {
  /** [MS-ONE] 10.1 */
  #step(input: number): void {
    input;
  }
}
`;

const at = (text: string): number => SOURCE.indexOf(text);
const ran = (name: string, from: string, to: string, count: number) => ({
  ...{ name, count, start: at(from), end: SOURCE.indexOf(to, at(from)) + to.length },
});

describe('protocol coverage', () => {
  it('finds what cites a section, and where it ends', () => {
    const found = findCitations('protocol/x.ts', SOURCE);
    assert.deepEqual(
      found.map(({ document, section, name }) => `${document} ${section} ${name}`),
      ['MS-ONE 2.2.1 decodeThing', 'MS-TWO 3.1 decodeThing', 'MS-ONE 2.2.2 Thing', 'MS-ONE 10.1 #step'],
    );
    assert.ok(SOURCE.slice(found[0]?.start, found[0]?.end).trimEnd().endsWith('return cursor.u8();\n}'));
  });

  it('reads lists and ranges of sections, to the end of the sentence', () => {
    const source = `/** Keys ([MS-ONE] 5.3.5 to 5.3.7, and 2.2.1 THING,
      * 2.2.1.1 in it, 1.5 of them; [T125] 11.1, [MS-TWO] version 3.1.2). Not 9.9.9. */
      function f(): void {}`;
    assert.deepEqual(
      findCitations('protocol/x.ts', source).map(({ document, section }) => `${document} ${section}`),
      ['5.3.5', '5.3.7', '2.2.1', '2.2.1.1', '5.3.6'].map((section) => `MS-ONE ${section}`),
    );
  });

  it('lists a section only when its code has run', () => {
    const [decode, , thing, step] = findCitations('protocol/x.ts', SOURCE);
    assert.ok(decode !== undefined && thing !== undefined && step !== undefined);
    const ranges = [
      ran('decodeThing', 'function decodeThing', '\n}', 2),
      ran('#step', '#step(', '\n  }', 0),
      { name: '', start: 0, end: SOURCE.length, count: 1 },
    ];
    assert.equal(isExercised(decode, ranges), true);
    assert.equal(isExercised(step, ranges), false);
    assert.equal(isExercised(thing, ranges), true, 'an interface counts by the functions named for it');
    const unused = ranges.map((range) => (range.name === 'decodeThing' ? { ...range, count: 0 } : range));
    assert.equal(isExercised(thing, unused), false);
  });

  it('makes a table in the order of the documents, with nothing idle in it', () => {
    const citations = findCitations('protocol/x.ts', SOURCE);
    const ranges = new Map([
      ['protocol/x.ts', [ran('decodeThing', 'function decodeThing', '\n}', 1), ran('#step', '#step(', '\n  }', 0)]],
    ]);
    const { text, idle } = makeTable(citations, ranges);
    assert.deepEqual(
      idle.map(({ section }) => section),
      ['10.1'],
    );
    assert.ok(text.indexOf('| 2.2.1 |') < text.indexOf('| 2.2.2 |'));
    assert.ok(text.includes('## [MS-TWO]'));
    assert.ok(!text.includes('10.1'));
  });
});
