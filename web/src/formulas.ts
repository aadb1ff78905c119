import type { Explanation, Formula, RowFormula, Step } from './data';

/** A formula with the matrices it reads, and which row or column of each. */
export interface Spelt extends Formula {
  operands: { step: Step; row: number | null; column: number | null }[];
}

export interface Address {
  name: string;
  row: number;
  column: number;
}

type Term = Formula['terms'][number];

/** A parameter's rows are counted in the whole, of which a head has a part. */
function firstOf(step: Step): number {
  const spelt = /\[(\d+)\]$/.exec(step.cell?.address ?? '');
  return step.first_row ?? (isBias(step) && spelt ? Number(spelt[1]) : 0);
}

const isBias = (step: Step) => step.name.endsWith('.bias') && step.values.length === 1;

export function addressOf(step: Step, row: number, column: number): string {
  if (isBias(step)) return `${step.name}[${column + firstOf(step)}]`;
  if (step.values.every((line) => line.length === 1)) return `${step.name}[${row + firstOf(step)}]`;
  return `${step.name}[${row + firstOf(step)},${column + (step.first_column ?? 0)}]`;
}

export function stepsOf(explanation: Explanation): Step[] {
  return [...explanation.forward, ...explanation.parameters, ...(explanation.backward ?? [])];
}

/** Which number of the explanation an address names, if it has that number. */
export function find(explanation: Explanation, address: string): (Address & { step: Step }) | null {
  const parts = /^(.*)\[(\d+)(?:,(\d+))?\]$/.exec(address.trim());
  const step = parts && stepsOf(explanation).find((s) => s.name === parts[1]);
  if (!parts || !step) return null;
  const first = Number(parts[2]) - firstOf(step);
  const [row, column] = isBias(step) ? [0, first] : [first, Number(parts[3] ?? 0) - (step.first_column ?? 0)];
  return step.values[row]?.[column] === undefined ? null : { name: step.name, step, row, column };
}

/** How a number came to be: from the matrices, where their sum gives it; else as the explanation spells it out. */
export function formulaOf(explanation: Explanation, step: Step, row: number, column: number): Spelt | null {
  const value = step.values[row]?.[column];
  if (value === undefined) return null;
  const address = addressOf(step, row, column);
  const own = value === null ? null : recipe(explanation, step.name, row, column, value);
  if (own) return { address, value, note: step.cell?.address === address ? step.cell.note : '', ...own };
  const inRow = step.row_formulas?.[row];
  if (inRow) return { address, value, ...inColumn(explanation, inRow, column) };
  if (step.cell && step.cell.address === address) return { ...step.cell, operands: [] };
  return null;
}

/** A row's formula in one of its columns, with the matrices of the page that it reads. */
function inColumn(explanation: Explanation, formula: RowFormula, column: number): Omit<Spelt, 'address' | 'value'> {
  const here = (text: string) => text.replace(/(?<=[[,])c(?=[,\]])/, String(column));
  const terms = formula.terms.map((product) => {
    const factors = product.map(({ address, name, values }) => ({
      address: address && here(address),
      name: address ? here(name) : name,
      value: values[column]!,
    }));
    return { value: factors.reduce((all, factor) => all * factor.value, 1), factors };
  });
  const sum = terms.map(({ factors }) => factors.map((factor) => factor.name).join(' · ')).join(' + ');
  return {
    expression: formula.expressions[column] ?? sum.replaceAll('+ −1 · ', '− '),
    note: formula.note,
    operation: formula.operation,
    terms,
    operands: terms
      .flatMap((term) => term.factors)
      .flatMap(({ address }) => (address && find(explanation, address)) || [])
      .map(({ step, row }) => ({ step, row, column: null })),
  };
}

type Recipe = Pick<Spelt, 'expression' | 'terms' | 'operation' | 'operands'>;

function recipe(explanation: Explanation, name: string, i: number, j: number, value: number): Recipe | null {
  const steps = stepsOf(explanation);
  const get = (...names: string[]) => names.map((n) => steps.find((s) => s.name === n)).find((s) => s !== undefined);
  const scale = explanation.attention?.scale ?? 1;
  const isAdditive = explanation.attention?.score === 'additive';
  const factor = (step: Step, row: number, column: number) => ({
    address: addressOf(step, row, column),
    name: addressOf(step, row, column),
    value: step.values[row]?.[column] ?? 0,
  });
  const plain = (name: string, value: number) => ({ address: null, name, value });
  const term = (...factors: Term['factors']): Term => ({ value: factors.reduce((product, f) => product * f.value, 1), factors });
  const line = (step: Step, row: number | null, column: number | null = null) => ({ step, row, column });
  const holds = (candidate: Recipe): Recipe | null => {
    const sum = candidate.terms.reduce((s, t) => s + t.value, 0);
    const size = candidate.terms.reduce((s, t) => s + Math.abs(t.value), Math.abs(value));
    return Math.abs(sum - value) <= 2e-3 * size + 1e-9 ? candidate : null;
  };

  /** Σₖ a · b along rows or columns: [a's row or column fixed] · [b's]. */
  const product = (a: Step | undefined, b: Step | undefined, aIsRow: boolean, bIsRow: boolean): Recipe | null => {
    if (!a || !b) return null;
    const n = aIsRow ? (a.values[i]?.length ?? 0) : a.values.length;
    if (n !== (bIsRow ? (b.values[j]?.length ?? 0) : b.values.length)) return null;
    const terms = Array.from({ length: n }, (_, k) =>
      term(aIsRow ? factor(a, i, k) : factor(a, k, i), bIsRow ? factor(b, j, k) : factor(b, k, j)),
    );
    return holds({
      expression: `Σₖ ${a.name}[${aIsRow ? `${i},k` : `k,${i}`}] · ${b.name}[${bIsRow ? `${j},k` : `k,${j}`}]`,
      operation: 'sum',
      terms,
      operands: [aIsRow ? line(a, i) : line(a, null, i), bIsRow ? line(b, j) : line(b, null, j)],
    });
  };
  /** Σₖ weight · what is projected, and the bias: a head's features are rows of the weight. */
  const projection = (kind: string, input: Step | undefined): Recipe | null => {
    const [weight, bias] = [get(`${kind}.weight`), get(`${kind}.bias`)];
    const read = input?.values[i];
    if (!weight || !input || !read || read.length !== weight.values[j]?.length) return null;
    const terms = read.map((_, k) => term(factor(weight, j, k), factor(input, i, k)));
    const feature = j + firstOf(weight);
    return holds({
      expression: `Σₖ ${weight.name}[${feature},k] · ${input.name}[${i},k]${bias ? ` + ${bias.name}[${feature}]` : ''}`,
      operation: 'sum',
      terms: bias ? [...terms, term(factor(bias, 0, j))] : terms,
      operands: [line(weight, j), line(input, i)],
    });
  };
  const single = (expression: string, from: Step | undefined, ...factors: Term['factors']): Recipe | null =>
    from ? holds({ expression, operation: 'sum', terms: [term(...factors)], operands: [line(from, i)] }) : null;

  const throughSoftmax = (): Recipe | null => {
    const [weights, back, sigma] = [get('weights'), get('d weights'), get('sigma')];
    if (!weights || !back || !sigma) return null;
    return holds({
      expression: `weights[${i},${j}] · (d weights[${i},${j}] − sigma[${i}])`,
      operation: 'sum',
      terms: [term(factor(weights, i, j), factor(back, i, j)), term(plain('−1', -1), factor(weights, i, j), factor(sigma, i, 0))],
      operands: [line(weights, i), line(back, i), line(sigma, i)],
    });
  };

  const queries = get('queries', 'h');
  const keys = get('keys', 'states', 'memory');
  const values = get('values', 'states', 'memory');
  const weights = get('weights');
  switch (name) {
    case 'queries':
      return projection('query', get('x', 'h'));
    case 'keys':
      return projection('key', get('memory', 'states', 'x'));
    case 'values':
      return projection('value', get('memory', 'x'));
    case 'scores':
      return isAdditive ? null : product(queries, keys, true, true);
    case 'scaled': {
      const scores = get('scores');
      return scores ? single('scale · scores', scores, plain('scale', scale), factor(scores, i, j)) : null;
    }
    case 'masked': {
      const scaled = get('scaled', 'scores');
      return scaled ? single(scaled.name, scaled, factor(scaled, i, j)) : null;
    }
    case 'weights': {
      const logits = get('masked', 'scaled', 'scores');
      const row = logits?.values[i];
      if (!logits || !row) return null;
      const most = Math.max(...row.map((x) => x ?? -Infinity));
      const terms = row.flatMap((x, k) => (x === null ? [] : [{ value: Math.exp(x - most), factors: [factor(logits, i, k)] }]));
      const sum = terms.reduce((s, t) => s + t.value, 0);
      const own = row[j];
      if (own == null || Math.abs(Math.exp(own - most) / sum - value) > 2e-3) return null;
      return {
        expression: `exp(${logits.name}[${i},${j}] − m) / Σₖ exp(${logits.name}[${i},k] − m),  m = ${most.toPrecision(4)}`,
        operation: 'softmax',
        terms,
        operands: [line(logits, i)],
      };
    }
    case 'output':
      return product(weights, values, true, false);
    case 'd output': {
      const [back, weight] = [get('d projected'), get('output.weight')];
      const found = product(back, weight, true, false);
      return found && weight ? { ...found, expression: `Σₖ d projected[${i},k] · output.weight[k,${j + (weight.first_column ?? 0)}]` } : null;
    }
    case 'd values':
    case 'd states as values':
      return product(weights, get('d output'), false, false);
    case 'd weights':
      return product(get('d output'), values, true, true);
    case 'sigma': {
      const back = get('d weights');
      if (!weights || !back) return null;
      return holds({
        expression: `Σₖ weights[${i},k] · d weights[${i},k]`,
        operation: 'sum',
        terms: (weights.values[i] ?? []).map((_, k) => term(factor(weights, i, k), factor(back, i, k))),
        operands: [line(weights, i), line(back, i)],
      });
    }
    case 'd scaled':
      return throughSoftmax();
    case 'd scores': {
      const back = get('d scaled');
      return back ? single('scale · d scaled', back, plain('scale', scale), factor(back, i, j)) : throughSoftmax();
    }
    case 'd queries':
      return isAdditive ? null : product(get('d scores', 'd scaled'), keys, true, false);
    case 'd keys':
      return isAdditive ? null : product(get('d scores', 'd scaled'), queries, false, false);
    case 'd h as queries':
      return get('query.weight') ? product(get('d queries'), get('query.weight'), true, false) : product(get('d scores', 'd scaled'), keys, true, false);
    case 'd states as keys':
      return get('key.weight') ? product(get('d keys'), get('key.weight'), true, false) : product(get('d scores', 'd scaled'), queries, false, false);
    case 'd states': {
      const both = [get('d states as keys'), get('d states as values')].filter((s) => s !== undefined);
      return holds({
        expression: both.map((s) => `${s.name}[${i},${j}]`).join(' + '),
        operation: 'sum',
        terms: both.map((s) => term(factor(s, i, j))),
        operands: both.map((s) => line(s, i)),
      });
    }
    case 'reach': {
      const back = get('d embeddings');
      const row = back?.values[i];
      if (!back || !row) return null;
      const terms = row.map((_, k) => term(factor(back, i, k), factor(back, i, k)));
      const length = Math.sqrt(terms.reduce((s, t) => s + t.value, 0));
      return Math.abs(length - value) > 2e-3 * value ? null : { expression: `√ Σₖ d embeddings[${i},k]²`, operation: 'root', terms, operands: [line(back, i)] };
    }
    case 'd query.weight':
      return product(get('d queries'), get('x', 'h'), false, false);
    case 'd key.weight':
      return product(get('d keys'), get('memory', 'states', 'x'), false, false);
    case 'd value.weight':
      return product(get('d values'), get('memory', 'states', 'x'), false, false);
    case 'd output.weight':
      return product(get('d projected'), get('output'), false, false);
    case 'd query.bias':
    case 'd key.bias':
    case 'd value.bias':
    case 'd output.bias': {
      const back = get(`d ${{ q: 'queries', k: 'keys', v: 'values', o: 'projected' }[name[2]!]!}`);
      if (!back) return null;
      const at = Math.max(i, j);
      return holds({
        expression: `Σₖ ${back.name}[k,${at}]`,
        operation: 'sum',
        terms: back.values.map((_, k) => term(factor(back, k, at))),
        operands: [line(back, null, at)],
      });
    }
    default:
      return null;
  }
}
