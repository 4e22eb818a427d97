"""The bytes of the vault protocol (docs/spec/vault-protocol.md): frames, methods and messages. No I/O here."""
