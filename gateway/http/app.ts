import Koa from 'koa';
import { clientAddress, type TrustedProxies } from '../address.ts';
import type { Logger } from '../log.ts';
import { apiRouter, errorResponses } from './api.ts';
import { pages } from './pages.ts';
import { allRoutes } from './routes/routes.ts';
import { securityHeaders } from './security-headers.ts';
import type { Services } from './services.ts';

export interface AppOptions {
  readonly services: Services;
  readonly origins: readonly string[];
  readonly proxies: TrustedProxies | undefined;
  /** Folder of the built web client. */
  readonly webRoot: string;
  /** Whether the administrator brought a certificate. */
  readonly ownCertificate: boolean;
  readonly log: Logger;
}

/** The HTTP side of the gateway: headers, errors, API, pages. */
export function createApp(options: AppOptions): Koa {
  const { services, log } = options;
  const app = new Koa();
  app.silent = true;
  app.on('error', (error: NodeJS.ErrnoException) => {
    // A browser that leaves in the middle of a video is no event.
    if (error.code === 'ECONNRESET' || error.code === 'EPIPE' || error.code === 'ERR_STREAM_PREMATURE_CLOSE') return;
    log.error({ err: error }, 'http failed');
  });
  const router = apiRouter({
    routes: allRoutes(services),
    logins: services.logins,
    origins: options.origins,
    requireCurrent: (user) => services.directory.requireCurrent(user),
    refused: ({ actor, address, route, code, path }) =>
      services.audit.record({ action: 'action.refused', actor, address, subject: route, details: { code, path } }),
  });
  app.use((context, next) => {
    context.request.ip = clientAddress(context.req, options.proxies);
    return next();
  });
  app.use(securityHeaders(options.ownCertificate));
  app.use(errorResponses(log));
  app.use(router.routes() as unknown as Koa.Middleware);
  // Sets status and `Allow`, as RFC 9110 15.5.6 asks; `errorResponses` adds the words.
  app.use(router.allowedMethods() as unknown as Koa.Middleware);
  app.use(pages(options.webRoot));
  return app;
}
