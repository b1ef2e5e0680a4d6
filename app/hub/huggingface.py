"""The only importer of huggingface_hub: its addresses and its reading of rate limits.

Its downloads are not used (no resume across calls, no cancel, no checksum: issues #4196 and #4228
there), and its header builder neither: that one may ask the endpoint for a list on its own, past
the network gate.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

# Read by the library while it is imported. Nothing it does on its own may leave this computer.
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
os.environ["HF_HUB_DISABLE_XET"] = "1"

from huggingface_hub import hf_hub_url
from huggingface_hub.errors import HFValidationError
from huggingface_hub.utils import parse_ratelimit_headers, validate_repo_id


def file_url(endpoint: str, repo_id: str, commit: str, path: str) -> str:
    """Where a file of a repository is asked for."""
    return hf_hub_url(repo_id, path, revision=commit, endpoint=endpoint)


def is_repo_id(text: str) -> bool:
    """Whether the hub could have a repository of this name."""
    try:
        validate_repo_id(text)
    except HFValidationError:
        return False
    return True


def rate_limit_wait(headers: Mapping[str, str]) -> float | None:
    """Seconds until the hub's own rate limit ends, where its headers tell."""
    found = parse_ratelimit_headers(headers)
    return float(found.reset_in_seconds) if found is not None and not found.remaining else None
