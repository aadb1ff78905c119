// The page's tests, in Debian's Chromium, from a file, without a network.
//   node tests/run.mjs [REPORT.html]     without a report: one of made-up data
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fill, makeReport } from './fixture.mjs';

const folder = mkdtempSync(join(tmpdir(), 'qkv-page-'));
let report = process.argv[2] && resolve(process.argv[2]);
if (!report) {
  report = join(folder, 'report.html');
  writeFileSync(report, fill(readFileSync(new URL('../report.html', import.meta.url), 'utf8'), makeReport()));
}
const tests = ['views.test.mjs', 'numbers.test.mjs', 'accessible.test.mjs', ...(process.argv[2] ? [] : ['safe.test.mjs', 'tokens.test.mjs', 'verdict.test.mjs'])];
const result = spawnSync(process.execPath, ['--test', '--test-concurrency=1', ...tests.map((name) => fileURLToPath(new URL(name, import.meta.url)))], {
  stdio: 'inherit',
  env: { ...process.env, QKV_REPORT: report },
});
rmSync(folder, { recursive: true, force: true });
process.exit(result.status ?? 1);
