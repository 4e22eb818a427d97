/**
 * <face-keep start="/begin" finish="/finish"><button>Sign in</button></face-keep>
 *
 * For an integrator's own page. A click asks the integrator's server (POST start → {"link": …}) for a capture and opens
 * it in a window of its own, where the person sees the keep's address; where no window may be opened the page goes there
 * itself. The capture page leads back to the integrator's return address, whose script posts anything into the
 * BroadcastChannel "face-keep". Then the element asks the integrator's server again (POST finish): the result is
 * fetched there, never by a page.
 *
 * Tells what happens by events "face-keep" with detail.stage: begun, finished (with detail.answer, the JSON of finish),
 * closed, failed.
 */

type Stage = "begun" | "finished" | "closed" | "failed";

const LOOK_AGAIN_MS = 500;
const SIZE = "popup,width=480,height=800";

export class FaceKeep extends HTMLElement {
  #window: Window | null = null;
  #busy = false;
  #stop: (() => void) | undefined;

  connectedCallback(): void {
    this.addEventListener("click", this.#begin);
  }

  disconnectedCallback(): void {
    this.removeEventListener("click", this.#begin);
    this.#stop?.();
  }

  readonly #begin = (event: Event): void => {
    if (!(event.target instanceof Element) || !event.target.closest("button, a")) return;
    event.preventDefault();
    if (this.#busy) {
      this.#window?.focus();
      return;
    }
    this.#busy = true;
    // Opened within the click: browsers allow it then only. The link comes later.
    this.#window = window.open("", "", SIZE);
    void this.#go();
  };

  async #go(): Promise<void> {
    try {
      const { link } = await this.#ask("start");
      if (typeof link !== "string" || !/^https?:\/\//.test(link)) throw new Error("start gave no link");
      if (!this.#window) {
        location.assign(link);
        return;
      }
      this.#window.location.replace(link);
      this.#tell("begun");
      this.#wait(this.#window);
    } catch {
      this.#window?.close();
      this.#end();
      this.#tell("failed");
    }
  }

  #wait(opened: Window): void {
    const channel = new BroadcastChannel("face-keep");
    let gone = false;
    const looking = setInterval(() => {
      if (!opened.closed) return;
      // Seen twice: a window that is done closes at once, and what it says may come after.
      if (!gone) {
        gone = true;
        return;
      }
      this.#end();
      this.#tell("closed");
    }, LOOK_AGAIN_MS);
    this.#stop = () => {
      clearInterval(looking);
      channel.close();
    };
    channel.onmessage = () => {
      this.#end();
      this.#ask("finish").then(
        (answer) => this.#tell("finished", answer),
        () => this.#tell("failed"),
      );
    };
  }

  #end(): void {
    this.#stop?.();
    this.#stop = undefined;
    this.#window = null;
    this.#busy = false;
  }

  async #ask(attribute: "start" | "finish"): Promise<Record<string, unknown>> {
    const address = this.getAttribute(attribute);
    if (!address) throw new Error(`face-keep has no ${attribute}`);
    const answer = await fetch(address, { method: "POST", headers: { accept: "application/json" } });
    const body: unknown = await answer.json();
    if (typeof body !== "object" || body === null || (attribute === "start" && !answer.ok))
      throw new Error("no answer");
    return body as Record<string, unknown>;
  }

  #tell(stage: Stage, answer?: Record<string, unknown>): void {
    this.dispatchEvent(new CustomEvent("face-keep", { bubbles: true, detail: { stage, answer } }));
  }
}

customElements.define("face-keep", FaceKeep);
