import { ID_PATTERN } from '../ids.ts';
import type { JsonSchema } from './route.ts';

/** What the API's schemas are put together from. */

/** An object with all of these properties and no other. */
export function object(properties: Record<string, JsonSchema>, optional: readonly string[] = []): JsonSchema {
  return {
    type: 'object',
    properties,
    required: Object.keys(properties).filter((name) => !optional.includes(name)),
    additionalProperties: false,
  };
}

export function array(items: JsonSchema): JsonSchema {
  return { type: 'array', items };
}

export function nullable(schema: JsonSchema): JsonSchema {
  return { anyOf: [schema, { type: 'null' }] };
}

export const id: JsonSchema = { type: 'string', pattern: ID_PATTERN };
export const time: JsonSchema = { type: 'string', format: 'date-time' };
export const count: JsonSchema = { type: 'integer', minimum: 0 };
export const flag: JsonSchema = { type: 'boolean' };
export const text: JsonSchema = { type: 'string' };
export const printable: JsonSchema = { type: 'string', minLength: 1, pattern: '^[^\\u0000-\\u001f\\u007f]+$' };

/** A name that people read and lists show. */
export const name: JsonSchema = { ...printable, maxLength: 128 };
