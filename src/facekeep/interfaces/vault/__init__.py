"""The vault protocol over sockets: gate, halves and selector on different hosts (docs/spec/vault-protocol.md)."""
