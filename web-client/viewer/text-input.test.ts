import assert from 'node:assert/strict';
import { test } from 'node:test';
import { interpretEdit } from './text-input.ts';

test('inserted text is typed', () => {
  assert.deepEqual(interpretEdit('insertText', 'é', false), { text: 'é' });
  assert.deepEqual(interpretEdit('insertReplacementText', 'word', false), { text: 'word' });
});

test('text of a composition comes once, with its end, not with the edits', () => {
  assert.equal(interpretEdit('insertCompositionText', '你', true), undefined);
  assert.equal(interpretEdit('insertCompositionText', '你', false), undefined);
  assert.equal(interpretEdit('insertFromComposition', '你', false), undefined);
  assert.equal(interpretEdit('insertText', 'n', true), undefined);
});

test('edits of a soft keyboard are keys', () => {
  assert.deepEqual(interpretEdit('deleteContentBackward', null, false), { keys: ['Backspace'] });
  assert.deepEqual(interpretEdit('deleteWordBackward', null, false), { keys: ['ControlLeft', 'Backspace'] });
  assert.deepEqual(interpretEdit('insertLineBreak', null, false), { keys: ['Enter'] });
  assert.deepEqual(interpretEdit('insertParagraph', null, false), { keys: ['Enter'] });
});

test('edits that mean nothing to a remote desktop are left out', () => {
  assert.equal(interpretEdit('historyUndo', null, false), undefined);
  assert.equal(interpretEdit('insertText', null, false), undefined);
  assert.equal(interpretEdit('insertText', '', false), undefined);
});
