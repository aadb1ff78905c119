// Pictures of each view: light, dark and at 390 px.
//   node screenshots.mjs REPORT.html FOLDER [view …]
import { mkdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { openBrowser } from './tests/browser.mjs';

const [file, folder, ...wanted] = process.argv.slice(2);
if (!file || !folder) {
  console.error('usage: node screenshots.mjs REPORT.html FOLDER [view …]');
  process.exit(2);
}
await mkdir(folder, { recursive: true });
const views = wanted.length ? wanted : ['training', 'translations', 'sentence', 'evolution', 'steps', 'softmax', 'compare', 'graph'];
const kinds = {
  light: { viewport: { width: 1280, height: 800 }, colorScheme: 'light' },
  dark: { viewport: { width: 1280, height: 800 }, colorScheme: 'dark' },
  390: { viewport: { width: 390, height: 844 }, colorScheme: 'light' },
};
const browser = await openBrowser();
for (const [kind, options] of Object.entries(kinds)) {
  const context = await browser.newContext({ ...options, locale: 'en-GB' });
  const page = await context.newPage();
  await page.goto(pathToFileURL(resolve(file)).href);
  for (const view of views) {
    await page.evaluate((name) => (location.hash = `#/${name}`), view);
    await page.waitForTimeout(400);
    await page.screenshot({ path: `${folder}/${view.replaceAll('/', '-')}-${kind}.png`, fullPage: true });
  }
  await context.close();
}
await browser.close();
