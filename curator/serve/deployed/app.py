"""Serve the model that lies beside this file, in the folder `model`.

    python app.py --host 127.0.0.1 --port 8348

A token is taken from the environment variable CURATOR_TOKEN, or from the file that --token-file or
CURATOR_TOKEN_FILE names.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))  # the part of the curator that serves, as it lies here
sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]  # a log shows it at once

from curator.errors import CuratorError  # noqa: E402
from curator.serve.server import serve_model, try_model  # noqa: E402
from curator.serve.settings import ServeSettings, token_in  # noqa: E402


def main() -> int:
    """Serve until a signal; return the exit status."""
    parser = argparse.ArgumentParser(description="Serve the model that lies beside this file.")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, default=8348, help="0 takes any")
    parser.add_argument("--name", action="append", default=[], help="host name to go by")
    parser.add_argument("--token-file", default=os.environ.get("CURATOR_TOKEN_FILE"))
    parser.add_argument("--check", action="store_true", help="ask the model once, and end")
    options = parser.parse_args()
    try:
        if options.check:
            print(try_model(HERE / "model"))  # noqa: T201
            return 0
        file = options.token_file
        token = token_in(Path(file)) if file else os.environ.get("CURATOR_TOKEN")
        given = {
            "host": options.host,
            "port": options.port,
            "names": tuple(options.name),
            "token": token or None,
        }
        if "SPACE_HOST" in os.environ:  # Hugging Face shows a Space within a frame
            given["framed_by"] = "https://huggingface.co"
        serve_model(HERE / "model", ServeSettings.of(given))
    except CuratorError as error:
        print(f"Error: {error}", file=sys.stderr)  # noqa: T201
        return error.exit_status
    return 0


if __name__ == "__main__":
    sys.exit(main())
