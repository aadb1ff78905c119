import { english, type Texts } from './texts/english';
import { korean } from './texts/korean';

export type { Texts };
export type Language = 'en' | 'ko';

/** All words of the page, in both languages. */
export const texts: Record<Language, Texts> = { en: english, ko: korean };
