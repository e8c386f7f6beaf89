"""What a validator found in one entry, or in a file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

MOST_LINES = 500
"""Of a report; a wrong detector class repeats itself for each of thousands of detectors."""


@dataclass(frozen=True, slots=True)
class Findings:
    """``errors`` break the NeXus standard; ``warnings`` are what it does not know of. Each "path: what".

    ``not_validated`` says why nothing could be found out, "" otherwise; ``program`` which validator judged.
    """

    errors: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    not_validated: str = ""
    program: str = ""

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """From what ``to_dict`` made, through JSON."""
        return cls(
            tuple(map(str, values["errors"])),
            tuple(map(str, values["warnings"])),
            str(values["not_validated"]),
            str(values["program"]),
        )

    @classmethod
    def merged(cls, all_findings: Iterable[Findings]) -> Findings:
        """Of several entries, the same thing once."""
        findings = list(all_findings)
        return Findings(
            tuple(dict.fromkeys(error for one in findings for error in one.errors)),
            tuple(dict.fromkeys(warning for one in findings for warning in one.warnings)),
            "; ".join(dict.fromkeys(one.not_validated for one in findings if one.not_validated)),
            next((one.program for one in findings if one.program), ""),
        )

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @property
    def summary(self) -> str:
        """One line: ``valid, 8 warnings``; ``2 errors, 8 warnings: <the first error>``."""
        if self.not_validated:
            return f"not validated: {self.not_validated}"
        warnings = _counted(len(self.warnings), "warning")
        if not self.errors:
            return f"valid, {warnings}"
        return f"{_counted(len(self.errors), 'error')}, {warnings}: {self.errors[0]}"

    def report(self) -> str:
        """Everything, one finding a line, errors first; cut after ``MOST_LINES``."""
        lines = [f"error {error}" for error in self.errors]
        lines += [f"warning {warning}" for warning in self.warnings]
        if len(lines) > MOST_LINES:
            lines = [*lines[:MOST_LINES], f"and {len(lines) - MOST_LINES} more"]
        head = self.summary.partition(": /")[0] + (f" (by {self.program})" if self.program else "")
        return "\n".join([head, *lines])


def _counted(number: int, what: str) -> str:
    return f"{number or 'no'} {what}{'' if number == 1 else 's'}"
