/** The gateway said no, or could not be asked. `code` is a row of docs/errors.md, or `gateway_unreachable`. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly code: string;
  readonly hint: string | undefined;
  readonly detail: string | undefined;

  constructor(report: { code: string; message: string; hint?: string | undefined; detail?: string | undefined }) {
    super(report.message);
    this.code = report.code;
    this.hint = report.hint;
    this.detail = report.detail;
  }
}

type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE';

/** Called when the gateway no longer knows who asks. */
let onSignedOut: () => void = () => undefined;

export function whenSignedOut(run: () => void): void {
  onSignedOut = run;
}

/** Asks the gateway. `path` begins behind `/api`. Throws `ApiError`. */
export async function request<T>(method: Method, path: string, body?: unknown, signal?: AbortSignal): Promise<T> {
  const response = await send(method, path, body, signal);
  const text = await response.text();
  if (response.ok) return (text === '' ? undefined : JSON.parse(text)) as T;
  const error = errorIn(text, response.status);
  if (error.code === 'unauthenticated') onSignedOut();
  throw error;
}

/** Asks for bytes, as `request` asks for JSON. */
export async function requestBytes(path: string, signal?: AbortSignal): Promise<Uint8Array> {
  const response = await send('GET', path, undefined, signal);
  if (response.ok) return new Uint8Array(await response.arrayBuffer());
  const error = errorIn(await response.text(), response.status);
  if (error.code === 'unauthenticated') onSignedOut();
  throw error;
}

async function send(method: Method, path: string, body: unknown, signal?: AbortSignal): Promise<Response> {
  try {
    return await fetch(`/api${path}`, {
      method,
      credentials: 'same-origin',
      ...(signal === undefined ? {} : { signal }),
      ...bodyOf(body),
    });
  } catch (cause) {
    if (cause instanceof DOMException && cause.name === 'AbortError') throw cause;
    throw new ApiError({
      code: 'gateway_unreachable',
      message: 'The gateway does not answer.',
      hint: 'Check your network and try again.',
    });
  }
}

/** JSON, but for files. */
function bodyOf(body: unknown): Pick<RequestInit, 'headers' | 'body'> {
  if (body === undefined) return {};
  if (body instanceof Blob) return { headers: { 'Content-Type': 'video/mp4' }, body };
  return { headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) };
}

function errorIn(text: string, status: number): ApiError {
  try {
    const { error } = JSON.parse(text) as { error: { code: string; message: string; hint?: string; detail?: string } };
    if (typeof error.code === 'string' && typeof error.message === 'string') return new ApiError(error);
  } catch {
    // Not the gateway's own words: a proxy's page, perhaps.
  }
  return new ApiError({ code: `http_${status}`, message: `The gateway answered with status ${status}.` });
}
