"""Roles, passwords and random tokens. Nothing here knows a table."""

from __future__ import annotations

import hashlib
import secrets
from enum import StrEnum

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

CAPITALS = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"  # no signs that a person mistakes
ALPHABET = CAPITALS + "abcdefghjkmnpqrstuvwxyz"

_hasher = PasswordHasher()
_DUMMY = "$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHRzb21lc2FsdA$N4/nJpC3JYJ1zZ0XWqR2bqg0Yx7T0n2cZ5n3o0Hq8uY"


class Role(StrEnum):
    """What a person or a token may do. Each page and call names the roles that may."""

    COORDINATOR = "coordinator"
    CLINICIAN = "clinician"
    INVESTIGATOR = "investigator"
    MONITOR = "monitor"
    OPERATOR = "operator"
    ADMIN = "admin"


def hash_password(password: str) -> str:
    """argon2id. ValueError for a password under 10 characters."""
    if len(password) < 10:
        raise ValueError("password: at least 10 characters")
    return _hasher.hash(password)


def password_matches(password_hash: str | None, password: str) -> bool:
    """Whether it does; as slow for a person who is not there as for one who is."""
    try:
        return _hasher.verify(password_hash or _DUMMY, password) and password_hash is not None
    except (VerificationError, InvalidHashError):
        return False


def new_token(characters: int = 22) -> str:
    """A random token that fits a link (22 characters: over 120 bits)."""
    return "".join(secrets.choice(ALPHABET) for _ in range(characters))


def new_code(characters: int = 6) -> str:
    """A random code for a person to type: capitals and digits, to be compared by `typed_code`."""
    return "".join(secrets.choice(CAPITALS) for _ in range(characters))


def typed_code(text: str) -> str:
    """A code as a person typed it, in small letters or with spaces, as it was made."""
    return "".join(text.split()).replace("-", "").upper()


def digest(token: str) -> str:
    """What is stored of a token."""
    return hashlib.sha256(token.encode()).hexdigest()
