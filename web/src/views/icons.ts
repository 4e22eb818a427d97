// Drawings of what is to be done, and of what happens with a face. They say nothing that the words do not.

import { drawn } from "./elements.ts";

const HEAD = "M24 8c7 0 11 5 11 12 0 9-5 17-11 17S13 29 13 20c0-7 4-12 11-12z";
const PATHS = {
  look: [HEAD, "M19 20v.1", "M29 20v.1", "M20 29c2.500 2 5.500 2 8 0"],
  "turn-left": [HEAD, "M9 24H2", "M5 20l-4 4 4 4", "M17 20v.1", "M25 20v.1"],
  "turn-right": [HEAD, "M39 24h7", "M43 20l4 4-4 4", "M23 20v.1", "M31 20v.1"],
  nod: [HEAD, "M42 16v16", "M38 28l4 5 4-5", "M19 23v.1", "M29 23v.1"],
  blink: [HEAD, "M16.500 20c1.500 2 3.500 2 5 0", "M26.500 20c1.500 2 3.500 2 5 0", "M20 29h8"],
  smile: [HEAD, "M19 18v.1", "M29 18v.1", "M18 26c2 6 10 6 12 0z"],
  "come-closer": [
    "M24 14c4.500 0 7 3.500 7 8 0 6-3 10-7 10s-7-4-7-10c0-4.500 2.500-8 7-8z",
    "M4 12V4h8",
    "M36 4h8v8",
    "M44 36v8h-8",
    "M12 44H4v-8",
  ],
  light: [
    "M24 16a8 8 0 1 1 0 16 8 8 0 0 1 0-16z",
    "M24 4v5",
    "M24 39v5",
    "M4 24h5",
    "M39 24h5",
    "M10 10l3.500 3.500",
    "M34.500 34.500L38 38",
    "M38 10l-3.500 3.500",
    "M13.500 34.500L10 38",
  ],
  sent: [
    "M6 14h22v24H6z",
    "M28 20h14v18H28",
    "M17 20c3 0 4.500 2 4.500 5s-2 6-4.500 6-4.500-3-4.500-6 1.500-5 4.500-5z",
  ],
  seen: ["M4 24c6-9 13-13 20-13s14 4 20 13c-6 9-13 13-20 13S10 33 4 24z", "M24 18a6 6 0 1 1 0 12 6 6 0 0 1 0-12z"],
  kept: ["M24 6a18 18 0 1 1 0 36 18 18 0 0 1 0-36z", "M24 14v10l7 5"],
  done: ["M24 6a18 18 0 1 1 0 36 18 18 0 0 1 0-36z", "M15 24l7 7 12-14"],
  open: ["M24 6a18 18 0 1 1 0 36 18 18 0 0 1 0-36z", "M24 14v13", "M24 33v.1"],
} as const;

export type Icon = keyof typeof PATHS;

export function isIcon(name: string): name is Icon {
  return Object.hasOwn(PATHS, name);
}

export function icon(name: Icon): SVGSVGElement {
  const attributes = { viewBox: "0 0 48 48", class: "icon", "aria-hidden": "true", focusable: "false" };
  return drawn("svg", attributes, ...PATHS[name].map((line) => drawn("path", { d: line })));
}
