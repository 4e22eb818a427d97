"""The tables of the registry. docs/reference/stores.md says what each column gives away to a thief: keep both in step.

Rows are clustered by random identifiers (``WITHOUT ROWID``), so that not even the order of insertion can be read off
the file. A change here needs a migration.
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, Integer, MetaData, Table
from sqlalchemy.types import UserDefinedType

__all__ = [
    "ROOT_CELLS",
    "Blob",
    "accounts",
    "appeals",
    "cases",
    "clients",
    "consents",
    "deliveries",
    "identities",
    "invitations",
    "journal",
]
__all__ += ["ledger_entries", "ledger_heads", "ledger_nodes", "ledger_own", "ledger_watched", "ledger_witnesses"]
__all__ += ["meta", "metadata", "never_return", "notices", "passkeys", "references", "requests", "sessions", "subjects"]
__all__ += ["concerns", "review_words", "reviewers", "reviews", "tombstones", "webhooks"]


class Blob(UserDefinedType[bytes]):
    """Bytes as they lie in the file. What a damaged file holds instead is passed on and fails to open."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        """The name of the type in SQL."""
        return "BLOB"


metadata: Final = MetaData()


def _table(name: str, *columns: Column[Any] | Index | CheckConstraint) -> Table:
    return Table(name, metadata, *columns, sqlite_with_rowid=False)


def _blob(name: str, *, key: bool = False, unique: bool = False) -> Column[bytes]:
    return Column(name, Blob, primary_key=key, unique=unique, nullable=False)


def _subject() -> Column[bytes]:
    return Column("subject", Blob, ForeignKey("subjects.id", ondelete="CASCADE"), nullable=False, index=True)


def _account() -> Column[bytes]:
    return Column("account", Blob, ForeignKey("accounts.id", ondelete="CASCADE"), nullable=False, index=True)


meta: Final = _table(
    "meta",
    Column("id", Integer, CheckConstraint("id = 1"), primary_key=True, autoincrement=False),
    _blob("store"),
    Column("epoch", Integer, nullable=False),
    _blob("role_check"),
    _blob("epoch_check"),
    _blob("sealed"),
)
subjects: Final = _table("subjects", _blob("id", key=True), _blob("label", unique=True), _blob("key"), _blob("sealed"))
references: Final = _table(
    "references", _blob("id", key=True), _blob("pseudonym", unique=True), _subject(), _blob("sealed")
)
consents: Final = _table("consents", _blob("id", key=True), _subject(), _blob("sealed"))
never_return: Final = _table(
    "never_return",
    Column("subject", Blob, ForeignKey("subjects.id", ondelete="CASCADE"), primary_key=True, nullable=False),
    _blob("sealed"),
)
notices: Final = _table("notices", _blob("id", key=True), _blob("digest", unique=True), _blob("sealed"))
cases: Final = _table("cases", _blob("id", key=True), _blob("title", unique=True), _blob("sealed"))
clients: Final = _table(
    "clients", _blob("id", key=True), _blob("name", unique=True), _blob("secret", unique=True), _blob("sealed")
)
accounts: Final = _table(
    "accounts",
    _blob("id", key=True),
    _blob("handle", unique=True),
    Column("subject", Blob, ForeignKey("subjects.id", ondelete="CASCADE"), nullable=True, index=True),
    _blob("sealed"),
)
passkeys: Final = _table(
    "passkeys", _blob("id", key=True), _account(), _blob("credential", unique=True), _blob("sealed")
)
sessions: Final = _table("sessions", _blob("id", key=True), _account(), _blob("secret", unique=True), _blob("sealed"))
invitations: Final = _table(
    "invitations", _blob("id", key=True), _account(), _blob("secret", unique=True), _blob("sealed")
)
identities: Final = _table(
    "identities", _blob("id", key=True), _account(), _blob("identity", unique=True), _blob("sealed")
)
journal: Final = _table("journal", _blob("id", key=True), _blob("sealed"))
requests: Final = _table("requests", _blob("id", key=True), _blob("request", unique=True), _blob("sealed"))
webhooks: Final = _table("webhooks", _blob("id", key=True), _blob("sealed"))
deliveries: Final = _table(
    "deliveries",
    _blob("id", key=True),
    Column("webhook", Blob, ForeignKey("webhooks.id", ondelete="CASCADE"), nullable=False, index=True),
    _blob("sealed"),
)
tombstones: Final = _table("tombstones", _blob("id", key=True), _blob("sealed"))
ledger_nodes: Final = _table(
    "ledger_nodes", Column("place", Integer, primary_key=True, autoincrement=False), _blob("hash")
)
ledger_entries: Final = _table("ledger_entries", _blob("id", key=True), _blob("sealed"))
ledger_own: Final = _table("ledger_own", _blob("id", key=True), _subject(), _blob("sealed"))
ledger_heads: Final = _table("ledger_heads", _blob("id", key=True), _blob("sealed"))
appeals: Final = _table("appeals", _blob("id", key=True), _subject(), _blob("sealed"))
ledger_witnesses: Final = _table("ledger_witnesses", _blob("id", key=True), _blob("sealed"))
ledger_watched: Final = _table("ledger_watched", _blob("id", key=True), _blob("sealed"))
reviews: Final = _table(
    "reviews",
    _blob("id", key=True),
    Column("subject", Blob, ForeignKey("subjects.id", ondelete="CASCADE"), nullable=True, index=True),
    _blob("sealed"),
    _blob("figures"),
)
review_words: Final = _table("review_words", _blob("id", key=True), _subject(), _blob("sealed"))
reviewers: Final = _table("reviewers", _blob("id", key=True), _account(), _blob("sealed"))
concerns: Final = _table(
    "concerns",
    _blob("id", key=True),
    Column("review", Blob, ForeignKey("reviews.id", ondelete="CASCADE"), nullable=False, index=True),
    _blob("sealed"),
)

ROOT_CELLS: Final = (
    (subjects.c.id, subjects.c.key),
    (notices.c.id, notices.c.sealed),
    (cases.c.id, cases.c.sealed),
    (clients.c.id, clients.c.sealed),
    (accounts.c.id, accounts.c.sealed),
    (passkeys.c.id, passkeys.c.sealed),
    (sessions.c.id, sessions.c.sealed),
    (invitations.c.id, invitations.c.sealed),
    (identities.c.id, identities.c.sealed),
    (journal.c.id, journal.c.sealed),
    (requests.c.id, requests.c.sealed),
    (webhooks.c.id, webhooks.c.sealed),
    (deliveries.c.id, deliveries.c.sealed),
    (tombstones.c.id, tombstones.c.sealed),
    (ledger_entries.c.id, ledger_entries.c.sealed),
    (ledger_heads.c.id, ledger_heads.c.sealed),
    (ledger_witnesses.c.id, ledger_witnesses.c.sealed),
    (ledger_watched.c.id, ledger_watched.c.sealed),
    (reviews.c.id, reviews.c.sealed),
    (reviews.c.id, reviews.c.figures),
    (reviewers.c.id, reviewers.c.sealed),
    (concerns.c.id, concerns.c.sealed),
)
"""Row identifier and cell of everything that is sealed under the registry's own keys; the rest is under data keys."""
