import { send } from '@koa/send';
import type { Context, Middleware } from 'koa';
import { GatewayError } from '../errors.ts';

/** Addresses that the page router in the browser knows; each gets index.html. */
const PAGES = [
  /^\/$/,
  /^\/(?:targets|sessions|recordings|password|account|notifications|requests|approvals|reviews|decide|admin)\/?$/,
  /^\/desktop\/[^/]+$/,
  /^\/sessions\/alerts$/,
  /^\/sessions\/[^/]+\/watch$/,
  /^\/recordings\/[^/]+$/,
  /^\/requests\/[^/]+$/,
  /^\/admin\/.+$/,
];

/**
 * Serves the built web client from `root`. Files under /assets have their hash in the name and never change. Whoever goes
 * to an address that is none reads so in a page, with status 404.
 */
export function pages(root: string): Middleware {
  return async (context, next) => {
    if (context.path.startsWith('/api/') || context.path === '/healthz') return next();
    if (context.method !== 'GET' && context.method !== 'HEAD') throw new GatewayError('method_not_allowed');
    const page = PAGES.some((pattern) => pattern.test(context.path));
    const immutable = context.path.startsWith('/assets/');
    try {
      // With one year and `immutable`, a browser does not even ask again.
      await send(context as never, page ? '/index.html' : context.path, {
        root,
        maxAge: immutable ? 31_536_000_000 : 0,
        immutable,
      });
    } catch (error) {
      if ((error as { status?: number }).status !== 404) throw error;
      if (!page && context.accepts('html', 'json') === 'html' && !immutable) return sendNotFoundPage(context, root);
      throw page
        ? new GatewayError('not_ready', 'the web client is not built; run: npm start', { cause: error })
        : new GatewayError('not_found', undefined, { cause: error });
    }
    if (!immutable) context.set('Cache-Control', 'no-cache');
  };
}

async function sendNotFoundPage(context: Context, root: string): Promise<void> {
  await send(context as never, '/index.html', { root }).catch((cause) => {
    throw new GatewayError('not_found', undefined, { cause });
  });
  context.status = 404;
  context.set('Cache-Control', 'no-cache');
}
