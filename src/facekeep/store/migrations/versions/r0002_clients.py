"""Machine clients."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from facekeep.store.tables import Blob

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "clients",
        sa.Column("id", Blob(), primary_key=True, nullable=False),
        sa.Column("name", Blob(), unique=True, nullable=False),
        sa.Column("secret", Blob(), unique=True, nullable=False),
        sa.Column("sealed", Blob(), nullable=False),
        sqlite_with_rowid=False,
    )
