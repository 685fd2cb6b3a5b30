import { type AccessRequest, type RequestFilter, requests } from '../api/requests.ts';
import { type PagedList, usePages } from '../ui/use-pages.ts';

/** How often the first page is asked for anew, while it is looked at. */
const EVERY_MS = 10_000;

export type RequestList = PagedList<AccessRequest>;

/** The newest requests, and older ones. @param filter of the component's whole life */
export function useRequests(filter: RequestFilter): RequestList {
  return usePages<AccessRequest>((page, signal) => requests.list({ ...filter, ...page }, signal), EVERY_MS);
}
