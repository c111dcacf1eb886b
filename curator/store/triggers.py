"""What keeps the table ``current`` true to the ledger, whoever writes. Made after the tables.

In a server the same is written in its own language, with the functions that SQLite brings along and
the order of names that does not tell cases apart.
"""

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

SERVER_FUNCTIONS = (
    """
    CREATE COLLATION "NOCASE" (provider = icu, locale = 'und-u-ks-level2', deterministic = false)
    """,
    """
    CREATE FUNCTION instr(whole text, part text) RETURNS integer IMMUTABLE STRICT PARALLEL SAFE
    LANGUAGE sql RETURN strpos(whole, part)
    """,
    """
    CREATE FUNCTION json_each(ids text) RETURNS TABLE (value bigint) IMMUTABLE STRICT PARALLEL SAFE
    LANGUAGE sql AS $$ SELECT CAST(one AS bigint) FROM json_array_elements_text(ids::json) AS one $$
    """,
    """
    CREATE FUNCTION curator_folded(said text) RETURNS text IMMUTABLE PARALLEL SAFE
    LANGUAGE sql
    RETURN replace(lower(normalize(coalesce(said, ''), NFC) COLLATE "und-x-icu"), 'ß', 'ss')
    """,
    """
    CREATE FUNCTION image_came() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        INSERT INTO current (image_id, class_id, state)
        SELECT NEW.id, id,
               CASE WHEN retired = 1 AND name = 'no label yet' THEN 'unlabelled' ELSE 'new' END
        FROM classes WHERE id = NEW.class_id;
        RETURN NULL;
    END $$
    """,
    """
    CREATE FUNCTION decision_came() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        UPDATE current
        SET class_id = NEW.class_after, state = NEW.state_after,
            decision_id = NEW.id, action = NEW.action
        WHERE image_id = NEW.image_id;
        RETURN NULL;
    END $$
    """,
)
SERVER_TRIGGERS = (
    """
    CREATE OR REPLACE TRIGGER image_came AFTER INSERT ON images
    FOR EACH ROW EXECUTE FUNCTION image_came()
    """,
    """
    CREATE OR REPLACE TRIGGER decision_came AFTER INSERT ON decisions
    FOR EACH ROW EXECUTE FUNCTION decision_came()
    """,
)
