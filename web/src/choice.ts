import type { Report, Sentence } from './data';

/** The sentence, attention and head that an address names; the first, and a head in the last cross-attention, without. */
export function choiceOf(report: Report, path: string[]) {
  const wanted = Number(path[1] ?? 0);
  const index = Number.isInteger(wanted) && wanted >= 0 && wanted < report.sentences.length ? wanted : 0;
  const sentence: Sentence | undefined = report.sentences[index];
  const attentions = sentence?.attentions ?? [];
  const attention =
    attentions.find((a) => a.name === path[2]) ?? attentions.filter((a) => a.kind === 'cross').at(-1) ?? attentions[0];
  const asked = Number(path[3] ?? sharpestHead(attention));
  const head = attention && Number.isInteger(asked) && asked >= 0 && asked < attention.weights.length ? asked : 0;
  return { index, sentence, attention, head };
}

function sharpestHead(attention: Sentence['attentions'][number] | undefined): number {
  if (!attention) return 0;
  const sharpness = attention.weights.map((rows) => rows.reduce((sum, row) => sum + Math.max(...row, 0), 0));
  return sharpness.indexOf(Math.max(...sharpness));
}
