import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { openBrowser } from './browser.mjs';

export const file = process.env.QKV_REPORT;
if (!file) throw new Error('QKV_REPORT names no report; start the tests by node tests/run.mjs');

/** The data in the report, as whoever reads the file finds it. */
const [, packed] = /<script type="application\/gzip" id="data">([^<]*)<\/script>/.exec(readFileSync(file, 'utf8'));
export const data = JSON.parse(gunzipSync(Buffer.from(packed, 'base64')).toString());

// A step that an earlier explanation has too is written once.
for (const { explained } of data.sentences)
  for (const one of explained) one.forward = one.forward.map((step) => ('same_as' in step ? explained[step.same_as].forward.find((other) => other.name === step.name) : step));

export const translations = data.translations.source.map((_, i) => Object.fromEntries(Object.entries(data.translations).map(([key, column]) => [key, column[i]])));

/** A number as the page writes it with six digits. */
export const digits = (text) => Number(text.replaceAll('−', '-').replaceAll('\u202f', ''));

export function near(shown, value, what) {
  const number = typeof shown === 'string' ? digits(shown) : shown;
  assert.ok(Math.abs(number - value) <= 1e-5 * Math.abs(value) + 1e-12, `${what}: the page shows ${shown}, the data say ${value}`);
}

/** Waits until something holds. (The page's policy forbids the evaluation that Playwright's waitForFunction asks for.) */
export async function until(holds) {
  for (let tries = 0; !(await holds()); tries += 1) {
    assert.ok(tries < 200, `in vain waited for ${holds}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Asserts what soon holds: a page is drawn after the event that asks for it. */
export async function soon(assertion) {
  for (let tries = 0; ; tries += 1) {
    try {
      return await assertion();
    } catch (error) {
      if (tries === 100) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

/** The cells of a table, as texts. */
export const rowsOf = (table) => table.locator('tbody tr').evaluateAll((rows) => rows.map((row) => [...row.cells].map((cell) => cell.innerText.trim())));

/** Goes to another address of the page, and waits until its view is drawn. */
export async function goTo(page, hash) {
  await page.evaluate((to) => (location.hash = to), hash);
  const view = hash.replace('#/', '').split('/')[0];
  await page.locator(`nav a[href="#/${view}"][aria-current=page]`).waitFor();
}

/** A browser, and pages in it that note what goes wrong. */
export async function withBrowser() {
  const browser = await openBrowser();
  const wrong = [];
  async function open(hash = '', options = {}, path = file) {
    const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, locale: 'en-GB', ...options });
    const page = await context.newPage();
    page.on('console', (message) => ['error', 'warning'].includes(message.type()) && wrong.push(message.text()));
    page.on('pageerror', (error) => wrong.push(String(error)));
    page.on('dialog', (dialog) => (wrong.push(`a dialog: ${dialog.message()}`), dialog.dismiss()));
    page.on('request', (request) => request.url() === page.url() || request.url().startsWith(pathToFileURL(path).href) || wrong.push(`asks for ${request.url()}`));
    page.setDefaultTimeout(15000);
    await page.goto(pathToFileURL(path).href + hash);
    return page;
  }
  return { open, wrong, close: () => browser.close() };
}

export const views = ['training', 'translations', 'sentence', 'evolution', 'steps', 'softmax', 'compare', 'graph'];
