// A model that reads characters: words are put together as people write them, attention is between characters.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, test } from 'node:test';
import { fill, makeReportOfCharacters } from './fixture.mjs';
import { goTo, withBrowser } from './report.mjs';

let browser;
let folder;
let file;
const report = makeReportOfCharacters();
const [right, wrong] = report.sentences;
before(async () => {
  browser = await withBrowser();
  folder = mkdtempSync(join(tmpdir(), 'qkv-page-'));
  file = join(folder, 'characters.html');
  writeFileSync(file, fill(readFileSync(new URL('../report.html', import.meta.url), 'utf8'), report));
});
after(async () => {
  await browser.close();
  rmSync(folder, { recursive: true, force: true });
});
afterEach(() => assert.deepEqual(browser.wrong.splice(0), []));

test('the page says what the labels are', async () => {
  const page = await browser.open('', {}, file);
  const head = await page.locator('header').innerText();
  assert.match(head, /1210 source characters, 352 target characters/);
  assert.match(head, /reads characters/);
  const [title, choices] = [await page.locator('header .title').boundingBox(), await page.locator('header .choices').boundingBox()];
  assert.ok(choices.y < title.y + title.height, 'the menus stand beside what is said of the run');
  const withWords = await browser.open();
  assert.match(await withWords.locator('header').innerText(), /source words/);
  assert.doesNotMatch(await withWords.locator('header').innerText(), /▁/);
});

test('a sentence is shown in words, its attention between characters', async () => {
  const page = await browser.open('#/sentence/0', {}, file);
  const shown = (await page.locator('dl dd').allInnerTexts()).map((text) => text.trim());
  assert.equal(shown[0], right.text.source);
  assert.equal(shown[1], right.text.reference);
  assert.match(await page.locator('main').innerText(), /Loss per character: /);
  assert.ok(shown[2].startsWith(right.text.translation), shown[2]);
  assert.equal(await page.locator('table[role=grid] tbody tr').count(), right.read.length);
  assert.deepEqual(await page.locator('table[role=grid] tbody th').allInnerTexts(), right.predicted, 'of the characters that the rows predict');
  assert.equal(await page.locator('td.sure, td.possible').count(), right.links.length, 'links join characters');
  const off = right.switched_off.findIndex((one) => one.changed);
  const becomes = await page.locator('td.becomes').nth(off).innerText();
  assert.match(becomes, /(?<!\S)\+a(?!\S)/);
  assert.doesNotMatch(await page.locator('section.card').last().innerText(), /▁/);
});

test('what is wrong is marked in words', async () => {
  const page = await browser.open('#/sentence/1', {}, file);
  assert.deepEqual((await page.locator('dl ins').allInnerTexts()).map((text) => text.replace(/\s+/g, ' ')), ['not in the reference: +cat']);
  assert.equal(await page.locator('dl del').count(), 1);
  assert.match(await page.locator('dl').innerText(), /1 word edit/);
});

test('sentences to choose from, a command to type and snapshots are in words', async () => {
  const page = await browser.open('#/sentence/0', {}, file);
  const options = await page.locator('main select').first().locator('option').allInnerTexts();
  assert.ok(options[0].includes(`1. ${right.text.source} (`), options[0]);
  assert.ok(options[1].includes(`2. ${wrong.text.source} (`), options[1]);
  await goTo(page, '#/evolution/0');
  assert.equal(await page.locator('main select').first().locator('option').first().innerText(), report.snapshots.sentences[0].text.source);
  assert.ok((await page.locator('main').innerText()).includes(`Reference: ${report.snapshots.sentences[0].text.reference}`));
  const unexplained = makeReportOfCharacters();
  unexplained.sentences[0].explained = [];
  const other = join(folder, 'unexplained.html');
  writeFileSync(other, fill(readFileSync(new URL('../report.html', import.meta.url), 'utf8'), unexplained));
  const steps = await browser.open('#/steps/0', {}, other);
  const command = await steps.locator('main code').first().innerText();
  assert.ok(command.includes(`explain runs/transformer '${right.text.source}'`), command);
  assert.equal(await steps.locator('main ul a').first().innerText(), wrong.text.source);
});
