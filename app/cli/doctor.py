"""`lamplight doctor`: the report, for a person or for a program."""

from __future__ import annotations

from app.cli.commands import DONE, FAILED, Doctor
from app.cli.output import Output
from app.services import Services


async def doctor(command: Doctor, services: Services, output: Output) -> int:
    """Print it; the status is 1 if something in it is wrong."""
    report = await services.doctor.report()
    if command.json:
        output.document(report.to_dict())
        return DONE if report.sound else FAILED
    width = max(len(row.name) for section in report.sections for row in section.rows)
    for number, section in enumerate(report.sections):
        if number:
            output.line()
        output.line(section.title)
        for row in section.rows:
            mark = "!" if row.wrong else " "
            output.line(f"{mark} {row.name:<{width}}  {row.value}")
    return DONE if report.sound else FAILED
