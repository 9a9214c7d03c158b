"""What is asked for each text of a patient is found by an index: a temperature by its answer, a rule's hits by the form, a
patient's links."""

from alembic import op

revision = "0010_found_by_index"
down_revision = "0009_phones_off"

INDEXED = (("reading", "response_id"), ("triage_hit", "occasion_id"), ("link", "patient_id"))


def upgrade() -> None:
    for table, column in INDEXED:
        op.create_index(op.f(f"ix_{table}_{column}"), table, [column])


def downgrade() -> None:
    for table, column in INDEXED:
        op.drop_index(op.f(f"ix_{table}_{column}"), table_name=table)
