"""How the registry's tables came to be as they are: one alembic revision for each change.

A file of an older version is brought forward when it is opened, in one transaction; one of a newer version is refused.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, inspect, select, table
from sqlalchemy.sql.expression import column

from facekeep.errors import DamagedStoreError

__all__ = ["HEAD", "revision_of", "upgrade"]

HEAD: Final = "0009"
"""The revision that this version of the program writes. Known here, so that the usual opening needs no alembic."""


def revision_of(connection: Connection) -> str | None:
    """The revision of a file, or None if it holds no table.

    Raises:
        DamagedStoreError: it holds tables, but not those of a registry.
    """
    names = inspect(connection).get_table_names()
    if not names:
        return None
    if "alembic_version" in names:
        revision = connection.execute(select(column("version_num")).select_from(table("alembic_version"))).scalar()
        if isinstance(revision, str):
            return revision
    raise DamagedStoreError("the file in the registry's place is not a registry", store="registry")


def upgrade(connection: Connection) -> None:
    """Bring a file forward to :data:`HEAD`, inside the transaction that ``connection`` is in.

    Raises:
        DamagedStoreError: the file was written by a newer version, or is not a registry.
    """
    revision = revision_of(connection)
    if revision == HEAD:
        return
    # Alembic takes a tenth of a second to import, which the usual opening need not pay.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", "facekeep.store:migrations")
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if revision is not None and revision not in known:
        hint = "Upgrade Facekeep to the version that wrote it."
        raise DamagedStoreError("the registry was written by a newer version", store="registry", hint=hint)
    command.upgrade(config, HEAD)
