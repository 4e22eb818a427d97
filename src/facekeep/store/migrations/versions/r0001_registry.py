"""The first registry.

Written out in full and independent of :mod:`facekeep.store.tables`, which shows the newest form only.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from facekeep.store.tables import Blob

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make all tables."""
    op.create_table(
        "meta",
        sa.Column("id", sa.Integer(), sa.CheckConstraint("id = 1"), primary_key=True, autoincrement=False),
        _blob("store"),
        sa.Column("epoch", sa.Integer(), nullable=False),
        _blob("role_check"),
        _blob("epoch_check"),
        _blob("sealed"),
        sqlite_with_rowid=False,
    )
    op.create_table("subjects", _id(), _blob("label", unique=True), _blob("key"), _blob("sealed"), **_NO_ROWID)
    op.create_table("references", _id(), _blob("pseudonym", unique=True), _subject(), _blob("sealed"), **_NO_ROWID)
    op.create_table("consents", _id(), _subject(), _blob("sealed"), **_NO_ROWID)
    op.create_table("never_return", _subject(key=True), _blob("sealed"), **_NO_ROWID)
    op.create_table("notices", _id(), _blob("digest", unique=True), _blob("sealed"), **_NO_ROWID)
    op.create_table("cases", _id(), _blob("title", unique=True), _blob("sealed"), **_NO_ROWID)
    op.create_table("journal", _id(), _blob("sealed"), **_NO_ROWID)
    op.create_table("tombstones", _id(), _blob("sealed"), **_NO_ROWID)
    for table in ("references", "consents"):
        op.create_index(f"ix_{table}_subject", table, ["subject"])


_NO_ROWID = {"sqlite_with_rowid": False}


def _blob(name: str, *, unique: bool = False) -> sa.Column[bytes]:
    return sa.Column(name, Blob(), unique=unique, nullable=False)


def _id() -> sa.Column[bytes]:
    return sa.Column("id", Blob(), primary_key=True, nullable=False)


def _subject(*, key: bool = False) -> sa.Column[bytes]:
    owner = sa.ForeignKey("subjects.id", ondelete="CASCADE")
    return sa.Column("subject", Blob(), owner, primary_key=key, nullable=False)
