"""States of sources and images, and sides of the split, as the tables hold them."""

# States of a source. `pending` is asked for by the next fetch, `failed` only when asked again.
PENDING, FETCHED, FAILED = "pending", "fetched", "failed"

# States of an image. SEVERAL: it shows things of more than one class; NONE: of none of them.
NEW, KEPT, UNSURE, SEVERAL, NONE, DELETED = "new", "kept", "unsure", "several", "none", "deleted"
WITHDRAWN = "withdrawn"  # the import that brought it was undone: as if it had never come
UNLABELLED = "unlabelled"  # it came under a retired class, "no label yet", and has no other yet
LIVE_STATES = (NEW, KEPT, UNSURE)
UNDECIDED = (NEW, UNSURE)  # nobody said yet what it shows
LEFT_OUT = (SEVERAL, NONE, DELETED)  # by a decision
OUT = (*LEFT_OUT, WITHDRAWN, UNLABELLED)  # neither trained on nor exported; everything else is live

TRAIN, VALID, TEST = "train", "valid", "test"
