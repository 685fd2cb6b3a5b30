import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import type { SignInMethod } from './api/account.ts';
import type { User } from './api/types.ts';

export { hasRole } from './roles.ts';

/** Who is signed in. Provided by the app; pages are only shown to somebody. */
export interface Identity {
  readonly user: User;
  /** How this sign-in began. */
  readonly method: SignInMethod;
  /** For which host name passkeys are, where they sign in by themselves. */
  readonly passkeyHost: string | null;
  /** Single sign-on, where the gateway offers it. */
  readonly singleSignOn: { readonly label: string } | null;
  signOut(): Promise<void>;
}

export const IdentityContext = createContext<Identity | undefined>(undefined);

export function useIdentity(): Identity {
  const identity = useContext(IdentityContext);
  if (identity === undefined) throw new Error('no identity here');
  return identity;
}
