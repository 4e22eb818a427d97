"""The registry over sockets: the gate asks the registrar on another host (docs/spec/registry-protocol.md)."""
