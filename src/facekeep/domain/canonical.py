"""JSON in one way of writing, for what is hashed or signed (RFC 8785)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

__all__ = ["canonical"]


def canonical(document: Mapping[str, Any]) -> bytes:
    """An object as it is hashed: names in order, no spaces, UTF-8.

    Args:
        document: names in ASCII; texts, whole numbers up to 53 bits, truths, and lists and objects of these. Of such
            the standard library writes the canonical form; of other names and numbers it does not.
    """
    return json.dumps(document, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()
