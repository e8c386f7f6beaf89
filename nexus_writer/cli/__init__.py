"""The ``nexus-writer`` command."""
