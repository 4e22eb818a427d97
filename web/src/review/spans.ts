// What is said of a curve, and how it is drawn where values are missing.

export type Point = readonly [at: number, value: number];

/** Least, most and mean of a curve; null of one without any value. */
export interface Span {
  readonly least: number;
  readonly most: number;
  readonly mean: number;
}

export function spanOf(values: readonly (number | null)[]): Span | null {
  const known = values.filter((value) => value !== null);
  if (known.length === 0) return null;
  const sum = known.reduce((whole, value) => whole + value, 0);
  return { least: Math.min(...known), most: Math.max(...known), mean: sum / known.length };
}

/** The runs of a curve between which values are missing, each as a path. */
export function paths(points: readonly (Point | null)[]): string[] {
  const runs: Point[][] = [[]];
  for (const point of points) {
    if (point === null) runs.push([]);
    else runs.at(-1)?.push(point);
  }
  return runs
    .filter((run) => run.length > 0)
    .map((run) => `M${run.map(([x, y]) => `${x.toFixed(1)} ${y.toFixed(1)}`).join("L")}`);
}
