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
    def counts(self) -> str:
        """``valid, 8 warnings``; ``2 errors, 8 warnings``."""
        warnings = _counted(len(self.warnings), "warning")
        return f"{_counted(len(self.errors), 'error') if self.errors else 'valid'}, {warnings}"

    @property
    def summary(self) -> str:
        """One line: the counts, with the first error if there is one; or why there are none."""
        if self.not_validated:
            return f"not validated: {self.not_validated}"
        return f"{self.counts}: {self.errors[0]}" if self.errors else self.counts

    def report(self) -> str:
        """Everything, one finding a line, errors first; cut after ``MOST_LINES``."""
        lines = [f"error {error}" for error in self.errors]
        lines += [f"warning {warning}" for warning in self.warnings]
        if len(lines) > MOST_LINES:
            lines = [*lines[:MOST_LINES], f"and {len(lines) - MOST_LINES} more"]
        head = self.summary if self.not_validated else self.counts
        return "\n".join([f"{head} (by {self.program})" if self.program else head, *lines])


def _counted(number: int, what: str) -> str:
    return f"{number or 'no'} {what}{'' if number == 1 else 's'}"
