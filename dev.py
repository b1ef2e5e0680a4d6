"""One entry to everything: python3 dev.py run | test | check | fix | bench | setup | lock.

Standard library only. Needs Python 3.8 to start; finds a Python 3.11 to 3.13 by itself and makes
.venv with it. The work is done in dev_tools/; this file only has to be readable to any Python, so
that an old one is answered with a sentence and not with a SyntaxError.
"""

import os
import sys

if sys.version_info < (3, 8):
    sys.exit(
        "dev.py needs Python 3.8 or newer to start (this is %d.%d), and Python 3.11, 3.12 or 3.13 "
        "for Lamplight itself." % sys.version_info[:2]
    )

if __name__ == "__main__":
    root = os.path.dirname(os.path.abspath(__file__))
    # The checkout is found from anywhere, and by any way of starting this file.
    sys.path.insert(0, root)
    from dev_tools.main import main

    sys.exit(main(sys.argv[1:]))
