import { bodyParser } from '@koa/bodyparser';
import { Router } from '@koa/router';
import type { Context, Middleware } from 'koa';
import { type Actor, can } from '../access/can.ts';
import type { LoginSessions } from '../access/login-sessions.ts';
import { TooManyAttempts } from '../access/sign-in.ts';
import type { User } from '../access/users.ts';
import { type ErrorCode, errorRow, GatewayError, isErrorCode, reportOf } from '../errors.ts';
import type { Logger } from '../log.ts';
import { clientOf, type Identity, identify, refuseForeignOrigin } from './authentication.ts';
import { type Call, isDecision, type Route } from './route.ts';
import { createValidation, type Validator } from './validation.ts';

/** A request body larger than this is refused unread: the largest that means something is a few hundred bytes. */
export const BODY_LIMIT_BYTES = 64 * 1024;

export interface ApiOptions {
  readonly routes: readonly Route[];
  readonly logins: LoginSessions;
  readonly origins: readonly string[];
  /** Looks somebody from a directory up before a decision; returns whether it did. Throws where she may not be here. */
  requireCurrent(user: User): Promise<boolean>;
  /** Somebody tried what they may not. */
  refused?(refusal: Refusal): Promise<void>;
}

export interface Refusal {
  readonly actor: Actor;
  readonly address: string;
  /** The route's id. */
  readonly route: string;
  readonly code: ErrorCode;
  readonly path: string;
}

/** Koa middleware that serves the routes: origin, identity, right, body and query, in this order, then the handler. */
export function apiRouter(options: ApiOptions): Router {
  const router = new Router();
  const validation = createValidation();
  const parsers = { json: parserOf('json'), form: parserOf('form') };
  for (const route of options.routes) {
    const checks: Checks = {
      body: route.body === undefined ? undefined : validation.body(route.body),
      query: route.query === undefined ? undefined : validation.query(route.query),
    };
    // The router answers HEAD for every GET by itself.
    router.register(route.path, [route.method], async (context) => {
      const parseBody = route.form === true ? parsers.form : parsers.json;
      await serve(context as unknown as Context, route, checks, options, parseBody);
    });
  }
  return router;
}

function parserOf(type: 'json' | 'form'): Middleware {
  return bodyParser({
    enableTypes: [type],
    jsonLimit: BODY_LIMIT_BYTES,
    formLimit: BODY_LIMIT_BYTES,
    jsonStrict: true,
    patchNode: false,
    parsedMethods: ['POST', 'PATCH', 'DELETE'],
    onError: (error) => {
      throw (error as { status?: number }).status === 413
        ? new GatewayError('too_large', undefined, { cause: error })
        : new GatewayError('bad_request', `the body is no ${type === 'json' ? 'JSON' : 'form'}`, { cause: error });
    },
  }) as unknown as Middleware;
}

/** Turns whatever is thrown further in into `{error: {code, message, …}}`; what was not foreseen is logged, not told. */
export function errorResponses(log: Logger): Middleware {
  return async (context, next) => {
    try {
      await next();
      if (context.status === 404 && context.body == null) throw new GatewayError('not_found');
      if (context.status === 405 || context.status === 501) throw new GatewayError('method_not_allowed');
    } catch (error) {
      const known = error instanceof GatewayError ? error : foreignError(error);
      if (known === undefined) log.error({ err: error, method: context.method, path: context.path }, 'request failed');
      else log.debug({ code: known.code, detail: known.detail, path: context.path }, 'request refused');
      const code = known?.code ?? 'internal_error';
      context.status = errorRow(code).status;
      if (error instanceof TooManyAttempts) context.set('Retry-After', String(Math.ceil(error.waitMs / 1000)));
      if (code === 'unauthenticated') context.set('WWW-Authenticate', 'Bearer');
      context.body = { error: reportOf(code, known?.detail) };
    }
  };
}

interface Checks {
  readonly body: Validator | undefined;
  readonly query: Validator | undefined;
}

async function serve(
  context: Context,
  route: Route,
  checks: Checks,
  options: ApiOptions,
  parseBody: Middleware,
): Promise<void> {
  // What the API says is never for a cache: it differs by user and by moment.
  context.set('Cache-Control', 'no-store');
  refuseForeignOrigin(context, options.origins);
  const identity = await identifyNow(context, route, options);
  const parameters = (context as unknown as { params: Record<string, string> }).params;
  try {
    await authorise(route, parameters, identity);
  } catch (error) {
    if (identity !== undefined) await noteRefusal(error, route, identity, context, options);
    throw error;
  }

  let body: unknown;
  if (checks.body !== undefined) {
    await parseBody(context as never, async () => {});
    // No body at all is as good as one with nothing in it.
    body = hasBody(context) ? (context.request as { body?: unknown }).body : {};
    checks.body(body);
  }
  const query: Record<string, unknown> = { ...context.query };
  checks.query?.(query);

  const call = callOf(context, route, parameters, identity, body, query);
  let result: unknown;
  try {
    result = await route.handle(call);
  } catch (error) {
    if (identity !== undefined && route.method !== 'get') await noteRefusal(error, route, identity, context, options);
    throw error;
  }
  if (route.produces !== undefined && result === undefined) return;
  if (route.status === 302) {
    context.redirect(result as string);
    context.body = '';
    return;
  }
  context.status = route.status;
  context.body = route.status === 204 ? null : result;
}

async function identifyNow(context: Context, route: Route, options: ApiOptions): Promise<Identity | undefined> {
  const identity = await identify(context, options.logins);
  if (identity === undefined || !isDecision(route)) return identity;
  return (await options.requireCurrent(identity.signedIn.user)) ? identify(context, options.logins) : identity;
}

/** What somebody tried who may not: a decision, too. */
const REFUSALS: readonly string[] = ['forbidden', 'not_entitled', 'policy_refused', 'step_up_required'];

async function noteRefusal(
  error: unknown,
  route: Route,
  { actor }: Identity,
  context: Context,
  { refused }: ApiOptions,
): Promise<void> {
  // Sessions that are refused are written down where that is decided.
  if (!(error instanceof GatewayError) || !REFUSALS.includes(error.code) || route.id === 'openSession') return;
  await refused?.({ actor, address: clientOf(context).address, route: route.id, code: error.code, path: context.path });
}

/** INVARIANT: a request without the right to a thing learns nothing of it, not even whether it exists. */
async function authorise(
  route: Route,
  parameters: Readonly<Record<string, string>>,
  identity: Identity | undefined,
): Promise<void> {
  if (route.access === 'anyone') return;
  if (identity === undefined) throw new GatewayError('unauthenticated');
  const { stage } = identity.signedIn;
  if (stage !== 'full' && route.unfinished !== true) {
    throw new GatewayError(stage === 'code' ? 'second_factor_required' : 'second_factor_missing');
  }
  if (route.access === 'signed-in') return;
  if (can(identity.actor, route.access)) return;
  if (route.resource === undefined) throw new GatewayError('forbidden');
  const resource = await route.resource(parameters).catch(() => undefined);
  if (!can(identity.actor, route.access, resource)) throw new GatewayError('forbidden');
}

function hasBody(context: Context): boolean {
  return context.get('Transfer-Encoding') !== '' || Number(context.get('Content-Length')) > 0;
}

function callOf(
  context: Context,
  route: Route,
  parameters: Readonly<Record<string, string>>,
  identity: Identity | undefined,
  body: unknown,
  query: unknown,
): Call {
  const client = clientOf(context);
  return {
    body,
    query,
    parameters,
    context,
    address: client.address,
    client,
    token: identity?.token,
    get signedIn() {
      if (identity === undefined) throw new GatewayError('unauthenticated');
      return identity.signedIn;
    },
    get actor() {
      if (identity === undefined) throw new GatewayError('unauthenticated');
      return identity.actor;
    },
    parameter(name) {
      const value = parameters[name];
      if (value === undefined) throw new Error(`route ${route.id} has no parameter ${name}`);
      return value;
    },
  };
}

/** Errors that Koa and its parts throw for requests that are wrong, such as a malformed path. */
function foreignError(error: unknown): GatewayError | undefined {
  const { status, expose, code } = error as { status?: unknown; expose?: unknown; code?: unknown };
  if (typeof code === 'string' && isErrorCode(code)) return new GatewayError(code);
  if (typeof status !== 'number' || status < 400 || status >= 500 || expose !== true) return undefined;
  if (status === 404) return new GatewayError('not_found');
  return new GatewayError(status === 413 ? 'too_large' : 'bad_request', undefined, { cause: error });
}
