"""When a text to one of the staff last did not arrive although its number is right: a telephone that is off."""

import sqlalchemy as sa
from alembic import op

from service.db import UtcDateTime

revision = "0009_phones_off"
down_revision = "0007_webhooks"


def upgrade() -> None:
    op.add_column("contact_method", sa.Column("undelivered_at", UtcDateTime(), nullable=True))


def downgrade() -> None:
    op.drop_column("contact_method", "undelivered_at")
