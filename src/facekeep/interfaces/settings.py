"""Settings from the environment: built once, frozen, passed in; a variable that nobody knows is refused.

A misspelt ``FACEKEEP_PASSPHRSE_LEFT`` that is passed over in silence would leave a key unprotected, so every variable
that begins with ``FACEKEEP_`` has to be one of these.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

from facekeep.errors import UsageError

__all__ = ["PREFIX", "Settings"]

PREFIX = "FACEKEEP_"
_RATE = r"^(none|[1-9][0-9]{0,6}/[1-9][0-9]{0,4})$"


class Settings(BaseModel):
    """What the environment says. Every field is the variable ``FACEKEEP_`` and its name in capitals.

    Attributes:
        keep: the keep's folder, where no ``--keep`` is given.
        server: the address of a served keep, where neither ``--keep`` nor ``--server`` is given.
        token: what the server knows this client by; see ``--token-file`` too.
        authorities: certificates to trust in place of the usual ones when a server, a receiver of
            webhooks, or a mail server is asked, PEM.
        operator: who works, where no ``--operator`` is given; else the name of the account of the operating system.
        keys: the folder of keys, in place of the one that ``facekeep init`` noted.
        passphrase_registry: the passphrase of the registry's epoch keys.
        passphrase_left: the passphrase of the left half's epoch keys.
        passphrase_right: the passphrase of the right half's epoch keys.
        passphrase_fd: number of an open file descriptor that passphrases are read from, one in a line, in the order
            registry, left, right of those that have one. It leaves nothing in the environment of the process.
        models: manifest files of further models, separated by colons (docs/how-to/other-models.md).
        detector: name of the detector to use; else the one of the package.
        embedding: name of the embedding to use; a keep is bound to the one that it was made with.
        rate_client: requests of a machine client of the service, as REQUESTS/SECONDS; ``none`` for no limit.
        rate_address: the same for what an address asks the service without a token that is known.
        proxies: addresses or networks, separated by commas, of proxies before the service whose word on the address of
            a caller is taken (``X-Forwarded-For``).
        origin: where people sign in at the served keep, for links and passkeys: https:// and a host.
        oidc_issuer: a provider of identities (OpenID Connect) by which people may sign in to the service too.
        oidc_client_id: the service's name there.
        oidc_secret: the service's secret there.
        oidc_secret_file: the file that holds it, in place of FACEKEEP_OIDC_SECRET.
        oidc_authentication: client_secret_basic, client_secret_post, or none for a public client without a secret.
        mail_server: takes letters about events: smtps://HOST:PORT, or smtp://HOST:PORT, which has to offer STARTTLS
            unless it is on this machine.
        mail_from: the address that letters are from.
        mail_user: what the mail server knows the keep by, if it asks.
        mail_password: the password there.
        mail_password_file: the file that holds it, in place of FACEKEEP_MAIL_PASSWORD.
        webhooks_private: 1 if webhooks may be in this network, or on this machine.
        data: folder of data outside the repository. Only the project's own extended tests read it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    keep: Path | None = None
    server: str | None = Field(default=None, max_length=2048)
    token: SecretStr | None = None
    authorities: Path | None = None
    operator: str | None = Field(default=None, min_length=1, max_length=128)
    keys: Path | None = None
    passphrase_registry: SecretStr | None = None
    passphrase_left: SecretStr | None = None
    passphrase_right: SecretStr | None = None
    passphrase_fd: int | None = Field(default=None, ge=0)
    models: str = ""
    detector: str | None = None
    embedding: str | None = None
    rate_client: str = Field(default="1200/60", pattern=_RATE)
    rate_address: str = Field(default="60/60", pattern=_RATE)
    proxies: str = ""
    origin: str | None = Field(default=None, max_length=256)
    oidc_issuer: str | None = Field(default=None, max_length=1024)
    oidc_client_id: str | None = Field(default=None, max_length=1024)
    oidc_secret: SecretStr | None = None
    oidc_secret_file: Path | None = None
    oidc_authentication: str = Field(
        default="client_secret_basic", pattern="^(client_secret_basic|client_secret_post|none)$"
    )
    mail_server: str | None = Field(default=None, max_length=512)
    mail_from: str | None = Field(default=None, max_length=254)
    mail_user: str | None = Field(default=None, max_length=256)
    mail_password: SecretStr | None = None
    mail_password_file: Path | None = None
    webhooks_private: bool = False
    data: Path | None = None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """Read the variables that begin with ``FACEKEEP_``; an empty one counts as absent.

        Raises:
            UsageError: a variable is unknown, or its value does not fit. The value is not in the message.
        """
        given = {name: value for name, value in environment.items() if name.startswith(PREFIX) and value}
        known = [PREFIX + name.upper() for name in cls.model_fields]
        unknown = sorted(set(given) - set(known))
        if unknown:
            raise UsageError(
                f"the environment variable {unknown[0]} means nothing to Facekeep",
                hint=f"Unset it, or correct it. Known are {', '.join(known)}.",
            )
        try:
            return cls.model_validate({name.removeprefix(PREFIX).lower(): value for name, value in given.items()})
        except ValidationError as error:
            names = sorted(PREFIX + str(problem["loc"][0]).upper() for problem in error.errors() if problem["loc"])
            raise UsageError(
                f"the environment variable {names[0]} does not have a value of its kind",
                hint="See docs/reference/cli.md for what it expects.",
            ) from None

    def passphrase(self, role: str) -> SecretStr | None:
        """The passphrase of a role's epoch keys from the environment; ``role`` is registry, left or right."""
        return {
            "registry": self.passphrase_registry,
            "left": self.passphrase_left,
            "right": self.passphrase_right,
        }[role]
