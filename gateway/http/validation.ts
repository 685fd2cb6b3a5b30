import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js';
import { GatewayError } from '../errors.ts';
import type { JsonSchema } from './route.ts';
import { components } from './schemas.ts';

/** Checks a value against a schema, or throws `bad_request` that names what is wrong with it. */
export type Validator = (value: unknown) => void;

/**
 * Makes validators. Bodies are taken as they are; query values are text and are brought to their schema's type.
 * Unknown `format`s are annotations, as JSON Schema 2020-12 has them.
 */
export function createValidation(): { body(schema: JsonSchema): Validator; query(schema: JsonSchema): Validator } {
  const strict = newAjv(false);
  const coercing = newAjv(true);
  return {
    body: (schema) => validator(strict.compile(schema), 'body'),
    query: (schema) => finite(validator(coercing.compile(schema), 'query')),
  };
}

/** An Ajv that knows the named schemas; the tests check responses with it too. */
export function newAjv(coerceTypes: boolean): Ajv2020 {
  const ajv = new Ajv2020({
    coerceTypes,
    useDefaults: true,
    validateFormats: false,
    strict: true,
    allowUnionTypes: true,
  });
  ajv.addVocabulary(['components']);
  // The names stand where `#/components/schemas/…` looks for them, in a schema that every other one resolves against.
  for (const [name, schema] of Object.entries(components)) ajv.addSchema(schema, `#/components/schemas/${name}`);
  return ajv;
}

function validator(validate: ValidateFunction, what: string): Validator {
  return (value) => {
    if (!validate(value)) throw new GatewayError('bad_request', explain(what, validate.errors?.[0]));
  };
}

/** Ajv takes `1e999` for a number, and then holds it against no limit. */
function finite(validate: Validator): Validator {
  return (value) => {
    validate(value);
    const endless = Object.entries(value as object).find(
      ([, each]) => typeof each === 'number' && !Number.isFinite(each),
    );
    if (endless !== undefined) throw new GatewayError('bad_request', `query.${endless[0]} must be finite`);
  };
}

/** Says where and why, never what was sent: a mistyped request may hold a password. */
function explain(what: string, error: ErrorObject | undefined): string {
  if (error === undefined) return `${what} is not as described`;
  const property = (error.params as { additionalProperty?: unknown }).additionalProperty;
  const suffix = typeof property === 'string' ? ` (${property.slice(0, 64)})` : '';
  return `${what}${error.instancePath.replaceAll('/', '.')} ${error.message ?? 'is not as described'}${suffix}`;
}
