"""What waits to be sent about one occasion or one visit is found by an index: each answer and each move cancels it."""

import sqlalchemy as sa
from alembic import op

revision = "0008_waiting_of"
down_revision = "0010_found_by_index"

ABOUT = ("occasion_id", "visit_id")


def upgrade() -> None:
    for column in ABOUT:
        waits = sa.text(f"status = 'ready' AND {column} IS NOT NULL")
        op.create_index(f"ix_message_ready_{column}", "message", [column], postgresql_where=waits, sqlite_where=waits)


def downgrade() -> None:
    for column in ABOUT:
        op.drop_index(f"ix_message_ready_{column}", table_name="message")
