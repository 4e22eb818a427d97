"""Endpoints that are told of events, and what waits for them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from facekeep.store.tables import Blob

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the tables."""
    op.create_table(
        "webhooks",
        sa.Column("id", Blob(), primary_key=True, nullable=False),
        sa.Column("sealed", Blob(), nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "deliveries",
        sa.Column("id", Blob(), primary_key=True, nullable=False),
        sa.Column("webhook", Blob(), sa.ForeignKey("webhooks.id", ondelete="CASCADE"), nullable=False),
        sa.Column("sealed", Blob(), nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_deliveries_webhook", "deliveries", ["webhook"])
