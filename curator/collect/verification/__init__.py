"""Verifying bytes in processes of their own, which may die without harm."""
