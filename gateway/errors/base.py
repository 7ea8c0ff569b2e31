"""What every refusal has: a message, and what the user can do instead."""

from __future__ import annotations


class GatewayError(Exception):
    """A statement refused; `str(error)` is the Message field of ErrorResponse.

    Args:
        message: Lower case, no full stop, names the thing refused.
        detail: The values that made it so.
        hint: What the user can type instead.
        position: 1-based character offset into the statement as it was sent; 0 when unknown.
        context: Where in the data it happened, such as a line of COPY.
    """

    code = "XX000"

    def __init_subclass__(cls, code: str) -> None:
        cls.code = code

    def __init__(
        self,
        message: str,
        *,
        detail: str = "",
        hint: str = "",
        position: int = 0,
        context: str = "",
    ) -> None:
        super().__init__(message)
        self.detail, self.hint, self.position, self.context = detail, hint, position, context
