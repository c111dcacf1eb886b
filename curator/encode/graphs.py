"""Running an ONNX graph on the CPU, as every part of the program does it. It imports no torch."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from curator.platform import cpu_count

if TYPE_CHECKING:
    import onnxruntime

# More images at once push each other's activations out of the processor's cache: on two shared
# cores, median of four interleaved runs, 4 give 331 images/s, 8 give 285, 16 give 269, 32 give 256.
CPU_BATCH = 4

MOST_MEMORY = 4 << 30  # bytes, of all received graphs that a process holds

_FATAL = 4  # what goes wrong is raised, and said once


def open_graph(
    model: Path | bytes, threads: int | None = None, *, received: bool = False
) -> onnxruntime.InferenceSession:
    """A session of ONNX Runtime on ``threads`` cores, all that there are unless told.

    ``received``: anyone may have made the graph, and a few bytes can ask for any amount of memory;
    what it needs beyond ``MOST_MEMORY`` is an error. Raises whatever ONNX Runtime raises for a
    graph that it cannot run.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or cpu_count()
    options.log_severity_level = _FATAL
    # By the bytes alone it might take another format.
    options.add_session_config_entry("session.load_model_format", "ONNX")
    # Waiting threads would spin and take the cores from the threads that decode: files to
    # features of 480 images, median of three, take 1.91 s without spinning, 2.02 s with it.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    if received:
        _bound_memory()
        options.add_session_config_entry("session.use_env_allocators", "1")
    source = str(model) if isinstance(model, Path) else model
    return onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])


@cache
def _bound_memory() -> None:
    """Give the process an allocator with a limit, for the sessions that are told to use it."""
    import onnxruntime

    onnxruntime.create_and_register_allocator(
        onnxruntime.OrtMemoryInfo(
            "Cpu",
            onnxruntime.OrtAllocatorType.ORT_ARENA_ALLOCATOR,
            0,
            onnxruntime.OrtMemType.DEFAULT,
        ),
        # To grow by what is asked for, as growth by powers of two would leave half of it unused.
        onnxruntime.OrtArenaCfg({"max_mem": MOST_MEMORY, "arena_extend_strategy": 1}),
    )
