"""The pace of a sender number, a site's own approved texts, and two indexes less to write for every reminder."""

import sqlalchemy as sa
from alembic import op

from service.db import UtcDateTime

revision = "0004_sending"
down_revision = "0006_findings"

OF_CASE = sa.text("alert_id IS NOT NULL")


def upgrade() -> None:
    op.create_table(
        "sender_number",
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("next_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_sender_number")),
    )
    op.add_column("site", sa.Column("whatsapp_templates", sa.String(), nullable=False, server_default=""))
    op.drop_index(op.f("ix_message_provider_id"), table_name="message")
    op.drop_index(op.f("ix_message_alert_id"), table_name="message")
    op.create_index(
        op.f("ix_message_alert_id"), "message", ["alert_id"], postgresql_where=OF_CASE, sqlite_where=OF_CASE
    )


def downgrade() -> None:
    op.drop_index(op.f("ix_message_alert_id"), table_name="message")
    op.create_index(op.f("ix_message_alert_id"), "message", ["alert_id"], unique=False)
    op.create_index(op.f("ix_message_provider_id"), "message", ["provider_id"], unique=False)
    op.drop_column("site", "whatsapp_templates")
    op.drop_table("sender_number")
