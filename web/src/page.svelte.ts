import { texts, type Language } from './texts';

type Theme = 'auto' | 'light' | 'dark';

/** What the browser keeps between two visits; a browser that keeps nothing for files is no reason to stop. */
function remembered(key: string): string | null {
  try {
    return localStorage.getItem(`qkv-report-${key}`);
  } catch {
    return null;
  }
}

function remember(key: string, value: string) {
  try {
    localStorage.setItem(`qkv-report-${key}`, value);
  } catch {
    // shown all the same
  }
}

function partsOf(hash: string): string[] {
  return hash
    .replace(/^#\/?/, '')
    .split('/')
    .map((part) => {
      try {
        return decodeURIComponent(part);
      } catch {
        return part;
      }
    });
}

const prefersDark = matchMedia('(prefers-color-scheme: dark)');

/** What all views share: the address, the language, the theme. */
class Page {
  path = $state.raw(partsOf(location.hash));
  language = $state<Language>('en');
  theme = $state<Theme>('auto');
  systemDark = $state(prefersDark.matches);
  dark = $derived(this.theme === 'auto' ? this.systemDark : this.theme === 'dark');
  t = $derived(texts[this.language]);

  constructor() {
    const language = remembered('language');
    this.language = language === 'en' || language === 'ko' ? language : navigator.language.startsWith('ko') ? 'ko' : 'en';
    const theme = remembered('theme');
    if (theme === 'light' || theme === 'dark') this.theme = theme;
    addEventListener('hashchange', () => (this.path = partsOf(location.hash)));
    prefersDark.addEventListener('change', (event) => (this.systemDark = event.matches));
  }

  setLanguage(language: Language) {
    this.language = language;
    remember('language', language);
  }

  setTheme(theme: Theme) {
    this.theme = theme;
    remember('theme', theme);
  }
}

export const page = new Page();

/** An address within the page: link('steps', 3, 'decoder.layers.1.cross_attention', 2, 'd scores[2,5]'). */
export function link(...parts: (string | number)[]): string {
  return '#/' + parts.map((part) => encodeURIComponent(part).replaceAll('%20', ' ').replaceAll('%5B', '[').replaceAll('%5D', ']').replaceAll('%2C', ',')).join('/');
}

/** Goes to an address without a step back for each of many small choices. */
export function replace(...parts: (string | number)[]) {
  history.replaceState(null, '', link(...parts));
  page.path = parts.map(String);
}
