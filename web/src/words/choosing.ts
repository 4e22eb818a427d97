// Which of some languages a person reads best.

/**
 * The first of the offered tags that fits a wanted one, or the first offered.
 *
 * @param wanted tags of BCP 47, the best first, as navigator.languages.
 * @param offered at least one.
 */
export function chosen<T extends string>(wanted: readonly string[], offered: readonly T[]): T {
  for (const tag of wanted) {
    const fitting = offered.find((one) => same(one, tag)) ?? offered.find((one) => fits(one, tag));
    if (fitting !== undefined) return fitting;
  }
  const [first] = offered;
  if (first === undefined) throw new RangeError("no language is offered");
  return first;
}

const same = (a: string, b: string) => a.toLowerCase() === b.toLowerCase();

/** Whether both are of one language and script: zh-CN is written in simplified letters, zh-TW is not. */
function fits(a: string, b: string): boolean {
  const [first, second] = [likely(a), likely(b)];
  return first !== null && second !== null && first.language === second.language && first.script === second.script;
}

function likely(tag: string): Intl.Locale | null {
  try {
    return new Intl.Locale(tag).maximize();
  } catch {
    return null;
  }
}
