// What is shown of a picture is the face alone: the server greys all else, and here the grey goes, too.

/** Red, green and blue of what is no face. */
const GREY = 128;

/**
 * Makes transparent what is grey and joined to the border; grey within the face stays.
 *
 * @param pixels RGBA, row by row, changed in place.
 */
export function clip(pixels: Uint8ClampedArray, width: number, height: number): void {
  const waiting: number[] = [];
  const take = (at: number) => {
    const from = 4 * at;
    if (pixels[from + 3] === 0) return; // it was taken already
    if (pixels[from] !== GREY || pixels[from + 1] !== GREY || pixels[from + 2] !== GREY) return;
    pixels.fill(0, from, from + 4);
    waiting.push(at);
  };
  for (let x = 0; x < width; x += 1) {
    take(x);
    take((height - 1) * width + x);
  }
  for (let y = 0; y < height; y += 1) {
    take(y * width);
    take(y * width + width - 1);
  }
  for (let at = waiting.pop(); at !== undefined; at = waiting.pop()) {
    if (at % width > 0) take(at - 1);
    if (at % width < width - 1) take(at + 1);
    if (at >= width) take(at - width);
    if (at < (height - 1) * width) take(at + width);
  }
}
