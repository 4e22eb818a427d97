"""Witnesses: who co-signs heads of the ledger, and the logs of others whose heads this keep co-signs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from facekeep.store.tables import Blob

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the tables."""
    for name in ("ledger_witnesses", "ledger_watched"):
        op.create_table(
            name,
            sa.Column("id", Blob(), primary_key=True, nullable=False),
            sa.Column("sealed", Blob(), nullable=False),
            sqlite_with_rowid=False,
        )
