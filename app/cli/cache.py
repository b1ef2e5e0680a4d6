"""`lamplight cache`: what models have read and is kept on disk."""

from __future__ import annotations

from app.cli.commands import DONE, Cache
from app.cli.output import Output
from app.services import Services


async def cache(command: Cache, services: Services, output: Output) -> int:
    """Clear it if so wished, and print what is kept then."""
    if command.clear:
        await services.models.clear_kept()
    size = await services.models.kept_bytes()
    if command.json:
        output.document({"kept_bytes": size})
    else:
        output.line(f"{size / 1e6:.1f} MB of read conversations are kept.")
    return DONE
