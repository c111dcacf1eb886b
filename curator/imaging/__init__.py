"""Pictures as bytes and arrays: decoding, colours, measures; knows no project and no disk."""
