import {
  browserSupportsWebAuthn,
  browserSupportsWebAuthnAutofill,
  type PublicKeyCredentialCreationOptionsJSON,
  type PublicKeyCredentialRequestOptionsJSON,
  startAuthentication,
  startRegistration,
  WebAuthnAbortService,
  WebAuthnError,
} from '@simplewebauthn/browser';
import { ApiError, request } from './request.ts';

export interface Passkey {
  readonly id: string;
  readonly name: string;
  readonly createdAt: string;
  readonly lastUsedAt: string | null;
  /** It may leave the device that it was made on. */
  readonly synced: boolean;
  /** A copy of it was seen: it is not taken any more. */
  readonly cloned: boolean;
}

/** What a browser has answered; the gateway checks it. */
export interface PasskeyAnswer {
  readonly state: string;
  readonly response: unknown;
}

interface Asked<Options> {
  readonly options: Options;
  readonly state: string;
}

/** The challenge behind a field that offers passkeys is good for five minutes. */
const AUTOFILL_ROUND_MS = 4 * 60_000;
const id = encodeURIComponent;

/** Passkeys, of oneself and at this browser. Each function throws `ApiError`. */
export const passkeys = {
  list: (signal?: AbortSignal) => request<readonly Passkey[]>('GET', '/me/passkeys', undefined, signal),
  rename: (passkey: string, name: string) => request<Passkey>('PATCH', `/me/passkeys/${id(passkey)}`, { name }),
  remove: (passkey: string) => request<void>('DELETE', `/me/passkeys/${id(passkey)}`),
  listOf: (user: string, signal?: AbortSignal) =>
    request<readonly Passkey[]>('GET', `/users/${id(user)}/passkeys`, undefined, signal),
  removeOf: (user: string, passkey: string) => request<void>('DELETE', `/users/${id(user)}/passkeys/${id(passkey)}`),

  /** What to make one from; the gateway may ask first who one is. */
  askNew: () => request<Asked<PublicKeyCredentialCreationOptionsJSON>>('POST', '/me/passkeys/options'),

  /** Has the browser make a passkey, and keeps it. */
  async add({ options, state }: Asked<PublicKeyCredentialCreationOptionsJSON>, name: string) {
    const response = await ofBrowser(() => startRegistration({ optionsJSON: options }));
    return request<{ readonly recoveryCodes: readonly string[] }>('POST', '/me/passkeys', { state, response, name });
  },

  /** Signs in by a passkey alone. */
  async signIn(): Promise<void> {
    await finishSignIn(await this.askToSignIn(false));
  },

  /** A passkey of whoever is signed in, or owes a second factor. */
  async show(): Promise<PasskeyAnswer> {
    return answer(await request('POST', '/step-up/options'), false);
  },

  async askToSignIn(autofill: boolean): Promise<PasskeyAnswer> {
    return answer(await request('POST', '/login/passkey/options'), autofill);
  },
};

/**
 * Offers this browser's passkeys with the suggestions of the user name's field, until stopped.
 *
 * @param chosen somebody has chosen one, and is signed in
 * @param failed somebody has, and is not
 */
export function offerPasskeys(chosen: () => unknown, failed: (error: unknown) => unknown): () => void {
  let stopped = false;
  const round = async (): Promise<void> => {
    if (!(await browserSupportsWebAuthnAutofill()) || stopped) return;
    let old = false;
    const renew = setTimeout(() => {
      old = true;
      WebAuthnAbortService.cancelCeremony();
    }, AUTOFILL_ROUND_MS);
    try {
      await finishSignIn(await passkeys.askToSignIn(true));
      chosen();
    } catch (error) {
      if (stopped) return;
      if (old) void round();
      // Otherwise the button took over.
      else if (!(error instanceof ApiError) || error.code !== 'passkey_cancelled') failed(error);
    } finally {
      clearTimeout(renew);
    }
  };
  void round();
  return () => {
    stopped = true;
    WebAuthnAbortService.cancelCeremony();
  };
}

/** Whether passkeys of a gateway that people know as `host` can be used from this page. */
export function canUsePasskeys(host: string | null): boolean {
  const here = window.location.hostname;
  return host !== null && (here === host || here.endsWith(`.${host}`)) && browserSupportsWebAuthn();
}

function finishSignIn(shown: PasskeyAnswer): Promise<unknown> {
  return request('POST', '/login/passkey', shown);
}

async function answer(
  { options, state }: Asked<PublicKeyCredentialRequestOptionsJSON>,
  useBrowserAutofill: boolean,
): Promise<PasskeyAnswer> {
  return { state, response: await ofBrowser(() => startAuthentication({ optionsJSON: options, useBrowserAutofill })) };
}

/** The browser's own refusals, in the words of everything else that can go wrong. */
async function ofBrowser<T>(run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (cause) {
    const { name } = cause instanceof WebAuthnError && cause.cause instanceof Error ? cause.cause : (cause as Error);
    if (name === 'InvalidStateError') {
      throw new ApiError({ code: 'passkey_known', message: 'This device has a passkey of yours already.' });
    }
    if (name === 'SecurityError') {
      throw new ApiError({
        code: 'passkeys_unavailable',
        message: 'The browser makes no passkeys for this address.',
        hint: 'Open Oriel at the address that an administrator has set for it, with a certificate that the browser trusts.',
      });
    }
    throw new ApiError({
      code: 'passkey_cancelled',
      message: 'No passkey was used.',
      hint: 'It was cancelled, took too long, or this device has none for Oriel.',
    });
  }
}
