import { Ajv2020 } from 'ajv/dist/2020.js';

/** JSON Schema as the OpenAPI document has it. */
type Schema = Readonly<Record<string, unknown>>;
type Components = Readonly<Record<string, Schema>>;

/** Texts, one of which goes with whatever pattern the API has. */
const TEXTS = [
  ...['example', 'bcdfghjkmnpqrs', 'https://example.com/', '12:00', '2026-01-01T00:00:00Z', 'Europe/Berlin', '123456'],
  ...['#aabbcc', 'jane@example.com', 'a'.repeat(64), 'A'.repeat(43), 'example.com', '/path', '1.2', 'cn=x', '(cn=x)'],
  ...['https://example.com', 'user', 'a', 'ou=people,dc=example,dc=com', 'ldaps://example.com', 'X'.repeat(16)],
];

/** A value that the schema allows, with every property that it requires. */
export function exampleOf(schema: Schema, components: Components): unknown {
  const resolved = resolve(schema, components);
  if ('const' in resolved) return resolved.const;
  if (Array.isArray(resolved.enum)) return resolved.enum[0];
  const choices = (resolved.anyOf ?? resolved.oneOf) as readonly Schema[] | undefined;
  if (choices?.[0] !== undefined) return exampleOf(choices[0], components);
  const type = Array.isArray(resolved.type) ? resolved.type[0] : resolved.type;
  switch (type) {
    case 'object': {
      const properties = (resolved.properties ?? {}) as Record<string, Schema>;
      const required = (resolved.required ?? []) as readonly string[];
      return Object.fromEntries(required.map((name) => [name, exampleOf(properties[name] ?? {}, components)]));
    }
    case 'array':
      return Array.from({ length: Number(resolved.minItems ?? 0) }, () =>
        exampleOf((resolved.items ?? {}) as Schema, components),
      );
    case 'integer':
    case 'number':
      return Number(resolved.minimum ?? 1);
    case 'boolean':
      return false;
    case 'null':
      return null;
    default:
      return TEXTS.find((text) => allows(resolved, text, components)) ?? 'example';
  }
}

/** So many of them say whether a property is looked at. */
const WRONG_EACH = 5;

/** For each property of an object, values that its schema does not allow. @param texts only what a query can say */
export function wrongValues(schema: Schema, components: Components, texts = false): [name: string, value: unknown][] {
  const properties = (resolve(schema, components).properties ?? {}) as Record<string, Schema>;
  const values: readonly unknown[] = texts
    ? ['', 'x'.repeat(20_000), '-1', '1e999', '9'.repeat(40), 'null', '\u0000', '{}']
    : ['x'.repeat(20_000), [[]], { a: { b: 1 } }, 1e300, '\u0000\u0007', null, true, -1, 0.5, '', [], [1], {}];
  return Object.entries(properties).flatMap(([name, property]) =>
    values
      .filter((value) => !allows(property, value, components, texts))
      .slice(0, WRONG_EACH)
      .map((value): [string, unknown] => [name, value]),
  );
}

const validators = new Map<boolean, WeakMap<object, (value: unknown) => boolean>>();
const ajvs = new Map<boolean, Ajv2020>();

function allows(schema: Schema, value: unknown, components: Components, coerce = false): boolean {
  const known = validators.get(coerce) ?? new WeakMap<object, (value: unknown) => boolean>();
  validators.set(coerce, known);
  let validate = known.get(schema);
  if (validate === undefined) {
    const compiled = ajvOf(components, coerce).compile({ type: 'object', properties: { value: schema } });
    validate = (candidate) => compiled({ value: candidate }) as boolean;
    known.set(schema, validate);
  }
  return validate(value);
}

function ajvOf(components: Components, coerce: boolean): Ajv2020 {
  let ajv = ajvs.get(coerce);
  if (ajv === undefined) {
    ajv = new Ajv2020({ strict: false, validateFormats: false, coerceTypes: coerce });
    for (const [name, component] of Object.entries(components))
      ajv.addSchema(component, `#/components/schemas/${name}`);
    ajvs.set(coerce, ajv);
  }
  return ajv;
}

function resolve(schema: Schema, components: Components): Schema {
  const name = typeof schema.$ref === 'string' ? schema.$ref.replace('#/components/schemas/', '') : undefined;
  return name === undefined ? schema : resolve(components[name] ?? {}, components);
}
