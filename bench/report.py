"""Figures beside their targets, in columns."""

HELD, EXCEEDED = "tenu", "dépassé"


def verdict(value, target):
    return f"{figure(value)} ≤ {figure(target)} {HELD if value <= target else EXCEEDED}"


def figure(value):
    """Three figures that matter: 0,31 · 12,4 · 1 250; words as they are."""
    if isinstance(value, str):
        return value
    digits = 0 if isinstance(value, int) or value >= 100 else 1 if value >= 10 else 2
    return f"{value:,.{digits}f}".replace(",", " ").replace(".", ",")


def table(title, heads, rows):
    cells = [[figure(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(heads, *cells, strict=True)]
    print(f"\n{title}\n" + "─" * len(title))
    for line in (heads, *cells):
        first, *others = (
            cell.rjust(width) if place else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        print("  ".join([first, *others]), flush=True)
