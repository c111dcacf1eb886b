"""Long work: who runs it, how it reports, how it is cancelled, and what a killed process leaves.

One long job runs on a project at a time; whoever runs it, the command line or the worker process,
holds ``work.lock``. The operating system frees the lock when that process dies, so "a job is
marked running and nobody holds the lock" is the proof that its process was killed.
"""
