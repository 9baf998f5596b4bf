"""The published platform interface under ``/platform``: one module per tag, fields and paths as published."""
