import type { Middleware } from 'koa';
import helmet from 'koa-helmet';

/** The viewer's worker, as the web client's build names it. A worker has the policy that its own script came with. */
const VIEWER_WORKER = /^\/assets\/worker-[\w-]+\.js$/;

/**
 * Response headers that keep the pages to themselves: a Content-Security-Policy that names each thing a page may do,
 * no framing, no referrer, no sniffing.
 *
 * @param ownCertificate whether the administrator brought a certificate. With the self-made one HSTS would take from
 *   the browser's user the way past its warning.
 */
export function securityHeaders(ownCertificate: boolean): Middleware {
  const protect = (host: string, isWorker: boolean) =>
    helmet({
      contentSecurityPolicy: {
        useDefaults: false,
        directives: {
          defaultSrc: ["'none'"],
          // Decoding is WebAssembly, which only the worker does.
          scriptSrc: ["'self'", ...(isWorker ? ["'wasm-unsafe-eval'"] : [])],
          styleSrc: ["'self'"],
          imgSrc: ["'self'", 'data:', 'blob:'],
          fontSrc: ["'self'"],
          // blob: is what a page makes itself: recordings that go on are played through Media Source Extensions.
          mediaSrc: ["'self'", 'blob:'],
          // Not every browser counts the tunnel's wss: as 'self'.
          connectSrc: ["'self'", ...(host === '' ? [] : [`wss://${host}`])],
          workerSrc: ["'self'"],
          manifestSrc: ["'self'"],
          baseUri: ["'none'"],
          formAction: ["'self'"],
          frameAncestors: ["'none'"],
        },
      },
      strictTransportSecurity: ownCertificate ? { maxAge: 31_536_000, includeSubDomains: false } : false,
      referrerPolicy: { policy: 'no-referrer' },
      xFrameOptions: { action: 'deny' },
    }) as unknown as Middleware;

  // Two middlewares per host name asked for: few in practice, and bounded against made-up ones.
  const byHost = new Map<string, Middleware>();
  return (context, next) => {
    const host = hostForPolicy(context.get('Host'));
    const isWorker = VIEWER_WORKER.test(context.path);
    const key = `${isWorker ? 'worker' : 'page'} ${host}`;
    let middleware = byHost.get(key);
    if (middleware === undefined) {
      if (byHost.size >= 64) byHost.clear();
      middleware = protect(host, isWorker);
      byHost.set(key, middleware);
    }
    return middleware(context, next);
  };
}

/** The Host header, when it is nothing but a host and port: it goes into a header of ours. */
function hostForPolicy(host: string): string {
  return /^(?:[A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::\d{1,5})?$/.test(host) ? host : '';
}
