// An amount as it was signed, to the digit, in parts that a style sheet sets apart: no sign that means different things
// in different countries is added, and what is read aloud or copied is what was signed.

/** The parts of a decimal number: groups of three digits, and the fraction with its point. */
export function groups(amount: string): { readonly whole: readonly string[]; readonly fraction: string } {
  const [whole = "", fraction] = amount.split(".");
  const first = whole.length % 3;
  const parts = first > 0 ? [whole.slice(0, first)] : [];
  for (let at = first; at < whole.length; at += 3) parts.push(whole.slice(at, at + 3));
  return { whole: parts, fraction: fraction === undefined ? "" : `.${fraction}` };
}
