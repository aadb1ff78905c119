// Words of the data are words, whatever they look like; the page may run and load nothing but itself.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fill, makeReport } from './fixture.mjs';
import { file, goTo, withBrowser } from './report.mjs';

let browser;
let folder;
before(async () => {
  browser = await withBrowser();
  folder = mkdtempSync(join(tmpdir(), 'qkv-page-'));
});
after(async () => {
  await browser.close();
  rmSync(folder, { recursive: true, force: true });
});
const template = readFileSync(new URL('../report.html', import.meta.url), 'utf8');
const written = (name, text) => {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
};

test('a sentence <script> is shown as such', async () => {
  const page = await browser.open('#/sentence/0');
  assert.match(await page.locator('main').innerText(), /<script>alert\(2\)<\/script>/);
  assert.match(await page.locator('main').innerText(), /<b>dog<\/b>/);
  await goTo(page, '#/translations');
  assert.match(await page.locator('main').innerText(), /<script>alert\(1\)<\/script>/);
  assert.equal(await page.locator('main script, main b').count(), 0);
  assert.deepEqual(browser.wrong.splice(0), []);
});

test('the policy forbids other scripts, styles, pictures and connections', async () => {
  const policy = /http-equiv="Content-Security-Policy" content="([^"]*)"/.exec(readFileSync(file, 'utf8'))[1];
  assert.match(policy, /default-src 'none'/);
  assert.doesNotMatch(policy, /unsafe|http|data:|\*/);
  const page = await browser.open();
  const ran = await page.evaluate(async () => {
    const script = document.createElement('script');
    let refused = false;
    try {
      script.text = 'window.planted = true';
      document.body.append(script);
    } catch {
      refused = true; // text may become a script only by a policy of trusted types
    }
    const fetched = await fetch('data:text/plain,x').then(
      () => true,
      () => false,
    );
    return { planted: 'planted' in window, fetched, refused };
  });
  assert.equal(ran.planted, false);
  assert.equal(ran.fetched, false);
  browser.wrong.length = 0; // the refusals stand on the console
});

test('one marker, which the data replace', () => {
  assert.equal(template.split('@QKV_REPORT_DATA@').length, 2);
});

test('a page without data says so', async () => {
  const page = await browser.open('', {}, written('empty.html', template));
  assert.match(await page.locator('main').innerText(), /holds no data yet/);
  assert.deepEqual(browser.wrong.splice(0), []);
});

test('a run without snapshots, tests, comparison, graph or sentences', async () => {
  const poor = {
    ...makeReport(),
    snapshots: null,
    compare: null,
    graph: null,
    tests: {},
    translations: { source: [], reference: [], translation: [], edits: [], chrf: [], set: [] },
    sentences: [],
    missing: {
      snapshots: { reason: 'no-snapshots', text: 'No snapshots were kept.' },
      test: { reason: 'no-scores', text: 'There is no test set.' },
      translations: { reason: 'no-test-files', text: 'There is no test set at data/ko.', place: 'data/ko' },
      compare: { reason: 'no-comparison', text: 'Nothing was compared.' },
      graph: { reason: 'no-sentence', text: 'No graph.' },
      validation: { reason: 'no-validation', text: 'No validation.' },
    },
    training: { steps: { step: [], loss: [], lr: [], gradient_norm: [] }, validations: { step: [], valid_loss: [], valid_bleu: [], valid_exact: [] } },
  };
  const page = await browser.open('#/evolution', {}, written('poor.html', fill(template, poor)));
  assert.match(await page.locator('main').innerText(), /No snapshots were kept/);
  for (const view of ['training', 'translations', 'sentence', 'steps', 'softmax', 'compare', 'graph']) {
    await goTo(page, `#/${view}`);
    assert.equal(await page.locator('main [role=alert]').count(), 0, view);
    assert.ok((await page.locator('main').innerText()).length > 10, view);
  }
  const korean = await browser.open('#/evolution', { locale: 'ko-KR' }, join(folder, 'poor.html'));
  assert.match(await korean.locator('[data-missing=snapshots]').innerText(), /스냅샷이 없습니다/);
  await korean.evaluate(() => (location.hash = '#/translations'));
  assert.match(await korean.locator('[data-missing=translations]').innerText(), /없습니다.*data\/ko/);
  assert.deepEqual(browser.wrong.splice(0), []);
});

test('an RNN without attention: its steps, without heads', async () => {
  const report = makeReport();
  report.model = 'rnn';
  report.sentences = report.sentences.slice(0, 1).map((s) => ({
    ...s,
    attentions: [],
    switched_off: [],
    links: null,
    explained: [
      {
        ...s.explained[0],
        attention: null,
        forward: [{ name: 'context', title: 'the one context vector', formula: 'h', rows: [''], columns: [], values: [[0.25, -0.5]] }],
        backward: [{ name: 'reach', title: '', formula: '', rows: ['a', 'b'], columns: [], values: [[0.5], [0.125]] }],
        step: null,
      },
    ],
  }));
  report.snapshots = null;
  const page = await browser.open('#/sentence/0', {}, written('rnn.html', fill(template, report)));
  assert.match(await page.locator('main').innerText(), /no attention/);
  await page.locator('main a').first().click();
  await page.locator('[data-address="context[0,0]"], [data-address="context[0]"]').waitFor();
  await page.getByRole('button', { name: 'Backwards' }).click();
  await page.locator('[data-address="reach[1]"], [data-address="reach[0]"]').waitFor();
  assert.deepEqual(browser.wrong.splice(0), []);
});

test('an address that no longer exists opens its view all the same', async () => {
  for (const hash of ['#/steps/99/nothing/7/scores[100,100]', '#/sentence/-1/x/y', '#/nowhere', '#/%E0%A4%A', '#/evolution/77/none/9', '#/softmax/0/x/9/400']) {
    const page = await browser.open(hash);
    assert.ok((await page.locator('main').innerText()).length > 60, hash);
    assert.equal(await page.locator('main [role=alert]').count(), 0, hash);
    await page.context().close();
  }
  assert.deepEqual(browser.wrong.splice(0), []);
});
