"""Passwords: argon2id, the same time for an unknown identifier, rehashed when the cost changes."""

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

hasher, decoy = PasswordHasher(), ""


def use(passes, kibibytes):
    """The cost that the settings ask for; and what an unknown identifier is checked against, at the same cost."""
    global hasher, decoy
    hasher = PasswordHasher(time_cost=passes, memory_cost=kibibytes, parallelism=1)
    decoy = hasher.hash("nobody has this password")


def hash_password(password):
    return hasher.hash(password)


def verify(user, password):
    """Whether the password is this user's; `user` may be None, and the answer takes as long."""
    chosen = user is not None and user.password_hash.startswith("$")  # someone invited has not chosen one yet
    kept = user.password_hash if chosen else decoy
    right = matches(kept, password)
    return chosen and right and user.is_active


def matches(kept, typed):
    """Whether what was typed is what this hash was made of."""
    try:
        return hasher.verify(kept, typed)
    except (VerificationError, InvalidHashError):
        return False


def is_stale(password_hash):
    """Hashed at another cost than today's."""
    return hasher.check_needs_rehash(password_hash)
