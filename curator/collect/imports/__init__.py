"""Taking in what lies on the disk already: folders, archives, tables of labels, uploads."""
