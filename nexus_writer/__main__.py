"""``python -m nexus_writer``."""

from nexus_writer.cli import main

if __name__ == "__main__":
    main()
