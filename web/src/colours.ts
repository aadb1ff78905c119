/** Scales that differ in lightness, so that they are read without seeing colours: one for 0 … 1, one for − … +. */

type Rgb = [number, number, number];

const stops = (text: string): Rgb[] =>
  text.split(' ').map((hex) => [0, 2, 4].map((at) => parseInt(hex.slice(at, at + 2), 16)) as Rgb);

const sequential = {
  light: stops('ffffff d6e6f4 8fc1e0 3a87c0 0b4a8f 08264f'),
  dark: stops('171c22 1d3a63 4a5c78 8a8468 cdb74e ffee66'),
};
const diverging = {
  light: stops('174d8c 5a9bd0 bcd8ec f7f7f5 f7cfa0 dd8630 8f4403'),
  dark: stops('8cc6ff 4a86c4 27456a 1a1f25 5f4020 b8722a ffb866'),
};

function between(colours: Rgb[], t: number): Rgb {
  const at = Math.min(Math.max(t, 0), 1) * (colours.length - 1);
  const low = Math.min(Math.floor(at), colours.length - 2);
  const part = at - low;
  const a = colours[low]!;
  const b = colours[low + 1]!;
  return [0, 1, 2].map((i) => Math.round(a[i]! + (b[i]! - a[i]!) * part)) as Rgb;
}

function luminance(rgb: Rgb): number {
  const [r, g, b] = rgb.map((c) => (c <= 10.3 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4)) as Rgb;
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

export interface Colour {
  fill: string;
  text: string;
}

const withText = (rgb: Rgb): Colour => ({
  fill: `rgb(${rgb.join(',')})`,
  text: luminance(rgb) > 0.179 ? '#000' : '#fff',
});

const table = new Map<string, Colour[]>();

/** 256 colours of a scale, made once: a big grid asks for thousands. */
function scale(signed: boolean, dark: boolean): Colour[] {
  const key = `${signed} ${dark}`;
  let colours = table.get(key);
  if (!colours) {
    const ends = (signed ? diverging : sequential)[dark ? 'dark' : 'light'];
    colours = Array.from({ length: 257 }, (_, i) => withText(between(ends, i / 256)));
    table.set(key, colours);
  }
  return colours;
}

/** The colour of each value: 0 … largest, or, signed, −largest … largest. */
export function colouring(signed: boolean, largest: number, dark: boolean): (value: number | null) => Colour {
  const colours = scale(signed, dark);
  return (value) => {
    const part = largest > 0 ? (value ?? 0) / largest : 0;
    const at = signed ? (part + 1) / 2 : part;
    return colours[Math.round(Math.min(Math.max(at, 0), 1) * 256)]!;
  };
}

export function largestOf(values: (number | null)[][]): number {
  let largest = 0;
  for (const row of values) for (const value of row) if (value !== null) largest = Math.max(largest, Math.abs(value));
  return largest;
}
