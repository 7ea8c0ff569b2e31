"""Who may come in, from where, and by which proof: the server's `pg_hba.conf`.

A table of users where there is one, else trust on loopback. The exchanges themselves are in
`auth`, the encryption is made in `tls`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from gateway.config import Settings, is_loopback
from gateway.errors import InvalidAuthorization
from gateway.roles import NO_ROLES, Made, Roles, roles_of
from gateway.wire.connection.auth import Exchange, Scram, Trust
from gateway.wire.connection.tls import Tls, read_tls


@dataclass(frozen=True, slots=True)
class Admission:
    """Who may connect.

    Args:
        users: Name to SCRAM verifier. Without users everyone on loopback is trusted and nobody
            else is let in.
        roles: Who may use the reserved connections, and how many connections each role may have.
        trust_everyone: Without users, trust clients from elsewhere too.
        tls: What connections are encrypted with; None refuses encryption.
        require_tls: Refuse connections without it.
        delay_seconds: How long the answer to a failed login is kept back.
        made: The roles that statements made, as they are now.
    """

    users: Mapping[str, str] = field(default_factory=dict)
    roles: Roles = field(default_factory=Roles)
    trust_everyone: bool = False
    tls: Tls | None = None
    require_tls: bool = False
    delay_seconds: float = 0.0
    made: Callable[[], Made] = Made

    def exchange(self, user: str, host: str, *, encrypted: bool = False) -> Exchange:
        """How a client at `host` proves who it is: SCRAM, or not at all where it is trusted.

        Raises:
            InvalidAuthorization: 28000, nobody may come from there, or not unencrypted.
        """
        if self.require_tls and not encrypted:
            raise InvalidAuthorization(
                f'no entry for host "{host}", user "{user}", no encryption',
                hint="This server wants TLS: connect with sslmode=require.",
            )
        verifiers = self._verifiers(user)
        trusted = not self.users and (self.trust_everyone or is_loopback(host))
        if trusted and user not in verifiers:
            return Trust()
        if verifiers or any(role.verifier for role in self.made().roles.values()):
            binding = self.tls.end_point if encrypted and self.tls else b""
            return Scram(user, verifiers, self._mock_secret(), binding)
        raise InvalidAuthorization(
            f'no entry for host "{host}", user "{user}"',
            hint="Configure users; without any, only clients on this machine are let in.",
        )

    def permit(self, user: str) -> None:
        """Let in who has proved to be `user`; nobody else is told of roles.

        Raises:
            InvalidAuthorization: 28000, there can be no such role, or it may not log in.
        """
        if user in NO_ROLES:
            raise InvalidAuthorization(f'role "{user}" does not exist')
        role = None if user in self.users else self.made().roles.get(user)
        if role is not None and not role.login:
            raise InvalidAuthorization(f'role "{user}" is not permitted to log in')

    def _mock_secret(self) -> bytes:
        """What makes the salts of users that do not exist; a new start does not change it.

        It is one of the verifiers, which nobody is told. If it changed by itself, those whose salts
        stay would be the users that there are.
        """
        made = {name: role.verifier for name, role in self.made().roles.items() if role.verifier}
        return min({**made, **self.users}.items())[1].encode()

    def _verifiers(self, user: str) -> Mapping[str, str]:
        """What is kept of the passwords; nothing of a made role's whose time is over."""
        role = None if user in self.users else self.made().roles.get(user)
        if role is None or not role.verifier:
            return self.users
        ended = role.valid_until not in ("", "infinity") and (
            datetime.fromisoformat(role.valid_until) < datetime.now(UTC)
        )
        return {user: "" if ended else role.verifier}

    @property
    def now(self) -> Roles:
        """The roles that there are."""
        return self.roles.with_made(self.made())

    def is_superuser(self, user: str) -> bool:
        """Whether the user stands above the others."""
        return self.now.is_superuser(user)


def admission_of(settings: Settings, made: Callable[[], Made] = Made) -> Admission:
    """What the settings, and the roles that statements made, say of who may connect.

    Raises:
        ConfigurationFault: F0000, a certificate or key that cannot be used.
    """
    tls = None
    if settings.tls_certificate is not None:
        tls = read_tls(settings.tls_certificate, settings.tls_key)
    return Admission(
        users=settings.users,
        roles=roles_of(settings),
        trust_everyone=settings.trust_everyone,
        tls=tls,
        require_tls=settings.require_tls,
        delay_seconds=settings.failed_login_seconds,
        made=made,
    )
