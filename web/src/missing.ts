import type { Report } from './data';
import { page } from './page.svelte';

/** Why the report does not have a part, in the language of the page: what the program wrote is English. */
export function whyMissing(report: Report, what: string): string | undefined {
  const missing = report.missing[what];
  if (!missing) return undefined;
  const text = page.t.missing[missing.reason];
  if (!text) return missing.text;
  return missing.place ? `${text} (${missing.place})` : text;
}
