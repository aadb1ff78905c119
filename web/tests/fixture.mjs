// A report's data, made up but true: the attentions are computed, so that each sum in it holds.
//   node tests/fixture.mjs FILE.html
import { readFileSync, writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';

/** The same numbers at each run (mulberry32). */
function random(seed) {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}
const next = random(7);
const matrix = (rows, columns, size = 1) => Array.from({ length: rows }, () => Array.from({ length: columns }, () => size * (2 * next() - 1)));
const transposed = (a) => a[0].map((_, j) => a.map((row) => row[j]));
const times = (a, b) => a.map((row) => transposed(b).map((column) => row.reduce((sum, x, k) => sum + x * column[k], 0)));
const each = (a, f) => a.map((row, i) => row.map((x, j) => f(x, i, j)));
const softmax = (row) => {
  const most = Math.max(...row.filter((x) => x !== null));
  const powers = row.map((x) => (x === null ? 0 : Math.exp(x - most)));
  const sum = powers.reduce((a, b) => a + b, 0);
  return powers.map((x) => x / sum);
};
const rounded = (a, digits) => each(a, (x) => Number(x.toFixed(digits)));

const width = 16;
const size = 8; // of a head
const heads = 2;
const scale = 1 / Math.sqrt(size);

const factor = (address, value) => ({ address, name: address, value });

const kinds = [
  { name: 'encoder.layers.0.self_attention', kind: 'self', layer: 0 },
  { name: 'decoder.layers.0.self_attention', kind: 'causal', layer: 0 },
  { name: 'decoder.layers.0.cross_attention', kind: 'cross', layer: 0 },
];
/** Of all heads, as a model holds them: what the outputs are projected by has a column for each feature of each head. */
const projections = Object.fromEntries(
  kinds.map(({ name }) => [
    name,
    Object.fromEntries([
      ...['query', 'key', 'value'].flatMap((kind) => [[`${kind}.weight`, matrix(heads * size, width, 0.6)], [`${kind}.bias`, matrix(1, heads * size, 0.2)]]),
      ['output.weight', matrix(width, heads * size, 0.6)],
      ['output.bias', matrix(1, width, 0.2)],
    ]),
  ]),
);
/** What a head makes of its input by one of them. */
function projected(input, attention, head, kind) {
  const weight = projections[attention.name][`${kind}.weight`].slice(head * size, (head + 1) * size);
  const bias = projections[attention.name][`${kind}.bias`][0].slice(head * size, (head + 1) * size);
  return each(times(input, transposed(weight)), (y, _, c) => y + bias[c]);
}

/** What all heads of an attention read, each with the formulas of its rows. */
function inputsOf({ source, read, predicted }, attention) {
  const rows = attention.kind === 'self' ? source : attention.kind === 'cross' ? predicted : read;
  const columns = attention.kind === 'causal' ? read : source;
  const of = (rows, formula) => ({ values: rows.map((_, i) => formula(i).values), row_formulas: rows.map((_, i) => formula(i).formula) });
  const product = (...factors) => factors.map(([address, name, values]) => ({ address, name: name ?? address, values }));
  const sum = (...terms) => ({
    values: terms[0][0].values.map((_, c) => terms.reduce((s, factors) => s + factors.reduce((p, f) => p * f.values[c], 1), 0)),
    formula: { operation: 'sum', note: '', expressions: [], terms },
  });
  const random = () => matrix(1, width)[0];
  const tables = rows.map(random);
  const angle = (i, c) => i / 10000 ** ((c - (c % 2)) / width);
  const embeddings = of(rows, (i) => sum(product([null, '√d_model', Array(width).fill(4)], [`target_embedding.weight[${i + 5},c]`, null, tables[i]])));
  const positions = of(rows, (i) => ({
    values: Array.from({ length: width }, (_, c) => (c % 2 ? Math.cos(angle(i, c)) : Math.sin(angle(i, c)))),
    formula: { operation: 'other', note: 'a constant, computed from its place alone', expressions: Array.from({ length: width }, (_, c) => `${c % 2 ? 'cos' : 'sin'}(${i} / 10000^(${c - (c % 2)}/${width}))`), terms: [] },
  }));
  const [weight, bias] = [random(), random()];
  const normed = (rows, norm) => {
    const normal = rows.map(random);
    return of(rows, (i) => sum(product([`${norm}.weight[c]`, null, weight], [`${norm}.normal[${i},c]`, null, normal[i]]), product([`${norm}.bias[c]`, null, bias])));
  };
  const x =
    attention.kind === 'cross'
      ? normed(rows, 'decoder.layers.0.norm1')
      : of(rows, (i) => sum(product([`embeddings[${i},c]`, null, embeddings.values[i]]), product([`positions[${i},c]`, null, positions.values[i]])));
  return { embeddings, positions, x, memory: attention.kind === 'cross' ? normed(columns, 'encoder.norm') : null };
}

/** A step that an earlier explanation has too is written once. */
function shared(explained) {
  const first = new Map();
  return explained.map((one, i) => ({
    ...one,
    forward: one.forward.map((step) => {
      const key = JSON.stringify([step.name, step.values]);
      if (first.has(key)) return { name: step.name, same_as: first.get(key) };
      first.set(key, i);
      return step;
    }),
  }));
}

/** One head, forwards and backwards. */
function explain({ source, read, predicted, own }, attention, head, backwards, inputs) {
  const rows = attention.kind === 'self' ? source : attention.kind === 'cross' ? predicted : read;
  const columns = attention.kind === 'causal' ? read : source;
  const x = inputs.x.values;
  const memory = inputs.memory?.values ?? x;
  const queries = projected(x, attention, head, 'query');
  const keys = projected(memory, attention, head, 'key');
  const values = projected(memory, attention, head, 'value');
  const scores = times(queries, transposed(keys));
  const scaled = each(scores, (s) => s * scale);
  const masked = each(scaled, (s, i, j) => (attention.kind === 'causal' && j > i ? null : s));
  const weights = masked.map(softmax);
  const output = times(weights, values);
  const word = Math.floor(rows.length / 2);
  const step = (name, title, formula, values, rows, columns, more = {}) => ({ name, title, formula, rows, columns, values, ...more });
  const cell = {
    address: `scores[${word},0]`,
    value: scores[word][0],
    expression: 'Σ queries · keys',
    note: '',
    operation: 'sum',
    terms: queries[word].map((q, c) => ({ value: q * keys[0][c], factors: [factor(`queries[${word},${c}]`, q), factor(`keys[0,${c}]`, keys[0][c])] })),
  };
  const forward = [
    step('embeddings', 'each word as a vector', '√d_model · the word\'s row of the embedding', inputs.embeddings.values, rows, [], inputs.embeddings),
    step('positions', 'where each word stands', 'even c: sin(i / 10000^(c/d_model)), odd c: cos of the same angle as c − 1', inputs.positions.values, rows, [], inputs.positions),
    step('x', 'what asks', '', x, rows, [], inputs.x),
    ...(attention.kind === 'cross' ? [step('memory', 'what is asked', '', memory, columns, [], inputs.memory)] : []),
    step('queries', 'queries', 'query.weight · x[i] + query.bias', queries, rows, []),
    step('keys', 'keys', 'key.weight · memory[j] + key.bias', keys, columns, []),
    step('values', 'values', 'value.weight · memory[j] + value.bias', values, columns, []),
    step('scores', 'how well a query fits a key', 'queries[i] · keys[j]', scores, rows, columns, { cell }),
    step('scaled', 'scores in the scale of one number', '0.353553 · scores[i,j], with 0.353553 = 1/√8', scaled, rows, columns),
    ...(attention.kind === 'causal' ? [step('masked', 'what may be looked at', 'scaled[i,j] where j ≤ i', masked, rows, columns)] : []),
    step('weights', 'the scores as a distribution', 'softmax over j of scaled[i,j]', weights, rows, columns),
    step('output', 'the mean of the values', 'Σ over j of weights[i,j] · values[j]', output, rows, []),
  ];
  const dProjected = matrix(rows.length, width, 0.1);
  const dOutput = times(
    dProjected,
    projections[attention.name]['output.weight'].map((row) => row.slice(head * size, (head + 1) * size)),
  );
  const dValues = times(transposed(weights), dOutput);
  const dWeights = times(dOutput, transposed(values));
  const sigma = weights.map((row, i) => [row.reduce((sum, w, j) => sum + w * dWeights[i][j], 0)]);
  const dScaled = each(weights, (w, i, j) => w * (dWeights[i][j] - sigma[i][0]));
  const dScores = each(dScaled, (d) => scale * d);
  const dQueries = times(dScores, keys);
  const dKeys = times(transposed(dScores), queries);
  const checked = (values) => ({
    exact: each(values, (v) => v + 1e-17),
    largest_difference: 3e-16,
    agrees: true,
    tolerance: 1e-12,
    check: 'entry by entry',
  });
  const part = Array.from({ length: size }, (_, r) => String(head * size + r));
  const backward = [
    step('d output', 'from above', '∂loss/∂output', dOutput, rows, [], checked(dOutput)),
    step('d values', '', 'Σ over i of weights[i,j] · d output[i,c]', dValues, columns, [], checked(dValues)),
    step('d weights', '', 'Σ over c of d output[i,c] · values[j,c]', dWeights, rows, columns, checked(dWeights)),
    step('sigma', '', 'Σ over j of weights[i,j] · d weights[i,j]', sigma, rows, [], checked(sigma)),
    step('d scaled', '', 'weights · (d weights − sigma)', dScaled, rows, columns, checked(dScaled)),
    step('d scores', '', 'scale · d scaled', dScores, rows, columns, checked(dScores)),
    step('d queries', '', 'Σ over j of d scores[i,j] · keys[j,c]', dQueries, rows, [], checked(dQueries)),
    step('d keys', '', 'Σ over i of d scores[i,j] · queries[i,c]', dKeys, columns, [], checked(dKeys)),
    step('d query.weight', '', 'Σ over i of d queries[i,r] · x[i,c]', times(transposed(dQueries), x), part, [], {
      first_row: head * size,
      largest_difference: 2e-15,
      agrees: true,
      tolerance: 1e-12,
      check: 'along a random direction, and the entries shown: the first rows and columns',
    }),
    step('d projected', '', '∂loss/∂projected', dProjected, rows, [], {
      ...checked(dProjected),
      row_formulas: dProjected.map((values, i) => ({
        operation: 'sum',
        note: '',
        expressions: [],
        terms: [[{ address: `d decoder.layers.0.norm.sum[${i},c]`, name: `d decoder.layers.0.norm.sum[${i},c]`, values }]],
      })),
    }),
  ];
  const change = each(weights, (w, i, j) => (w * (j % 2 ? -1 : 1)) / 50);
  return {
    model: 'transformer',
    source,
    unknown: [],
    read,
    predicted,
    own_translation: own,
    loss: 0.21,
    word,
    attention: { name: attention.name, kind: attention.kind, layer: attention.layer, head, heads, scale, score: 'scaled-dot' },
    rows,
    columns,
    forward,
    ...(backwards && {
      backward,
      step: {
        rate: 0.1,
        loss_before: 0.21,
        loss_after: 0.2,
        loss_predicted: 0.199,
        weights: { rows, columns, before: weights, predicted: change, actual: each(change, (c) => c * 0.97) },
        largest_difference: 0.0003,
      },
    }),
  };
}

const words = ['the old man', 'sees', 'a small <b>dog</b>', 'behind', '<script>alert(1)</script>', 'today', 'and', 'the house'].flatMap((w) => w.split(' '));
const hangul = ['노인이', '작은', '개를', '<script>alert(2)</script>', '집', '뒤에서', '오늘', '본다', '그리고', '간다'];

const asWords = (some) => some;
const asCharacters = (some) => [...some.join('▁')];

/** `cut` makes the tokens that the model reads of words. */
function sentence(length, wrong, given, cut = asWords) {
  const sourceWords = Array.from({ length }, (_, i) => hangul[(i + length) % hangul.length]);
  const targetWords = Array.from({ length: length + 1 }, (_, i) => words[(i + length) % words.length]);
  const translated = targetWords.with(1, wrong ? 'cat' : targetWords[1]);
  const withoutHead = ['a', ...translated.slice(1)];
  const source = [...cut(sourceWords), '<eos>'];
  const target = cut(targetWords);
  const translation = cut(translated);
  const read = ['<bos>', ...translation];
  const predicted = [...translation, '<eos>'];
  // A wrong translation is explained by its reference.
  const fed = wrong ? { source, read: ['<bos>', ...target], predicted: [...target, '<eos>'], own: false } : { source, read, predicted, own: true };
  const explained = kinds.flatMap((kind) => {
    const inputs = inputsOf(fed, kind);
    return Array.from({ length: heads }, (_, head) => explain(fed, kind, head, length < 6, inputs));
  });
  return {
    source,
    unknown: given ? ['뭐'] : [],
    read,
    predicted,
    reference: given ? null : target,
    text: { source: sourceWords.join(' '), reference: given ? null : targetWords.join(' '), translation: translated.join(' ') },
    given,
    exact: !wrong && !given,
    edits: wrong ? 1 : 0,
    links: given ? null : Array.from({ length }, (_, i) => [i, (i + 1) % length, i % 3 !== 0]),
    attentions: kinds.map((kind) => ({
      ...kind,
      heads,
      weights: explained.filter((e) => e.attention.name === kind.name).map((e) => rounded(e.forward.find((s) => s.name === 'weights').values, 4)),
      aer: kind.kind === 'cross' && !given ? [0.31, 0.07] : null,
      aer_next: kind.kind === 'cross' && !given ? [0.5, 0.4] : null,
    })),
    switched_off: kinds.flatMap((kind) =>
      Array.from({ length: heads }, (_, head) => ({
        name: kind.name,
        head,
        text: (head ? translated : withoutHead).join(' '),
        changed: head === 0,
        loss: 0.3 + head,
      })),
    ),
    loss: 0.21,
    loss_of_words: predicted.map((_, i) => 0.05 * (i + 1)),
    explained: shared(explained),
  };
}

function comparison() {
  const lengths = [
    { name: '2-4', shortest: 2, longest: 4, seen: true },
    { name: '5-8', shortest: 5, longest: 8, seen: true },
    { name: '9-16', shortest: 9, longest: 16, seen: true },
    { name: '17-20', shortest: 17, longest: 20, seen: false },
  ];
  const measure = (value, spread = 0.03) => ({ value, low: Math.max(0, value - spread), high: Math.min(1, value + spread), least: value, most: value });
  const all = [
    ['transformer', 64, true, 0.95],
    ['rnn', 96, true, 0.6],
    ['rnn-attention', 88, true, 0.9],
    ...[8, 16, 32].flatMap((w) => [['rnn', w, false, w / 60], ['rnn-attention', w, false, 0.3 + w / 60]]),
  ];
  const scores = (good) =>
    ['train', 'test'].flatMap((set, k) =>
      [{ name: 'all', seen: true }, ...lengths].map((length, i) => ({
        set,
        length: length.name,
        seen: length.seen,
        n: 160,
        tokens: 1200,
        exact_match: measure(Math.max(0, good - 0.1 * i - 0.05 * k)),
        bleu: { value: 80 - i, low: 78 - i, high: 82 - i },
        chrf: { value: 85 - i, low: 84 - i, high: 86 - i },
        token_accuracy: measure(good),
      })),
    );
  return {
    qkv: '0.1.0',
    kind: 'comparison',
    schema: 1,
    data: {
      folder: 'data/korean-english',
      train_pairs: 30000,
      source_vocabulary: 1210,
      target_vocabulary: 352,
      shortest: 2,
      longest: 16,
      sets: [
        { name: 'train', sentences: 1000, training: true },
        { name: 'test', sentences: 1000, training: false },
      ],
    },
    settings: { seeds: 2, first_seed: 1, epochs: 8, batch_size: 64, hidden: [8, 16, 32] },
    lengths,
    models: all.map(([model, width, matched, good]) => ({
      model,
      width,
      matched,
      parameters: 350000 + width,
      against_transformer: 1.003,
      settings: {},
      lr: 0.002,
      seeds: [1, 2],
      scores: scores(good),
      alignment: model === 'rnn' ? [] : [{ set: 'train', aer: { value: 0.11, least: 0.1, most: 0.12 } }, { set: 'test', aer: { value: 0.21, least: 0.2, most: 0.22 }, uniform: 0.8, diagonal: 0.6, floor: 0.02 }],
      ...(matched && {
        gradients: [
          { of: 'loss', by: 'end', unit: 'words from the end of the source (0 = the last word)' },
          { of: 'encoder state', by: 'distance', unit: 'words between' },
        ].map((g) => ({
          ...g,
          points: Array.from({ length: 12 }, (_, d) => {
            const value = 0.3 * Math.exp(model === 'rnn' ? -d / 3 : -d / 9);
            const m = { value, low: value * 0.9, high: value * 1.1 };
            return { distance: d, n: 60, norm: m, share: m };
          }),
        })),
        entropy:
          model === 'rnn'
            ? []
            : lengths.map((l, i) => ({ kind: 'cross', length: l.name, n: 40, bits: { value: 0.5 + 0.2 * i, low: 0.4 + 0.2 * i, high: 0.6 + 0.2 * i }, uniform_bits: 2 + i })),
        cost: lengths.map((l, i) => ({
          length: l.name,
          source_words: l.longest,
          target_words: l.longest + 2,
          multiply_adds: 4e5 * (1 + i),
          encoder_multiply_adds: 1e5,
          microseconds: { value: 300 + 40 * i, low: 290 + 40 * i, high: 310 + 40 * i },
          n: 20,
        })),
      }),
    })),
    runs: [],
  };
}

/** A list of objects with the same keys as an object of lists. */
const columns = (rows) => Object.fromEntries(Object.keys(rows[0]).map((key) => [key, rows.map((row) => row[key])]));

/** A report in which one gradient of the tape is not the exact derivative: that of the keys, in the second sentence. */
export function makeReportOfWrongGradient() {
  const report = makeReport();
  const wrong = report.sentences[1].explained[0].backward.find((step) => step.name === 'd keys');
  wrong.agrees = false;
  wrong.largest_difference = 0.0213;
  return report;
}

const modules = ['source_embedding', 'encoder.layers.0.self_attention', 'encoder.norm', 'target_embedding', 'decoder.layers.0.cross_attention', 'generator'];

/** The report of a model that reads words. */
export const makeReport = () => reportOf([sentence(3, false, false), sentence(5, true, false), sentence(8, false, false), sentence(12, true, false), sentence(4, false, true)], 'word');

/** The report of a model that reads characters. */
export const makeReportOfCharacters = () => reportOf([sentence(2, false, false, asCharacters), sentence(3, true, false, asCharacters)], 'char');

function reportOf(sentences, tokenizer) {
  const steps = Array.from({ length: 300 }, (_, i) => 1 + 10 * i);
  const snapshots = [0, 10, 30, 100, 300, 1000, 3000];
  return {
    version: '0.1.0',
    run: 'runs/transformer',
    model: 'transformer',
    title: 'Transformer, data/korean-english',
    settings: { model: 'transformer', d_model: width, heads, layers: 1, data: 'data/<b>korean-english</b>', steps: null, tie_embeddings: false, tokenizer },
    parameters: 123456,
    vocabulary: { source: 1210, target: 352 },
    missing: {},
    training: {
      steps: {
        step: steps,
        loss: steps.map((s) => 5 / (1 + s / 200) + 0.1 * next()),
        lr: steps.map((s) => 0.002 * Math.min(1, s / 400)),
        gradient_norm: steps.map((s) => 2 / (1 + s / 900) + 0.3 * next()),
      },
      validations: {
        step: [500, 1000, 1500, 2000, 2500, 3000],
        valid_loss: [2.5, 1.2, 0.9, 0.6, 0.5, 0.45],
        valid_bleu: [10, 30, 55, 70, 80, 84],
        valid_exact: [0, 0.1, 0.3, 0.5, 0.6, 0.7],
      },
    },
    tests: {
      test: {
        loss: 0.4321,
        perplexity: 1.54,
        token_accuracy: 0.93,
        sentences: 500,
        exact_match: 0.712,
        bleu: 84.25,
        chrf: 90.5,
        cut: 0,
        by_length: [{ source_words: '2-4', sentences: 200, exact_match: 0.9, bleu: 95, chrf: 97 }],
      },
    },
    translations: columns(Array.from({ length: 400 }, (_, i) => {
      const reference = [...words, `n${i}`].slice(i % 5);
      const translation = i % 3 ? reference : reference.filter((_, k) => k !== 2).concat('cat');
      return {
        source: `${hangul.slice(i % 4).join(' ')} n${i}`,
        reference: reference.join(' '),
        translation: translation.join(' '),
        edits: i % 3 ? 0 : 2,
        chrf: i % 3 ? 100 : 70 + (i % 20),
        set: i % 4 ? 'test' : 'long',
      };
    })),
    sentences,
    projections,
    snapshots: {
      steps: snapshots,
      sentences: sentences.slice(0, 3).map(({ source, read, predicted, text: { source: from, translation }, attentions }) => ({
        source,
        read,
        predicted,
        text: { source: from, reference: translation },
        attentions: attentions.map(({ weights, name, kind, layer }) => ({
          name,
          kind,
          layer,
          heads,
          rows: kind === 'self' ? 'source' : kind === 'cross' ? 'predicted' : 'read',
          columns: kind === 'causal' ? 'read' : 'source',
          weights: snapshots.map((_, k) =>
            weights.map((w) => rounded(each(w, (p) => (p * k) / 6 + ((1 - k / 6) * 1) / w[0].length), 3)),
          ),
        })),
      })),
    },
    compare: comparison(),
    graph: {
      nodes: [
        { id: 'source', kind: 'input', label: 'source words: 저는 학교에서 친구와 같이 긴 책을 읽습니다 . <eos>', module: '', shape: '[1, 9]', operations: 0 },
        ...modules.map((m, i) => ({ id: `n${i}`, kind: 'module', label: m.split('.').at(-1), module: m, shape: '[5, 16]', operations: 3 * i + 1 })),
      ],
      edges: [['source', 'n0'], ['n0', 'n1'], ['n1', 'n2'], ['n0', 'n2'], ['n2', 'n4'], ['n3', 'n4'], ['n4', 'n5'], ['n5', 'n4']],
      recurrences: [['n5', 'n4']],
      dot: 'digraph step {\n  n0 -> n1;\n}\n',
    },
  };
}

/** The page with the data in its place, as `qkv report` puts it there. */
export function fill(page, data) {
  return page.replace('@QKV_REPORT_DATA@', () => gzipSync(JSON.stringify(data)).toString('base64'));
}

if (process.argv[1] && process.argv[2] && import.meta.url === pathToFileURL(process.argv[1]).href)
  writeFileSync(process.argv[2], fill(readFileSync(new URL('../report.html', import.meta.url), 'utf8'), makeReport()));
