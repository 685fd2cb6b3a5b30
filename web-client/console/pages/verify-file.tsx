import { useRef, useState } from 'preact/hooks';
import { gateway } from '../api/gateway.ts';
import type { ApiError } from '../api/request.ts';
import type { Verified } from '../api/types.ts';
import { ErrorNote } from '../ui/feedback.tsx';
import { Icon } from '../ui/icon.tsx';
import { Page } from '../ui/page.tsx';
import { toApiError } from '../ui/use-resource.ts';
import { Verdict } from './verification.tsx';

/** Whether anybody touched a file that was downloaded or handed on. */
export function VerifyFile() {
  const input = useRef<HTMLInputElement>(null);
  const [name, setName] = useState<string>();
  const [verified, setVerified] = useState<Verified>();
  const [failure, setFailure] = useState<ApiError>();
  const busy = name !== undefined && verified === undefined && failure === undefined;

  const check = async (file: File): Promise<void> => {
    setName(file.name);
    setVerified(undefined);
    setFailure(undefined);
    try {
      setVerified(await gateway.verifyFile(file));
    } catch (cause) {
      setFailure(toApiError(cause));
    }
  };
  const session = verified?.report.recording?.session;
  return (
    <Page
      title="Verify a file"
      intro="A recording that was downloaded or handed on. It is checked with the keys of this gateway, and not kept."
      actions={
        <a class="button" href="/recordings">
          <Icon name="back" /> All recordings
        </a>
      }
    >
      <section class="verification" aria-label="Check">
        <div class="verification-tools">
          <button type="button" class="button primary" disabled={busy} onClick={() => input.current?.click()}>
            {busy ? 'Checking…' : 'Choose an MP4…'}
          </button>
          <input
            ref={input}
            type="file"
            accept="video/mp4,.mp4"
            hidden
            aria-label="Recording to check"
            onChange={(event) => {
              const [file] = event.currentTarget.files ?? [];
              if (file !== undefined) void check(file);
              // So that the same file can be chosen again.
              event.currentTarget.value = '';
            }}
            data-testid="verify-file"
          />
        </div>
        {verified !== undefined && (
          <Verdict verified={verified}>
            {name}
            {session !== undefined && (
              <>
                , signed as the recording of <a href={`/recordings/${encodeURIComponent(session)}`}>this session</a>
              </>
            )}
          </Verdict>
        )}
        {failure !== undefined && <ErrorNote error={failure} />}
      </section>
    </Page>
  );
}
