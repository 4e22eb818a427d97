"""Reviews: what people decide, who they are, what they reported, and what the person said."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from facekeep.store.tables import Blob

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the tables."""
    op.create_table(
        "reviews",
        sa.Column("id", Blob(), primary_key=True, nullable=False),
        sa.Column("subject", Blob(), sa.ForeignKey("subjects.id", ondelete="CASCADE"), nullable=True),
        sa.Column("sealed", Blob(), nullable=False),
        sa.Column("figures", Blob(), nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_reviews_subject", "reviews", ["subject"])
    for name, column, owner, index in (
        ("review_words", "subject", "subjects.id", "ix_review_words_subject"),
        ("reviewers", "account", "accounts.id", "ix_reviewers_account"),
        ("concerns", "review", "reviews.id", "ix_concerns_review"),
    ):
        op.create_table(
            name,
            sa.Column("id", Blob(), primary_key=True, nullable=False),
            sa.Column(column, Blob(), sa.ForeignKey(owner, ondelete="CASCADE"), nullable=False),
            sa.Column("sealed", Blob(), nullable=False),
            sqlite_with_rowid=False,
        )
        op.create_index(index, name, [column])
