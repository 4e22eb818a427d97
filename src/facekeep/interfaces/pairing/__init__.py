"""Roles on hosts of their own: what each host holds, whom it knows, and how it becomes part of a keep."""
