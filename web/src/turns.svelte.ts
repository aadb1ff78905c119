/** Done one after the other, one a frame, so that a view with many charts opens without a frame that takes long. */
const waiting: (() => void)[] = [];

export function inTurn(work: () => void): () => void {
  waiting.push(work);
  if (waiting.length === 1) requestAnimationFrame(next);
  return () => {
    const at = waiting.indexOf(work);
    if (at > 0) waiting.splice(at, 1);
    else if (at === 0) waiting[0] = () => {};
  };
}

function next() {
  waiting[0]?.();
  waiting.shift();
  if (waiting.length) requestAnimationFrame(next);
}

/** How many of a list are drawn: `first` at once and `more` with each frame, so that no frame takes long; another list begins anew. */
export function gradually(list: () => unknown[], first: number, more: number): { readonly count: number } {
  let drawn = $state(first);
  $effect.pre(() => {
    list();
    drawn = first;
  });
  $effect(() => {
    if (drawn < list().length) return inTurn(() => (drawn += more));
  });
  return {
    get count() {
      return drawn;
    },
  };
}
