import { useId, useState } from 'preact/hooks';
import { type Favourite, type NewRequest, requests } from '../api/requests.ts';
import { Dialog } from '../ui/dialog.tsx';
import { Field } from '../ui/fields.tsx';
import { Icon } from '../ui/icon.tsx';

/** Colours that tell favourites apart; any other can be chosen too. */
const FIRST_COLOR = '#1f5f8b';

interface FavouritesProps {
  readonly favourites: readonly Favourite[];
  start(favourite: Favourite): void;
  changed(): void;
}

/** The requests that one keeps: each fills the form in, or is forgotten. */
export function Favourites({ favourites, start, changed }: FavouritesProps) {
  const [removing, setRemoving] = useState<Favourite>();
  if (favourites.length === 0) return null;
  return (
    <section class="request-part" aria-labelledby="favourites-title">
      <h2 id="favourites-title">Start from a favourite</h2>
      <ul class="favourites" data-testid="favourites">
        {favourites.map((favourite) => (
          <li key={favourite.id} class="favourite">
            <button type="button" class="button quiet-button" onClick={() => start(favourite)} data-testid="favourite">
              <svg class="swatch" viewBox="0 0 12 12" aria-hidden="true">
                <circle cx="6" cy="6" r="6" fill={favourite.color} />
              </svg>
              {favourite.name}
            </button>
            <button
              type="button"
              class="icon-button"
              aria-label={`Forget the favourite ${favourite.name}`}
              onClick={() => setRemoving(favourite)}
            >
              <Icon name="close" />
            </button>
          </li>
        ))}
      </ul>
      {removing !== undefined && (
        <Dialog
          title={`Forget the favourite ${removing.name}?`}
          action="Forget"
          danger
          perform={async () => {
            await requests.removeFavourite(removing.id);
            changed();
          }}
          close={() => setRemoving(undefined)}
        >
          <p>Requests that were made from it stay as they are.</p>
        </Dialog>
      )}
    </section>
  );
}

interface FavouriteDialogProps {
  readonly request: NewRequest;
  saved(): void;
  close(): void;
}

/** Keeps what is filled in for the next time, under a name and with a colour. */
export function FavouriteDialog({ request, saved, close }: FavouriteDialogProps) {
  const [name, setName] = useState('');
  const [color, setColor] = useState(FIRST_COLOR);
  const colorId = useId();
  return (
    <Dialog
      title="Save as favourite"
      action="Save"
      testId="save-favourite"
      perform={async () => {
        await requests.addFavourite({ name: name.trim(), color, request });
        saved();
      }}
      close={close}
    >
      <Field
        label="Name"
        name="favourite-name"
        required
        maxLength={64}
        autocomplete="off"
        value={name}
        change={setName}
      />
      <div class="field">
        <label for={colorId}>Colour</label>
        <input
          id={colorId}
          class="color"
          name="favourite-color"
          type="color"
          value={color}
          onInput={(event) => setColor(event.currentTarget.value)}
        />
      </div>
      <p class="field-help">Accounts, durations, reason, comment and ticket are kept; the time is not.</p>
    </Dialog>
  );
}
