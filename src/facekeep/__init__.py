"""Facekeep: face recognition with nothing worth stealing.

The public names are loaded when they are first asked for, so that ``facekeep --help`` need not wait for the models.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from facekeep.domain.consent import Purpose
    from facekeep.domain.evidence import Circumstances, ConsentRules, Evidence, EvidenceKind, Guardian
    from facekeep.errors import FacekeepError
    from facekeep.service.comparison import Search
    from facekeep.service.keep import Keep, Person
    from facekeep.service.key_plan import KeyPlan

__version__ = "0.1.0"

__all__ = [
    "Circumstances",
    "ConsentRules",
    "Evidence",
    "EvidenceKind",
    "FacekeepError",
    "Guardian",
    "Keep",
    "KeyPlan",
    "Person",
    "Purpose",
    "Search",
    "__version__",
]

_HOMES = {
    "Circumstances": "facekeep.domain.evidence",
    "ConsentRules": "facekeep.domain.evidence",
    "Evidence": "facekeep.domain.evidence",
    "EvidenceKind": "facekeep.domain.evidence",
    "FacekeepError": "facekeep.errors",
    "Guardian": "facekeep.domain.evidence",
    "Keep": "facekeep.service.keep",
    "KeyPlan": "facekeep.service.key_plan",
    "Person": "facekeep.service.keep",
    "Purpose": "facekeep.domain.consent",
    "Search": "facekeep.service.comparison",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
