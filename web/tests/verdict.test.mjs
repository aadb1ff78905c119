// A gradient that is not the exact derivative is called wrong wherever a verdict stands, and no other is.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, test } from 'node:test';
import { fill, makeReportOfWrongGradient } from './fixture.mjs';
import { soon, withBrowser } from './report.mjs';

let browser;
let folder;
let file;
const report = makeReportOfWrongGradient();
const { attention, backward } = report.sentences[1].explained[0];
before(async () => {
  browser = await withBrowser();
  folder = mkdtempSync(join(tmpdir(), 'qkv-page-'));
  file = join(folder, 'wrong.html');
  writeFileSync(file, fill(readFileSync(new URL('../report.html', import.meta.url), 'utf8'), report));
});
after(async () => {
  await browser.close();
  rmSync(folder, { recursive: true, force: true });
});
afterEach(() => assert.deepEqual(browser.wrong.splice(0), []));

test('in its stage, above its matrix and beside its numbers', async () => {
  for (const { name, agrees, largest_difference: difference } of backward.filter((step) => step.agrees !== undefined && step.exact)) {
    const address = `${name}[0${name === 'sigma' ? '' : ',0'}]`;
    const page = await browser.open(`#/steps/1/${attention.name}/${attention.head}/${address}`, {}, file);
    await page.locator(`[data-address="${address}"]`).waitFor();
    const verdict = page.locator(`[data-step="${name}"] [data-verdict]`);
    await soon(async () => assert.equal(await verdict.getAttribute('data-verdict'), String(agrees), name));
    assert.match(await verdict.innerText(), agrees ? /✓ agrees/ : /✗ does not agree/, name);
    assert.ok((await verdict.innerText()).includes(difference.toExponential(1).replaceAll('-', '−')), name);
    assert.match(await page.locator('.formula').innerText(), agrees ? /✓ agrees/ : /✗ does not agree/, name);
    const stages = await page.locator('main section ol button').allInnerTexts();
    assert.deepEqual(stages.filter((text) => text.includes('✗')).map((text) => /\d+\. (.*?) ✗/.exec(text.replace(/\s+/g, ' '))[1]), ['d keys']);
    await page.context().close();
  }
});
