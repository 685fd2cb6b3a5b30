import { alertActions } from '../alerts/alert-rules.ts';
import { MAX_TEXT_PATTERN } from '../alerts/text-pattern.ts';
import { timeWindow, timeZone } from './access-schemas.ts';
import type { JsonSchema } from './route.ts';
import { flag, id, name, object, time } from './schema-parts.ts';

const minutes: JsonSchema = { type: 'integer', minimum: 1, maximum: 10_080 };

const condition: JsonSchema = {
  anyOf: [
    object({ kind: { const: 'too-long' }, minutes }),
    object({
      kind: { const: 'odd-hour' },
      windows: { type: 'array', items: timeWindow, minItems: 1, maxItems: 50, description: 'the usual hours' },
      timeZone,
    }),
    object({
      kind: { const: 'typed-text' },
      pattern: {
        type: 'string',
        minLength: 1,
        maxLength: MAX_TEXT_PATTERN,
        description: 'regular expression, looked for in what was typed last; `\\n` is Enter',
      },
      matchCase: flag,
    }),
    object({
      kind: { const: 'clipboard-text' },
      pattern: {
        type: 'string',
        minLength: 1,
        maxLength: MAX_TEXT_PATTERN,
        description: 'regular expression, looked for in text that passes through the clipboard, in either direction',
      },
      matchCase: flag,
    }),
    object({ kind: { const: 'idle' }, minutes }),
    object({
      kind: { const: 'too-many' },
      sessions: { type: 'integer', minimum: 1, maximum: 1000, description: 'more than these at once' },
      per: { enum: ['user', 'target', 'account'] },
    }),
  ],
};

export const alertRuleFields: Record<string, JsonSchema> = {
  name,
  condition,
  action: { enum: [...alertActions], description: 'administrators are told in any case' },
  enabled: flag,
  tellUser: { type: 'boolean', description: 'whether the owner of the session is told which rule it was' },
};

export const alertComponents = {
  AlertRule: object({ id, ...alertRuleFields, createdAt: time }),
} satisfies Record<string, JsonSchema>;
