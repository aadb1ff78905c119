import { gunzipSync } from 'fflate';
import type { Comparison } from './comparison';

/** The data that `qkv report` writes into the page, and `qkv explain --json` within it. */

export type Table = number[][];
export type MaskedTable = (number | null)[][];

export interface Factor {
  /** null: a plain number, named by `name` */
  address: string | null;
  name: string;
  value: number;
}

export interface Formula {
  address: string;
  value: number | null;
  expression: string;
  note: string;
  terms: { value: number; factors: Factor[] }[];
  operation: 'sum' | 'softmax' | 'other' | string;
  exact?: number;
  agrees?: boolean;
}

/** How all cells of a row came to be: the letter c in an address is the cell's column. */
export interface RowFormula {
  operation: Formula['operation'];
  note: string;
  /** Of each column; empty for a sum. */
  expressions: string[];
  terms: { address: string | null; name: string; values: number[] }[][];
}

export interface Step {
  name: string;
  title: string;
  formula: string;
  rows: string[];
  columns: string[];
  /** Of a head's part of a parameter: which row of the whole its first is. */
  first_row?: number;
  first_column?: number;
  values: MaskedTable;
  cell?: Formula | null;
  /** Of what no other step explains: a formula for each row. */
  row_formulas?: RowFormula[];
  exact?: MaskedTable;
  largest_difference?: number;
  agrees?: boolean;
  tolerance?: number;
  check?: string;
}

export interface StepTaken {
  rate: number;
  loss_before: number;
  loss_after: number;
  loss_predicted: number;
  weights: { rows: string[]; columns: string[]; before: Table; predicted: Table; actual: Table } | null;
  largest_difference: number;
}

export interface Explanation {
  model: string;
  source: string[];
  read: string[];
  predicted: string[];
  /** Else of the reference, which was fed in. */
  own_translation: boolean;
  loss: number;
  word: number;
  attention: {
    name: string;
    kind: string;
    layer: number;
    head: number;
    heads: number;
    scale: number;
    score: string;
  } | null;
  rows: string[];
  columns: string[];
  forward: Step[];
  /** What the queries, keys and values were made with: this head's part of the report's projections. */
  parameters: Step[];
  backward?: Step[];
  step?: StepTaken | null;
}

export interface Attention {
  name: string;
  kind: 'cross' | 'self' | 'causal';
  layer: number;
  heads: number;
  weights: number[][][];
  /** Alignment error of each head, read in the row that predicts a word, and in the next, which reads it. */
  aer: number[] | null;
  aer_next?: number[] | null;
}

/** A sentence as people write it; a model may read characters, or pieces of words. */
export interface Text {
  source: string;
  reference: string | null;
  translation: string;
}

export interface Sentence {
  source: string[];
  unknown: string[];
  read: string[];
  predicted: string[];
  reference: string[] | null;
  text: Text;
  given: boolean;
  exact: boolean;
  edits: number;
  links: [number, number, boolean | number][] | null;
  attentions: Attention[];
  switched_off: { name: string; head: number; text: string; changed: boolean; loss: number }[];
  loss: number;
  loss_of_words: number[];
  explained: Explanation[];
}

export interface Translation {
  source: string;
  reference: string;
  translation: string;
  edits: number; // words to change, 0 where it is the reference
  chrf: number;
  set: string;
}

export interface SnapshotAttention {
  name: string;
  kind: string;
  layer: number;
  heads: number;
  rows: 'read' | 'source' | 'predicted';
  columns: 'read' | 'source';
  /** [snapshot][head][row][column] */
  weights: number[][][][];
}

export interface Snapshots {
  steps: number[];
  sentences: { source: string[]; read: string[]; predicted: string[]; text: Omit<Text, 'translation'>; attentions: SnapshotAttention[] }[];
}

export interface Graph {
  nodes: { id: string; kind: 'operation' | 'parameter' | 'constant' | 'input' | 'module'; label: string; module: string; shape: string; operations: number }[];
  edges: [string, string][];
  recurrences: [string, string][]; // of the edges, those that lead to the next step
  dot: string;
}

export interface TestScores {
  loss?: number;
  token_accuracy?: number;
  sentences?: number;
  exact_match?: number;
  bleu?: number;
  chrf?: number;
  by_length?: { source_words: string; sentences: number; exact_match: number; bleu: number; chrf: number }[];
}

type Column = (number | null)[];

export interface Report {
  version: string;
  run: string;
  model: string;
  title: string;
  settings: Record<string, unknown>;
  parameters: number;
  vocabulary: { source: number; target: number };
  missing: Record<string, { reason: string; text: string; place?: string }>;
  training: {
    steps: { step: number[]; loss: Column; lr: Column; gradient_norm: Column };
    validations: { step: number[]; valid_loss: Column; valid_bleu: Column; valid_exact: Column };
  };
  tests: Record<string, TestScores>;
  translations: { [Key in keyof Translation]: Translation[Key][] };
  sentences: Sentence[];
  /** Of each attention that is explained: "query.weight", "query.bias", …, of all heads one after the other. */
  projections: Record<string, Record<string, Table>>;
  snapshots: Snapshots | null;
  compare: Comparison | null;
  graph: Graph | null;
}

/** A step that an earlier explanation of the sentence has too is written once. */
interface SharedStep {
  name: string;
  same_as: number;
}

/** The page's data, gzip in base64, or null in a page that nothing has filled yet. */
export function readData(): Report | null {
  const text = document.getElementById('data')?.textContent?.trim() ?? '';
  if (!text.startsWith('H4sI')) return null;
  const letters = atob(text);
  const packed = new Uint8Array(letters.length);
  for (let i = 0; i < letters.length; i += 1) packed[i] = letters.charCodeAt(i); // from() with a function takes ten times as long
  const report = JSON.parse(new TextDecoder().decode(gunzipSync(packed))) as Report;
  for (const { explained } of report.sentences)
    for (const explanation of explained) {
      explanation.forward = explanation.forward.map((step) => unshared(step, explained));
      explanation.parameters = parametersOf(report, explanation);
    }
  return report;
}

function unshared(step: Step | SharedStep, explained: Explanation[]): Step {
  return 'same_as' in step ? explained[step.same_as]!.forward.find((other) => other.name === step.name)! : step;
}

/** A head's part: rows of what makes queries, keys and values, columns of what its output is projected by. */
function parametersOf(report: Report, { attention }: Explanation): Step[] {
  return Object.entries((attention && report.projections[attention.name]) ?? {}).map(([name, whole]) => {
    const step = { name, title: '', formula: '', rows: [], columns: [], values: whole };
    if (name === 'output.bias') return step;
    const isBias = name.endsWith('.bias');
    const width = (isBias || name === 'output.weight' ? whole[0]!.length : whole.length) / attention!.heads;
    const first = width * attention!.head;
    if (name === 'output.weight') return { ...step, first_column: first, values: whole.map((row) => row.slice(first, first + width)) };
    return { ...step, first_row: first, values: isBias ? whole.map((row) => row.slice(first, first + width)) : whole.slice(first, first + width) };
  });
}

/** What the model reads: word, char or bpe. */
export function tokensOf(report: Report): string {
  return String(report.settings['tokenizer'] ?? 'word');
}

/** The labels of an attention's queries and keys: over the encoder the word that a row predicts asks, within the decoder the one that it reads. */
export function labelsOf(kind: string, sentence: { source: string[]; read: string[]; predicted: string[] }) {
  return {
    rows: kind === 'self' ? sentence.source : kind === 'cross' ? sentence.predicted : sentence.read,
    columns: kind === 'causal' ? sentence.read : sentence.source,
  };
}

export function explanationOf(sentence: Sentence, name: string, head: number): Explanation | undefined {
  return sentence.explained.find((e) => (e.attention ? e.attention.name === name && e.attention.head === head : true));
}

/** −Σ p ln p, in nats; 0 for a row that looks at one word, ln n for one that looks at all alike. */
export function entropy(weights: number[]): number {
  let sum = 0;
  for (const p of weights) if (p > 0) sum -= p * Math.log(p);
  return sum;
}

export function meanEntropy(rows: number[][]): number {
  return rows.length ? rows.reduce((sum, row) => sum + entropy(row), 0) / rows.length : 0;
}

export function translationsOf({ translations: { source, reference, translation, edits, chrf, set } }: Report): Translation[] {
  return source.map((_, i) => ({
    source: source[i]!,
    reference: reference[i]!,
    translation: translation[i]!,
    edits: edits[i]!,
    chrf: chrf[i]!,
    set: set[i]!,
  }));
}
