"""Accounts of people: passkeys, sessions, invitations, identities elsewhere."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from facekeep.store.tables import Blob

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_OWNED = (("passkeys", "credential"), ("sessions", "secret"), ("invitations", "secret"), ("identities", "identity"))


def upgrade() -> None:
    """Add the tables."""
    op.create_table(
        "accounts",
        sa.Column("id", Blob(), primary_key=True, nullable=False),
        sa.Column("handle", Blob(), unique=True, nullable=False),
        sa.Column("subject", Blob(), sa.ForeignKey("subjects.id", ondelete="CASCADE"), nullable=True),
        sa.Column("sealed", Blob(), nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_accounts_subject", "accounts", ["subject"])
    for table, index in _OWNED:
        op.create_table(
            table,
            sa.Column("id", Blob(), primary_key=True, nullable=False),
            sa.Column("account", Blob(), sa.ForeignKey("accounts.id", ondelete="CASCADE"), nullable=False),
            sa.Column(index, Blob(), unique=True, nullable=False),
            sa.Column("sealed", Blob(), nullable=False),
            sqlite_with_rowid=False,
        )
        op.create_index(f"ix_{table}_account", table, ["account"])
