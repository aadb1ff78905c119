/** A number as a cell shows it: three significant digits at most. */
export function short(value: number | null | undefined): string {
  if (value === null || value === undefined) return '·';
  if (value === 0) return '0';
  const size = Math.abs(value);
  const text =
    size >= 1e4 || size < 0.001
      ? value.toExponential(0)
      : size >= 100
        ? value.toFixed(0)
        : size >= 10
          ? value.toFixed(1)
          : size >= 0.01
            ? value.toFixed(2)
            : value.toFixed(3);
  return text.replaceAll('-', '−');
}

/** A share of 1, such as a weight: two decimals, so that the large ones stand out. */
export function share(value: number | null | undefined): string {
  return value !== null && value !== undefined && value < 0.005 ? '0' : value === null || value === undefined ? '·' : value.toFixed(2);
}

/** A number with its six significant digits. */
export function exact(value: number | null | undefined): string {
  if (value === null || value === undefined) return '·';
  if (value === 0) return '0';
  const size = Math.abs(value);
  const text = size >= 1e6 || size < 1e-4 ? value.toExponential(5) : String(Number(value.toPrecision(6)));
  return text.replaceAll('-', '−');
}

/** The same with four, as many as the numbers of an explanation have: of a sum of them no more is right. */
export function rounded(value: number | null | undefined): string {
  return exact(value === null || value === undefined ? value : Number(value.toPrecision(4))).replace(/0+e/, 'e').replace('.e', 'e');
}

export function percent(value: number | null | undefined): string {
  return value === null || value === undefined ? '·' : `${(100 * value).toFixed(1)}\u00a0%`;
}

/** 12345678 as 12 345 678. */
export function grouped(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, '\u202f');
}
