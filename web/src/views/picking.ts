// Choosing one of some things, none of them beforehand.

import type { Key } from "../words/words.ts";
import { h } from "./elements.ts";

export interface Choice<T extends string> {
  readonly content: HTMLFieldSetElement;
  /** What was chosen, or null. */
  chosen(): T | null;
  focus(): void;
}

/** @param name of the group, unlike any other on the page. */
export function choiceOf<T extends string>(
  name: string,
  legend: Key,
  options: readonly (readonly [T, Key])[],
): Choice<T> {
  const inputs = options.map(([value, key]) => {
    const input = h("input", { attributes: { type: "radio", name, value, id: `${name}-${value}` } });
    const label = h("label", { say: key, attributes: { for: input.id } });
    return { value, input, content: h("div", { class: "pick" }, input, label) };
  });
  return {
    content: h("fieldset", {}, h("legend", { say: legend }), ...inputs.map((one) => one.content)),
    chosen: () => inputs.find(({ input }) => input.checked)?.value ?? null,
    focus: () => inputs[0]?.input.focus(),
  };
}
