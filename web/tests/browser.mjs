import { existsSync } from 'node:fs';
import { chromium } from 'playwright-core';

/** Debian's Chromium, which asks nobody for anything; another one by the variable CHROMIUM. */
export function openBrowser() {
  const program = process.env.CHROMIUM ?? ['/usr/bin/chromium', '/usr/bin/chromium-browser'].find(existsSync);
  if (!program) throw new Error('no Chromium: install the package chromium, or name one in the variable CHROMIUM');
  return chromium.launch({
    executablePath: program,
    args: ['--no-sandbox', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--no-first-run'],
  });
}
