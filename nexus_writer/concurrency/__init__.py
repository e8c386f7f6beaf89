"""Locks, events, queues and threads that greenlets of several hubs share."""
