"""A booth: captures of a real keep, with real crops and the real gate; what is found of a face a test chooses."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from pathlib import Path

from facekeep.domain.access import Client
from facekeep.domain.capture import Intent
from facekeep.domain.capture_order import CaptureOrder
from facekeep.domain.consent import Purpose
from facekeep.domain.pad import Finding
from facekeep.service.capture_judging import Judge
from facekeep.service.capture_views import CaptureDetails, CaptureView, OrderedCapture
from facekeep.service.captures import CaptureService
from facekeep.service.keep import Keep
from tests.capturing import GENUINE, ChosenDetector, Clock, Crops, Studio, Taker, finding

NOTICE = "We compare your face with the halves of your template."
ISSUER = "https://faces.example"


@dataclass
class Booth:
    """Captures of a keep, and all that a test moves."""

    keep: Keep
    clock: Clock
    detector: ChosenDetector
    captures: CaptureService
    studio: Studio
    pictures: Path
    notice: str
    who: Client

    def order(self, **changed: object) -> OrderedCapture:
        usual: dict[str, object] = {
            "intent": Intent.VERIFY,
            "purpose": Purpose.VERIFY,
            "notices": (self.notice,),
            "label": "obama",
        }
        return self.captures.order(CaptureOrder(**usual | changed), self.who)  # type: ignore[arg-type]

    def opened(self, **changed: object) -> tuple[OrderedCapture, str]:
        made = self.order(**changed)
        cookie, _ = self.captures.open(made.secret)
        return made, cookie

    def crops(self, name: str) -> Crops:
        return self.studio.crops(self.pictures / f"{name}.jpg")

    def gone_through(self, cookie: str, name: str = "obama2", *, crops: Crops | None = None) -> Taker:
        """Begin a try and do what is asked, up to what is sent."""
        begun = self.captures.begin_try(cookie, self.notice)
        taker = Taker(crops or self.crops(name), self.clock, begun.number, bytes.fromhex(begun.nonce))
        step, index = begun.step, 0
        while step is not None:
            taker.take(index, frames=6)
            index, step = self.captures.next_step(cookie, begun.number, len(taker.frames), taker.head)  # type: ignore[assignment]
        return taker

    def tried(self, cookie: str, name: str = "obama2", finds: tuple[Finding, ...] = GENUINE) -> CaptureView:
        taker = self.gone_through(cookie, name)
        with finding(self.detector, finds):
            return self.captures.take_frames(cookie, taker.body())

    def read(self, made: OrderedCapture) -> CaptureDetails:
        return self.captures.read(made.id, self.who, ISSUER)

    def claims(self, made: OrderedCapture) -> dict[str, object]:
        result = self.read(made).result
        assert result is not None
        payload = result.split(".")[1]
        return dict(json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))))

    def told(self) -> list[dict[str, str]]:
        """What waits for the endpoint."""
        (status,) = self.keep.webhooks()
        found = [json.loads(each.body()) for each in self.keep.waiting_deliveries(status.webhook.id)]
        return [{"type": each["type"], **each["data"]} for each in found]


def captures_with(keep: Keep, studio: Studio, detector: ChosenDetector, clock: Clock) -> CaptureService:
    """Captures by the studio's gate and masker, and a chosen detector."""
    return CaptureService(keep, Judge(keep, lambda: studio.gate, lambda: detector, lambda: studio.masker), clock=clock)
