// The body that carries all frames of a try (docs/spec/capture.md, "Container").

import { header, joined, type SentFrame } from "./record.ts";

export const MEDIA_TYPE = "application/vnd.facekeep.capture";
export const FRAMES_MOST = 240;
export const BYTES_MOST = 12 * 1024 * 1024;
const PICTURE_MOST = 64 * 1024;
const DESCRIPTION_MOST = 64 * 1024;
const INTERVALS_MOST = 600;

/** What the page says of the camera. */
export interface CameraDescription {
  readonly label: string;
  readonly width: number;
  readonly height: number;
  /** Frames in a second, as the browser's settings say; 0 if they do not. */
  readonly frame_rate: number;
  /** Milliseconds between the frames that the browser presented. */
  readonly intervals: readonly number[];
}

/**
 * The container of a try.
 *
 * @param secondFaces milliseconds since the first frame at which a second face was seen, growing; what was seen is in no
 * frame.
 */
export function container(
  attempt: number,
  camera: CameraDescription,
  frames: readonly SentFrame[],
  secondFaces: readonly number[] = [],
): Uint8Array<ArrayBuffer> {
  if (frames.length < 1 || frames.length > FRAMES_MOST) throw new RangeError(`a try has 1 to ${FRAMES_MOST} frames`);
  const described = { ...camera, intervals: camera.intervals.slice(0, INTERVALS_MOST) };
  const told = secondFaces.length === 0 ? {} : { second_faces: secondFaces.slice(0, FRAMES_MOST) };
  const description = new TextEncoder().encode(JSON.stringify({ try: attempt, camera: described, ...told }));
  if (description.length > DESCRIPTION_MOST) throw new RangeError("the description is too long");
  const parts = [new TextEncoder().encode("fkcapt1\n"), uint32(description.length), description, uint16(frames.length)];
  for (const frame of frames) {
    if (frame.face.length > PICTURE_MOST || frame.thumbnail.length > PICTURE_MOST) {
      throw new RangeError("a picture is too large");
    }
    parts.push(header(frame), uint32(frame.face.length), uint32(frame.thumbnail.length), frame.face, frame.thumbnail);
  }
  const whole = joined(parts);
  if (whole.length > BYTES_MOST) throw new RangeError("these frames are too large");
  return whole;
}

function uint32(value: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value);
  return bytes;
}

function uint16(value: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(2);
  new DataView(bytes.buffer).setUint16(0, value);
  return bytes;
}
