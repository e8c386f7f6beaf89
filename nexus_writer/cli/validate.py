"""``nexus-writer validate``: entries held against the NeXus definitions."""

from __future__ import annotations

from collections.abc import Sequence

import h5py

from nexus_writer.hdf5 import lost_links, own_entries
from nexus_writer.subscribers.findings import Findings
from nexus_writer.subscribers.nexus_rules import HOW_TO_INSTALL, can_validate, validate_entry

from .errors import CommandError
from .file_target import FileTarget


class NotValid(CommandError):
    """Some of what was looked at breaks the definitions; what exactly was printed."""


def validate_files(targets: Sequence[FileTarget], *, warnings: bool, strict_names: bool) -> None:
    """Print what is found in each entry of each target, whatever the others are.

    Raises NotValid for errors, CommandError when some cannot be looked at.
    """
    if not can_validate():
        raise CommandError(HOW_TO_INSTALL)
    not_valid, unread = [], []
    for target in targets:
        try:
            if not _is_valid(target, warnings, strict_names):
                not_valid.append(str(target.path))
        except CommandError as error:
            unread.append(str(error))
    problems = [*unread, *([f"{', '.join(not_valid)}: not valid NeXus"] if not_valid else [])]
    if unread:
        raise CommandError("; ".join(problems))
    if not_valid:
        raise NotValid(*problems)


def _is_valid(target: FileTarget, warnings: bool, strict_names: bool) -> bool:
    target.check_file()
    entry = target.item.strip("/").partition("/")[0]
    try:
        with h5py.File(target.path, locking=False) as file:
            target.found(file)
        entries = [entry] if entry else own_entries(target.path)
        lost = () if entry else tuple(lost_links(target.path))
    except (OSError, RuntimeError) as error:
        raise target.unreadable(error) from None
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
