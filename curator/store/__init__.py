"""What is known of every image: one SQLite file, one schema, one ledger of decisions."""
