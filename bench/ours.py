"""Our application under waitress: `python -m bench.ours PORT`; the settings come from the environment."""

import sys

from waitress import serve

from app import create_app
from config import SERVER

serve(create_app(), host="127.0.0.1", port=int(sys.argv[1]), **SERVER)
