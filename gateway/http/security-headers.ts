import type { Middleware } from 'koa';
import helmet from 'koa-helmet';

/**
 * Response headers that keep the pages to themselves: a Content-Security-Policy that names each thing a page may do,
 * no framing, no referrer, no sniffing.
 *
 * @param ownCertificate whether the administrator brought a certificate. With the self-made one HSTS would take from
 *   the browser's user the way past its warning.
 */
export function securityHeaders(ownCertificate: boolean): Middleware {
  const protect = (host: string) =>
    helmet({
      contentSecurityPolicy: {
        useDefaults: false,
        directives: {
          defaultSrc: ["'none'"],
          scriptSrc: ["'self'"],
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

  // One middleware per host name asked for: few in practice, and bounded against made-up ones.
  const byHost = new Map<string, Middleware>();
  return (context, next) => {
    const host = hostForPolicy(context.get('Host'));
    let middleware = byHost.get(host);
    if (middleware === undefined) {
      if (byHost.size >= 32) byHost.clear();
      middleware = protect(host);
      byHost.set(host, middleware);
    }
    return middleware(context, next);
  };
}

/** The Host header, when it is nothing but a host and port: it goes into a header of ours. */
function hostForPolicy(host: string): string {
  return /^(?:[A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::\d{1,5})?$/.test(host) ? host : '';
}
