"""Requests that may be sent again."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from facekeep.store.tables import Blob

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "requests",
        sa.Column("id", Blob(), primary_key=True, nullable=False),
        sa.Column("request", Blob(), unique=True, nullable=False),
        sa.Column("sealed", Blob(), nullable=False),
        sqlite_with_rowid=False,
    )
