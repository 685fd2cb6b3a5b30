import { send } from '@koa/send';
import type { Middleware } from 'koa';
import { GatewayError } from '../errors.ts';

/** Addresses that the page router in the browser knows; each gets index.html. */
const PAGES = [
  /^\/$/,
  /^\/(?:targets|sessions|recordings|password|account|notifications|requests|approvals|reviews|decide|admin)\/?$/,
  /^\/desktop\/[^/]+$/,
  /^\/sessions\/[^/]+\/watch$/,
  /^\/recordings\/[^/]+$/,
  /^\/requests\/[^/]+$/,
  /^\/admin\/.+$/,
];

/** Serves the built web client from `root`. Files under /assets have their hash in the name and never change. */
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
      throw page
        ? new GatewayError('not_ready', 'the web client is not built; run: npm start', { cause: error })
        : new GatewayError('not_found', undefined, { cause: error });
    }
    if (!immutable) context.set('Cache-Control', 'no-cache');
  };
}
