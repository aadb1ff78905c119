// axe finds nothing to complain of: light and dark, wide and on a phone, in both languages; and no page scrolls sideways.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { after, before, test } from 'node:test';
import { data, goTo, views, withBrowser } from './report.mjs';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
let browser;
before(async () => (browser = await withBrowser()));
after(() => browser.close());

const kinds = {
  'light, English': { colorScheme: 'light', locale: 'en-GB' },
  'dark, English': { colorScheme: 'dark', locale: 'en-GB' },
  'light, Korean, 390 px': { colorScheme: 'light', locale: 'ko-KR', viewport: { width: 390, height: 844 } },
  'dark, Korean, 390 px': { colorScheme: 'dark', locale: 'ko-KR', viewport: { width: 390, height: 844 } },
};
const backwards = data.sentences.findIndex((s) => s.explained.some((e) => e.backward?.length && e.attention));
const addresses = [...views];
if (backwards >= 0) {
  const { name, head } = data.sentences[backwards].explained.find((e) => e.backward?.length && e.attention).attention;
  addresses.push(`steps/${backwards}/${name}/${head}/scores[0,0]`, `steps/${backwards}/${name}/${head}/d scores[0,0]`);
}

for (const [kind, options] of Object.entries(kinds)) {
  test(kind, async () => {
    const page = await browser.open('', options);
    await page.emulateMedia({ reducedMotion: 'reduce' });
    await page.evaluate(axe);
    const found = [];
    for (const address of addresses) {
      await goTo(page, `#/${address}`);
      await page.waitForTimeout(120);
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      if (wide > 0) found.push(`${address} is ${wide} px wider than the window`);
      const { violations } = await page.evaluate(() => window.axe.run(document));
      // axe asks some of these for a name, and not a table of numbers.
      const nameless = await page.locator('[role=grid], [role=table], [role=group], [role=region], [role=img], [role=slider], nav, textarea').evaluateAll((all) => all.filter((one) => !one.ariaLabel?.trim()).map((one) => one.outerHTML.slice(0, 80)));
      if (nameless.length) found.push(`${address}: without a name: ${nameless.join(' | ')}`);
      for (const v of violations) found.push(`${address}: ${v.id}: ${v.nodes.slice(0, 3).map((n) => `${n.target} ${n.failureSummary}`).join(' | ')}`);
    }
    assert.deepEqual(found, []);
    assert.deepEqual(browser.wrong.splice(0), []);
  });
}
