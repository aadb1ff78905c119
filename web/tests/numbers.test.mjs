// What stands in tables, charts and beside pictures is what the data say, in every column.
import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { data, digits, goTo, near, rowsOf, soon, translations, withBrowser } from './report.mjs';

let browser;
before(async () => (browser = await withBrowser()));
after(() => browser.close());
afterEach(() => assert.deepEqual(browser.wrong.splice(0), []));

const percent = (share) => (share == null ? '·' : `${(100 * share).toFixed(1)}\u00a0%`);
const linked = data.sentences.findIndex((s) => s.links && s.exact && s.attentions.some((a) => a.kind === 'cross'));
const withCross = linked >= 0 ? linked : data.sentences.findIndex((s) => s.attentions.some((a) => a.kind === 'cross'));

/** The texts of a table's body, row by row. */

test('translations: every order, only the wrong ones, one set', async () => {
  if (!translations.length) return;
  const page = await browser.open('#/translations');
  const shown = () =>
    page.locator('main ol li').evaluateAll((items) =>
      items.map((item) => {
        const text = item.querySelector('p').innerText;
        return { edits: /exact/.test(text) ? 0 : Number(/(\d+) word/.exec(text)[1]), chrf: Number(/chrF ([\d.]+)/.exec(text)[1]), source: item.querySelector('dd').innerText };
      }),
    );
  const order = page.locator('main .controls select').first();
  const expected = {
    most: (a, b) => b.edits - a.edits || a.chrf - b.chrf,
    fewest: (a, b) => a.edits - b.edits || b.chrf - a.chrf,
    chrf: (a, b) => a.chrf - b.chrf,
    file: () => 0,
  };
  for (const [name, compare] of Object.entries(expected)) {
    await order.selectOption(name);
    const first = [...translations].sort(compare).slice(0, 25);
    await soon(async () =>
      assert.deepEqual(
        await shown(),
        first.map((t) => ({ edits: t.edits, chrf: Number(t.chrf.toFixed(1)), source: t.source.trim() })),
        name,
      ),
    );
  }
  const count = (some) => new RegExp(`^${some.length} of ${translations.length} `);
  await page.getByLabel('only wrong ones').check();
  const wrong = translations.filter((t) => t.edits > 0);
  await soon(async () => assert.match(await page.getByRole('status').first().innerText(), count(wrong)));
  await page.getByLabel('only wrong ones').uncheck();
  const sets = [...new Set(translations.map((t) => t.set))];
  if (sets.length < 2) return;
  for (const set of sets) {
    await page.locator('main .controls select').nth(1).selectOption(set);
    await soon(async () => assert.match(await page.getByRole('status').first().innerText(), count(translations.filter((t) => t.set === set))));
  }
});

test('training: the scores of each set and length, and each chart of validations', async () => {
  const page = await browser.open('#/training');
  const rows = Object.entries(data.tests).flatMap(([set, s]) => [{ set, source_words: 'all', ...s }, ...(s.by_length ?? []).map((l) => ({ set, ...l }))]);
  if (rows.length) {
    const shown = await rowsOf(page.locator('section table.numbers'));
    assert.deepEqual(
      shown.map((row) => row.slice(0, 7)),
      rows.map((r) => [r.set, r.source_words, String(r.sentences), percent(r.exact_match), r.bleu.toFixed(1), r.chrf.toFixed(1), percent(r.token_accuracy)]),
    );
    rows.forEach((r, i) => r.loss !== undefined && near(shown[i][7], r.loss, 'the loss of a set'));
  }
  const { validations, steps } = data.training;
  if (!validations.step.length) return;
  const charts = { 'Learning rate': steps.lr, 'Gradient norm': steps.gradient_norm, 'BLEU on validation sentences': validations.valid_bleu, 'Exact match on validation sentences': validations.valid_exact };
  for (const [title, numbers] of Object.entries(charts)) {
    const chart = page.locator('figure').filter({ has: page.locator('strong', { hasText: title }) });
    await chart.locator('summary').click();
    await chart.locator('tbody tr').first().waitFor();
    const shown = (await rowsOf(chart)).map((row) => row[1]);
    assert.equal(shown.length, numbers.length, title);
    numbers.forEach((n, i) => n !== null && near(shown[i], n, title));
  }
});

test('a sentence: entropy and alignment error below each picture, the loss without each head', async () => {
  if (withCross < 0) return;
  const one = data.sentences[withCross];
  const page = await browser.open(`#/sentence/${withCross}`);
  const told = await page.locator('.heads button').allInnerTexts();
  let k = 0;
  for (const attention of one.attentions)
    attention.weights.forEach((rows, head) => {
      const entropy = rows.reduce((sum, row) => sum - row.reduce((s, p) => s + (p > 0 ? p * Math.log(p) : 0), 0), 0) / rows.length;
      const text = told[k++].replace(/\s+/g, ' ');
      assert.ok(text.includes(`layer ${attention.layer} · head ${head} entropy ${entropy.toFixed(2)}`), text);
      if (attention.aer?.[head] != null) assert.ok(text.includes(`alignment error ${attention.aer[head].toFixed(2)}`), text);
      if (attention.aer_next?.[head] != null) assert.ok(text.includes(`one row later ${attention.aer_next[head].toFixed(2)}`), text);
    });
  if (!one.switched_off.length) return;
  const rows = await rowsOf(page.locator('section table.numbers'));
  one.switched_off.forEach((off, i) => {
    assert.deepEqual(rows[i].slice(0, 2), [off.name, String(off.head)]);
    near(rows[i][2], off.loss, 'the loss without a head');
    assert.equal(rows[i][3], off.changed ? 'changed' : 'the same');
    if (!off.changed) assert.equal(rows[i][4], off.text);
  });
});

test('a sentence: gold links framed in the matrix and drawn between the words', async () => {
  if (linked < 0) return;
  const { links, attentions } = data.sentences[linked];
  const attention = attentions.findLast((a) => a.kind === 'cross');
  const page = await browser.open(`#/sentence/${linked}/${attention.name}/0`);
  for (const [source, target, sure] of links)
    assert.ok(await page.locator(`td[data-i="${target}"][data-j="${source}"]`).evaluate((cell, kind) => cell.classList.contains(kind), sure ? 'sure' : 'possible'), `${source} to ${target}`);
  assert.equal(await page.locator('td.sure, td.possible').count(), links.length);
  assert.equal(await page.locator('.lines path.gold').count(), links.length);
  assert.match(await page.locator('main').innerText(), /Framed: links/);
});

test('a sentence: a chosen word keeps its own lines, with their weights', async () => {
  if (withCross < 0) return;
  const attention = data.sentences[withCross].attentions.findLast((a) => a.kind === 'cross');
  const page = await browser.open(`#/sentence/${withCross}/${attention.name}/0`);
  const weights = attention.weights[0];
  const drawn = (some) => some.filter((w) => w >= 0.03).length;
  const lines = page.locator('.lines path:not(.gold)');
  await soon(async () => assert.equal(await lines.count(), drawn(weights.flat())));
  const words = page.locator('.lines ul').last().getByRole('button');
  const row = Math.min(1, weights.length - 1);
  await words.nth(row).focus();
  await page.keyboard.press('Enter');
  assert.equal(await words.nth(row).getAttribute('aria-pressed'), 'true');
  await soon(async () => assert.equal(await lines.count(), drawn(weights[row])));
  const parts = await page.locator('.lines ul').first().locator('small').allInnerTexts();
  assert.deepEqual(
    parts.map((text) => text.trim()),
    weights[row].map(percent),
  );
});

test('a matrix: every arrow key goes its own way, Home and End to the ends of a row', async () => {
  if (withCross < 0) return;
  const attention = data.sentences[withCross].attentions.findLast((a) => a.kind === 'cross');
  const last = attention.weights[0][0].length - 1;
  if (last < 1 || attention.weights[0].length < 2) return;
  const page = await browser.open(`#/sentence/${withCross}/${attention.name}/0`);
  await page.locator('td[data-i="0"][data-j="0"]').focus();
  const ways = [['ArrowRight', 0, 1], ['ArrowDown', 1, 1], ['ArrowLeft', 1, 0], ['ArrowUp', 0, 0], ['ArrowUp', 0, 0], ['End', 0, last], ['ArrowRight', 0, last], ['Home', 0, 0]];
  for (const [key, i, j] of ways) {
    await page.keyboard.press(key);
    await soon(async () => assert.deepEqual(await page.evaluate(() => [document.activeElement.dataset.i, document.activeElement.dataset.j]), [String(i), String(j)], key));
    near(await page.locator('[data-value]').innerText(), attention.weights[0][i][j], key);
  }
});

test('steps: what a step would do, in its order', async () => {
  const index = data.sentences.findIndex((s) => s.explained.some((e) => e.step && e.attention));
  if (index < 0) return;
  const { attention, step } = data.sentences[index].explained.find((e) => e.step && e.attention);
  const page = await browser.open(`#/steps/${index}/${attention.name}/${attention.head}/d scores[0,0]`);
  const shown = await page.locator('[data-step-losses] strong').allInnerTexts();
  [step.loss_before, step.loss_predicted, step.loss_after].forEach((loss, i) => near(shown[i], loss, 'a loss'));
  if (!step.weights) return;
  for (const [label, values] of [['Predicted change', step.weights.predicted], ['Actual change', step.weights.actual]]) {
    const cell = await page.getByRole('grid', { name: label }).locator('td[data-i="0"][data-j="0"]').innerText();
    assert.ok(Math.abs(digits(cell) - values[0][0]) <= 0.5 * Math.abs(values[0][0]), `${label}: ${cell}, ${values[0][0]}`);
  }
});

test('compare: each model’s scores on each set, as the article tells of them and those that are matched first', async () => {
  if (!data.compare) return;
  const page = await browser.open('#/compare');
  const { data: compared } = data.compare;
  const order = ['rnn', 'rnn-attention', 'transformer'];
  const models = [true, false].flatMap((matched) =>
    order.flatMap((name) => data.compare.models.filter((m) => m.matched === matched && m.model === name).sort((a, b) => a.width - b.width)),
  );
  assert.equal(models.length, data.compare.models.length);
  const sets = [...compared.sets.filter((s) => s.training), ...compared.sets.filter((s) => !s.training)].map((s) => s.name);
  const rows = await rowsOf(page.locator('table.numbers').first());
  models.forEach((model, i) => {
    assert.equal(rows[i][1], String(model.width));
    sets.forEach((set, k) => {
      const score = model.scores.find((s) => s.set === set && s.length === 'all')?.exact_match;
      if (score === undefined) return;
      const [low, high] = [score.low, score.high].map((end) => (100 * end).toFixed(1));
      assert.equal(rows[i][4 + k], `${percent(score.value)} [${low},\u00a0${high}]`, `${model.model} on ${set}`);
    });
    const unseen = model.alignment?.find((a) => a.set === compared.sets.find((s) => !s.training)?.name);
    assert.equal(rows[i].at(-1), unseen ? unseen.aer.value.toFixed(2) : '·', `alignment error of ${model.model}`);
  });
});

test('compare: the chosen score by length, with the number of sentences and the interval', async () => {
  if (!data.compare) return;
  const page = await browser.open('#/compare');
  const { models, lengths } = data.compare;
  const matched = ['rnn', 'rnn-attention', 'transformer'].flatMap((name) => models.filter((m) => m.matched && m.model === name));
  const training = data.compare.data.sets.find((s) => s.training).name;
  const unseen = data.compare.data.sets.find((s) => !s.training).name;
  const number = (key, x) => (key === 'bleu' || key === 'chrf' ? x : 100 * x).toFixed(1);
  const shown = (key, { value, low, high }) =>
    `${number(key, value)}${key === 'bleu' || key === 'chrf' ? '' : '\u00a0%'}${low === undefined ? '' : ` [${number(key, low)},\u00a0${number(key, high)}]`}`;
  for (const key of ['exact_match', 'bleu', 'chrf', 'token_accuracy']) {
    await page.getByLabel('Score').selectOption(key);
    const expected = lengths.flatMap(({ name, seen }) =>
      [training, unseen].flatMap((set) => {
        const scores = matched.map((m) => m.scores.find((s) => s.set === set && s.length === name));
        return scores[0] ? [[seen ? name : `${name}*`, set, String(scores[0].n), ...scores.map((s) => shown(key, s[key]))]] : [];
      }),
    );
    assert.ok(expected.length > 0);
    await soon(async () => assert.deepEqual(await rowsOf(page.locator('[data-by-length]')), expected, key));
  }
});

test('the system’s theme and language are the page’s, unless others are chosen', async () => {
  const page = await browser.open('', { colorScheme: 'dark', locale: 'ko-KR' });
  const root = () => page.evaluate(() => [document.documentElement.lang, document.documentElement.dataset.theme]);
  assert.deepEqual(await root(), ['ko', 'dark']);
  await page.emulateMedia({ colorScheme: 'light' });
  await soon(async () => assert.deepEqual(await root(), ['ko', 'light']));
  await page.locator('select').nth(1).selectOption('dark');
  await soon(async () => assert.deepEqual(await root(), ['ko', 'dark']));
  await goTo(page, '#/sentence');
  assert.doesNotMatch(await page.locator('main').innerText(), /undefined|NaN/);
});
