"""The ledger: nodes of its tree, what opens its leaves, and its signed heads."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from facekeep.store.tables import Blob

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the tables."""
    op.create_table(
        "ledger_nodes",
        sa.Column("place", sa.Integer(), primary_key=True, autoincrement=False, nullable=False),
        sa.Column("hash", Blob(), nullable=False),
        sqlite_with_rowid=False,
    )
    for name in ("ledger_entries", "ledger_heads"):
        op.create_table(
            name,
            sa.Column("id", Blob(), primary_key=True, nullable=False),
            sa.Column("sealed", Blob(), nullable=False),
            sqlite_with_rowid=False,
        )
    op.create_table(
        "ledger_own",
        sa.Column("id", Blob(), primary_key=True, nullable=False),
        sa.Column("subject", Blob(), sa.ForeignKey("subjects.id", ondelete="CASCADE"), nullable=False),
        sa.Column("sealed", Blob(), nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_ledger_own_subject", "ledger_own", ["subject"])
