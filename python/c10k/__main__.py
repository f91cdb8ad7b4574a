"""``python3 -m c10k mysite.asgi:application``: serves an ASGI application. ``--help`` says more."""

import sys

from c10k.command import main

if __name__ == "__main__":
    sys.exit(main())
