// The pictures of README and docs/, one of each view, from a report of the run that ./run.sh trains, with a comparison.
//   node figures.mjs REPORT.html FOLDER
import { mkdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { openBrowser } from './tests/browser.mjs';

const [file, folder] = process.argv.slice(2);
if (!file || !folder) {
  console.error('usage: node figures.mjs REPORT.html FOLDER');
  process.exit(2);
}
// name: the address, and the size that is shown; of the evolution its last snapshot
const cross = 'decoder.layers.1.cross_attention';
const figures = {
  training: { address: 'training', height: 800 },
  translations: { address: 'translations', height: 700, theme: 'dark' },
  attention: { address: `sentence/0/${cross}/1`, height: 1450 },
  evolution: { address: 'evolution', height: 960, theme: 'dark', last: true },
  forwards: { address: `steps/0/${cross}/1/queries[2,3]`, height: 810 },
  backwards: { address: `steps/0/${cross}/1/d scores[2,3]`, height: 810 },
  softmax: { address: `softmax/0/${cross}/1/3`, height: 760, theme: 'dark' },
  compare: { address: 'compare', height: 1400 },
  graph: { address: 'graph', height: 900 },
  phone: { address: `sentence/0/${cross}/1`, width: 390, height: 844 },
};
await mkdir(folder, { recursive: true });
const browser = await openBrowser();
for (const [name, { address, width = 1120, height, theme = 'light', last }] of Object.entries(figures)) {
  const page = await browser.newPage({ viewport: { width, height }, colorScheme: theme, reducedMotion: 'reduce', locale: 'en-GB' });
  await page.goto(`${pathToFileURL(resolve(file)).href}#/${encodeURI(address)}`);
  if (last) await page.locator('input[type=range]').first().press('End');
  await page.waitForTimeout(1000);
  await page.screenshot({ path: `${folder}/${name}.png` });
  await page.close();
}
await browser.close();
