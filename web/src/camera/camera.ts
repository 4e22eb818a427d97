// The camera: asked for only after the person agreed, its raw picture never shown.

export type CameraTrouble = "denied" | "absent" | "busy" | "unsupported" | "lost";

export class CameraError extends Error {
  readonly trouble: CameraTrouble;

  constructor(trouble: CameraTrouble) {
    super(trouble);
    this.trouble = trouble;
  }
}

// More would make no better crops: a face fills its 224 pixels from 150 of the camera's on.
const WANTED = { width: { ideal: 640 }, height: { ideal: 480 }, frameRate: { ideal: 30 }, facingMode: "user" };
const LABEL_LONGEST = 256;

const TROUBLES: Readonly<Record<string, CameraTrouble>> = {
  NotAllowedError: "denied",
  SecurityError: "denied",
  NotFoundError: "absent",
  OverconstrainedError: "absent",
  NotReadableError: "busy",
  AbortError: "busy",
};

/** An open camera and the times of its frames. */
export class Camera {
  readonly #stream: MediaStream;
  readonly #video: HTMLVideoElement;
  #closed = false;

  private constructor(stream: MediaStream, video: HTMLVideoElement) {
    this.#stream = stream;
    this.#video = video;
  }

  /** Opens it. Throws CameraError. */
  static async open(): Promise<Camera> {
    if (!navigator.mediaDevices?.getUserMedia) throw new CameraError("unsupported");
    performance.mark("facekeep:camera-asked");
    let stream: MediaStream;
    try {
      stream = await navigator.mediaDevices.getUserMedia({ video: WANTED, audio: false });
    } catch (error) {
      throw new CameraError((error instanceof DOMException && TROUBLES[error.name]) || "busy");
    }
    performance.mark("facekeep:camera");
    const video = document.createElement("video");
    // In the document, or some browsers present no frames; a style sheet keeps it from being seen.
    video.className = "raw";
    video.muted = true;
    video.playsInline = true;
    video.setAttribute("aria-hidden", "true");
    video.tabIndex = -1;
    video.srcObject = stream;
    document.body.append(video);
    const camera = new Camera(stream, video);
    try {
      await video.play();
    } catch {
      camera.close();
      throw new CameraError("busy");
    }
    return camera;
  }

  /** What the browser says of it. */
  describe(intervals: readonly number[]) {
    const [track] = this.#stream.getVideoTracks();
    const rate = track?.getSettings().frameRate ?? 0;
    return {
      label: Array.from((track?.label ?? "").replace(/\p{C}/gu, "").trim())
        .slice(0, LABEL_LONGEST)
        .join(""),
      width: this.#video.videoWidth,
      height: this.#video.videoHeight,
      frame_rate: Number.isFinite(rate) ? Math.min(1000, Math.max(0, rate)) : 0,
      intervals,
    };
  }

  /** Calls back for each frame, with its time in milliseconds by the camera's clock, until it is closed or lost. */
  watch(frame: (at: number) => void, lost: () => void): void {
    this.#stream.getVideoTracks()[0]?.addEventListener("ended", () => {
      if (!this.#closed) lost();
    });
    if ("requestVideoFrameCallback" in HTMLVideoElement.prototype) this.#watchFrames(frame);
    else this.#watchTimes(frame);
  }

  /** The picture that is there now. */
  grab(): Promise<ImageBitmap> {
    return createImageBitmap(this.#video);
  }

  close(): void {
    this.#closed = true;
    for (const track of this.#stream.getTracks()) track.stop();
    this.#video.srcObject = null;
    this.#video.remove();
  }

  #watchFrames(frame: (at: number) => void): void {
    let last = -1;
    const next: VideoFrameRequestCallback = (now, metadata) => {
      if (this.#closed) return;
      this.#video.requestVideoFrameCallback(next);
      // A browser whose stream has no clock of its own says 0 for ever: its presentation stands in.
      const at = metadata.mediaTime > 0 ? metadata.mediaTime * 1000 : now;
      if (at <= last) return;
      last = at;
      frame(at);
    };
    this.#video.requestVideoFrameCallback(next);
  }

  /** For browsers without times of frames: a frame is new when the video's time has moved. */
  #watchTimes(frame: (at: number) => void): void {
    let last = -1;
    const next = () => {
      if (this.#closed) return;
      requestAnimationFrame(next);
      const at = this.#video.currentTime * 1000;
      if (at <= last) return;
      last = at;
      frame(at);
    };
    requestAnimationFrame(next);
  }
}
