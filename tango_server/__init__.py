"""The ``NexusWriter`` Tango device, its server and its registration."""
