"""The edges: environment, terminal, exit codes."""
