"""A shop whose customers sign in and pay by face or passkey."""
