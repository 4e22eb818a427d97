// Taking a turned part of a picture in another size, and blurring what lies outside an ellipse. RGBA throughout.

import type { Region } from "./geometry.ts";

export interface Pixels {
  /** Four bytes a pixel, rows from the top. */
  readonly data: Uint8ClampedArray;
  readonly width: number;
  readonly height: number;
}

export interface Ellipse {
  /** In pixels of the picture that is blurred, from its left and upper edge. */
  readonly x: number;
  readonly y: number;
  readonly halfWidth: number;
  readonly halfHeight: number;
  /** Radians, clockwise as seen. */
  readonly angle: number;
}

/**
 * A part of a picture in another size. Averages when it shrinks.
 *
 * @param beyond what lies outside the picture: a copy of its edge, or black.
 */
export function sampled(
  picture: Pixels,
  region: Region,
  width: number,
  height: number,
  beyond: "edge" | "black" = "edge",
): Pixels {
  const taps = Math.min(8, Math.max(1, Math.round(Math.max(region.width / width, region.height / height))));
  const data = new Uint8ClampedArray(width * height * 4);
  const source = picture.data;
  const cos = Math.cos(region.angle);
  const sin = Math.sin(region.angle);
  const right = picture.width - 1;
  const bottom = picture.height - 1;
  const share = 1 / (taps * taps);
  for (let row = 0, at = 0; row < height; row++) {
    for (let column = 0; column < width; column++, at += 4) {
      let red = 0;
      let green = 0;
      let blue = 0;
      for (let tap = 0; tap < taps * taps; tap++) {
        const u = ((column + ((tap % taps) + 0.5) / taps) / width - 0.5) * region.width;
        const v = ((row + (Math.floor(tap / taps) + 0.5) / taps) / height - 0.5) * region.height;
        const wantedX = region.centre.x + cos * u - sin * v - 0.5;
        const wantedY = region.centre.y + sin * u + cos * v - 0.5;
        const x = clamp(wantedX, 0, right);
        const y = clamp(wantedY, 0, bottom);
        if (beyond === "black" && (Math.abs(x - wantedX) > 0.5 || Math.abs(y - wantedY) > 0.5)) continue;
        if (taps > 2) {
          // So many taps average by themselves; between pixels there is nothing more to find.
          const nearest = (Math.round(y) * picture.width + Math.round(x)) * 4;
          red += byte(source, nearest);
          green += byte(source, nearest + 1);
          blue += byte(source, nearest + 2);
          continue;
        }
        const x0 = Math.floor(x);
        const y0 = Math.floor(y);
        const fx = x - x0;
        const fy = y - y0;
        const a = (y0 * picture.width + x0) * 4;
        const b = x0 < right ? a + 4 : a;
        const c = y0 < bottom ? a + picture.width * 4 : a;
        const d = c + (b - a);
        const wa = (1 - fx) * (1 - fy);
        const wb = fx * (1 - fy);
        const wc = (1 - fx) * fy;
        const wd = fx * fy;
        red += wa * byte(source, a) + wb * byte(source, b) + wc * byte(source, c) + wd * byte(source, d);
        green +=
          wa * byte(source, a + 1) + wb * byte(source, b + 1) + wc * byte(source, c + 1) + wd * byte(source, d + 1);
        blue +=
          wa * byte(source, a + 2) + wb * byte(source, b + 2) + wc * byte(source, c + 2) + wd * byte(source, d + 2);
      }
      data[at] = red * share;
      data[at + 1] = green * share;
      data[at + 2] = blue * share;
      data[at + 3] = 255;
    }
  }
  return { data, width, height };
}

/** The whole of a picture in another size, as OpenCV's bilinear resize makes it, to a level. Does not average. */
export function stretched(picture: Pixels, width: number, height: number): Pixels {
  const data = new Uint8ClampedArray(width * height * 4);
  const source = picture.data;
  const [left, right, across] = neighbours(width, picture.width, 4);
  const [upper, lower, down] = neighbours(height, picture.height, 4 * picture.width);
  for (let row = 0, at = 0; row < height; row++) {
    const above = upper[row] as number;
    const below = lower[row] as number;
    const fy = down[row] as number;
    for (let column = 0; column < width; column++, at += 4) {
      const from = left[column] as number;
      const to = right[column] as number;
      const fx = across[column] as number;
      data[at + 3] = 255;
      for (let channel = 0; channel < 3; channel++) {
        const a = byte(source, above + from + channel);
        const b = byte(source, above + to + channel);
        const c = byte(source, below + from + channel);
        const d = byte(source, below + to + channel);
        const high = a + (b - a) * fx;
        data[at + channel] = high + (c + (d - c) * fx - high) * fy;
      }
    }
  }
  return { data, width, height };
}

/** Of each place of a line in another length: where its two neighbours begin, and the share of the second. */
function neighbours(count: number, length: number, step: number): [Int32Array, Int32Array, Float32Array] {
  const first = new Int32Array(count);
  const second = new Int32Array(count);
  const share = new Float32Array(count);
  for (let index = 0; index < count; index++) {
    const place = clamp(((index + 0.5) * length) / count - 0.5, 0, length - 1);
    const whole = Math.floor(place);
    first[index] = whole * step;
    second[index] = Math.min(whole + 1, length - 1) * step;
    share[index] = place - whole;
  }
  return [first, second, share];
}

/** Blurs what lies outside an ellipse. The inside stays as it is, to the pixel. */
export function blurredOutside(picture: Pixels, ellipse: Ellipse, sigma: number): Pixels {
  const data = blurred(picture, sigma).data;
  const cos = Math.cos(ellipse.angle);
  const sin = Math.sin(ellipse.angle);
  for (let row = 0, at = 0; row < picture.height; row++) {
    for (let column = 0; column < picture.width; column++, at += 4) {
      const x = column + 0.5 - ellipse.x;
      const y = row + 0.5 - ellipse.y;
      const along = (cos * x + sin * y) / ellipse.halfWidth;
      const across = (cos * y - sin * x) / ellipse.halfHeight;
      if (along * along + across * across <= 1) {
        data[at] = byte(picture.data, at);
        data[at + 1] = byte(picture.data, at + 1);
        data[at + 2] = byte(picture.data, at + 2);
      }
    }
  }
  return { data, width: picture.width, height: picture.height };
}

/** Blurs with a Gaussian: the very one for a small deviation, three running means for a larger one. */
export function blurred(picture: Pixels, sigma: number): Pixels {
  const { width, height } = picture;
  const passes = sigma < 2 ? [gaussian(sigma)] : boxes(sigma).map((size) => new Float32Array(size).fill(1 / size));
  const data = new Uint8ClampedArray(picture.data);
  const from = new Float32Array(width * height);
  const to = new Float32Array(width * height);
  for (let channel = 0; channel < 3; channel++) {
    for (let index = 0; index < from.length; index++) from[index] = byte(picture.data, index * 4 + channel);
    for (const kernel of passes) {
      const smooth = sigma < 2 ? convolved : averaged;
      smooth(from, to, kernel, height, width, width, 1);
      smooth(to, from, kernel, width, height, 1, width);
    }
    for (let index = 0; index < from.length; index++) data[index * 4 + channel] = from[index] ?? 0;
  }
  return { data, width, height };
}

function gaussian(sigma: number): Float32Array {
  const reach = Math.max(1, Math.ceil(3 * sigma));
  const kernel = Float32Array.from({ length: 2 * reach + 1 }, (_, index) =>
    Math.exp(-((index - reach) ** 2) / (2 * Math.max(sigma, 1e-6) ** 2)),
  );
  const sum = kernel.reduce((total, weight) => total + weight, 0);
  return kernel.map((weight) => weight / sum);
}

/** Three odd widths of running means which together have the deviation. */
function boxes(sigma: number): number[] {
  const ideal = Math.sqrt(4 * sigma * sigma + 1);
  const lower = Math.floor(ideal) - (Math.floor(ideal) % 2 === 0 ? 1 : 0);
  const lowerOnes = Math.round((12 * sigma * sigma - 3 * lower * lower - 12 * lower - 9) / (-4 * lower - 4));
  return [0, 1, 2].map((index) => (index < lowerOnes ? lower : lower + 2));
}

type Smoothing = (
  from: Float32Array,
  to: Float32Array,
  kernel: Float32Array,
  lines: number,
  length: number,
  lineStep: number,
  step: number,
) => void;

const convolved: Smoothing = (from, to, kernel, lines, length, lineStep, step) => {
  const reach = (kernel.length - 1) / 2;
  for (let line = 0; line < lines; line++) {
    const start = line * lineStep;
    for (let index = 0; index < length; index++) {
      const inner = index >= reach && index + reach < length;
      let sum = 0;
      for (let tap = -reach; tap <= reach; tap++) {
        const at = inner ? index + tap : clamp(index + tap, 0, length - 1);
        sum += (kernel[tap + reach] as number) * (from[start + at * step] as number);
      }
      to[start + index * step] = sum;
    }
  }
};

const averaged: Smoothing = (from, to, kernel, lines, length, lineStep, step) => {
  const reach = (kernel.length - 1) / 2;
  for (let line = 0; line < lines; line++) {
    const start = line * lineStep;
    let sum = 0;
    for (let tap = -reach; tap <= reach; tap++) sum += from[start + clamp(tap, 0, length - 1) * step] ?? 0;
    for (let index = 0; index < length; index++) {
      to[start + index * step] = sum / kernel.length;
      sum += from[start + Math.min(index + reach + 1, length - 1) * step] ?? 0;
      sum -= from[start + Math.max(index - reach, 0) * step] ?? 0;
    }
  }
};

/** Luminance as OpenCV has it, 0 to 255, one figure a pixel. */
export function grey(picture: Pixels): Float32Array {
  const values = new Float32Array(picture.width * picture.height);
  const { data } = picture;
  for (let index = 0, at = 0; index < values.length; index++, at += 4) {
    values[index] = Math.round(0.299 * byte(data, at) + 0.587 * byte(data, at + 1) + 0.114 * byte(data, at + 2));
  }
  return values;
}

function byte(data: Uint8ClampedArray, at: number): number {
  return data[at] as number;
}

function clamp(value: number, low: number, high: number): number {
  return Math.max(low, Math.min(high, value));
}
