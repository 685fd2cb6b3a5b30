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

/** The requests that one keeps: each fills the form in, gets another name or colour, or is forgotten. */
export function Favourites({ favourites, start, changed }: FavouritesProps) {
  const [renaming, setRenaming] = useState<Favourite>();
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
              aria-label={`Name and colour of the favourite ${favourite.name}`}
              title="Name and colour"
              onClick={() => setRenaming(favourite)}
            >
              <Icon name="edit" />
            </button>
            <button
              type="button"
              class="icon-button"
              title="Forget"
              aria-label={`Forget the favourite ${favourite.name}`}
              onClick={() => setRemoving(favourite)}
            >
              <Icon name="close" />
            </button>
          </li>
        ))}
      </ul>
      {renaming !== undefined && (
        <FavouriteDialog favourite={renaming} saved={changed} close={() => setRenaming(undefined)} />
      )}
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

type FavouriteDialogProps = {
  saved(favourite: Favourite): void;
  close(): void;
} & (
  | { readonly favourite: undefined; readonly request: NewRequest }
  /** One that is changed; without `request`, what it is filled with stays as it is. */
  | { readonly favourite: Favourite; readonly request?: NewRequest }
);

/** Keeps what is filled in for the next time, under a name and with a colour. */
export function FavouriteDialog({ favourite, request, saved, close }: FavouriteDialogProps) {
  const [name, setName] = useState(favourite?.name ?? '');
  const [color, setColor] = useState(favourite?.color ?? FIRST_COLOR);
  const colorId = useId();
  const save = (): Promise<Favourite> => {
    const fields = { name: name.trim(), color };
    if (favourite === undefined) return requests.addFavourite({ ...fields, request });
    return requests.changeFavourite(favourite.id, request === undefined ? fields : { ...fields, request });
  };
  return (
    <Dialog
      title={favourite === undefined ? 'Save as favourite' : `Change the favourite ${favourite.name}`}
      action="Save"
      testId="save-favourite"
      perform={async () => saved(await save())}
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
      <p class="field-help">
        {request === undefined
          ? 'To change what it asks for, start from it, change the form and save it there.'
          : 'Accounts, durations, reason, comment and ticket are kept; the time is not.'}
      </p>
    </Dialog>
  );
}
