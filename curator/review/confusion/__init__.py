"""The confusion matrix: counts from the database, and an order of classes to show it in."""
