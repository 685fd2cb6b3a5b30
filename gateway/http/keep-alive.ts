/**
 * How long a connection on which nothing is asked stays open, in ms: longer than browsers keep one (Chromium 300 s, Firefox 115 s) and
 * than proxies before us do (most 60 to 75 s). Who asks must be the one to close: after Node's 5 s a request may be on its way to a
 * connection that is just being closed, and what is not asked again by itself, a POST, fails. Nor are handshakes repeated while somebody reads a page.
 */
export const KEEP_ALIVE_MS = 310_000;
