import { useState } from 'preact/hooks';
import { gateway } from '../api/gateway.ts';
import { type AccessRequest, type Grant, type RequestState, requests } from '../api/requests.ts';
import type { Account, Target } from '../api/types.ts';
import { matches } from '../format.ts';
import { hasRole, useIdentity } from '../identity.tsx';
import { EmptyState, ErrorNote, Loading } from '../ui/feedback.tsx';
import { SearchField } from '../ui/fields.tsx';
import { Icon } from '../ui/icon.tsx';
import { Page } from '../ui/page.tsx';
import { useResource } from '../ui/use-resource.ts';

/** Requests are decided while one looks at the page. */
const REFRESH_MS = 10_000;

/** What one can open, and what one can ask for. */
export function Desktops() {
  const { user } = useIdentity();
  const all = useResource(gateway.targets);
  const ways = useResource(waysIn, REFRESH_MS);
  // A card says how to get in: neither is shown without the other.
  const targets = ways.value === undefined ? undefined : all.value;
  const error = all.error ?? ways.error;
  const reload = (): void => {
    all.reload();
    ways.reload();
  };
  const [search, setSearch] = useState('');
  const found = targets?.filter((target) =>
    matches(search, target.name, target.host, ...target.accounts.map(accountName)),
  );

  return (
    <Page
      title="Desktops"
      actions={
        targets !== undefined &&
        targets.length > 0 && <SearchField label="Search desktops" value={search} change={setSearch} />
      }
    >
      {error !== undefined && <ErrorNote error={error} retry={reload} />}
      {targets === undefined && error === undefined && <Loading what="desktops" />}
      {targets?.length === 0 && (
        <EmptyState icon="desktops" title="No desktops yet">
          {hasRole(user, 'vault-admin') ? (
            <>
              <p>Add the address of a Windows computer and an account to sign in with.</p>
              <a class="button primary" href="/admin/targets">
                Add a target
              </a>
            </>
          ) : (
            <p>Ask an administrator to entitle a group of yours to the computers that you need.</p>
          )}
        </EmptyState>
      )}
      {targets !== undefined && targets.length > 0 && found?.length === 0 && (
        <EmptyState icon="search" title={`Nothing matches “${search}”`}>
          <button type="button" class="button" onClick={() => setSearch('')}>
            Show all desktops
          </button>
        </EmptyState>
      )}
      {found !== undefined && ways.value !== undefined && found.length > 0 && (
        <ul class="cards" data-testid="targets">
          {found.map((target) => (
            <DesktopCard
              key={target.id}
              target={target}
              admin={hasRole(user, 'vault-admin')}
              waysIn={ways.value ?? { grants: [], open: [] }}
            />
          ))}
        </ul>
      )}
    </Page>
  );
}

interface DesktopCardProps {
  readonly target: Target;
  readonly admin: boolean;
  readonly waysIn: WaysIn;
}

function DesktopCard({ target, admin, waysIn }: DesktopCardProps) {
  const [first, ...others] = target.accounts;
  const [account, setAccount] = useState(first?.id ?? '');
  const way = wayInto(account, waysIn);
  const path = desktopPath(
    target,
    others.length === 0 && way.requestId === undefined ? undefined : account,
    way.requestId,
  );
  return (
    <li class="card" data-testid="target-card" data-target={target.id}>
      <div class="card-head">
        <span class="card-icon">
          <Icon name="desktops" />
        </span>
        <div class="card-title">
          <h2 title={target.name}>
            {first === undefined || way.kind !== 'connect' ? target.name : <a href={path}>{target.name}</a>}
          </h2>
          <p class="quiet mono">
            {target.host}
            {target.port === 3389 ? '' : `:${target.port}`}
          </p>
        </div>
        {target.demo && <span class="tag">Demo</span>}
      </div>
      <div class="card-foot">
        {first === undefined ? (
          <p class="quiet">
            No account yet. {admin ? <a href="/admin/targets">Add one</a> : 'Ask an administrator to add one.'}
          </p>
        ) : (
          <>
            {others.length === 0 ? (
              <span class="card-account" title={accountName(first)}>
                <Icon name="user" /> <span class="ellipsis">{accountName(first)}</span>
              </span>
            ) : (
              <select
                aria-label={`Account for ${target.name}`}
                value={account}
                onChange={(event) => setAccount(event.currentTarget.value)}
              >
                {target.accounts.map((choice) => (
                  <option key={choice.id} value={choice.id}>
                    {accountName(choice)}
                  </option>
                ))}
              </select>
            )}
            <WayIn way={way} path={path} target={target} account={account} />
          </>
        )}
      </div>
    </li>
  );
}

interface WayInProps {
  readonly way: Way;
  readonly path: string;
  readonly target: Target;
  readonly account: string;
}

function WayIn({ way, path, target, account }: WayInProps) {
  switch (way.kind) {
    case 'connect':
      return (
        <a class="button primary" href={path} aria-label={`Connect to ${target.name}`} data-testid="connect">
          Connect
        </a>
      );
    case 'waits':
      return (
        <a class="button" href={`/requests/${way.waiting}`} aria-label={`The request for ${target.name} that waits`}>
          Pending
        </a>
      );
    case 'ask':
      return (
        <a
          class="button"
          href={`/requests/new?account=${encodeURIComponent(account)}`}
          aria-label={`Request access to ${target.name}`}
          data-testid="request-access"
        >
          Request access
        </a>
      );
    case 'none':
      return <span class="quiet small">Not entitled</span>;
  }
}

/** How this user gets into accounts: what asks nothing, and requests that are open. */
interface WaysIn {
  readonly grants: readonly Grant[];
  readonly open: readonly AccessRequest[];
}

async function waysIn(signal: AbortSignal): Promise<WaysIn> {
  const open = (state: RequestState) => requests.list({ scope: 'own', automatic: false, state, limit: 200 }, signal);
  const [grants, ...lists] = await Promise.all([
    requests.myAccess(signal),
    open('available'),
    open('approved'),
    open('pending'),
  ]);
  return { grants, open: lists.flat() };
}

interface Way {
  readonly kind: 'connect' | 'waits' | 'ask' | 'none';
  /** The request that gives access, where it takes one. */
  readonly requestId?: string;
  readonly waiting?: string;
}

/** An account that asks nothing is simply opened, even where a request for it is open too. */
function wayInto(account: string, { grants, open }: WaysIn): Way {
  const held = grants.filter((grant) => grant.account.id === account);
  if (held.some(({ needsRequest }) => !needsRequest)) return { kind: 'connect' };
  const of = open.filter(({ items }) => items.some((item) => item.account.id === account));
  const usable = of.find(({ state }) => state === 'available');
  if (usable !== undefined) return { kind: 'connect', requestId: usable.id };
  const [waiting] = of;
  if (waiting !== undefined) return { kind: 'waits', waiting: waiting.id };
  return { kind: held.length === 0 ? 'none' : 'ask' };
}

export function accountName(account: Pick<Account, 'username' | 'domain'>): string {
  if (account.username === '') return 'Your own account';
  return account.domain === '' ? account.username : `${account.domain}\\${account.username}`;
}

/** Where a desktop opens. @param request the id of the request that gives access to it */
export function desktopPath(target: Pick<Target, 'id'>, account?: string, request?: string): string {
  const query = new URLSearchParams({
    ...(account === undefined ? {} : { account }),
    ...(request === undefined ? {} : { request }),
  });
  return `/desktop/${encodeURIComponent(target.id)}${query.size === 0 ? '' : `?${query}`}`;
}
