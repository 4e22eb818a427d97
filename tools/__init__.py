"""Tools of the developer; nothing here is part of the installed package."""
