"""Review queues: which images, in what order, and what is shown of them."""
