// Curves over time, drawn, and the same in figures for whoever does not see them.

import { drawn, h } from "../views/elements.ts";
import { bodyOf, cell, row, tableOf } from "../views/table.ts";
import { has, measured, say, text } from "../words/words.ts";
import type { Curve } from "./server.ts";
import { paths, type Span, spanOf } from "./spans.ts";

/** Units of the drawing; it is as wide as there is room. */
const [WIDTH, HEIGHT] = [320, 150];
/** Room for the figures at the axes. */
const [LEFT, RIGHT, TOP, BOTTOM] = [46, 10, 10, 34];

export function curvesOf(curves: readonly Curve[]): Node[] {
  const shown = curves.flatMap((curve) => {
    const span = spanOf(curve.values);
    return span === null || curve.at.length !== curve.values.length ? [] : [{ curve, span }];
  });
  if (shown.length === 0) return [h("p", { say: "curves.none" })];
  const body = bodyOf();
  for (const { curve, span } of shown) {
    const figures = (["least", "most", "mean"] as const).map((name) =>
      cell(`curves.${name}`, h("span", { say: "figure", with: { figure: () => withUnit(span[name], curve.unit) } })),
    );
    body.append(row("row", cell("curves.name", named(curve)), ...figures));
  }
  return [
    h("div", { class: "curves" }, ...shown.map(({ curve, span }) => figure(curve, span))),
    tableOf("curves.table", ["curves.name", "curves.least", "curves.most", "curves.mean"], body),
  ];
}

function figure(curve: Curve, span: Span): HTMLElement {
  const caption = h("figcaption", {}, named(curve));
  return h("figure", {}, caption, drawing(curve, span));
}

function drawing({ name, at, values, unit }: Curve, { least, most, mean }: Span): SVGSVGElement {
  const [start, end] = [Math.min(...at), Math.max(...at)];
  const x = (time: number) => LEFT + ((time - start) / (end - start || 1)) * (WIDTH - LEFT - RIGHT);
  const y = (value: number) => HEIGHT - BOTTOM - ((value - least) / (most - least || 1)) * (HEIGHT - TOP - BOTTOM);
  const points = at.map((time, index) => {
    const value = values[index] ?? null;
    return value === null ? null : ([x(time), y(value)] as const);
  });
  const [bottom, right] = [String(HEIGHT - BOTTOM), String(WIDTH - RIGHT)];
  const axis = `M${LEFT} ${TOP}V${bottom}H${right}`;
  const below = String(HEIGHT - BOTTOM + 14);
  const time = { x: String((LEFT + WIDTH - RIGHT) / 2), y: String(HEIGHT - 4), "text-anchor": "middle" };
  const whole = drawn(
    "svg",
    { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, class: "curve", role: "img" },
    drawn("path", { d: axis, class: "axis" }),
    ...paths(points).map((path) => drawn("path", { d: path, class: "line" })),
    label({ x: String(LEFT - 6), y: String(TOP + 8), "text-anchor": "end" }, () => withUnit(most, unit)),
    label({ x: String(LEFT - 6), y: bottom, "text-anchor": "end" }, () => withUnit(least, unit)),
    label({ x: String(LEFT), y: below }, () => measured(start)),
    label({ x: right, y: below, "text-anchor": "end" }, () => measured(end)),
    label(time, () => text("curves.time")),
  );
  const figures = Object.fromEntries(
    Object.entries({ least, most, mean }).map(([key, value]) => [key, () => withUnit(value, unit)]),
  );
  say(whole, "curves.said", { name: () => nameOf(name), ...figures }, "aria-label");
  return whole;
}

function label(attributes: Readonly<Record<string, string>>, figure: () => string): SVGTextElement {
  const element = drawn("text", attributes);
  say(element, "figure", { figure });
  return element;
}

const named = ({ name }: Curve): HTMLElement => h("span", { say: "figure", with: { figure: () => nameOf(name) } });

function nameOf(name: string): string {
  const key = `curve.${name}`;
  return has(key) ? text(key) : name;
}

function withUnit(value: number, unit: string): string {
  return unit === "degrees" || unit === "°"
    ? `${measured(value)}°`
    : `${measured(value)}${unit === "" ? "" : ` ${unit}`}`;
}
