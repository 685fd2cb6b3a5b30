import { openApiDocument } from '../openapi.ts';
import { type Route, route } from '../route.ts';
import { object, text } from '../schemas.ts';

/** What machines ask: whether the gateway is up, and what its API is. `others` are the routes described besides. */
export function serviceRoutes(others: readonly Route[], version: string): Route[] {
  const own: Route[] = [
    route({
      method: 'get',
      path: '/healthz',
      id: 'health',
      tag: 'service',
      summary: 'Whether the gateway is up',
      access: 'anyone',
      status: 200,
      response: object({ status: { const: 'ok' }, version: text }),
      errors: [],
      handle: () => ({ status: 'ok', version }),
    }),
    route({
      method: 'get',
      path: '/api/openapi.json',
      id: 'openapi',
      tag: 'service',
      summary: 'This description of the API',
      access: 'anyone',
      status: 200,
      response: { type: 'object' },
      errors: [],
      handle: () => document,
    }),
  ];
  const document = openApiDocument([...others, ...own], version);
  return own;
}
