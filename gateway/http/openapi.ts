import { type ErrorCode, errorRow } from '../errors.ts';
import { isDecision, type JsonSchema, type Route } from './route.ts';
import { components, ref } from './schemas.ts';

export const SESSION_COOKIE = '__Host-oriel';

/** What a sign-in that still owes its second factor is told. */
const UNFINISHED = ['second_factor_required', 'second_factor_missing'] as const;

/** What somebody from a directory may be told at a decision. */
const DIRECTORY = ['directory_refused', 'directory_unavailable'] as const;

/** The OpenAPI 3.1 document of these routes. */
export function openApiDocument(routes: readonly Route[], version: string): Record<string, unknown> {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const route of routes) {
    const path = openApiPath(route.path);
    paths[path] = { ...paths[path], [route.method]: operation(route) };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Oriel',
      version,
      description: 'HTML5 RDP gateway and privileged session manager.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    paths,
    components: {
      schemas: components,
      securitySchemes: {
        cookie: { type: 'apiKey', in: 'cookie', name: SESSION_COOKIE },
        bearer: { type: 'http', scheme: 'bearer' },
      },
    },
  };
}

/** `/api/targets/:id` as OpenAPI writes it: `/api/targets/{id}`. */
export function openApiPath(path: string): string {
  return path.replaceAll(/:([A-Za-z]+)/g, '{$1}');
}

/** Every code that a route may answer with. */
export function errorCodesOf(route: Route): ErrorCode[] {
  const codes = new Set<ErrorCode>(['internal_error', ...route.errors]);
  if (route.access !== 'anyone') {
    codes.add('unauthenticated');
    if (route.unfinished !== true) for (const code of UNFINISHED) codes.add(code);
  }
  if (route.access !== 'anyone' && route.access !== 'signed-in') codes.add('forbidden');
  if (isDecision(route)) for (const code of DIRECTORY) codes.add(code);
  if (route.method !== 'get') codes.add('origin_refused');
  if (route.body !== undefined) codes.add('too_large');
  if (route.body !== undefined || route.query !== undefined) codes.add('bad_request');
  if (route.path.includes(':')) codes.add('not_found');
  return [...codes].sort();
}

function operation(route: Route): Record<string, unknown> {
  return {
    operationId: route.id,
    summary: route.summary,
    tags: [route.tag],
    security: route.access === 'anyone' ? [] : [{ cookie: [] }, { bearer: [] }],
    ...(route.access === 'anyone' || route.access === 'signed-in' ? {} : { 'x-oriel-action': route.access }),
    parameters: [...pathParameters(route), ...queryParameters(route)],
    ...(route.body === undefined
      ? {}
      : { requestBody: { required: true, content: { [bodyType(route)]: { schema: route.body } } } }),
    ...(route.takes === undefined ? {} : { requestBody: { required: true, content: { [route.takes]: {} } } }),
    responses: { [route.status]: success(route), ...failures(route) },
  };
}

function bodyType(route: Route): string {
  return route.form === true ? 'application/x-www-form-urlencoded' : 'application/json';
}

function success(route: Route): Record<string, unknown> {
  const content =
    route.response !== undefined
      ? { 'application/json': { schema: route.response } }
      : route.produces !== undefined
        ? { [route.produces]: {} }
        : undefined;
  return { description: route.summary, ...(content === undefined ? {} : { content }) };
}

function failures(route: Route): Record<string, unknown> {
  const byStatus = Map.groupBy(errorCodesOf(route), (code) => errorRow(code).status);
  return Object.fromEntries(
    [...byStatus].map(([status, codes]) => [
      status,
      { description: codes.join(', '), content: { 'application/json': { schema: ref('Error') } } },
    ]),
  );
}

function pathParameters(route: Route): Record<string, unknown>[] {
  return [...route.path.matchAll(/:([A-Za-z]+)/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }));
}

function queryParameters(route: Route): Record<string, unknown>[] {
  const properties = (route.query?.properties ?? {}) as Record<string, JsonSchema>;
  return Object.entries(properties).map(([name, schema]) => ({ name, in: 'query', required: false, schema }));
}
