"""What keeps the table ``current`` true to the ledger, whoever writes. Made after the tables."""

from __future__ import annotations

TRIGGERS = (
    """
    CREATE TRIGGER IF NOT EXISTS image_came AFTER INSERT ON images BEGIN
        INSERT INTO current (image_id, class_id, state)
        SELECT NEW.id, id,
               CASE WHEN retired AND name = 'no label yet' THEN 'unlabelled' ELSE 'new' END
        FROM classes WHERE id = NEW.class_id;
    END
    """,
    """
    CREATE TRIGGER IF NOT EXISTS decision_came AFTER INSERT ON decisions BEGIN
        UPDATE current
        SET class_id = NEW.class_after, state = NEW.state_after,
            decision_id = NEW.id, action = NEW.action
        WHERE image_id = NEW.image_id;
    END
    """,
)
