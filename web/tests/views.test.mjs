// Each view is opened, clicked through and walked through, and its numbers are those of the data.
import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { data, digits, goTo, near, rowsOf, soon, translations, until, views, withBrowser } from './report.mjs';

let browser;
before(async () => (browser = await withBrowser()));
after(() => browser.close());
afterEach(() => assert.deepEqual(browser.wrong.splice(0), [], 'nothing goes wrong on the console, nothing is asked of a network'));

const sentence = data.sentences[0];
const withCross = data.sentences.findIndex((s) => s.attentions.length);
const withBackward = data.sentences.findIndex((s) => s.explained.some((e) => e.backward?.length && e.attention));

test('the navigation leads to each view, by keyboard alone', async () => {
  const page = await browser.open();
  for (const view of views) {
    const link = page.locator(`nav a[href="#/${view}"]`);
    await link.focus();
    await page.keyboard.press('Enter');
    await soon(async () => assert.equal(await link.getAttribute('aria-current'), 'page'));
    assert.equal(await page.locator('main h2').count(), 1);
    assert.ok((await page.locator('main').innerText()).length > 10, `${view} shows something`);
    assert.equal(await page.locator('main [role=alert]').count(), 0, `${view} is drawn`);
  }
});

test('what a run lacks is said in a sentence', async () => {
  const page = await browser.open();
  const where = { snapshots: 'evolution', compare: 'compare', test: 'training', validation: 'training', graph: 'graph' };
  for (const [what, view] of Object.entries(where)) {
    if (!data.missing[what]) continue;
    await goTo(page, `#/${view}`);
    await page.locator(`[data-missing=${what}]`).waitFor();
    assert.equal((await page.locator(`[data-missing=${what}]`).innerText()).trim(), data.missing[what].text);
  }
});

test('training: a point is read with the arrow keys, and the table has all of them', async () => {
  if (!data.training.steps.step.length) return;
  const page = await browser.open('#/training');
  const chart = page.locator('figure').first();
  await chart.locator('[role=slider]').focus();
  await page.keyboard.press('End');
  const told = await chart.locator('[data-told]').innerText();
  const { step, loss } = data.training.steps;
  const steps = new Set([...step, ...data.training.validations.step]);
  assert.match(told, new RegExp(`step ${Math.max(...steps)}:`));
  await page.keyboard.press('Home');
  near(/training (\S+?),?(?: |$)/.exec(await chart.locator('[data-told]').innerText())[1], loss[0], 'the first loss');
  await chart.locator('summary').click();
  await soon(async () => assert.equal(await chart.locator('tbody tr').count(), steps.size));
});

test('translations: sorted by errors, searched, turned over', async () => {
  if (!translations.length) return;
  const page = await browser.open('#/translations');
  const most = Math.max(...translations.map((t) => t.edits));
  assert.match(await page.locator('main ol li').first().innerText(), most === 0 ? /exact/ : most === 1 ? /1 word edit/ : new RegExp(`${most} word edits`));
  const wanted = translations[0].source.split(' ')[0].toLowerCase();
  await page.getByRole('searchbox').fill(wanted);
  const found = translations.filter((t) => `${t.source}\n${t.reference}\n${t.translation}`.toLowerCase().includes(wanted)).length;
  assert.match(await page.getByRole('status').first().innerText(), new RegExp(`^${found} of ${translations.length} `));
  await page.getByRole('searchbox').fill('no such word at all');
  assert.match(await page.locator('main ol').innerText(), /No translation/);
});

test('a sentence: its weights, by mouse and by arrow keys; another head by a click', async () => {
  if (withCross < 0) return;
  const one = data.sentences[withCross];
  const attention = one.attentions.at(-1);
  const head = attention.weights.length - 1;
  const page = await browser.open(`#/sentence/${withCross}/${attention.name}/0`);
  near(await page.locator('[data-loss]').innerText(), one.loss, 'the loss');
  const chosen = page.locator('.heads button').nth(one.attentions.reduce((n, a) => n + a.weights.length, 0) - 1);
  await chosen.click();
  assert.equal(await chosen.getAttribute('aria-pressed'), 'true');
  const weights = attention.weights[head];
  await page.locator('td[data-i="0"][data-j="0"]').hover();
  near(await page.locator('[data-value]').innerText(), weights[0][0], 'weights[0,0]');
  await page.locator('td[data-i="0"][data-j="0"]').focus();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('ArrowRight');
  await until(() => page.evaluate(() => document.activeElement.dataset.i === '1' && document.activeElement.dataset.j === '1'));
  near(await page.locator('[data-value]').innerText(), weights[1][1], 'weights[1,1]');
  assert.equal(await page.locator('td[tabindex="0"]').count(), 1, 'the matrix is one stop of the Tab key');
  if (one.switched_off.length) assert.equal(await page.locator('main table.numbers tbody tr').count(), one.switched_off.length);
});

test('the rows of an attention have the same names in each view: over the encoder, of the words that they predict', async () => {
  const index = data.sentences.findIndex((s) => s.explained.some((e) => e.attention));
  if (index < 0) return;
  const page = await browser.open('');
  for (const { attention, forward } of data.sentences[index].explained.filter((e) => e.attention)) {
    const { rows, first_row: first = 0 } = forward.find((step) => step.name === 'weights');
    for (const view of ['sentence', 'softmax']) {
      await goTo(page, `#/${view}/${index}/${attention.name}/${attention.head}`);
      const heads = page.locator('table[role=grid]').first().locator('tbody th');
      const shown = view === 'sentence' ? await heads.allInnerTexts() : await page.locator('select').last().locator('option').allInnerTexts();
      rows.forEach((word, i) => assert.ok(shown[first + i]?.includes(word), `${view}, ${attention.name}, row ${first + i}: ${shown[first + i]}, not ${word}`));
    }
  }
});

test('evolution: the slider shows each snapshot', async () => {
  if (!data.snapshots) return;
  const page = await browser.open('#/evolution/0');
  const slider = page.getByRole('slider');
  await slider.focus();
  await page.keyboard.press('End');
  const attention = data.snapshots.sentences[0].attentions.filter((a) => a.kind === 'cross').at(-1) ?? data.snapshots.sentences[0].attentions[0];
  assert.equal(await page.locator('[data-snapshot]').getAttribute('data-snapshot'), String(data.snapshots.steps.at(-1)));
  const shown = digits(await page.locator('td[data-i="0"][data-j="0"]').innerText());
  assert.ok(Math.abs(shown - attention.weights.at(-1)[0][0][0]) <= 0.0051);
  if (attention.kind === 'cross') assert.equal(await page.locator('tbody th').first().innerText(), data.snapshots.sentences[0].predicted[0]);
  await page.getByRole('button', { name: 'Play' }).click();
  const first = String(data.snapshots.steps[0]);
  // Each snapshot is shown for a while, so that a busy machine may already be at the next.
  const early = data.snapshots.steps.slice(0, 3).map(String);
  assert.ok(early.includes(await page.locator('[data-snapshot]').getAttribute('data-snapshot')), 'played from the beginning');
  if (data.snapshots.steps.length > 1) await until(async () => (await page.locator('[data-snapshot]').getAttribute('data-snapshot')) !== first);
});

test('steps: each number of each matrix, forwards and backwards, is the data’s, and its sum is shown where it is one', async () => {
  if (withBackward < 0) return;
  const explained = data.sentences[withBackward].explained.find((e) => e.backward?.length && e.attention);
  const { name, head } = explained.attention;
  const page = await browser.open(`#/steps/${withBackward}/${name}/${head}`);
  const sums = [];
  const unexplained = [];
  for (const step of [...explained.forward, ...explained.backward]) {
    const label = step.first_row ?? 0;
    const row = Math.min(1, step.values.length - 1);
    const column = Math.min(1, step.values[row].length - 1);
    const value = step.values[row][column];
    if (value === null || step.name.endsWith('.bias')) continue;
    const vector = step.values.every((line) => line.length === 1);
    const address = vector ? `${step.name}[${row + label}]` : `${step.name}[${row + label},${column + (step.first_column ?? 0)}]`;
    await goTo(page, `#/steps/${withBackward}/${name}/${head}/${encodeURIComponent(address)}`);
    await page.locator(`[data-address="${address}"]`).waitFor();
    near(await page.locator('[data-formula-value]').innerText(), Number(value.toPrecision(4)), address);
    if (step.agrees !== undefined) assert.equal(await page.locator('[data-verdict]').getAttribute('data-verdict'), String(step.agrees));
    if (await page.getByText('What made it is not in the page').count()) unexplained.push(step.name);
    if ((await page.locator('[data-sum]').count()) && step.name !== 'weights') {
      sums.push(step.name);
      const sum = digits(await page.locator('[data-sum]').innerText());
      assert.ok(Math.abs(sum - value) <= 2e-3 * Math.abs(value) + 1e-3, `${address}: the terms sum to ${sum}, the value is ${value}`);
    }
  }
  // What flows back through a recurrence is a sum of hundreds of terms, which are not in the page.
  const long = data.model === 'transformer' ? [] : ['d output', 'd states through the recurrence', 'd embeddings'];
  assert.deepEqual(unexplained.filter((step) => !long.includes(step)), [], 'every number says how it came to be');
  for (const wanted of ['embeddings', 'x', 'memory', 'scores', 'output', 'd output', 'd projected', 'd weights', 'd values', 'd queries', 'd keys', 'd query.weight', 'd output.weight'])
    if (!long.includes(wanted) && [...explained.forward, ...explained.backward].some((s) => s.name === wanted)) assert.ok(sums.includes(wanted), `${wanted} is shown as a sum (${sums})`);
});

test('steps: queries, keys and values are the sum of inputs by parameters, each a link; a parameter says what it is', async () => {
  const index = data.sentences.findIndex((s) => s.explained.some((e) => e.attention && data.projections[e.attention.name]?.['query.weight']));
  if (index < 0) return;
  const explained = data.sentences[index].explained.find((e) => data.projections[e.attention.name]?.['query.weight'] && e.attention.head === e.attention.heads - 1);
  const { name, head, heads, kind } = explained.attention;
  const projections = data.projections[name];
  const page = await browser.open(`#/steps/${index}/${name}/${head}`);
  const asked = kind === 'cross' ? 'memory' : 'x';
  for (const [step, projection, input] of [['queries', 'query', 'x'], ['keys', 'key', asked], ['values', 'value', asked]]) {
    const of = (wanted) => explained.forward.find((s) => s.name === wanted);
    if (!of(step) || !of(input) || !projections[`${projection}.weight`]) continue;
    const weight = projections[`${projection}.weight`];
    const feature = (head * weight.length) / heads + 1;
    await goTo(page, `#/steps/${index}/${name}/${head}/${step}[0,1]`);
    await page.locator(`[data-address="${step}[0,1]"]`).waitFor();
    near(await page.locator('[data-formula-value]').innerText(), Number(of(step).values[0][1].toPrecision(4)), step);
    const sum = digits(await page.locator('[data-sum]').innerText());
    assert.ok(Math.abs(sum - of(step).values[0][1]) <= 2e-3, `${step}: ${sum}`);
    const terms = await rowsOf(page.locator('.terms'));
    const bias = projections[`${projection}.bias`];
    assert.equal(terms.length, weight[0].length + (bias ? 1 : 0), 'a term for each feature, and the bias');
    const target = `${projection}.weight[${feature},0]`;
    await page.locator('.terms a', { hasText: target }).click();
    await page.locator(`[data-address="${target}"]`).waitFor();
    near(await page.locator('[data-formula-value]').innerText(), Number(weight[feature][0].toPrecision(4)), target);
    assert.match(await page.getByRole('region', { name: 'How this number came to be' }).innerText(), /A parameter/);
  }
});

test('steps: what the steps begin with comes from the model’s parts, and the command goes further back', async () => {
  const index = data.sentences.findIndex((s) => s.explained.length);
  if (index < 0) return;
  const page = await browser.open('#/training');
  for (const { attention, forward } of data.sentences[index].explained.filter((e) => (e.attention?.head ?? 0) === 0)) {
    for (const step of forward.filter((s) => s.row_formulas)) {
      const [row, column] = [step.values.length - 1, 1];
      const address = `${step.name}[${row},${column}]`;
      await goTo(page, `#/steps/${index}/${attention?.name ?? '-'}/${attention?.head ?? 0}/${encodeURIComponent(address)}`);
      await page.locator(`[data-address="${address}"]`).waitFor();
      const told = await page.getByRole('region', { name: 'How this number came to be' }).innerText();
      const formula = step.row_formulas[row];
      if (formula.expressions.length) assert.ok(told.includes(formula.expressions[column]), `${address}: ${told}`);
      if (formula.operation === 'sum') {
        const sum = digits(await page.locator('[data-sum]').innerText());
        assert.ok(Math.abs(sum - step.values[row][column]) <= 2e-3 * Math.abs(sum) + 1e-3, `${address}: ${sum}`);
      }
      const here = (address) => address.replace(/(?<=[[,])c(?=[,\]])/, column);
      const factors = formula.terms.flat().filter((factor) => factor.address).map((factor) => here(factor.address));
      for (const factor of factors) assert.ok(told.includes(factor), `${address}: ${factor} in ${told}`);
      const names = new Set(forward.map((s) => s.name));
      const beyond = factors.find((factor) => !names.has(factor.replace(/\[.*/, '')) && !/\.(weight|bias)\w*\[/.test(factor));
      if (beyond) assert.match(told, new RegExp(`qkv explain .*--of '${beyond.replace(/[[\].#]/g, '\\$&')}'`, 's'));
      const box = page.locator('.terms');
      if (!(await box.count())) continue;
      const beyondEdge = await box.evaluate((terms) => terms.scrollWidth - terms.clientWidth);
      assert.ok(beyondEdge <= 0, `${address}: the numbers are ${beyondEdge} px beyond the edge`);
    }
  }
});

test('steps: in Korean the formulas and what is said beside them are Korean', async () => {
  const index = data.sentences.findIndex((s) => s.explained.some((e) => e.backward?.length));
  if (index < 0) return;
  const explained = data.sentences[index].explained.find((e) => e.backward?.length);
  const page = await browser.open('#/training', { locale: 'ko-KR' });
  for (const step of [...explained.forward, ...explained.backward]) {
    const indices = step.values.every((line) => line.length === 1) || step.name.endsWith('.bias') ? [step.first_row ?? 0] : [step.first_row ?? 0, step.first_column ?? 0];
    const address = `${step.name}[${indices}]`;
    await goTo(page, `#/steps/${index}/${explained.attention?.name ?? '-'}/${explained.attention?.head ?? 0}/${encodeURIComponent(address)}`);
    await page.locator(`[data-address="${address}"]`).waitFor();
    const told = await page.locator('[data-step] > p, .formula > p:not(.value)').allInnerTexts();
    for (const text of told)
      assert.doesNotMatch(text.replace(/qkv explain.*/s, ''), /\b(the|of|over|where|with|less|each|word|row|is|are|from)\b/, `${address}: ${text}`);
  }
});

test('steps: where the reference was fed in the page and its command say so', async () => {
  const index = data.sentences.findIndex((s) => s.explained.some((e) => !e.own_translation && e.attention));
  if (index < 0) return;
  const one = data.sentences[index];
  const { attention } = one.explained[0];
  const page = await browser.open(`#/steps/${index}/${attention.name}/${attention.head}/nothing[0,0]`);
  await soon(async () => assert.ok((await page.locator('[data-reference-fed]').innerText()).includes(one.text.reference)));
  assert.match(await page.locator('[data-missing=address] code').last().innerText(), /--target '/);
});

test('steps: of an address that the page does not have it says how to take it apart', async () => {
  if (withBackward < 0) return;
  const { name, head } = data.sentences[withBackward].explained.find((e) => e.backward?.length && e.attention).attention;
  const page = await browser.open(`#/steps/${withBackward}/${name}/${head}/${encodeURIComponent('nothing[0,0]')}`);
  const missing = page.locator('[data-missing=address]');
  assert.match(await missing.innerText(), /nothing\[0,0\].*qkv explain .* --of 'nothing\[0,0\]'/s);
  await goTo(page, `#/steps/${withBackward}/${name}/${head}/${encodeURIComponent('weights[0,0]')}`);
  await page.locator('[data-address="weights[0,0]"]').waitFor();
  assert.equal(await missing.count(), 0);
});

test('steps: who leaves an address before it is drawn meets no error', async () => {
  if (withBackward < 0) return;
  const { name, head } = data.sentences[withBackward].explained.find((e) => e.backward?.length && e.attention).attention;
  const page = await browser.open('#/softmax');
  await page.evaluate(
    async ([steps, others]) => {
      for (let wait = 0; wait < 60; wait += 3)
        for (const hash of [steps, ...others]) {
          location.hash = hash;
          await new Promise((resolve) => setTimeout(resolve, wait));
        }
    },
    [`#/steps/${withBackward}/${name}/${head}/d scores[0,0]`, [`#/steps/${withBackward}/${name}/${head}/weights[0,0]`, '#/softmax']],
  );
});

test('steps: a factor is a link to its cell, and the way back leads back', async () => {
  if (withBackward < 0) return;
  const { name, head } = data.sentences[withBackward].explained.find((e) => e.backward?.length && e.attention).attention;
  const page = await browser.open(`#/steps/${withBackward}/${name}/${head}/d weights[0,0]`);
  await page.locator('[data-address="d weights[0,0]"]').waitFor();
  const link = page.locator('.terms a').first();
  const target = await link.innerText();
  await link.click();
  await page.locator(`[data-address="${target}"]`).waitFor();
  await page.goBack();
  await page.locator('[data-address="d weights[0,0]"]').waitFor();
  await page.locator('td[data-i="1"][data-j="0"]').first().hover();
  await page.locator('[data-address="d weights[1,0]"]').waitFor();
  const taken = data.sentences[withBackward].explained.find((e) => e.attention?.name === name && e.attention.head === head).step;
  if (taken) near(await page.locator('[data-step-losses] strong').first().innerText(), taken.loss_before, 'the loss before a step');
});

test('softmax: a row of the sentence gives its weights; scale 0 looks at all alike', async () => {
  if (withCross < 0) return;
  const one = data.sentences[withCross];
  const attention = one.attentions.find((a) => a.kind === 'cross') ?? one.attentions[0];
  const page = await browser.open(`#/softmax/${withCross}/${attention.name}/0/1`);
  const shown = (await page.locator('[data-weight]').allInnerTexts()).map(Number);
  shown.forEach((weight, j) => assert.ok(Math.abs(weight - attention.weights[0][1][j]) < 2e-3, `weight ${j}: ${weight}, the model's ${attention.weights[0][1][j]}`));
  await page.locator('input[type=range]').first().focus();
  await page.keyboard.press('Home');
  const alike = (await page.locator('[data-weight]').allInnerTexts()).map(Number);
  assert.ok(alike.every((w) => Math.abs(w - 1 / alike.length) < 1e-4));
});

test('a sentence on a phone: what it becomes without a head is seen without scrolling', async () => {
  const sentence = data.sentences.findIndex((one) => one.switched_off.some((off) => off.changed));
  if (sentence < 0) return;
  const page = await browser.open(`#/sentence/${sentence}`, { viewport: { width: 390, height: 844 } });
  const table = page.locator('section.card .scroll').last();
  await table.scrollIntoViewIfNeeded();
  const [needed, given] = await table.evaluate((region) => [region.scrollWidth, region.clientWidth]);
  assert.ok(needed <= given, `the table is ${needed} px wide where there are ${given}`);
  assert.ok(await table.locator('td.becomes').first().isVisible());
});

test('graph: a box is reached and left with the keyboard', async () => {
  if (!data.graph) return;
  const page = await browser.open('#/graph');
  const boxes = page.locator('svg [role=button]');
  assert.equal(await boxes.count(), data.graph.nodes.length);
  await boxes.first().focus();
  await page.keyboard.press('ArrowDown');
  assert.notEqual(await page.evaluate(() => document.activeElement.id), await boxes.first().getAttribute('id'));
  assert.equal(await page.locator('[aria-pressed=true]').count(), 1);
  await page.locator('summary').click();
  await soon(async () => assert.equal(await page.locator('textarea').inputValue(), data.graph.dot));
});

test('graph: a box is below what it comes from, on no other, and in the frame of its module', async () => {
  if (!data.graph) return;
  const page = await browser.open('#/graph');
  const rectangles = (selector) => page.locator(selector).evaluateAll((all) => all.map((one) => one.getBoundingClientRect().toJSON()));
  const boxes = Object.fromEntries((await rectangles('svg [role=button] rect')).map((box, i) => [data.graph.nodes[i].id, box]));
  const recurrences = new Set(data.graph.recurrences.map(String)); // they close the circles of a recurrent model, upwards
  for (const [from, to] of data.graph.edges) {
    const [above, below] = recurrences.has(String([from, to])) ? [to, from] : [from, to];
    assert.ok(boxes[above].bottom < boxes[below].top, `${below} is below ${above}`);
  }
  assert.equal(await page.locator('svg path.recurs').count(), recurrences.size);
  const isOn = (a, b) => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
  for (const [a, one] of Object.entries(boxes)) for (const [b, other] of Object.entries(boxes)) assert.ok(a === b || !isOn(one, other), `${a} is not on ${b}`);
  const names = await page.locator('svg > text').allTextContents();
  const frames = await rectangles('svg > rect');
  for (const { id, kind, module } of data.graph.nodes)
    names.forEach((name, i) => {
      const box = boxes[id];
      const inside = frames[i].left < box.left && box.right < frames[i].right && frames[i].top < box.top && box.bottom < frames[i].bottom;
      assert.equal(inside, module.startsWith(`${name}.`) || (kind !== 'module' && module === name), `${id} and the frame of ${name}`);
    });
  assert.ok(names.length > 0);
});

test('graph: a sentence that is read is cut where its box ends', async () => {
  if (!data.graph) return;
  const page = await browser.open('#/graph');
  const wider = await page.locator('svg [role=button]').evaluateAll((all) =>
    all.filter((one) => [...one.querySelectorAll('text')].some((text) => text.getBBox().width > one.querySelector('rect').getBBox().width)).map((one) => one.textContent),
  );
  assert.deepEqual(wider, []);
});

test('the choice of language and theme holds after another visit', async () => {
  const page = await browser.open();
  await page.locator('select').nth(0).selectOption('ko');
  await page.locator('select').nth(1).selectOption('dark');
  await page.reload();
  assert.equal(await page.evaluate(() => document.documentElement.lang), 'ko');
  assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), 'dark');
  assert.match(await page.locator('nav').innerText(), /어텐션/);
});

test('measured, not judged: the first paint, and the longest task of each view', async () => {
  const page = await browser.open();
  const painted = () => page.evaluate(() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? null);
  await until(async () => (await painted()) !== null);
  const paint = await painted();
  console.log(`first paint after ${Math.round(paint)} ms`);
  await page.evaluate(() => {
    window.tasks = [];
    new PerformanceObserver((list) => window.tasks.push(...list.getEntries().map((e) => Math.round(e.duration)))).observe({ type: 'longtask' });
  });
  for (const view of views) {
    await page.evaluate((v) => ((window.tasks.length = 0), (location.hash = `#/${v}`)), view);
    await page.waitForTimeout(250);
    const opened = await page.evaluate(() => Math.max(0, ...window.tasks));
    await page.evaluate(() => (window.tasks.length = 0));
    const cells = page.locator('main td[data-i]');
    for (let i = 0; i < Math.min(12, await cells.count()); i += 1) await cells.nth(i).hover();
    for (const button of (await page.locator('main .heads button, main ol button').all()).slice(0, 8)) await button.click();
    await page.waitForTimeout(150);
    console.log(`${view}: longest task ${opened} ms when opened, ${await page.evaluate(() => Math.max(0, ...window.tasks))} ms when used (0: none over 50 ms)`);
  }
});

test('the sentence chooser offers every sentence', async () => {
  if (!sentence) return;
  const page = await browser.open('#/sentence');
  assert.equal(await page.locator('main select').first().locator('option').count(), data.sentences.length);
  if (data.sentences.length < 2) return;
  await page.getByRole('button', { name: 'Next' }).first().click();
  await soon(async () => near(await page.locator('[data-loss]').innerText(), data.sentences[1].loss, 'the loss of the next sentence'));
});
