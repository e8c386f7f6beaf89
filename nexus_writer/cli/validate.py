"""``nexus-writer validate``: entries held against the NeXus definitions."""

from __future__ import annotations

from collections.abc import Sequence

from nexus_writer.hdf5 import lost_links, own_entries
from nexus_writer.subscribers.findings import Findings
from nexus_writer.subscribers.nexus_rules import HOW_TO_INSTALL, can_validate, validate_entry

from .errors import CommandError
from .file_target import FileTarget


class NotValid(CommandError):
    """Some of what was looked at breaks the definitions; what exactly was printed."""


def validate_files(targets: Sequence[FileTarget], *, warnings: bool, strict_names: bool) -> None:
    """Print what is found in each entry. Raises NotValid for errors, CommandError when none can be found."""
    if not can_validate():
        raise CommandError(HOW_TO_INSTALL)
    not_valid = [target for target in targets if not _is_valid(target, warnings, strict_names)]
    if not_valid:
        raise NotValid(f"{', '.join(str(target.path) for target in not_valid)}: not valid NeXus")


def _is_valid(target: FileTarget, warnings: bool, strict_names: bool) -> bool:
    if not target.path.is_file():
        raise CommandError(f"there is no file {target.path}")
    entry = target.item.strip("/").partition("/")[0]
    try:
        entries = [entry] if entry else own_entries(target.path)
        lost = () if entry else tuple(lost_links(target.path))
    except (OSError, RuntimeError) as error:
        raise CommandError(f"{target.path} cannot be read: {' '.join(str(error).split())}") from None
    if lost or not entries:
        _print(
            str(target.path), Findings(warnings=lost), "" if entries else "no entries of its own, ", warnings
        )
    valid = True
    for name in entries:
        findings = validate_entry(target.path, name, strict_names=strict_names)
        if findings.not_validated:
            raise CommandError(findings.not_validated)
        _print(f"{target.path}::/{name}", findings, "", warnings)
        valid = valid and not findings.errors
    return valid


def _print(where: str, findings: Findings, remark: str, warnings: bool) -> None:
    print(f"{where}: {remark}{findings.counts}")
    for error in findings.errors:
        print(f"  error {error}")
    for warning in findings.warnings if warnings else ():
        print(f"  warning {warning}")
