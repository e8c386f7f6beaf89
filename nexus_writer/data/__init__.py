"""Scans in Redis: decoding, nodes, events, walks and publishing."""
