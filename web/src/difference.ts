/** The words of two texts side by side: the longest common subsequence is kept, the rest is added or left out. */

export interface Piece {
  kind: 'same' | 'added' | 'left';
  words: string;
}

export function difference(reference: string[], translation: string[]): Piece[] {
  const n = reference.length;
  const m = translation.length;
  const common = Array.from({ length: n + 1 }, () => new Array<number>(m + 1).fill(0));
  for (let i = n - 1; i >= 0; i -= 1)
    for (let j = m - 1; j >= 0; j -= 1)
      common[i]![j] =
        reference[i] === translation[j] ? common[i + 1]![j + 1]! + 1 : Math.max(common[i + 1]![j]!, common[i]![j + 1]!);
  const pieces: Piece[] = [];
  const put = (kind: Piece['kind'], word: string) => {
    const last = pieces.at(-1);
    if (last?.kind === kind) last.words += ` ${word}`;
    else pieces.push({ kind, words: word });
  };
  let i = 0;
  let j = 0;
  while (i < n || j < m) {
    if (i < n && j < m && reference[i] === translation[j]) {
      put('same', reference[i]!);
      i += 1;
      j += 1;
    } else if (i < n && (j === m || common[i + 1]![j]! >= common[i]![j + 1]!)) {
      put('left', reference[i]!);
      i += 1;
    } else {
      put('added', translation[j]!);
      j += 1;
    }
  }
  return pieces;
}

export const wordsOf = (text: string): string[] => text.split(/\s+/).filter(Boolean);
