"""How a database of each older version becomes one of the next.

The statements are run in order, in one transaction; tables that are new are made after them, and
then the triggers.
"""

MIGRATIONS = {
    1: (
        "ALTER TABLE images ADD COLUMN grayscale_score FLOAT",
        "ALTER TABLE images ADD COLUMN sharpness FLOAT",
        "ALTER TABLE images ADD COLUMN measures_version INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE images ADD COLUMN outlier_score FLOAT",
        "ALTER TABLE images ADD COLUMN checked_with TEXT",
    ),
    2: (
        "ALTER TABLE runs ADD COLUMN out_of_fold INTEGER NOT NULL DEFAULT 1",
        "ALTER TABLE predictions ADD COLUMN in_sample INTEGER NOT NULL DEFAULT 0",
    ),
    3: (
        "ALTER TABLE classes ADD COLUMN retired INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE classes ADD COLUMN merged_into INTEGER REFERENCES classes (id)",
        "ALTER TABLE runs ADD COLUMN interim INTEGER NOT NULL DEFAULT 0",
        "DROP VIEW IF EXISTS current",
        """
        CREATE TABLE current (
            image_id INTEGER NOT NULL PRIMARY KEY REFERENCES images (id),
            class_id INTEGER NOT NULL REFERENCES classes (id),
            state TEXT NOT NULL,
            decision_id INTEGER REFERENCES decisions (id),
            action TEXT
        )
        """,
        "CREATE INDEX current_by_state ON current (state, class_id, image_id)",
        """
        INSERT INTO current (image_id, class_id, state, decision_id, action)
        SELECT images.id, COALESCE(d.class_after, images.class_id),
               COALESCE(d.state_after, 'new'), d.id, d.action
        FROM images LEFT JOIN decisions AS d
          ON d.id = (SELECT MAX(id) FROM decisions WHERE image_id = images.id)
        """,
        "DROP INDEX IF EXISTS predictions_by_score",
        """
        CREATE INDEX IF NOT EXISTS predictions_said ON predictions (
            run_id, image_id, class_id, predicted_id, label_score, confidence, is_label_issue,
            in_sample
        )
        """,
        "CREATE INDEX IF NOT EXISTS images_by_split ON images (split)",
    ),
    4: ("ALTER TABLE jobs ADD COLUMN mark TEXT",),
    5: (),  # a new table
    6: (
        "ALTER TABLE sources ADD COLUMN license TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE sources ADD COLUMN creator TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE sources ADD COLUMN source_page TEXT NOT NULL DEFAULT ''",
    ),
    7: (),  # new tables
    8: (
        "DROP TRIGGER IF EXISTS image_came",  # made anew: images can lack a label
        # As version 8 made it: what comes from before has no such table yet.
        """
        CREATE TABLE IF NOT EXISTS concept_marks (
            id INTEGER NOT NULL PRIMARY KEY,
            concept_id INTEGER NOT NULL REFERENCES concepts (id),
            image_id INTEGER NOT NULL REFERENCES images (id),
            shows INTEGER NOT NULL,
            picked INTEGER NOT NULL,
            at TEXT NOT NULL,
            "by" TEXT NOT NULL
        )
        """,
        """
        CREATE INDEX IF NOT EXISTS concept_marks_by_concept
        ON concept_marks (concept_id, image_id, id)
        """,
        "ALTER TABLE concept_marks ADD COLUMN batch INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE concept_marks ADD COLUMN action TEXT NOT NULL DEFAULT 'mark'",
        "ALTER TABLE concept_marks ADD COLUMN undoes INTEGER REFERENCES concept_marks (id)",
        "CREATE INDEX concept_marks_by_batch ON concept_marks (batch)",
        "CREATE INDEX concept_marks_by_undone ON concept_marks (undoes)",
    ),
    9: (),  # a new table
    10: (),  # another
}
