"""Identifiers and digests as text: lower-case hexadecimal digits, of one length."""

from __future__ import annotations


def is_hex(text: object, digits: int) -> bool:
    """Whether this is text of so many hexadecimal digits, lower-case."""
    return isinstance(text, str) and len(text) == digits and not set(text) - set("0123456789abcdef")
