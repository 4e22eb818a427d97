// On duty or off it: whom new reviews are sealed to, and how long somebody looked at such things.

import { RequestError } from "../server/exchange.ts";
import type { Visit } from "../signing/visit.ts";
import { complaint } from "../views/doing.ts";
import { button, h } from "../views/elements.ts";
import { bodyOf, cell, row, tableOf } from "../views/table.ts";
import { date, dateAndTime, measured, say, unsay } from "../words/words.ts";
import { type Reviewer, setDuty } from "./server.ts";
import { said } from "./wording.ts";

const HOUR = 3600;

export class Duty {
  readonly content: HTMLElement;
  readonly #visit: Visit;
  readonly #failed = complaint();
  /** A heading that says how it is, so that whoever goes from heading to heading is told too. */
  readonly #state = h("h2", { attributes: { id: "duty-state" } });
  readonly #since = h("p", { class: "note" });
  readonly #button = button("duty.go-on", () => this.turn());
  #on: boolean;

  constructor(visit: Visit, { on_duty, since, hours }: Reviewer) {
    this.#visit = visit;
    this.#on = on_duty;
    this.#button.setAttribute("aria-keyshortcuts", "d");
    this.content = h(
      "section",
      { attributes: { id: "duty", "aria-labelledby": "duty-state" } },
      h("div", { class: "turn" }, h("div", {}, this.#state, this.#since), this.#button),
      this.#failed,
      h("details", {}, h("summary", { say: "duty.about" }), h("p", { say: "duty.text" }), ...hoursOf(hours)),
    );
    this.#show();
    if (on_duty && since !== null) say(this.#since, "duty.since", { time: () => dateAndTime(since) });
  }

  turn(): void {
    void this.#visit.doing.do(this.#failed, async () => {
      try {
        await setDuty(!this.#on);
      } catch (error) {
        if (!(error instanceof RequestError && error.status === 422)) throw error;
        say(this.#failed, "duty.no-key");
        return;
      }
      this.#visit.used();
      this.#on = !this.#on;
      this.#show();
      this.#visit.page.tell(this.#on ? "duty.begun" : "duty.ended");
    });
  }

  #show(): void {
    this.content.classList.toggle("on", this.#on);
    say(this.#state, this.#on ? "duty.on" : "duty.off");
    say(this.#button, this.#on ? "duty.go-off" : "duty.go-on");
    unsay(this.#since);
  }
}

/** Hours of the days on which there were any. */
function hoursOf(hours: Reviewer["hours"]): HTMLElement[] {
  const days = hours.filter(({ seconds }) => seconds > 0);
  if (days.length === 0) return [];
  const body = bodyOf();
  for (const { day, seconds } of days)
    body.append(
      row(
        "row",
        cell(
          "duty.day",
          said(() => date(`${day}T12:00:00`)),
        ),
        cell(
          "duty.hours",
          said(() => measured(seconds / HOUR)),
        ),
      ),
    );
  return [h("h3", { say: "duty.table" }), tableOf("duty.table", ["duty.day", "duty.hours"], body)];
}
