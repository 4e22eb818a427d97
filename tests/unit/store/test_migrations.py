"""The shipped migrations lead to the tables that the program uses."""

import sqlite3
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import ScriptDirectory
from sqlalchemy import inspect

from facekeep.domain.access import Scope
from facekeep.errors import DamagedStoreError
from facekeep.store.database import Database, new_file
from facekeep.store.keys import MemoryKeyProvider
from facekeep.store.migrations import HEAD, revision_of, upgrade
from facekeep.store.migrations.versions import (
    r0001_registry,
    r0002_clients,
    r0003_requests,
    r0004_accounts,
    r0005_webhooks,
    r0006_ledger,
    r0007_appeals,
    r0008_witnesses,
    r0009_reviews,
)
from facekeep.store.registry import Registry
from facekeep.store.tables import metadata
from tests.unit.store.registry_scenes import DIGEST, KEEP, MODEL, NOW, execute, fetch, fill, snapshot

ACCOUNTS = {"accounts", "passkeys", "sessions", "invitations", "identities"}

REVIEWS = {"reviews", "review_words", "reviewers", "concerns"}

LEDGER = {"ledger_nodes", "ledger_entries", "ledger_own", "ledger_heads", "ledger_witnesses", "ledger_watched"}


def test_they_lead_to_the_tables_in_use(tmp_path: Path) -> None:
    new_file(tmp_path / "file")
    database = Database(tmp_path / "file")
    with database.writing() as connection:
        assert revision_of(connection) is None
        upgrade(connection)
        assert revision_of(connection) == HEAD
        upgrade(connection)
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    database.close()


def test_a_file_made_by_them_is_the_file_the_tables_would_make(tmp_path: Path) -> None:
    files = [tmp_path / "migrated", tmp_path / "made"]
    for file in files:
        new_file(file)
        database = Database(file)
        with database.writing() as connection:
            if file.name == "made":
                metadata.create_all(connection)
            else:
                upgrade(connection)
        database.close()
    wanted = "SELECT name, lower(sql) FROM sqlite_schema WHERE name NOT LIKE '%alembic%' ORDER BY name"
    migrated, made = (
        {(name, "".join(sorted("".join(str(sql).split())))) for name, sql in fetch(file, wanted)} for file in files
    )
    # Letters sorted: the order of constraints within a statement is all that may differ.
    assert migrated == made
    tables = "SELECT sql FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE '%alembic%'"
    assert all("WITHOUT ROWID" in str(sql) for (sql,) in fetch(files[0], tables))


def test_the_revisions_make_every_table(tmp_path: Path) -> None:
    new_file(tmp_path / "file")
    database = Database(tmp_path / "file")
    with database.writing() as connection, Operations.context(MigrationContext.configure(connection)):
        r0001_registry.upgrade()
        assert set(inspect(connection).get_table_names()) == (
            set(metadata.tables)
            - {"clients", "requests", "webhooks", "deliveries", "appeals"}
            - ACCOUNTS
            - LEDGER
            - REVIEWS
        )
        r0002_clients.upgrade()
        r0003_requests.upgrade()
        r0004_accounts.upgrade()
        r0005_webhooks.upgrade()
        r0006_ledger.upgrade()
        r0007_appeals.upgrade()
        r0008_witnesses.upgrade()
        r0009_reviews.upgrade()
        assert set(inspect(connection).get_table_names()) == set(metadata.tables)
    database.close()


def test_a_registry_of_the_first_revision_is_brought_forward_and_keeps_what_it_holds(tmp_path: Path) -> None:
    path, keys = tmp_path / "registry.db", MemoryKeyProvider()
    with Registry.create(path, keys, keep_id=KEEP, model=MODEL) as registry:
        fill(registry, ledger=False)
        with registry.transaction() as tx:
            for client in tx.clients():
                tx.remove_client(client.id)
            (request,) = tx.requests()
            tx.remove_request(request.id)
            for webhook in tx.webhooks():
                tx.remove_webhook(webhook.id)
            for account in tx.accounts():
                tx.remove_account(account.id)
        before = snapshot(registry)
    execute(path, "DROP TABLE clients")
    execute(path, "DROP TABLE requests")
    for table in ("deliveries", "webhooks", "appeals", *LEDGER, *sorted(REVIEWS, key="reviews".__eq__)):
        execute(path, f"DROP TABLE {table}")
    for table in sorted(ACCOUNTS, key="accounts".__eq__):
        execute(path, f"DROP TABLE {table}")
    execute(path, "UPDATE alembic_version SET version_num = '0001'")
    with Registry.open(path, keys) as registry:
        assert snapshot(registry) == before
        with registry.transaction() as tx:
            tx.add_client("till", [Scope.VERIFY], DIGEST, created=NOW, expires=NOW + timedelta(days=1))
        assert registry.client_by_digest(DIGEST) == registry.client_by_name("till")


def test_they_are_one_line_that_ends_at_the_known_head() -> None:
    config = Config()
    config.set_main_option("script_location", "facekeep.store:migrations")
    scripts = ScriptDirectory.from_config(config)
    assert scripts.get_heads() == [HEAD]
    assert len(scripts.get_bases()) == 1


def test_an_interrupted_migration_leaves_the_file_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    new_file(tmp_path / "file")
    database = Database(tmp_path / "file")

    def migrate_and_die() -> None:
        with database.writing() as connection:
            upgrade(connection)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        migrate_and_die()
    database.close()
    assert fetch(tmp_path / "file", "SELECT name FROM sqlite_schema") == []


def test_an_older_file_is_not_brought_forward_by_a_look(
    registry: Registry, path: Path, keys: MemoryKeyProvider
) -> None:
    execute(path, "UPDATE alembic_version SET version_num = '0001'")
    with pytest.raises(DamagedStoreError, match="another version"):
        Registry.look(path, keys)
    assert fetch(path, "SELECT version_num FROM alembic_version") == [("0001",)]


def test_a_file_of_a_newer_version_is_refused_and_left_alone(
    registry: Registry, path: Path, keys: MemoryKeyProvider
) -> None:
    registry.close()
    execute(path, "UPDATE alembic_version SET version_num = '9999'")
    before = path.read_bytes()
    with pytest.raises(DamagedStoreError, match="newer version") as caught:
        Registry.open(path, keys)
    assert "Upgrade Facekeep" in caught.value.hint
    assert path.read_bytes() == before


@pytest.mark.parametrize("damage", ["DELETE FROM alembic_version", "DROP TABLE alembic_version"])
def test_a_file_without_a_version_is_refused(
    registry: Registry, path: Path, keys: MemoryKeyProvider, damage: str
) -> None:
    registry.close()
    execute(path, damage)
    with pytest.raises(DamagedStoreError, match="not a registry"):
        Registry.open(path, keys)


def test_an_up_to_date_registry_opens_without_alembic(registry: Registry, path: Path, keys: MemoryKeyProvider) -> None:
    fill(registry)
    before = snapshot(registry)
    registry.close()
    with Registry.open(path, keys) as again:
        assert snapshot(again) == before
    code = "import sys; import facekeep.store.registry; sys.exit('alembic' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_sqlite_is_new_enough() -> None:
    # WITHOUT ROWID, secure_delete and wal_checkpoint(TRUNCATE) all work since 3.8.8.
    assert sqlite3.sqlite_version_info >= (3, 8, 8)
