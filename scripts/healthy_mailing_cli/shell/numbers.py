"""Numbers as people read them."""


def percent(count: int, of: int, decimals: int) -> str:
    """Return a share, always with so many decimals.

    It is cut and not rounded, so that a rate below one of SES's lines does not read as if it were on it.
    """
    units = count * 100 * 10**decimals // of
    if count and not units:
        return f"under {10**-decimals:.{decimals}f}%"
    return f"{units / 10**decimals:.{decimals}f}%"
