"""Appeals of data subjects."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from facekeep.store.tables import Blob

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "appeals",
        sa.Column("id", Blob(), primary_key=True, nullable=False),
        sa.Column("subject", Blob(), sa.ForeignKey("subjects.id", ondelete="CASCADE"), nullable=False),
        sa.Column("sealed", Blob(), nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_appeals_subject", "appeals", ["subject"])
