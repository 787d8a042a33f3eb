"""Our application under waitress with eight threads, like the peers: `python -m bench.ours PORT`; settings come from the
environment."""

import sys

from waitress import serve

from app import create_app

if __name__ == "__main__":
    serve(create_app(), host="127.0.0.1", port=int(sys.argv[1]), threads=8, ident=None)
